"""The same windows for every model: no N, a multiple of six, inside the smallest context."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.shared.place_sites import Span
from nucel_interp.errors import InputError
from nucel_interp.scoring.units import Unit, split_units
from nucel_interp.sequences import Sequences
from nucel_interp.types import Record, Site, as_records

BLOCK = 6
"""SharedWindows are whole 6-mers, so that no token of the Nucleotide Transformer is left over."""
_STRETCH = re.compile("[ACGT]+")


@dataclass(frozen=True, eq=False)
class SharedWindows:
    """Records cut into windows, which lie end to end; those of one record lie together.

    A site is a `types.Site` whose ``record`` counts `records`; ``start`` and ``end`` count bases
    from the first base of the record's first window, windows laid end to end.

    Attributes:
        window_bp: The longest window there may be.
        records: The records that have a window, each sequence once: the units of the statistics.
        number: (windows,) which record each was cut from, ascending.
        start: (windows,) its first base in the record, 0-based.
        sequences: Sequences of the windows, A, C, G and T only.
        second_half: (records,) True for half 2.
        split_rule: Sentence that says how the halves were made.
        repeated: Number of records left out because their sequence had been met before.
        too_short: Number of records that have no six known bases in a row.
        left_out: Bases of the records used that are in no window.
    """

    window_bp: int
    records: list[Record]
    number: NDArray[np.int64]
    start: NDArray[np.int64]
    sequences: Sequences
    second_half: NDArray[np.bool_]
    split_rule: str
    repeated: int
    too_short: int
    left_out: int

    @cached_property
    def by_record(self) -> Sequences:
        """One per record: its windows end to end, so that the bases are those of the windows."""
        parts: list[list[str]] = [[] for _ in self.records]
        for number, sequence in zip(self.number.tolist(), self.sequences, strict=True):
            parts[number].append(sequence)
        return Sequences("".join(p) for p in parts)

    @cached_property
    def _shift(self) -> NDArray[np.int64]:
        """(windows,) first base of each among those of its record's windows."""
        return self.sequences.offsets[:-1] - self.by_record.offsets[self.number]

    @cached_property
    def spans(self) -> dict[str, list[Span]]:
        """Name of a record -> its windows, for `place_sites`."""
        spans: list[list[Span]] = [[] for _ in self.records]
        for number, start, text, shift in zip(
            self.number.tolist(), self.start.tolist(), self.sequences,
            self._shift.tolist(), strict=True,
        ):  # fmt: skip
            spans[number].append(Span(number, start, start + len(text), shift - start))
        return {r.name: of_record for r, of_record in zip(self.records, spans, strict=True)}

    def of_windows(self, sites: Sequence[Site]) -> list[Site]:
        """Sites counted by window and its bases, as `SharedWindows` counts sites."""
        found = []
        for s in sites:
            number, shift = int(self.number[s.record]), int(self._shift[s.record])
            found.append(Site(number, s.start + shift, s.end + shift, s.strand, s.score, s.p))
        return found

    def place(self, site: Site) -> tuple[int, int, int]:
        """Window of a site, and its first base and one past the last there."""
        at = int(self.by_record.offsets[site.record]) + site.start
        window, first = int(self.sequences.number[at]), int(self.sequences.position[at])
        return window, first, first + site.end - site.start

    def as_records(self) -> list[Record]:
        """The windows as records with names of their own."""
        made = []
        for number, start, text in zip(
            self.number.tolist(), self.start.tolist(), self.sequences, strict=True
        ):
            record = self.records[number]
            place = record.location
            if start == 0 and len(text) == len(record):
                made.append(Record(record.name, text, place))
                continue
            there = place and place.part(start, start + len(text))
            made.append(Record(f"{record.name}/{start}-{start + len(text)}", text, there))
        return made


def common_window(contexts: Sequence[int]) -> int:
    """The smallest context (bases), rounded down to a multiple of six.

    Raises:
        InputError: It is below six.
    """
    window = min(contexts) // BLOCK * BLOCK
    if window < BLOCK:
        raise InputError(
            f"a model reads {min(contexts)} bases at most, but the comparison needs windows of at "
            f"least {BLOCK}; leave that model out"
        )
    return window


def cut_windows(records: Sequence[Record], window_bp: int, seed: int) -> SharedWindows:
    """Cut records into windows that do not overlap, and split them into halves.

    Each stretch between letters other than A, C, G, T is trimmed to a multiple of six and cut into
    as few parts as fit, of nearly equal length. Windows are laid out on the canonical strand, so
    both strands of a record are read in the same ones. A sequence met before, on either strand,
    counts once.

    Args:
        records: Records to cut; at least one.
        window_bp: The longest window, a multiple of six.
        seed: Seed of the split.

    Raises:
        InputError: No record has six known bases in a row.
    """
    records = as_records(records)
    given = Sequences(r.sequence for r in records)
    kept: list[Record] = []
    number, start, sequences = [], [], []
    repeated = too_short = left_out = 0
    for record, is_first, flipped in zip(
        records, given.distinct.tolist(), given.flipped.tolist(), strict=True
    ):
        if not is_first:
            repeated += 1
            continue
        spans = _spans(record.sequence, flipped, window_bp)
        if not spans:
            too_short += 1
            continue
        for a, b in spans:
            number.append(len(kept))
            start.append(a)
            sequences.append(record.sequence[a:b])
        left_out += len(record) - sum(b - a for a, b in spans)
        kept.append(record)
    if not kept:
        longest = max((len(r) for r in records), default=0)
        raise InputError(
            f"no record has {BLOCK} known bases in a row (the longest has {longest} letters); a "
            "comparison with the Nucleotide Transformer's 6-mers needs longer sequences"
        )
    units = [Unit(i, 0, len(r), r.sequence) for i, r in enumerate(kept)]
    second, rule = split_units(kept, units, seed)
    return SharedWindows(
        window_bp, kept, np.array(number), np.array(start), Sequences(sequences), second, rule,
        repeated, too_short, left_out,
    )  # fmt: skip


def _spans(sequence: str, flipped: bool, window_bp: int) -> list[tuple[int, int]]:
    """First base and one past the last of each window, ascending."""
    length = len(sequence)
    spans = []
    for stretch in _STRETCH.finditer(sequence):
        a, b = stretch.span()
        blocks = (b - a) // BLOCK
        parts = -(-blocks * BLOCK // window_bp)
        begin = length - b if flipped else a  # on the canonical strand
        edges = [begin + BLOCK * (blocks * i // parts) for i in range(parts + 1)] if parts else []
        for left, right in pairwise(edges):
            spans.append((length - right, length - left) if flipped else (left, right))
    return sorted(spans)
