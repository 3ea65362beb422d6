"""How well tracks find site bases: AUROC and AUPRC within each sequence, and recall curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from nucel_interp.controls.auroc_weights import SiteIntervals

SHARES = np.linspace(0, 1, 51)
"""Where recall curves are read."""

Array = NDArray[np.float64]


def by_sequence(values: Array, places: SiteIntervals, n_sequences: int) -> Array:
    """(heads, sequences) from (heads, cells) of one motif; NaN without a site."""
    out = np.full((len(values), n_sequences), np.nan)
    out[:, places.cell_unit] = values
    return out


def average_precision(score: NDArray[np.floating], is_site: NDArray[np.bool_]) -> float:
    """Area under precision and recall as a sum of steps; bases of equal score go together.

    NaN if there is no site base.
    """
    if not is_site.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(is_site[order])
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # of each run of ties
    precision = found[last] / (last + 1)
    gained = np.diff(found[last], prepend=0) / found[-1]
    return float((precision * gained).sum())


def recall_curve(score: NDArray[np.floating], is_site: NDArray[np.bool_]) -> Array:
    """Share of the site bases among the best-scoring share of bases, at `SHARES`.

    Bases of equal score share their ranks' mean, so a track without contrast gives a step at one
    half, as nothing is known of their order.
    """
    rank = rankdata(-score[np.newaxis], axis=1)[0]
    depth = np.sort((rank - 0.5)[is_site] / len(score))
    return np.asarray(np.searchsorted(depth, SHARES, side="right") / max(1, len(depth)))


def decoy_auroc(
    values: Array,
    places: SiteIntervals,
    second_half: NDArray[np.bool_],
    head: tuple[int | None, int | None],
    fewest: int,
) -> float:
    """Median over decoys of their mean AUROC, with the heads that were chosen for the motif.

    The mean over all decoys' cells where no decoy alone has sites in enough sequences.

    Args:
        values: (heads, cells), cells of all decoys.
        places: Theirs.
        second_half: (sequences,) bool.
        head: Chosen on half 1, and on half 2 (`head_selection.Chosen.head`).
        fewest: Sequences a decoy must have sites in.
    """
    first, second = head
    if first is None or second is None or not len(places.first):
        return float("nan")
    used = np.where(second_half[places.cell_unit], first, second)
    measured = values[used, np.arange(values.shape[1])]
    means = []
    for decoy in np.unique(places.cell_motif):
        here = places.cell_motif == decoy
        if here.sum() >= fewest:
            means.append(np.average(measured[here], weights=places.cell_counts[here]))
    if means:
        return float(np.median(means))
    # decoys whose sites are seldom of the motif's composition tell together what none tells alone
    if len(places.units) < fewest:
        return float("nan")
    return float(np.average(measured, weights=places.cell_counts))
