"""The p-value of a motif score, by dynamic programming over the score distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.motifs.pwm import checked_background

STEP = 0.01


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """How often random sequence scores at least so much.

    Attributes:
        scores: (4, width) log-odds rounded to whole multiples of ``step``.
        lowest: The lowest possible sum of those.
        tail: ``tail[k]`` is the probability of a sum of at least ``lowest + k``.
        step: Bits per unit.
    """

    scores: NDArray[np.int64]
    lowest: int
    tail: NDArray[np.float64]
    step: float

    def p(self, totals: NDArray[np.int64]) -> NDArray[np.float64]:
        """p-values of sums of ``scores``, any shape."""
        return self.tail[totals - self.lowest]

    def cutoff(self, p_threshold: float) -> int | None:
        """The lowest sum with p < ``p_threshold``; None if even the best has not."""
        below = np.flatnonzero(self.tail < p_threshold)
        return int(below[0]) + self.lowest if len(below) else None


def score_table(
    log_odds: ArrayLike, background: ArrayLike | None = None, step: float = STEP
) -> ScoreTable:
    """The exact distribution of a motif's score under independent bases.

    Exact for scores rounded to ``step``; rounding moves a site's score by at most
    ``width * step / 2`` bits. Method: Staden, Comput Appl Biosci 1989, 5:89; as in FIMO.

    Args:
        log_odds: (4, width), finite, in bits.
        background: (4,) base frequencies A, C, G, T; equal if not given.
        step: Bits per unit.
    """
    b = checked_background(background)
    scores = np.rint(np.asarray(log_odds, dtype=np.float64) / step).astype(np.int64)
    density = np.ones(1)
    for column in scores.T:
        shifts = column - column.min()
        longer = np.zeros(len(density) + int(shifts.max()))
        for frequency, shift in zip(b, shifts, strict=True):
            longer[shift : shift + len(density)] += frequency * density
        density = longer
    # summed from the rare end, so that small tails keep their digits
    tail = np.minimum(np.cumsum(density[::-1])[::-1], 1.0)
    # an unreachable total beyond the best cannot occur, so every entry of tail is > 0
    return ScoreTable(scores, int(scores.min(axis=0).sum()), tail, step)
