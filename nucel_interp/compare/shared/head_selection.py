"""The best head chosen on one half of the sequences and measured on the other, both ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import Centre, centre

FEWEST_PER_HALF = 5
"""A head is not chosen on fewer sequences than this."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chosen:
    """Heads chosen by cross-fitting.

    Attributes:
        values: (sequences,) each measured with the head chosen on the half it is not in.
        head: Chosen on half 1 (and used on half 2), and chosen on half 2; None if it could not be.
    """

    values: Array
    head: tuple[int | None, int | None]

    def of(self, second_half: bool) -> int | None:
        """The head to measure a sequence of a half with."""
        return self.head[0] if second_half else self.head[1]


def crossfit_heads(
    values: Array, second_half: NDArray[np.bool_], among: NDArray[np.bool_], how: Centre
) -> Chosen:
    """Choose the head with the largest centre on each half, and measure it on the other.

    A maximum over heads on the data it is reported for would be too high, by how many heads there
    are: models with more heads would win. Of equal heads the first is taken.

    Args:
        values: (heads, sequences), NaN where there is none.
        second_half: (sequences,) bool.
        among: (heads,) bool, the heads that compete.
        how: "mean" or "median": centre over sequences by which a head is chosen.
    """
    heads = np.flatnonzero(among)
    out = np.full(values.shape[1], np.nan)
    chosen: list[int | None] = [None, None]
    for i, half in enumerate((~second_half, second_half)):
        part = values[np.ix_(heads, np.flatnonzero(half))]
        if not heads.size or np.isfinite(part).any(axis=0).sum() < FEWEST_PER_HALF:
            continue
        level = centre(part, how, axis=1)
        if np.isfinite(level).any():
            chosen[i] = int(heads[np.nanargmax(level)])
            out[~half] = values[chosen[i], ~half]
    return Chosen(out, (chosen[0], chosen[1]))


def head_mean(values: Array, among: NDArray[np.bool_]) -> Array:
    """(sequences,) mean over the heads of each sequence; nothing is chosen."""
    return centre(values[among], "mean", axis=0)
