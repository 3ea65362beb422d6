"""AUROC of tracks at sites, sequence by sequence, and what other sequences' tracks give there.

A track is a number per base. Its AUROC in a sequence compares the bases under a motif's sites with
all other bases of the sequence (Mann and Whitney 1947). What a place in the sequence attracts as
such is told by the tracks of the other sequences, taken at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.controls.auroc_weights import SiteIntervals, centred_ranks
from nucel_interp.controls.permutation import strata

CHUNK = 4_000_000
"""Numbers held at a time: heads are taken in groups of so many bases."""
PLACE_BINS = 25
"""From the end of a sequence to its middle, where lengths differ."""
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AtSites:
    """AUROC less one half of every head in every cell (a motif, or a decoy, in one sequence).

    Attributes:
        values: (heads, cells).
        by_place: (heads, cells) the same of the other sequences' tracks at these places, on
            average; NaN where there is no other sequence.
    """

    values: Array
    by_place: Array

    @property
    def beyond_place(self) -> Array:
        """(heads, cells) what is left when the average at these places is taken off."""
        return self.values - self.by_place


def auroc(
    tracks: NDArray[np.floating], offsets: NDArray[np.int64], places: Sequence[SiteIntervals]
) -> list[Array]:
    """AUROC of every head in every cell of several `SiteIntervals`; ties count half.

    Args:
        tracks: (heads, bases); NaN where there is none.
        offsets: (sequences + 1,) where each begins.
        places: Site bases; each is compared with all other known bases of its sequence.

    Returns:
        One (heads, cells) per `SiteIntervals`.
    """
    found = [np.full((len(tracks), len(p.first)), np.nan) for p in places]
    step = max(1, CHUNK // max(1, tracks.shape[1]))
    for top in range(0, len(tracks), step):
        ranks = centred_ranks(tracks[top : top + step].astype(np.float32), offsets)
        running = np.pad(np.cumsum(ranks, axis=1), ((0, 0), (1, 0)))
        for p, out in zip(places, found, strict=True):
            if len(p.first):
                out[top : top + step] = _in_cells(running[:, p.end] - running[:, p.start], p) + 0.5
    return found


def auroc_and_place(
    tracks: NDArray[np.floating],
    offsets: NDArray[np.int64],
    second_half: NDArray[np.bool_],
    used: NDArray[np.bool_],
    places: Sequence[SiteIntervals],
) -> list[AtSites]:
    """AUROC less one half in every cell, beside what the tracks of other sequences give there.

    Sequences of one length in one half stand in for each other base by base, if there are ten.
    The others are compared with bases as near, by share of the length, to an end of a sequence.

    Args:
        tracks: (heads, bases); NaN where there is none.
        offsets: (sequences + 1,).
        second_half: (sequences,) bool; a track may have been made apart for each half.
        used: (sequences,) bool, those that say what a place attracts: each sequence once.
        places: Site bases of motifs and of decoys.
    """
    found = [
        AtSites(*(np.full((len(tracks), len(p.first)), np.nan) for _ in range(2))) for p in places
    ]
    known = ~np.isnan(tracks[0]) if len(tracks) else np.zeros(int(offsets[-1]), dtype=bool)
    groups = strata(np.diff(offsets), second_half, used)
    in_group = np.zeros(len(second_half), dtype=bool)
    for members in groups:
        in_group[members] = True
    step = max(1, CHUNK // max(1, tracks.shape[1]))
    for top in range(0, len(tracks), step):
        rows = slice(top, top + step)
        ranks = centred_ranks(tracks[rows].astype(np.float32), offsets)
        running = np.pad(np.cumsum(ranks, axis=1), ((0, 0), (1, 0)))
        profiles = [_profile(ranks, offsets, members) for members in groups]
        alone = any(not in_group[p.unit].all() for p in places)
        by_end = _by_end(ranks, offsets, known, used) if alone else None
        for p, out in zip(places, found, strict=True):
            if not len(p.first):
                continue
            own = running[:, p.end] - running[:, p.start]
            out.values[rows] = _in_cells(own, p)
            others = np.full(own.shape, np.nan)
            for members, profile in zip(groups, profiles, strict=True):
                here = np.isin(p.unit, members)
                left, right = (x[here] - offsets[p.unit[here]] for x in (p.start, p.end))
                total = profile[:, right] - profile[:, left]
                others[:, here] = (total - own[:, here]) / (len(members) - 1)
            if by_end is not None:
                here = ~in_group[p.unit]
                others[:, here] = by_end[:, p.end[here]] - by_end[:, p.start[here]]
            out.by_place[rows] = _in_cells(others, p)
    return found


def _in_cells(sums: NDArray[np.number], p: SiteIntervals) -> Array:
    """(heads, cells) from (heads, intervals)."""
    return np.asarray(np.add.reduceat(sums * p.weight, p.first, axis=1), dtype=np.float64)


def _profile(
    ranks: NDArray[np.int64], offsets: NDArray[np.int64], members: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(heads, length + 1) sum of the members' ranks up to each place."""
    length = int(offsets[members[0] + 1] - offsets[members[0]])
    total = np.zeros((len(ranks), length), dtype=np.int64)
    for unit in members.tolist():
        total += ranks[:, offsets[unit] : offsets[unit + 1]]
    return np.pad(np.cumsum(total, axis=1), ((0, 0), (1, 0)))


def _by_end(
    ranks: NDArray[np.int64],
    offsets: NDArray[np.int64],
    known: NDArray[np.bool_],
    used: NDArray[np.bool_],
) -> Array:
    """(heads, bases + 1) running sum of what bases as near to an end get in other sequences.

    Ranks are shares of their sequence's known bases, and distances from the nearer end shares of
    its half length, so that lengths may differ.
    """
    lengths = np.diff(offsets)
    unit = np.repeat(np.arange(len(lengths)), lengths)
    size = np.maximum(np.bincount(unit[known], minlength=len(lengths)), 1)
    # ranks are shares of a sequence, so places are too
    position = np.arange(offsets[-1]) - offsets[unit]
    distance = np.minimum(position, lengths[unit] - 1 - position)
    n_bins = PLACE_BINS
    bins = distance * n_bins // np.maximum((lengths[unit] + 1) // 2, 1)
    counted = known & used[unit]
    cell = unit * n_bins + bins
    n_cells = len(lengths) * n_bins
    own_count = np.bincount(cell[counted], minlength=n_cells).reshape(-1, n_bins)
    others = own_count.sum(axis=0) - own_count
    out = np.zeros((len(ranks), int(offsets[-1]) + 1))
    for row, rank in zip(out, ranks, strict=True):
        share = rank / size[unit]
        own = np.bincount(cell[counted], share[counted], minlength=n_cells).reshape(-1, n_bins)
        mean = np.divide(
            own.sum(axis=0) - own, others, out=np.full(own.shape, np.nan), where=others > 0
        )
        # a base without a score has rank 0, and counts as 0 here too
        np.cumsum(np.where(known, mean[unit, bins], 0.0) * size[unit], out=row[1:])
    return out
