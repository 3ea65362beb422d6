"""Held-out statistics of a motif: is it there more than in shuffled copies, and does the score look at it?

Everything here is computed on the test half, which took no part in finding the motif, in choosing
heads or in setting the threshold. The unit of replication is the unit, never the base.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers import sign_test
from nucel_interp.types import Site

N_BOOTSTRAP = 1000
N_RANDOM = 20


@dataclass(frozen=True)
class Fold:
    """A ratio with its 95 % interval; NaN where there was nothing to divide."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Layout:
    """Units laid end to end.

    Attributes:
        offsets: (units + 1,) where each unit begins.
        test: (units,) bool.
        known: (bases,) bool, bases that have a score.
    """

    offsets: NDArray[np.int64]
    test: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def unit_of_base(self) -> NDArray[np.int64]:
        """(bases,) number of the unit each base lies in."""
        return np.repeat(np.arange(len(self.test)), np.diff(self.offsets))


def units_with_site(sites: list[Site], n_units: int) -> NDArray[np.bool_]:
    """(units,) does the unit hold a site? A site's ``record`` is the unit's number."""
    present = np.zeros(n_units, dtype=bool)
    present[[s.record for s in sites]] = True
    return present


def units_hit(
    sites: list[Site], inside: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(units,) does a seqlet of the unit hold a site? A site is held if its middle base lies inside."""
    hit = np.zeros(len(offsets) - 1, dtype=bool)
    for s in sites:
        if inside[offsets[s.record] + (s.start + s.end) // 2]:
            hit[s.record] = True
    return hit


def site_bases(sites: list[Site], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(bases,) True under a site."""
    step = np.zeros(int(offsets[-1]) + 1, dtype=np.int64)
    for s in sites:
        step[offsets[s.record] + s.start] += 1
        step[offsets[s.record] + s.end] -= 1
    under: NDArray[np.bool_] = np.cumsum(step[:-1]) > 0
    return under


def enrichment_p(
    real: NDArray[np.bool_], copies: list[NDArray[np.bool_]], test: NDArray[np.bool_]
) -> float:
    """Sign test of test units against their own shuffled copies; see `kmers.sign_test`."""
    return sign_test(real[test], np.stack([c[test] for c in copies]))


def attention_fold(
    under: NDArray[np.bool_], inside: NDArray[np.bool_], layout: Layout, seed: int
) -> Fold:
    """Share of site bases inside seqlets over share of all test bases inside seqlets.

    1.0 is what seqlets at random places give. The interval resamples units 1,000 times.

    Args:
        under: (bases,) True under a site of the motif.
        inside: (bases,) True inside a seqlet.
        layout: Units and halves.
        seed: Of the resampling.
    """
    table = _per_unit(under, inside, layout)
    rng = np.random.default_rng(seed)
    n = len(table)
    if not n:
        return Fold(np.nan, np.nan, np.nan)
    draws = np.empty((N_BOOTSTRAP, 4))
    for b in range(N_BOOTSTRAP):
        draws[b] = np.bincount(rng.integers(n, size=n), minlength=n) @ table
    folds = _ratio(draws)
    folds = folds[np.isfinite(folds)]
    low, high = np.percentile(folds, [2.5, 97.5]) if folds.size else (np.nan, np.nan)
    return Fold(float(_ratio(table.sum(axis=0)[None])[0]), float(low), float(high))


def plain_fold(under: NDArray[np.bool_], inside: NDArray[np.bool_], layout: Layout) -> float:
    """`attention_fold` without its interval."""
    return float(_ratio(_per_unit(under, inside, layout).sum(axis=0)[None])[0])


def _per_unit(
    under: NDArray[np.bool_], inside: NDArray[np.bool_], layout: Layout
) -> NDArray[np.float64]:
    """(test units, 4): site bases inside, site bases, bases inside, bases."""
    units, n = layout.unit_of_base, len(layout.test)
    columns = [under & inside, under, inside, np.ones_like(under)]
    table = np.stack([np.bincount(units, c & layout.known, minlength=n) for c in columns], axis=1)
    return table[layout.test].astype(np.float64)


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: NDArray[np.float64] = (sums[:, 0] / sums[:, 1]) / (sums[:, 2] / sums[:, 3])
    return ratio


def other_offsets(
    starts: list[tuple[int, int, int]], layout: Layout, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Seqlets at another test unit's offsets: keeps number, length and where in a unit they lie.

    Args:
        starts: (unit, start, end) of every seqlet of the test half.
        layout: Units and halves.
        rng: Decides who gets whose.
    """
    test = np.flatnonzero(layout.test)
    lengths = np.diff(layout.offsets)
    giver = dict(zip(test.tolist(), rng.permutation(test).tolist(), strict=True))
    step = np.zeros(int(layout.offsets[-1]) + 1, dtype=np.int64)
    for unit, start, end in starts:
        to = giver[unit]
        # measured from the nearer end, so that units of unequal length exchange like places
        if start + end > lengths[unit]:
            start, end = start + lengths[to] - lengths[unit], end + lengths[to] - lengths[unit]
        start, end = max(0, start), min(int(lengths[to]), end)
        if end > start:
            step[layout.offsets[to] + start] += 1
            step[layout.offsets[to] + end] -= 1
    inside: NDArray[np.bool_] = np.cumsum(step[:-1]) > 0
    return inside


def random_places(
    starts: list[tuple[int, int, int]], layout: Layout, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Seqlets anywhere in their own unit, uniformly: keeps number and length."""
    lengths = np.diff(layout.offsets)
    step = np.zeros(int(layout.offsets[-1]) + 1, dtype=np.int64)
    for unit, start, end in starts:
        width = end - start
        at = int(rng.integers(lengths[unit] - width + 1))
        step[layout.offsets[unit] + at] += 1
        step[layout.offsets[unit] + at + width] -= 1
    inside: NDArray[np.bool_] = np.cumsum(step[:-1]) > 0
    return inside
