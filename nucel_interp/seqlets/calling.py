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

from nucel_interp import sequences

CORE_BP = 11
SEQLET_BP = 21
MAX_PER_KB = 10.0
FALLBACK_PER_KB = 5.0
TARGET_FDR = 0.05
MIN_CALLED = 20
"""A threshold that leaves fewer seqlets than this is no basis for motifs."""


@dataclass(frozen=True, eq=False)
class Calls:
    """Intervals in units, (n,) arrays, half-open; they count from the unit's first base."""

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


@dataclass(frozen=True)
class Calling:
    """How the seqlets of an input were called: each half at the threshold chosen on the other.

    Attributes:
        thresholds: Thresholds of half 1 and half 2; a single one where nothing is split.
        n_seqlets: Number of seqlets called at each threshold.
    """

    thresholds: tuple[Threshold, ...]
    n_seqlets: tuple[int, ...]

    @property
    def reached(self) -> bool:
        """Did a threshold reach the target for every half?"""
        return all(t.reached for t in self.thresholds)

    @property
    def fdr(self) -> float:
        """The largest false discovery rate of the halves; NaN if none is known."""
        return max((t.fdr for t in self.thresholds if not math.isnan(t.fdr)), default=math.nan)

    @property
    def rates(self) -> str:
        """False discovery rates as "3.1%", or "0.0% and 3.1% in the two halves"."""
        said = ["-" if math.isnan(t.fdr) else f"{t.fdr:.1%}" for t in self.thresholds]
        return said[0] if len(set(said)) == 1 else f"{' and '.join(said)} in the two halves"

    def shortfall(self, null: str) -> str:
        """What must be said where a half's threshold does not reach the target; "" if all do.

        Args:
            null: Name of the null in the sentence, such as "shuffled ones".
        """
        short = [i for i, t in enumerate(self.thresholds) if not t.reached]
        if not short or not sum(self.n_seqlets):
            return ""
        if len(short) == len(self.thresholds):
            return (
                f"the score does not tell these sequences from {null}: no threshold reaches a "
                f"false discovery rate of {TARGET_FDR:g}, so the best five seqlets per kb were "
                f"taken (rate {self.rates})"
            )
        (i,) = short
        mine, other = f"half {i + 1}", f"half {2 - i}"
        if math.isnan(self.thresholds[i].fdr):
            return f"{mine} has no seqlet: nothing of {other} is scored, where its threshold is set"
        return (
            f"the score tells {mine} of these sequences from {null}, but not {other}: no threshold "
            f"reaches a false discovery rate of {TARGET_FDR:g} there. The one that leaves five "
            f"seqlets per kb of {other} (rate {self.thresholds[i].fdr:.1%}) gave "
            f"{self.n_seqlets[i]:,} of the {sum(self.n_seqlets):,} seqlets, those of {mine}; the "
            f"others' rate is {self.thresholds[1 - i].fdr:.1%}"
        )


def find_peaks(track: NDArray[np.floating], offsets: NDArray[np.int64]) -> Calls:
    """All candidate seqlets of every unit, best first within a unit, at most 10 per kb, at least 1.

    Args:
        track: (bases,) score; NaN where there is none. A core with a missing base is no candidate.
        offsets: (units + 1,) where each unit begins in ``track``.
    """
    lengths = np.diff(offsets)
    unit_of = np.repeat(np.arange(len(lengths)), lengths)
    mean = _core_means(track)
    mean[np.isnan(mean) | (unit_of[: len(mean)] != unit_of[CORE_BP - 1 :])] = -np.inf
    unit_of = unit_of[: len(mean)]
    allowed = np.maximum(1, np.floor(lengths * MAX_PER_KB / 1000)).astype(np.int64)
    alive = np.flatnonzero(lengths >= CORE_BP)
    around = np.arange(1 - SEQLET_BP, SEQLET_BP)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    # each round takes the best core left in every unit at once
    while alive.size:
        top = np.full(len(lengths), np.inf)
        bounds = np.stack([offsets[alive], offsets[alive + 1] - CORE_BP + 1], axis=1).ravel()
        padded = np.append(mean, -np.inf)
        top[alive] = np.maximum.reduceat(padded, bounds)[::2]
        alive = alive[top[alive] > -np.inf]
        if not alive.size:
            break
        at_top = np.flatnonzero(mean == top[unit_of])
        best = at_top[np.searchsorted(at_top, offsets[alive])]
        found.append((alive, best - offsets[alive], mean[best]))
        near = best[:, None] + around
        same = (near >= offsets[alive, None]) & (near < offsets[alive + 1, None])
        same &= near < len(mean)
        mean[near[same]] = -np.inf
        alive = alive[allowed[alive] > len(found)]
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return Calls(nothing, nothing, nothing, np.zeros(0))
    unit, core, score = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(unit, kind="stable")
    unit, middle, score = unit[order], core[order] + CORE_BP // 2, score[order]
    half = SEQLET_BP // 2
    return Calls(
        unit, np.maximum(0, middle - half), np.minimum(lengths[unit], middle + half + 1), score
    )


def _core_means(track: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean of the 11 bases from each on; NaN if one is missing.

    A sum of shifted tracks, not a difference of running sums: that would round differently at
    another place in the file, and lose everything behind a missing base.
    """
    n = max(0, len(track) - CORE_BP + 1)
    total = np.zeros(n)
    for shift in range(CORE_BP):
        total += track[shift : n + shift]
    return total / CORE_BP


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


def empirical_q(calls: Calls, peaks: Calls, null: list[Calls]) -> NDArray[np.float64]:
    """False discovery rate at which each seqlet would just be called.

    Benjamini and Hochberg (J R Stat Soc B 1995, 57:289) on `empirical_p` over *all* candidates,
    not only over those that were called: a correction over the called ones alone would count
    no chance finding. It differs from `Threshold.fdr`, which is counted base for base on the
    discovery half alone.

    Args:
        calls: Seqlets, or any scores.
        peaks: All candidates they were called from.
        null: Peaks of the null's tracks.
    """
    from scipy.stats import false_discovery_control

    if not len(peaks):
        return np.ones(len(calls))
    ladder = np.sort(peaks.score)
    p = np.sort(empirical_p(peaks, null))[::-1]  # the higher the score, the smaller p
    q = false_discovery_control(p)
    at = np.searchsorted(ladder, calls.score, side="left")
    return np.append(q, q[-1])[at]


def covered(calls: Calls, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(bases,) True inside a seqlet."""
    first = offsets[calls.unit]
    return sequences.covered(first + calls.start, first + calls.end, int(offsets[-1]))
