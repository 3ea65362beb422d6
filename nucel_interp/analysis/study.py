"""What the statistics are computed on: units laid end to end, their tracks and shuffled copies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nucel_interp.motifs.testing import Layout
from nucel_interp.sequences import Sequences

Track = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Copy:
    """A shuffled copy of every unit, and the score of each of its bases."""

    sequences: Sequences
    track: Track


@dataclass(frozen=True, eq=False)
class Study:
    """One input with its nulls.

    Attributes:
        sequences: Sequences of the units, one per unit.
        test: (units,) bool, the test half; the other half is for discovery.
        track: (bases,) score, NaN where there is none.
        copies: Dinucleotide-shuffled copies of the units, scored like them.
        threshold_null: Tracks that say how high the score gets by chance; the copies' own for a
            model, permuted ones for a user's track.
        trimers: Copies that keep 3-mers, as sequences only.
        second: Another reading of the same units, in which motifs are sought too: the one head
            whose attention is most concentrated; None where no heads are chosen.
        raw: (bases,) a user's track as it was given, before smoothing and scaling; else None.
    """

    sequences: Sequences
    test: NDArray[np.bool_]
    track: Track
    copies: list[Copy]
    threshold_null: list[Track]
    trimers: list[list[str]]
    raw: NDArray[np.float64] | None = None
    second: Study | None = None

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(units + 1,) where each unit begins among all bases."""
        return self.sequences.offsets

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(units,) bases."""
        return self.sequences.lengths

    @property
    def in_test(self) -> NDArray[np.bool_]:
        """(bases,) does the base lie in the test half?"""
        return self.test[self.sequences.number]

    @cached_property
    def layout(self) -> Layout:
        """Units and halves; with too few units to split, everything is described together."""
        test = self.test if self.test.any() else np.ones_like(self.test)
        return Layout(self.sequences, test, ~np.isnan(self.track))
