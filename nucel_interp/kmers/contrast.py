"""Where words stand: inside seqlets or outside, how likely by chance, and the score there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers.counting import KmerIndex, letter_places
from nucel_interp.kmers.enrichment import chance_inside
from nucel_interp.sequences import Sequences

DISTANCE_BP = 10
"""Width of the bins in which distances from a unit's middle are compared."""


class WordPlaces:
    """Where words of one form stand in the units, inside seqlets and outside, and the score there.

    Args:
        sequences: (units,) sequence of each unit.
        inside: (bases,) bool, inside a seqlet?
        track: (bases,) score.
        described: (units,) bool, those whose scores are given.
    """

    def __init__(
        self,
        sequences: Sequence[str],
        inside: NDArray[np.bool_],
        track: NDArray[np.floating],
        described: NDArray[np.bool_],
    ) -> None:
        self.inside = inside
        self.known = np.isfinite(track)
        self.described = described
        self.sequences = Sequences.of(sequences)
        self.n = len(self.sequences)
        self.unit = self.sequences.number
        # as whole numbers the scores add up to the same sum in any order, so on either strand
        values = np.where(self.known, track, 0).astype(np.float64)
        self.scale = 2.0**30 / (np.abs(values).max(initial=0) or 1.0)
        self.score = np.rint(values * self.scale)
        self.total = np.bincount(self.unit, self.score, self.n)
        self.n_known = np.bincount(self.unit[self.known], minlength=self.n)

    def contrast(self, code: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """(units,) does a seqlet hold the word, and how likely is that by chance?

        The chance is the larger of two: of random places in the unit, and of the seqlets of all
        units at the same distances from the middle. Peaks have their motif in the middle, and a
        score may rise there whatever it finds.
        """
        at = self.index.places(code)
        at = at[self.is_inside[at] | self.is_outside[at]]
        held = np.bincount(self.unit[at], minlength=self.n)
        hit = np.bincount(self.unit[at], self.is_inside[at], self.n) > 0
        anywhere = chance_inside(held, self.n_inside, self.n_outside)
        # the sum over occurrences bounds the chance of any; sorted, to add up alike in any order
        order = at[np.lexsort((self.by_distance[self.distance[at]], self.unit[at]))]
        there = np.bincount(self.unit[order], self.by_distance[self.distance[order]], self.n)
        return hit, np.maximum(anywhere, np.minimum(there, 1.0))

    def scores(self, code: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean score at the word's letters, and at the same unit's other bases.

        Of each described unit that holds the word and other bases, with a score.
        """
        at = self.index.places(code)[:, None] + letter_places(self.index.k, self.index.gap)
        at = np.unique(at)
        at = at[self.known[at]]
        under = np.bincount(self.unit[at], minlength=self.n)
        inside = np.bincount(self.unit[at], self.score[at], self.n)
        chosen = self.described & (under > 0) & (self.n_known > under)
        return (
            inside[chosen] / under[chosen] / self.scale,
            (self.total - inside)[chosen] / (self.n_known - under)[chosen] / self.scale,
        )

    def read(self, index: KmerIndex) -> None:
        """Look at words of this form from now on; ``index`` is of the same units."""
        self.index = index
        self.is_inside = self.index.whole(self.inside & self.known)
        self.is_outside = self.index.whole(~self.inside & self.known)
        self.n_inside = np.bincount(self.unit[self.is_inside], minlength=self.n)
        self.n_outside = np.bincount(self.unit[self.is_outside], minlength=self.n)
        middle = 2 * self.sequences.position + self.index.width - 1
        self.distance = np.abs(middle - self.sequences.lengths[self.unit] + 1) // (2 * DISTANCE_BP)
        bins = int(self.distance.max(initial=0)) + 1
        inside = np.bincount(self.distance[self.is_inside], minlength=bins)
        outside = np.bincount(self.distance[self.is_outside], minlength=bins)
        self.by_distance = inside / np.maximum(inside + outside, 1)
