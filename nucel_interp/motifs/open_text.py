"""Units laid end to end, of which what a motif explains is closed; what is open is searched on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers import KmerIndex
from nucel_interp.kmers.counting import base_codes
from nucel_interp.motifs.seqlet_windows import Regions
from nucel_interp.sequences import covered

GROW_BP = 8
MAX_WIDTH = 30


class OpenText:
    """Units laid end to end as codes 0..3 (-1: no base), and what is yet to be explained.

    Attributes:
        regions: Units, and the stretches of them in which motifs are sought.
        base: (bases + some,) codes, with a tail of no bases.
        unit: (bases + some,) number of the unit; -1 in the tail.
        open: (bases + some,) bool.
    """

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        # GROW_BP + MAX_WIDTH of nothing at the very end, so that growing a site never runs off
        tail = np.full(MAX_WIDTH + 2 * GROW_BP, -1, dtype=np.int64)
        self.base = np.concatenate([base_codes(regions.sequences).astype(np.int64), tail])
        self.unit = np.concatenate([regions.sequences.number, np.full(len(tail), -1)])
        sought = covered(regions.start, regions.end, len(self.base))
        # what is closed never opens again, so lists of open places only ever shrink
        self.open = sought & (self.base >= 0)
        self._open_at = np.flatnonzero(self.open)
        self._closed: NDArray[np.int64] | None = None
        self._indices: dict[int, KmerIndex] = {}
        self._fresh: list[NDArray[np.int64]] = []

    def index(self, k: int) -> KmerIndex:
        """Where each word of ``k`` letters begins."""
        if k not in self._indices:
            self._indices[k] = KmerIndex(self.regions.sequences, k)
        return self._indices[k]

    def _whole(self, at: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
        """Is every base open, of all ``width`` from each place on?"""
        if self._closed is None:
            self._closed = np.concatenate([[0], np.cumsum(~self.open)])
        whole: NDArray[np.bool_] = self._closed[at + width] == self._closed[at]
        return whole

    def best_sites(self, log_odds: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
        """The best site of each region, wholly in open bases.

        Returns:
            Score (-inf where no site fits), place of its first base, and True if on the other
            strand; (regions,) each.
        """
        width = log_odds.shape[1]
        n = len(self.base) - width + 1
        at = self._open_at[self._whole(self._open_at, width)]
        at = at[self.unit[at] == self.unit[at + width - 1]]
        forward, other = np.zeros(len(at)), np.zeros(len(at))
        for column in range(width):
            # both in the motif's order, so that a site scores the same to the last digit
            forward += log_odds[self.base[at + column], column]
            other += log_odds[3 - self.base[at + width - 1 - column], column]
        strand = other > forward
        # regions are short but may overlap, so look at all of them as rows of one table
        best, turned = np.full(n, -np.inf), np.zeros(n, dtype=bool)
        best[at], turned[at] = np.maximum(forward, other), strand
        start, last = self.regions.start, self.regions.end - width
        if not len(start) or (last < start).all():
            return np.full(len(start), -np.inf), np.full(len(start), -1), np.zeros(len(start), bool)
        index = start[:, None] + np.arange(int((last - start).max()) + 1)
        scores = np.where(index <= last[:, None], best[np.minimum(index, n - 1)], -np.inf)
        place = start + scores.argmax(axis=1)
        score = scores.max(axis=1)
        place = np.where(score > -np.inf, place, -1)
        return score, place, turned[place] & (place >= 0)

    def stack(
        self, place: NDArray[np.int64], flipped: NDArray[np.bool_], width: int
    ) -> NDArray[np.int64]:
        """(sites, width) bases at the places, other-strand sites turned; -1 beyond their unit."""
        index = place[:, None] + np.arange(width)
        safe = np.clip(index, 0, len(self.base) - 1)
        middle = np.clip(place + width // 2, 0, len(self.base) - 1)
        letters = np.where(
            (self.unit[safe] == self.unit[middle][:, None]) & (index >= 0), self.base[safe], -1
        )
        turned = np.where(letters >= 0, 3 - letters, -1)[:, ::-1]
        return np.where(flipped[:, None], turned, letters)

    def erase(self, place: NDArray[np.int64], width: int) -> None:
        """Close the bases of these sites; a site that grew beyond its unit closes nothing there."""
        index = place[:, None] + np.arange(width)
        middle = self.unit[place + width // 2]
        inside = (index >= 0) & (self.unit[index] == middle[:, None])
        closed = np.unique(index[inside])
        closed = closed[self.open[closed]]
        self.open[closed] = False
        self._fresh.append(closed)
        self._open_at = self._open_at[self.open[self._open_at]]
        self._closed = None

    def newly_closed(self) -> NDArray[np.int64]:
        """Bases that were closed since this was asked last."""
        closed = np.concatenate([np.zeros(0, dtype=np.int64), *self._fresh])
        self._fresh = []
        return closed
