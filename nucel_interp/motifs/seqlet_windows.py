"""Seqlets as one table of bases, and the best place of every motif in every seqlet.

Scores are log-odds rounded to whole hundredths of a bit. Sums of whole numbers are exact in any
order, so a matrix product gives the same digits on any number of threads, and a site scores the
same on either strand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers.counting import base_codes
from nucel_interp.sequences import Sequences

PER_BIT = 100
GROW_BP = 4
"""How far beyond its ends a motif may grow in one round."""
MAX_WIDTH = 25
HANG_BP = 4
"""How far a site may hang over the end of its seqlet."""
_FORBIDDEN = -(10**5)
_CHUNK = 1_000_000


@dataclass(frozen=True, eq=False)
class Regions:
    """Units laid end to end, and the stretches of them in which motifs are sought.

    Attributes:
        sequences: Sequences of the units, one per unit.
        unit: (seqlets,) which unit each stretch lies in.
        start: (seqlets,) first base, counted over all units laid end to end.
        end: (seqlets,) one past the last.
    """

    sequences: Sequences
    unit: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def first(self) -> NDArray[np.int64]:
        """(seqlets,) first base of each stretch's unit, counted as the stretches are."""
        return self.sequences.offsets[self.unit]


def canonical_regions(regions: Regions) -> Regions:
    """Every unit on its canonical strand, so that ties fall alike whichever strand was given."""
    first = regions.first
    start, end = regions.sequences.turned(regions.unit, regions.start - first, regions.end - first)
    return Regions(regions.sequences.canonical, regions.unit, first + start, first + end)


