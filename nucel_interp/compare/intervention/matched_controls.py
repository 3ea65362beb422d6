"""Pairs for the intervention: a seqlet and a like interval of the same sequence that scores low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.shuffle import draw, shuffled
from nucel_interp.seqlets import Calls
from nucel_interp.seqlets.tags import dinucleotide_entropy
from nucel_interp.sequences import Sequences

MARGIN_BP = 5
"""Kept free around both intervals: between them, and of what is measured."""
CALIPERS = {"gc": 0.15, "entropy_bits": 0.5, "edge_bp": 10.0}
"""A control differs from its seqlet by no more than this in any of them.

The distance to the edge is matched throughout, not only near the ends: within reach of a seqlet in
the middle lie more bases than of one elsewhere. So a seqlet in the very middle has no control.
"""
MOST_CONTROLS = 10
DRAWS = 20
MIN_CHANGED = 5
MIN_MEASURED = 20


@dataclass(frozen=True, eq=False)
class MatchedInterval:
    """A stretch of a canonical sequence, what it is like, and its shuffled copy.

    Attributes:
        start: First base.
        end: One past the last base.
        shuffled: The whole sequence with the stretch shuffled, dinucleotides kept.
        score: Mean of the track.
        gc: Share of G and C.
        entropy_bits: Entropy of the interval's dinucleotides, bits.
        edge_bp: Distance from the interval's middle to the nearer end of the sequence, bp.
    """

    start: int
    end: int
    shuffled: str
    score: float
    gc: float
    entropy_bits: float
    edge_bp: float

    @property
    def middle(self) -> float:
        """Place of its middle."""
        return (self.start + self.end - 1) / 2


@dataclass(frozen=True, eq=False)
class Pair:
    """A seqlet and its control, in one sequence on its canonical strand.

    Attributes:
        unit: Number of the unit.
        sequence: The canonical strand.
        flipped: Was the unit given on the other strand?
        high: The seqlet.
        low: The control.
        changed: Number of bases that either shuffle changes: the same in both.
        measured: (bases,) bool, known and over 5 bp from both intervals.
    """

    unit: int
    sequence: str
    flipped: bool
    high: MatchedInterval
    low: MatchedInterval
    changed: int
    measured: NDArray[np.bool_]


def find_pairs(
    sequences: Sequences,
    seqlets: Calls,
    track: NDArray[np.floating],
    seed: int,
    most: int,
) -> tuple[list[Pair], int, int]:
    """One pair from each of at most ``most`` sequences with a seqlet, chosen by content.

    The seqlet is the sequence's best. Its control is as long, touches no seqlet, has a mean score
    in the lower half of the sequence's intervals of that length, and is the nearest in GC,
    dinucleotide entropy and distance to the edge within `CALIPERS` for which both shuffles change
    the same number of bases. Equal sequences, on either strand, count once.

    Returns:
        Pairs in an order that no file decides; how many sequences were tried; how many distinct
        sequences have a seqlet.
    """
    has = np.unique(seqlets.unit)
    units = has[sequences.take(has).distinct].tolist()
    units.sort(key=lambda i: (draw(seed, sequences[i], "intervention").random(), sequences[i]))
    pairs: list[Pair] = []
    tried = 0
    for unit in units:
        if len(pairs) == most:
            break
        tried += 1
        own = seqlets.take(np.flatnonzero(seqlets.unit == unit))
        pair = _pair(sequences, own, track[sequences.span(unit)], seed)
        if pair is not None:
            pairs.append(pair)
    return pairs, tried, len(units)


def _pair(sequences: Sequences, own: Calls, track: NDArray[np.floating], seed: int) -> Pair | None:
    """The pair of one unit, from all its seqlets."""
    unit = int(own.unit[0])
    sequence, flipped = sequences.canonical[unit], bool(sequences.flipped[unit])
    start, end = sequences.turned(own.unit, own.start, own.end)
    values = np.asarray(track[::-1] if flipped else track, dtype=np.float64)
    best = np.lexsort((start, -own.score))[0]
    width = int(end[best] - start[best])
    known = np.isin(np.frombuffer(sequence.encode("ascii", "replace"), np.uint8), list(b"ACGT"))
    intervals = _intervals(sequence, values, known, width)
    at = intervals["start"].astype(np.int64)
    here = np.flatnonzero(at == start[best])
    if not here.size:
        return None
    mine = {name: float(column[here[0]]) for name, column in intervals.items()}
    allowed = intervals["score"] <= np.median(intervals["score"])
    for s, e in zip(start.tolist(), end.tolist(), strict=True):
        allowed &= (at >= e + MARGIN_BP) | (at + width <= s - MARGIN_BP)
    distance = np.zeros(len(at))
    for name, caliper in CALIPERS.items():
        gap = np.abs(intervals[name] - mine[name])
        allowed &= gap <= caliper + 1e-9
        distance += gap / caliper
    candidates = np.flatnonzero(allowed)
    candidates = candidates[np.argsort(distance[candidates].round(9), kind="stable")]
    high_copies = _copies(sequence, int(at[here[0]]), width, seed)
    tries = 0
    for i in candidates.tolist():
        measured = known.copy()
        for s in (int(at[here[0]]), int(at[i])):
            measured[max(0, s - MARGIN_BP) : s + width + MARGIN_BP] = False
        if np.count_nonzero(measured) < MIN_MEASURED:
            continue
        if tries == MOST_CONTROLS:
            break
        tries += 1
        low_copies = _copies(sequence, int(at[i]), width, seed)
        common = [c for c in high_copies.keys() & low_copies.keys() if c >= MIN_CHANGED]
        if not common:
            continue
        theirs = {name: float(column[i]) for name, column in intervals.items()}
        changed = max(common)
        high = _interval(mine, width, high_copies[changed])
        low = _interval(theirs, width, low_copies[changed])
        return Pair(unit, sequence, flipped, high, low, changed, measured)
    return None


def reach(measured: NDArray[np.bool_], middle: float) -> float:
    """Mean distance from a place to the measured bases, bp."""
    return float(np.abs(np.flatnonzero(measured) - middle).mean())


def _intervals(
    sequence: str, track: NDArray[np.float64], known: NDArray[np.bool_], width: int
) -> dict[str, NDArray[np.float64]]:
    """What every interval of one length is like; those with a missing base or score left out."""
    n = len(sequence)
    at = np.arange(n - width + 1)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.lib.stride_tricks.sliding_window_view(values, width).mean(axis=1)

    usable = mean((known & ~np.isnan(track)).astype(np.float64)) == 1
    is_gc = np.isin(np.frombuffer(sequence.encode("ascii", "replace"), np.uint8), list(b"GC"))
    middle = at + (width - 1) / 2
    every = Calls(np.zeros_like(at), at, at + width, np.zeros(len(at)))
    columns = {
        "start": at.astype(np.float64),
        "score": mean(track),
        "gc": mean(is_gc.astype(np.float64)),
        "entropy_bits": dinucleotide_entropy(every, [sequence], np.array([0, n])),
        "edge_bp": np.minimum(middle, n - 1 - middle),
    }
    return {name: column[usable] for name, column in columns.items()}


def _copies(sequence: str, start: int, width: int, seed: int) -> dict[int, str]:
    """Number of changed bases to a whole sequence with the interval shuffled so."""
    text = sequence[start : start + width]
    found: dict[int, str] = {}
    for copy in range(DRAWS):
        other = shuffled(text, seed=seed, copy=copy)
        n = sum(a != b for a, b in zip(text, other, strict=True))
        found.setdefault(n, sequence[:start] + other + sequence[start + width :])
    return found


def _interval(columns: dict[str, float], width: int, text: str) -> MatchedInterval:
    start = int(columns["start"])
    rest = {name: columns[name] for name in ("score", "gc", "entropy_bits", "edge_bp")}
    return MatchedInterval(start, start + width, text, **rest)
