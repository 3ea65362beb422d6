"""Real sets whose right answer is known: their windows, and which matrices count as that answer.

Development sets may choose defaults, judged sets may not. Each window is of one of three parts:
``held_out`` (chr20:40,000,000-63,025,520, which nucel-mini never read), ``seen`` (the rest of chr20
and chrX, which it was trained on or tuned with) and ``elsewhere``. No set takes a development
window from the held-out part.

A motif belongs to a family if its best match in JASPAR (with the splice consensus added) has
E < 0.05 and is one of the family's matrices: by name, by JASPAR's transcription factor family, or
because it stands in an archetype (matrices too alike to tell between) of which they are over half.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucel_genome import Genome, bed_lines
from nucel_interp.io.fasta import read_records
from nucel_interp.match import JasparDatabase
from nucel_interp.types import Location, Record, canonical
from nucel_model import tokenizer
from nucel_pretrain.evaluation.sites import fetch_windows, read_sites, window_starts

HELD_OUT_FROM = 40_000_000
JITTER_BP = 20
SITE_WINDOW_BP = 200
REGION_WINDOW_BP = 256
CLEAR_BP = 500
"""Windows without a known answer keep this far from every annotated site and island."""


@dataclass(frozen=True)
class Family:
    """One right answer.

    Attributes:
        name: Name in tables.
        matrices: Names (or ids) of its matrices.
        tf_families: JASPAR's families, all of whose matrices are its own; of a dimer's matrix
            either partner's counts.
    """

    name: str
    matrices: frozenset[str] = frozenset()
    tf_families: frozenset[str] = frozenset()

    def accepted(self, database: JasparDatabase) -> frozenset[str]:
        """Ids of the matrices that count as this family, look-alikes among them."""
        own = {
            m.id
            for m in database.motifs
            if {m.id, m.name} & self.matrices
            or set(database.families[m.id].split("; ")) & self.tf_families
        }
        groups: dict[str, list[str]] = {}
        for m in database.motifs:
            groups.setdefault(database.archetypes[m.id], []).append(m.id)
        alike = [g for g in groups.values() if 2 * len(own.intersection(g)) > len(g)]
        return frozenset(own.union(*alike))


# CTCF's JASPAR family, "More than 3 adjacent zinc fingers", is hundreds of unlike factors, and
# su(Hw)'s no better: names alone. CTCFL reads CTCF's sites.
CTCF = Family("CTCF", frozenset({"CTCF", "CTCFL"}))
SU_HW = Family("su(Hw)", frozenset({"su(Hw)"}))
# The octamer and the SOX-POU composite. Not the POU4, POU6 and HNF1 matrices, which JASPAR files
# under POU domain factors too, but which read TAAT like other homeodomains.
POU = Family(
    "POU, SOX-POU",
    frozenset(
        {
            "Pou5f1::Sox2", "POU2F1::SOX2", "POU1F1", "POU2F1", "POU2F2", "POU2F3",
            "POU3F1", "POU3F2", "POU3F3", "POU3F4", "POU5F1", "POU5F1B",
        }
    ),
)  # fmt: skip
DONOR = Family("splice donor", frozenset({"splice_donor"}))
ACCEPTOR = Family("splice acceptor", frozenset({"splice_acceptor"}))
PROMOTER = (
    # SP, KLF, EGR and WT1: GC and GT boxes
    Family("SP/KLF", tf_families=frozenset({"Three-zinc finger Kruppel-related"})),
    Family("NFY", tf_families=frozenset({"Heteromeric CCAAT-binding"})),
    # by name: the family of MAFG::NRF1 (NFE2L1, another factor) has NRF in it too
    Family("NRF1", frozenset({"Nrf1"})),
    Family("ETS", tf_families=frozenset({"Ets-related"})),
    Family("TATA", frozenset({"TBP"}), frozenset({"TBP-related factors"})),
)


@dataclass(frozen=True)
class KnownSet:
    """One set of the benchmark.

    Attributes:
        file: Name of the file in the folder of peaks (.fa) or of annotation (.bed).
        role: development, judged, or open (no answer known).
        parts: Parts that are read, first the one that counts; the others are reported apart.
        families: The right answers; none if unknown.
        tax: JASPAR tax group.
        stranded: Sites with a strand, read on it, with the site at a random place.
        limit: More windows than this are subsampled by a hash of their content.
        ahead: Bases by which the site lies ahead of the window's middle.
    """

    file: str
    role: str
    parts: tuple[str, ...]
    families: tuple[Family, ...]
    tax: str = "vertebrates"
    stranded: bool = False
    limit: int = 500
    ahead: int = 0


SETS = {
    "ctcf_gm12878": KnownSet(
        "gm12878_ctcf_top500.fa", "development", ("elsewhere", "seen"), (CTCF,)
    ),
    "ctcf_bound": KnownSet("ctcf_bound.bed", "development", ("seen",), (CTCF,)),
    "donors": KnownSet("splice_donors.bed", "development", ("seen",), (DONOR,), stranded=True),
    "oct4": KnownSet(
        "oct4_hesc.fa", "judged", ("elsewhere", "seen", "held_out"), (POU,), limit=1000
    ),
    "suhw": KnownSet(
        "suhw_kc_dm3.fa", "judged", ("elsewhere",), (SU_HW,), tax="insects", limit=647
    ),
    "acceptors": KnownSet(
        "splice_acceptors.bed", "judged", ("held_out", "seen"), (ACCEPTOR,), stranded=True
    ),
    # most of the window before the start, where these families bind
    "promoters": KnownSet(
        "tss.bed", "judged", ("held_out", "seen"), PROMOTER, stranded=True, ahead=60
    ),
    "windows": KnownSet("gm12878_ctcf_top500.fa", "open", ("held_out",), ()),
}  # fmt: skip


def part_of(location: Location | None) -> str:
    """``held_out``, ``seen`` or ``elsewhere``."""
    if location is None or location.chromosome not in ("chr20", "chrX"):
        return "elsewhere"
    held_out = location.chromosome == "chr20" and location.end > HELD_OUT_FROM
    return "held_out" if held_out else "seen"


def read_set(
    name: str, part: str, *, peaks: Path, annotation: Path, fasta: Sequence[Path]
) -> list[Record]:
    """The windows of one part of a set, by a hash of their content; none overlaps another."""
    one = SETS[name]
    if one.role == "open":
        records = open_windows(Genome.open(fasta), peaks / one.file, annotation)
    elif one.file.endswith(".fa"):
        records = read_records(peaks / one.file)
    else:
        records = _around_sites(Genome.open(fasta), annotation / one.file, one)
    records = [r for r in records if part_of(r.location) == part]
    return _apart(sorted(records, key=lambda r: _digest(r.sequence)))[: one.limit]


def _digest(sequence: str) -> bytes:
    return hashlib.blake2b(canonical(sequence).encode(), digest_size=16).digest()


def _apart(records: list[Record]) -> list[Record]:
    """Each record that overlaps none kept before it."""
    taken: dict[str, list[tuple[int, int]]] = {}
    kept = []
    for record in records:
        place = record.location
        if place is not None:
            others = taken.setdefault(place.chromosome, [])
            if any(place.start < end and start < place.end for start, end in others):
                continue
            others.append((place.start, place.end))
        kept.append(record)
    return kept


def _around_sites(genome: Genome, bed: Path, one: KnownSet) -> list[Record]:
    """A window around each site; stranded ones hold it up to 20 bases from its usual place."""
    width = SITE_WINDOW_BP if one.stranded else REGION_WINDOW_BP
    records = []
    for chromosome, sites in read_sites(bed, stranded=one.stranded).items():
        if chromosome not in genome.names:
            continue
        for position, flip in sites.tolist():
            at = width // 2 + one.ahead
            if one.stranded:
                at += random.Random(f"{chromosome}:{position}").randint(-JITTER_BP, JITTER_BP)
            start = int(window_starts(np.array([position]), np.array([flip]), width, at)[0])
            if start < 0 or start + width > genome.length(chromosome):
                continue
            ids = fetch_windows(
                genome, np.array([chromosome]), np.array([start]), np.array([bool(flip)]), width
            )[0]
            if (ids >= tokenizer.A).all():
                mark = f"({'+-'[flip]})@{at}" if one.stranded else ""
                records.append(_record(chromosome, start, tokenizer.decode(ids), mark))
    return records


def _record(chromosome: str, start: int, sequence: str, mark: str = "") -> Record:
    end = start + len(sequence)
    name = f"{chromosome}:{start}-{end}{mark}"
    return Record(name, sequence, Location(chromosome, start, end))


def true_site(record: Record) -> int | None:
    """Base of the record where the annotated site lies, if the set knows it."""
    _, mark, at = record.name.partition("@")
    return int(at) if mark else None


def open_windows(genome: Genome, like: Path, annotation: Path) -> list[Record]:
    """Held-out windows far from all annotation, one as rich in GC as each of these sequences."""
    models = read_records(like)
    width = len(models[0])
    length = genome.length("chr20")
    taken = np.zeros(length, dtype=bool)
    for bed in sorted(annotation.glob("*.bed")):
        for _, name, start, end, _ in bed_lines(bed):
            if name == "chr20":
                taken[max(0, start - CLEAR_BP) : end + CLEAR_BP] = True
    ids = genome.fetch("chr20", HELD_OUT_FROM, length)
    strong = np.cumsum(np.concatenate([[0], (ids == tokenizer.C) | (ids == tokenizer.G)]))
    spoilt = np.cumsum(np.concatenate([[0], (ids < tokenizer.A) | taken[HELD_OUT_FROM:]]))
    starts = np.random.default_rng(0).permutation(len(ids) - width + 1)[:2_000_000]
    starts = starts[spoilt[starts + width] == spoilt[starts]]
    gc = strong[starts + width] - strong[starts]
    used = np.zeros(len(ids), dtype=bool)
    records = []
    for model in sorted(models, key=lambda r: _digest(r.sequence)):
        wanted = model.sequence.count("G") + model.sequence.count("C")
        for start in starts[np.abs(gc - wanted) <= 1].tolist():
            if not used[start : start + width].any():
                used[start : start + width] = True
                text = tokenizer.decode(ids[start : start + width])
                records.append(_record("chr20", HELD_OUT_FROM + start, text))
                break
    return records
