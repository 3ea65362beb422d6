"""Peaks of a track, the threshold that the null allows, and the seqlets above it.

A seqlet is the 21 bp around a local maximum of the score's 11-bp mean; seqlets of one unit do not
overlap. The threshold is the lowest at which shuffled copies, base for base, give at most 5 % as
many peaks as the real sequences of the discovery half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CORE_BP = 11
SEQLET_BP = 21
MAX_PER_KB = 10.0
FALLBACK_PER_KB = 5.0
TARGET_FDR = 0.05
MIN_CALLED = 20
"""A threshold that leaves fewer seqlets than this is no basis for motifs."""


@dataclass(frozen=True, eq=False)
class Calls:
    """Intervals in units: (n,) arrays; starts and ends count from the unit's first base, half-open."""

    unit: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Calls:
        """The chosen ones."""
        return Calls(self.unit[chosen], self.start[chosen], self.end[chosen], self.score[chosen])


@dataclass(frozen=True)
class Threshold:
    """Where seqlets are called, and how it came about.

    Attributes:
        score: Seqlets have at least this 11-bp mean score.
        fdr: Expected share of seqlets that shuffled sequence would give at this threshold, 0..1.
        reached: Did any threshold reach the target? If not, ``score`` leaves five seqlets per kb.
    """

    score: float
    fdr: float
    reached: bool


def find_peaks(track: NDArray[np.floating], offsets: NDArray[np.int64]) -> Calls:
    """All candidate seqlets of every unit, best first within a unit, at most 10 per kb (at least 1).

    Args:
        track: (bases,) score; NaN where there is none. A core with a missing base is no candidate.
        offsets: (units + 1,) where each unit begins in ``track``.
    """
    units, starts, ends, scores = [], [], [], []
    half, core = SEQLET_BP // 2, CORE_BP
    for unit, (begin, end) in enumerate(zip(offsets, offsets[1:], strict=False)):
        length = int(end - begin)
        if length < core:
            continue
        total = np.concatenate([[0.0], np.cumsum(track[begin:end], dtype=np.float64)])
        if np.isnan(total[-1]):
            total = _nan_sums(track[begin:end])
        mean = (total[core:] - total[:-core]) / core
        for _ in range(max(1, math.floor(length * MAX_PER_KB / 1000))):
            best = int(np.argmax(mean)) if not np.isnan(mean).any() else _nanargmax(mean)
            if best < 0 or mean[best] == -np.inf:
                break
            middle = best + core // 2
            units.append(unit)
            starts.append(max(0, middle - half))
            ends.append(min(length, middle + half + 1))
            scores.append(mean[best])
            mean[max(0, best - SEQLET_BP + 1) : best + SEQLET_BP] = -np.inf
    return Calls(
        np.array(units, dtype=np.int64),
        np.array(starts, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(scores, dtype=np.float64),
    )


def _nan_sums(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cumulative sums in which a missing base makes every core over it -inf."""
    filled = np.where(np.isnan(values), -1e30, values).astype(np.float64)
    return np.concatenate([[0.0], np.cumsum(filled)])


def _nanargmax(values: NDArray[np.float64]) -> int:
    return -1 if np.isnan(values).all() else int(np.nanargmax(values))


def choose_threshold(
    real: Calls, null: list[Calls], discovery: NDArray[np.bool_], lengths: NDArray[np.int64]
) -> Threshold:
    """The lowest threshold with FDR at most 5 % on the discovery half; else five seqlets per kb.

    Args:
        real: Peaks of the real units.
        null: Peaks of each shuffled copy of the same units.
        discovery: (units,) bool.
        lengths: (units,) bases.
    """
    observed = np.sort(real.score[discovery[real.unit]])[::-1]
    shuffled = np.sort(np.concatenate([n.score[discovery[n.unit]] for n in null]))
    if not observed.size:
        return Threshold(math.inf, math.nan, False)
    above = shuffled.size - np.searchsorted(shuffled, observed, side="left")
    fdr = np.minimum(1.0, above / len(null) / np.arange(1, observed.size + 1))
    enough = np.flatnonzero((fdr <= TARGET_FDR) & (np.arange(1, observed.size + 1) >= MIN_CALLED))
    if enough.size:
        at = int(enough[-1])
        return Threshold(float(observed[at]), float(fdr[at]), True)
    kb = lengths[discovery].sum() / 1000
    at = min(observed.size, max(1, math.ceil(FALLBACK_PER_KB * kb))) - 1
    return Threshold(float(observed[at]), float(fdr[at]), False)


def call_seqlets(peaks: Calls, threshold: Threshold) -> Calls:
    """The peaks at or above the threshold."""
    return peaks.take(peaks.score >= threshold.score)


def empirical_p(calls: Calls, null: list[Calls]) -> NDArray[np.float64]:
    """Share of the null's peaks that score at least as high, one added to both counts."""
    pool = np.sort(np.concatenate([n.score for n in null]))
    above = pool.size - np.searchsorted(pool, calls.score, side="left")
    p: NDArray[np.float64] = (above + 1) / (pool.size + 1)
    return p


def covered(calls: Calls, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(bases,) True inside a seqlet."""
    step = np.zeros(int(offsets[-1]) + 1, dtype=np.int64)
    np.add.at(step, offsets[calls.unit] + calls.start, 1)
    np.add.at(step, offsets[calls.unit] + calls.end, -1)
    inside: NDArray[np.bool_] = np.cumsum(step[:-1]) > 0
    return inside