def on_given_strand(
    regions: Regions, unit: NDArray[np.int64], start: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    """Where intervals of `canonical_regions` begin on the strand that was given."""
    first = regions.sequences.offsets[unit]
    begin, _ = regions.sequences.turned(unit, start - first, start - first + width)
    return first + begin


def canonical_order(regions: Regions) -> NDArray[np.int64]:
    """Order of the stretches by the text of their unit, then by place: no file's order."""
    rank = {s: i for i, s in enumerate(sorted(set(regions.sequences)))}
    by_unit = np.array([rank[s] for s in regions.sequences], dtype=np.int64)[regions.unit]
    first = regions.first
    return np.lexsort((regions.unit, regions.end - first, regions.start - first, by_unit))


@dataclass(frozen=True, eq=False)
class BestPlaces:
    """The best place of each motif in each seqlet; arrays (seqlets, motifs).

    Attributes:
        score: Hundredths of a bit; far below 0 where the motif does not fit in.
        start: First column of the site in `Windows.codes`.
        flipped: Is the site on the other strand?
    """

    score: NDArray[np.float32]
    start: NDArray[np.int16]
    flipped: NDArray[np.bool_]


class SeqletWindows:
    """A table of seqlets, one row each.

    A row holds the seqlet and further bases on either side, into which a motif may grow. A site may
    hang over an end of the seqlet by up to `HANG_BP`: columns there count nothing, since a caller
    that missed an end by two bases is no reason to lose a site. -1 stands for no base.
    """

    def __init__(self, regions: Regions, twice_middle: NDArray[np.int64] | None = None) -> None:
        """Lay the stretches out.

        Args:
            regions: The seqlets.
            twice_middle: (seqlets,) start + end of what distances are measured from, if not the
                stretches themselves: a seqlet that was widened up to an end is still the middle.
        """
        text = base_codes(regions.sequences)
        self.width = int((regions.end - regions.start).max()) if len(regions) else 0
        self.width += 2 * HANG_BP
        at = regions.start[:, None] + np.arange(
            -MAX_WIDTH - HANG_BP, self.width - HANG_BP + MAX_WIDTH
        )
        first, past = regions.first, regions.sequences.offsets[regions.unit + 1]
        inside = (at >= first[:, None]) & (at < past[:, None])
        self._around = np.where(inside, text[np.where(inside, at, 0)], np.int8(-1))
        self.codes = self._around[:, MAX_WIDTH : MAX_WIDTH + self.width].copy()
        past_end = HANG_BP + (regions.end - regions.start)
        columns = np.arange(self.width)
        self.codes[(columns < HANG_BP) | (columns >= past_end[:, None])] = -1
        self._past = past_end + HANG_BP
        whole = regions.start + regions.end if twice_middle is None else twice_middle
        self._twice_middle = whole - 2 * (regions.start - HANG_BP)

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.int64]) -> SeqletWindows:
        """Some of the seqlets."""
        part = object.__new__(SeqletWindows)
        part.width, part.codes, part._around = self.width, self.codes[rows], self._around[rows]
        part._past, part._twice_middle = self._past[rows], self._twice_middle[rows]
        return part

    def best(
        self,
        log_odds: Sequence[NDArray[np.float64]],
        placement: NDArray[np.float32] | None = None,
    ) -> BestPlaces:
        """Where each motif scores best in each seqlet; of equal places the first, unturned.

        Args:
            log_odds: (4, width) each, whole hundredths of a bit (`hundredths`).
            placement: (distances,) added to the score of a site at each distance (`distance`), in
                whole hundredths too; the last also holds beyond.
        """
        n, n_motifs = len(self), len(log_odds)
        places = BestPlaces(
            np.empty((n, n_motifs), np.float32),
            np.empty((n, n_motifs), np.int16),
            np.empty((n, n_motifs), bool),
        )
        if not n_motifs:
            return places
        widths = [odds.shape[1] for odds in log_odds]
        widest = max(widths)
        # a fifth row for where a site may not lie
        forward = np.zeros((n_motifs, widest, 5), dtype=np.float32)
        for i, odds in enumerate(log_odds):
            forward[i, : widths[i], :4] = odds.T
            forward[i, : widths[i], 4] = _FORBIDDEN
        other = forward.copy()
        for i, width in enumerate(widths):
            other[i, :width, :4] = forward[i, :width, :4][::-1, ::-1]
        filters = np.concatenate([forward, other]).reshape(2 * n_motifs, -1).T.copy()
        letters = np.eye(6, 5, dtype=np.float32)  # the last, all 0, is "no base"
        columns, size = np.arange(self.width), 5 * widest
        step = max(1, _CHUNK // max(1, self.width * max(size, 2 * n_motifs)))
        for begin in range(0, n, step):
            rows = slice(begin, min(begin + step, n))
            text = np.full((rows.stop - begin, self.width + widest), 4, dtype=np.int8)
            beyond = columns >= self._past[rows][:, None]
            text[:, : self.width] = np.where(beyond, np.int8(4), self.codes[rows])
            one_hot = letters[text].reshape(len(text), -1)
            window = np.lib.stride_tricks.sliding_window_view(one_hot, size, axis=1)
            scores = window[:, : 5 * self.width : 5].reshape(-1, size) @ filters
            scores = scores.reshape(len(text), self.width, 2 * n_motifs)
            if placement is not None:
                self._add_placement(scores, rows, widths, placement)
            top = scores.max(axis=1)
            start = np.zeros(top.shape, dtype=np.int16)
            for column in range(self.width - 1, -1, -1):  # several times faster than argmax here
                np.copyto(start, np.int16(column), where=scores[:, column] == top)
            one, two = slice(0, n_motifs), slice(n_motifs, None)
            flipped = top[:, two] > top[:, one]
            places.score[rows] = np.where(flipped, top[:, two], top[:, one])
            places.start[rows] = np.where(flipped, start[:, two], start[:, one])
            places.flipped[rows] = flipped
        return places

    def _add_placement(
        self,
        scores: NDArray[np.float32],
        rows: slice,
        widths: list[int],
        placement: NDArray[np.float32],
    ) -> None:
        """Add to (rows, columns, 2 motifs) what a site that begins in each column is worth."""
        columns, both = np.arange(self.width), np.array(widths * 2)
        for width in set(widths):
            off = np.abs(2 * columns + width - self._twice_middle[rows, None])
            worth = placement[np.minimum(off, len(placement) - 1)][:, :, None]
            scores[:, :, both == width] += worth

    def distance(
        self, rows: NDArray[np.int64], places: BestPlaces, motif: int, width: int
    ) -> NDArray[np.int64]:
        """From the seqlet's middle to that of a motif's best site in it, in half bases."""
        twice = 2 * places.start[rows, motif].astype(np.int64) + width
        off: NDArray[np.int64] = np.abs(twice - self._twice_middle[rows])
        return off

    def sites(
        self, rows: NDArray[np.int64], places: BestPlaces, motif: int, width: int, grow: int = 0
    ) -> NDArray[np.int8]:
        """(rows, width + 2 grow) bases under a motif's best sites, all on the motif's strand."""
        first = MAX_WIDTH + places.start[rows, motif].astype(np.int64)[:, None] - grow
        letters = self._around[rows[:, None], first + np.arange(width + 2 * grow)]
        turned = np.where(letters >= 0, 3 - letters, -1)[:, ::-1]
        stack: NDArray[np.int8] = np.where(places.flipped[rows, motif][:, None], turned, letters)
        return stack

    def room(
        self, rows: NDArray[np.int64], places: BestPlaces, motif: int, width: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """By how many columns each of a motif's sites could begin earlier, and end later."""
        before = places.start[rows, motif].astype(np.int64)
        after = self._past[rows] - width - before
        flipped = places.flipped[rows, motif]
        return np.where(flipped, after, before), np.where(flipped, before, after)


def hundredths(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds in bits, rounded to whole hundredths."""
    return np.rint(PER_BIT * log_odds)
