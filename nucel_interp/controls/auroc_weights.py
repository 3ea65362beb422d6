"""Site masks as weighted intervals: an AUROC is then a sum of ranks, whoever's track it is.

For a sequence with n1 site bases and n0 others, AUROC - 1/2 = (sum of centred ranks of the site
bases) / (n1 n0), where a track's centred ranks are its ranks within the sequence less their mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from nucel_interp.types import Site

RANK_STEPS = 16
"""Centred ranks are kept as whole numbers of 1/16, so that sums of them are exact in any order."""


@dataclass(frozen=True, eq=False)
class SiteIntervals:
    """Where motifs lie, ready to be summed over.

    A cell is one motif (a motif itself, or one of its decoys) in one unit.

    Attributes:
        unit: (intervals,) unit of each, ascending; cells lie together.
        start: (intervals,) first base, counted over all units laid end to end.
        end: (intervals,) one past the last.
        weight: (intervals,) factor of the interval's summed centred ranks.
        first: (cells,) first interval of each cell.
        cell_unit: (cells,) ascending.
        cell_motif: (cells,) which of the motifs.
        cell_counts: (cells,) how much each counts in a mean.
    """

    unit: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    weight: NDArray[np.float64]
    first: NDArray[np.int64]
    cell_unit: NDArray[np.int64]
    cell_motif: NDArray[np.int64]
    cell_counts: NDArray[np.float64]

    @property
    def units(self) -> NDArray[np.int64]:
        """The units with a site, ascending."""
        return np.unique(self.cell_unit)


def site_places(
    sites: list[list[Site]],
    offsets: NDArray[np.int64],
    known: NDArray[np.bool_],
    weights: list[NDArray[np.float64]] | None = None,
) -> SiteIntervals:
    """Weights such that the sum over each cell's intervals is AUROC - 1/2.

    Args:
        sites: A list per motif (one list for a motif, one per decoy for decoys); a site's
            ``record`` is the unit's number. Overlapping sites of one motif are joined.
        offsets: (units + 1,) where each unit begins.
        known: (bases,) does the base have a score?
        weights: Per list, (sites,) how much each site counts; a cell counts the mean over its
            sites. 1 each if not given.
    """
    running = np.concatenate([[0], np.cumsum(known)])
    n_known = running[offsets[1:]] - running[offsets[:-1]]
    n_units = len(n_known)
    units, starts, ends, numbers, factors, counts = [], [], [], [], [], []
    for number, one in enumerate(sites):
        record = np.array([s.record for s in one], dtype=np.int64)
        value = np.ones(len(one)) if weights is None else weights[number]
        n_sites = np.maximum(np.bincount(record, minlength=n_units), 1)
        count = np.bincount(record, value, minlength=n_units) / n_sites
        unit, left, right = _joined(one, offsets)
        n1 = np.bincount(unit, running[right] - running[left], minlength=n_units)
        n0 = n_known - n1
        count[(n1 <= 0) | (n0 <= 0)] = 0
        kept = count[unit] > 0
        unit = unit[kept]
        units.append(unit)
        starts.append(left[kept])
        ends.append(right[kept])
        numbers.append(np.full(len(unit), number))
        factors.append(1 / (RANK_STEPS * n1[unit] * n0[unit]))
        counts.append(count[unit])
    unit, start, end, motif = (
        np.concatenate([*column, np.zeros(0, np.int64)])
        for column in (units, starts, ends, numbers)
    )
    factor, each = (np.concatenate([*column, np.zeros(0)]) for column in (factors, counts))
    order = np.lexsort((start, motif, unit))
    unit, motif, each = unit[order], motif[order], each[order]
    new = (np.diff(unit, prepend=-1) != 0) | (np.diff(motif, prepend=-1) != 0)
    first = np.flatnonzero(new)
    return SiteIntervals(
        unit, start[order], end[order], factor[order], first, unit[first], motif[first], each[first]
    )


def _joined(
    sites: list[Site], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Unit, first base and one past the last (over all units) of each stretch under a site."""
    step = np.zeros(int(offsets[-1]) + 1, dtype=np.int64)
    np.add.at(step, np.array([offsets[s.record] + s.start for s in sites], dtype=np.int64), 1)
    np.add.at(step, np.array([offsets[s.record] + s.end for s in sites], dtype=np.int64), -1)
    covered = np.concatenate([[False], np.cumsum(step[:-1]) > 0, [False]])
    # a stretch ends where cover ends, and where the unit does
    edge = np.zeros(len(step), dtype=bool)
    edge[offsets] = True
    left = np.flatnonzero(covered[1:] & (edge | ~covered[:-1]))
    right = np.flatnonzero(covered[:-1] & (edge | ~covered[1:]))
    return np.searchsorted(offsets, left, side="right") - 1, left, right


def not_overlapping(sites: list[Site], others: list[Site]) -> list[Site]:
    """The sites that share no base with any of the others."""
    taken: dict[int, list[tuple[int, int]]] = {}
    for s in others:
        taken.setdefault(s.record, []).append((s.start, s.end))
    return [
        s for s in sites
        if all(s.end <= start or s.start >= end for start, end in taken.get(s.record, []))
    ]  # fmt: skip


def centred_ranks(
    tracks: NDArray[np.floating],
    offsets: NDArray[np.int64],
    bins: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Ranks of each track within each unit, less their mean, in steps of 1/16.

    Args:
        tracks: (heads, bases); NaN where there is none, which gets rank 0, the mean.
        offsets: (units + 1,) where each unit begins.
        bins: (bases,) if given, the mean centred rank of each bin over all units is taken out: what
            a place as such attracts.

    Returns:
        (heads, bases) whole numbers.
    """
    ranks = np.zeros(tracks.shape)
    known = ~np.isnan(tracks[0])
    alike: dict[int, list[NDArray[np.int64]]] = {}  # units with as many known bases together
    for begin, end in pairwise(offsets.tolist()):
        at = begin + np.flatnonzero(known[begin:end])
        alike.setdefault(at.size, []).append(at)
    for size, places in alike.items():
        at = np.stack(places)
        ranks[:, at] = rankdata(tracks[:, at], axis=2) - (size + 1) / 2
    if bins is not None:
        count = np.maximum(np.bincount(bins[known], minlength=int(bins.max(initial=0)) + 1), 1)
        for row in ranks:
            # sums of halves are exact, so the order of the units does not show
            means = np.bincount(bins[known], row[known], minlength=len(count)) / count
            row[known] -= means[bins[known]]
    return np.rint(ranks * RANK_STEPS).astype(np.int64)
