"""The difference between a motif's sites and its decoys', with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.controls.occurrences import Occurrences

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Difference:
    """One per row (a head, or an arrangement of tracks).

    Attributes:
        own: (rows,) mean over the sequences with a site.
        other: (rows,) mean over the decoys' cells, as they are weighted.
        se: (rows,) standard error of own - other.
        n: Sequences with a site.
    """

    own: Array
    other: Array
    se: Array
    n: int

    @property
    def value(self) -> Array:
        """(rows,) own - other."""
        return self.own - self.other

    @property
    def t(self) -> Array:
        """(rows,) the difference over its standard error; 0 where nothing varies."""
        return np.where(self.se > 1e-9, self.value / np.maximum(self.se, 1e-9), 0.0)


def difference(own: Array, other: Array, o: Occurrences, part: NDArray[np.bool_]) -> Difference:
    """Mean at the sites less mean at the decoys' sites, over a part of the sequences.

    The standard error comes from the sequences' contributions (a sequence with both kinds of site
    contributes to both means at once) and from the decoys' (two-way clusters: Cameron, Gelbach and
    Miller, J Bus Econ Stat 2011, 29:238), so that it depends less on which decoys
    were drawn.

    Args:
        own: (rows, cells of the motif).
        other: (rows, cells of its decoys).
        o: Cells: the sequence and the decoy that each belongs to, and its bases.
        part: (sequences,) bool.
    """
    mine, theirs = part[o.own.cell_unit], part[o.other.cell_unit]
    mean_a, by_unit_a = contributions(own[:, mine], o.own.cell_counts[mine])
    mean_b, by_cell_b = contributions(other[:, theirs], o.other.cell_counts[theirs])
    unit_b, cells_of = np.unique(o.other.cell_unit[theirs], return_index=True)
    by_unit_b = np.add.reduceat(by_cell_b, cells_of, axis=1)
    _, in_a, in_b = np.intersect1d(
        o.own.cell_unit[mine], unit_b, assume_unique=True, return_indices=True
    )
    variance = (by_unit_a**2).sum(axis=1) + (by_unit_b**2).sum(axis=1)
    variance -= 2 * (by_unit_a[:, in_a] * by_unit_b[:, in_b]).sum(axis=1)
    # decoys differ too: what they add, beyond the sequences, to the variance of their mean
    member = o.other.cell_motif[theirs]
    by_decoy = by_cell_b @ (member[:, None] == np.arange(o.n_decoys)).astype(np.float64)
    variance += np.maximum((by_decoy**2).sum(axis=1) - (by_cell_b**2).sum(axis=1), 0)
    return Difference(mean_a, mean_b, np.sqrt(np.maximum(variance, 0)), int(mine.sum()))


def contributions(values: Array, counts: Array) -> tuple[Array, Array]:
    """Weighted mean over cells of each row, and each cell's part in its deviation."""
    share = counts / counts.sum()
    mean = values @ share
    return mean, (values - mean[:, None]) * share
