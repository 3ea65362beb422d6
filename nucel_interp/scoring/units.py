"""Units of statistics, their shuffled copies, and the split into a discovery and a test half."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.types import Record, as_records, canonical
from nucel_model.sequences import as_sequence

NULL_BASES = 100_000
"""How much shuffled sequence the null is made of, at least."""
MAX_COPIES = 100
UNREAD_COPIES = 10
UNREAD_BASES = 3_000_000
"""Copies that no model reads: so many of each unit, as long as they come to no more than this."""
MIN_UNITS = 40
"""Fewer units than this cannot be split and tested."""
BLOCK_BP = 1_000_000


@dataclass(frozen=True)
class Unit:
    """A record, or a non-overlapping stretch of a long one: the unit of replication."""

    record: int
    start: int
    end: int
    sequence: str

    def __post_init__(self) -> None:
        """Letters count alike in either case, as a record's do."""
        object.__setattr__(self, "sequence", as_sequence(self.sequence))


def cut_units(records: list[Record], longest: int) -> list[Unit]:
    """Records in order; one longer than ``longest`` bases is cut into equal parts that are not."""
    units = []
    records = as_records(records)
    for number, record in enumerate(records):
        parts = max(1, math.ceil(len(record) / longest))
        edges = [len(record) * i // parts for i in range(parts + 1)]
        for start, end in pairwise(edges):
            units.append(Unit(number, start, end, record.sequence[start:end]))
    return units


def in_words(n_units: int, n_records: int) -> str:
    """What was counted: "120 sequences", or "300 stretches of 4 sequences" where some were cut."""
    sequences = f"{n_records:,} sequence{'' if n_records == 1 else 's'}"
    return sequences if n_units == n_records else f"{n_units:,} stretches of {sequences}"


def too_few(n_units: int, n_records: int) -> str:
    """Why nothing is tested, as "12 sequences, 40 needed"; "" if there are enough units."""
    return "" if n_units >= MIN_UNITS else f"{in_words(n_units, n_records)}, {MIN_UNITS} needed"


def copies_per_unit(n_bases: int) -> int:
    """Shuffled copies of each unit: enough for 100 kb of null, at most 100.

    At least two: the shuffled-input control needs one copy as its input and another as its null.
    """
    return max(2, min(MAX_COPIES, math.ceil(NULL_BASES / max(1, n_bases))))


def unread_copies_per_unit(n_bases: int) -> int:
    """Shuffled copies of each unit that no model has to read: more, since they cost little.

    The 3-mer test compares a handful of sites with as
    many by chance; with two copies the chance of the copies weighs as much as that of the input.
    """
    most = UNREAD_BASES // max(1, n_bases)
    return max(copies_per_unit(n_bases), min(UNREAD_COPIES, most))


def shuffle_records(
    records: list[Record], units: list[Unit], *, k: int, seed: int, copy: int
) -> list[str]:
    """One shuffled sequence per record, each of its units shuffled by itself."""
    parts: list[list[str]] = [[] for _ in as_records(records)]
    for unit in units:
        parts[unit.record].append(shuffled(unit.sequence, k=k, seed=seed, copy=copy))
    return ["".join(p) for p in parts]


def split_units(
    records: list[Record], units: list[Unit], seed: int
) -> tuple[NDArray[np.bool_], str]:
    """Which units belong to the test half (True), and the rule used, in words.

    By chromosome if at least four are present and none holds over half the units; else by 1 Mb
    blocks, under the same two conditions; else by a hash of the strand-collapsed sequence, so that
    equal sequences stay together. Neither the order of the units nor their strand matters.
    """
    records = as_records(records)
    places = [records[u.record].location for u in units]
    known = [p for p in places if p is not None]
    if len(known) == len(units) and units:
        chromosomes = [p.chromosome for p in known]
        if _splits_well(chromosomes):
            return _balanced(chromosomes), f"by chromosome ({len(set(chromosomes))} of them)"
        blocks = [
            f"{p.chromosome}:{p.part(u.start, u.end).start // BLOCK_BP}"
            for p, u in zip(known, units, strict=True)
        ]
        if _splits_well(blocks):
            return _balanced(blocks), f"by blocks of 1 Mb ({len(set(blocks))} of them)"
    keys = [f"{seed}:{canonical(u.sequence)}".encode() for u in units]
    hashes = [hashlib.blake2b(key, digest_size=12).hexdigest() for key in keys]
    return _balanced(hashes), "by a hash of the sequence"


def _splits_well(groups: list[str]) -> bool:
    """At least four groups, and none with over half of the units?"""
    counts = Counter(groups)
    return len(counts) >= 4 and max(counts.values()) <= len(groups) / 2


def _balanced(groups: list[str]) -> NDArray[np.bool_]:
    """Whole groups to either half, largest first, always to the smaller half."""
    names, counts = np.unique(groups, return_counts=True)
    sizes = {False: 0, True: 0}
    side: dict[str, bool] = {}
    for i in sorted(range(len(names)), key=lambda i: (-counts[i], names[i])):
        half = sizes[True] < sizes[False]
        side[names[i]] = half
        sizes[half] += int(counts[i])
    return np.array([side[g] for g in groups], dtype=bool)
