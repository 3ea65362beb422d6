"""Suite `hg19-mini`: labelled windows of human sequence, each against others of like GC content.

==============  ======================================================================  =========
task            positive                                                                jittered
==============  ======================================================================  =========
promoter        transcription start, read on its strand                                 +-20 bp
cpg_island      middle of a CpG island                                                  +-20 bp
ctcf            middle of a CTCF-bound region                                           +-20 bp
donor           first base of an intron, read on its strand                             +-20 bp
acceptor        last base of an intron, read on its strand                              +-20 bp
donor_decoy     the same; negatives carry GT where donors do                            no
acceptor_decoy  the same; negatives carry AG where acceptors do                         no
==============  ======================================================================  =========

Splits are by place: learned on chrX and chr20:0-30 Mb, chosen on chr20:30-40 Mb, measured on the
rest of chr20, which nucel-mini never saw. Negatives come from the same chromosome, at least 1 kb
from every site of the file.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucel_genome import Genome
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.evaluation.sites import Part, SiteSet, SplitConfig, labelled_windows
from nucel_pretrain.messages import Say
from nucel_pretrain.runfolder import write_whole

WINDOW, JITTER = 200, 20
SPLIT = SplitConfig(
    train=("chrX", "chr20:0-30000000"),
    choose=("chr20:30000000-40000000",),
    test=("chr20:40000000-63025520",),
    window=WINDOW + 2 * JITTER,
    max_train=2000,
    max_choose=300,
    max_test=1000,
)
FILES = {"train": "train", "choose": "dev", "test": "test"}
"""Part of the split -> the file that holds it."""
COLUMNS = ("sequence", "label", "chromosome", "start", "end", "strand", "site")
"""Of the files; 0-based half-open, and the site's base in the window, -1 without one."""


@dataclass(frozen=True)
class Task:
    """One question."""

    sites: SiteSet
    jitter: int = JITTER


TASKS = {
    "promoter": Task(SiteSet(name="promoter", bed="tss.bed", stranded=True)),
    "cpg_island": Task(SiteSet(name="cpg_island", bed="cpg_islands.bed")),
    "ctcf": Task(SiteSet(name="ctcf", bed="ctcf_bound.bed")),
    "donor": Task(SiteSet(name="donor", bed="splice_donors.bed", stranded=True)),
    "acceptor": Task(SiteSet(name="acceptor", bed="splice_acceptors.bed", stranded=True)),
    "donor_decoy": Task(
        SiteSet(name="donor_decoy", bed="splice_donors.bed", stranded=True, decoy="GT"), 0
    ),
    "acceptor_decoy": Task(
        SiteSet(
            name="acceptor_decoy",
            bed="splice_acceptors.bed",
            stranded=True,
            decoy="AG",
            decoy_offset=-1,  # a site is the intron's last base, the G
        ),
        0,
    ),
}


def build(
    fasta: Sequence[str],
    sites_dir: Path,
    out: Path,
    *,
    cache: Path | None = None,
    say: Say = lambda line: None,
) -> None:
    """Write ``out/TASK/{train,dev,test}.csv`` of every task; files that are there stay.

    Args:
        fasta: hg19 (GRCh37) chr20 and chrX.
        sites_dir: Folder of the BED files.
        out: Made if need be.
        cache: Folder in which converted genomes are kept; None = the user's cache.
        say: Told what each task holds.

    Raises:
        GenomeError, DataError: Sequence or sites cannot be used.
    """
    missing = [name for name in TASKS if not (out / name / "test.csv").exists()]
    if not missing:
        return
    for task in TASKS.values():  # before the genome is read
        if not (sites_dir / task.sites.bed).is_file():
            raise DataError(f"{sites_dir} has no {task.sites.bed}, which hg19-mini is built from")
    genome = Genome.open(tuple(fasta), cache=cache, say=say)
    for name in missing:
        task = TASKS[name]
        parts = labelled_windows(genome, task.sites, SPLIT, folder=sites_dir, say=say)
        (out / name).mkdir(parents=True, exist_ok=True)
        for part, windows in parts.items():  # test is the last
            write_whole(out / name / f"{FILES[part]}.csv", table(windows, task.jitter, name, part))
        sizes = ", ".join(f"{FILES[part]} {len(parts[part].ids):,}" for part in parts)
        say(f"{name}: {sizes} windows, half of them positive")


def table(windows: Part, jitter: int, name: str, part: str) -> str:
    """CSV of one part: windows cut to `WINDOW` bases around a place near the site."""
    rng = np.random.default_rng(zlib.crc32(f"{name}/{part}".encode()))
    shift = (
        rng.integers(-jitter, jitter + 1, len(windows.ids)) if jitter else [0] * len(windows.ids)
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    width = windows.ids.shape[1]
    for row, positive in enumerate(windows.positive):
        first = JITTER + int(shift[row])
        start = int(windows.start[row])
        other = bool(windows.flip[row])
        start += width - first - WINDOW if other else first
        writer.writerow(
            (
                tokenizer.decode(windows.ids[row, first : first + WINDOW]),
                int(positive),
                windows.chromosome[row],
                start,
                start + WINDOW,
                "-" if other else "+",
                width // 2 - first if positive else -1,
            )
        )
    return text.getvalue()
