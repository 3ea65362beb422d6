"""Sites of a genome as labelled sequences: windows around them, and others of like GC content."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucel_genome import Genome
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.evaluation.sites import (
    Part as Windows,
)
from nucel_pretrain.evaluation.sites import (
    Sites,
    SiteSet,
    SplitConfig,
    labelled_windows,
    read_sites,
)
from nucel_pretrain.finetune.dataset import Dataset, Part
from nucel_pretrain.messages import Say

MOST = 10**9
SHARES = {"test": 0.2, "dev": 0.1}
"""Of all sites, where whole chromosomes are assigned to parts."""


def sites_dataset(
    bed: Path,
    fasta: Sequence[str],
    *,
    window: int,
    train: Sequence[str] = (),
    dev: Sequence[str] = (),
    test: Sequence[str] = (),
    stranded: bool = False,
    seed: int = 0,
    cache: Path | None = None,
    say: Say = lambda line: None,
) -> Dataset:
    """Windows around the middles of a BED file's intervals (label 1) and matched ones (label 0).

    A negative lies on its site's chromosome and in its part of the split, at least 1 kb from every
    site's window, holds no N, and has the same GC content but for 2 % of its bases.

    Args:
        bed: Sites; column 6 is the strand, if ``stranded``.
        fasta: The genome: FASTA or .2bit.
        window: Bases; the site is base ``window // 2``.
        train: Regions ("chr1", "chr2:0-1000000"); without any of the three, whole chromosomes are
            assigned, a fifth of all sites to test and a tenth to dev.
        dev: Regions that choose.
        test: Regions that measure.
        stranded: Read windows on the site's strand.
        seed: Seed of the choice of negatives.
        cache: Folder in which converted genomes are kept; None = the user's cache.
        say: Told of slow steps and of sites that are not used.

    Raises:
        DataError: Sites or regions cannot be used or are of another genome, or there are too few
            chromosomes to deal out.
        GenomeError: The genome cannot be read.
    """
    genome = Genome.open(tuple(fasta), cache=cache, say=say)
    sites = read_sites(bed, stranded=stranded, genome=genome, say=say)
    if not (train or dev or test):
        train, dev, test = _dealt(bed, genome, sites)
    elif not (train and dev and test):
        raise DataError("give regions for all of --train, --dev and --test, or for none of them")
    split = SplitConfig(
        train=tuple(train), choose=tuple(dev), test=tuple(test), window=window, seed=seed,
        max_train=MOST, max_choose=MOST, max_test=MOST,
    )  # fmt: skip
    found = labelled_windows(genome, SiteSet(name=bed.stem, bed=bed.name, stranded=stranded), split,
                             folder=bed.parent, found=sites)  # fmt: skip
    named = {"train": "train", "choose": "dev", "test": "test"}
    parts = {named[name]: _part(windows, window) for name, windows in found.items()}
    left_out = sum(windows.without_match for windows in found.values())
    if left_out:
        say(f"{left_out:,} sites have no window of like GC content left, and are not used")
    return Dataset("classes", ("0", "1"), parts, bed.name)


def _part(windows: Windows, width: int) -> Part:
    names = [
        f"{name}:{start}-{start + width}({'-' if flip else '+'})"
        for name, start, flip in zip(windows.chromosome, windows.start, windows.flip, strict=True)
    ]
    return Part(
        tuple(tokenizer.decode(row) for row in windows.ids),
        windows.positive.astype(np.int64),
        tuple(names),
    )


def _dealt(bed: Path, genome: Genome, found: Sites) -> tuple[list[str], list[str], list[str]]:
    """Whole chromosomes for train, dev and test, by a hash of their names."""
    sizes = {name: len(found[name]) for name in genome.names if name in found}
    if len(sizes) < 3:
        raise DataError(
            f"{bed} has sites on {len(sizes)} chromosomes of the genome, too few to deal out; say "
            "which regions to learn, choose and measure on: --train, --dev, --test"
        )
    order = sorted(sizes, key=lambda name: zlib.crc32(name.encode()))
    parts: dict[str, list[str]] = {"test": [], "dev": [], "train": []}
    total = sum(sizes.values())
    for name in order:
        for part in ("test", "dev"):
            held = sum(sizes[other] for other in parts[part])
            if not held or held + sizes[name] / 2 < SHARES[part] * total:
                parts[part].append(name)
                break
        else:
            parts["train"].append(name)
    return parts["train"], parts["dev"], parts["test"]
