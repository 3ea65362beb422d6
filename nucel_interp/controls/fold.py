"""How many times as high a head is at sites as at the other bases of the same sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from nucel_interp.bootstrap import UNKNOWN, ConfidenceInterval
from nucel_interp.controls.auroc_weights import SiteIntervals
from nucel_interp.controls.beyond import ALPHA, Heads
from nucel_interp.controls.occurrences import Occurrences

Parts = Sequence[tuple[Occurrences, NDArray[np.bool_]]]


def fold_at_sites(
    tracks: NDArray[np.floating],
    heads: Heads,
    parts: Parts,
    offsets: NDArray[np.int64],
    second_half: NDArray[np.bool_],
    n_tests: int = 1,
) -> ConfidenceInterval:
    """Mean at the sites over mean at the other bases, both averaged over sequences with a site.

    The interval is that of a ratio of two means over the same sequences (linearised; Cochran,
    Sampling Techniques, 1977, chapter 6).

    Args:
        tracks: (heads, bases), not negative; NaN where there is none.
        heads: The head that measures half 1, and the one that measures half 2; None for no head.
        parts: Sites, and (sequences,) bool where they are measured; no sequence in two of them.
        offsets: (sequences + 1,) where each sequence begins among the bases.
        second_half: (sequences,) bool.
        n_tests: Number of intervals that hold together (Bonferroni).

    Returns:
        The ratio with its 95 % interval; NaN where no sequence has a site.
    """
    means = []
    for at, where in parts:
        head = heads[int(bool(second_half[where].any()))]
        if head is not None:
            means.append(_means(tracks[head], at.own, where, offsets))
    inside, outside = np.concatenate([np.zeros((2, 0)), *means], axis=1)
    n, total = len(inside), float(outside.sum())
    if n < 2 or total <= 0:
        return UNKNOWN
    value = float(inside.sum()) / total
    se = float(np.sqrt(n / (n - 1) * ((inside - value * outside) ** 2).sum())) / total
    reach = float(student.ppf(1 - ALPHA / 2 / max(1, n_tests), n - 1)) * se
    return ConfidenceInterval(value, max(0.0, value - reach), value + reach)


def _means(
    track: NDArray[np.floating],
    sites: SiteIntervals,
    where: NDArray[np.bool_],
    offsets: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(2, sequences) mean at the sites, and at the other bases, of every sequence with a site."""
    kept = where[sites.cell_unit]
    if not kept.any():
        return np.zeros((2, 0))
    sums, counts = [], []
    for values in (np.nan_to_num(track.astype(np.float64)), (~np.isnan(track)).astype(np.float64)):
        running = np.concatenate([[0.0], np.cumsum(values)])
        own = np.add.reduceat(running[sites.end] - running[sites.start], sites.first)[kept]
        unit = sites.cell_unit[kept]
        whole = running[offsets[unit + 1]] - running[offsets[unit]]
        sums.append([own, whole - own])
        counts = [own, whole - own]
    return np.array(sums[0]) / np.maximum(np.array(counts), 1.0)
