"""Numbers with intervals: ranking, calibration, and resampling whole windows.

The unit of resampling is the group an item belongs to (a window, a sequence), never the base: bases
of one window are not independent. A statistic is a function of ``counts`` (n_groups,), how often
each group was drawn, so that a resample costs a pass over sorted scores and not a sort, and so that
the difference of two models on the same windows is one more statistic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.float64]
Statistic = Callable[[Counts], float]

DRAWS = 500
"""Bootstrap resamples where nothing else is asked for."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % bootstrap interval (percentiles) over ``n`` groups."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """As tables print it."""
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


def estimate(statistic: Statistic, n_groups: int, *, draws: int = DRAWS, seed: int = 0) -> Estimate:
    """``statistic`` on all groups once each, and its spread when groups are resampled.

    The same seed and number of groups give the same resamples: paired by construction. Resamples
    in which the statistic is not defined (one class is missing) are left out.
    """
    rng = np.random.default_rng([seed, n_groups])
    values = np.array(
        [
            statistic(rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups)).astype(np.float64))
            for _ in range(draws if n_groups else 0)
        ]
    )
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, [2.5, 97.5]) if values.size else (np.nan, np.nan)
    value = statistic(np.ones(n_groups)) if n_groups else float("nan")
    return Estimate(float(value), float(low), float(high), n_groups)


def ratio(totals: ArrayLike, sizes: ArrayLike) -> Statistic:
    """Mean over items, from each group's total and its number of items."""
    total, size = np.asarray(totals, dtype=np.float64), np.asarray(sizes, dtype=np.float64)

    def statistic(counts: Counts) -> float:
        n = float(counts @ size)
        return float(counts @ total) / n if n else float("nan")

    return statistic


class Ranked:
    """Scores of two classes, sorted once.

    Args:
        scores: Any shape; high = positive.
        positive: Labels of the items, bool, of the shape of the scores.
        group: Group of each item, of the shape of the scores; None = every item is its own.
    """

    def __init__(
        self, scores: ArrayLike, positive: ArrayLike, group: ArrayLike | None = None
    ) -> None:
        flat = np.asarray(scores, dtype=np.float64).ravel()
        if np.isnan(flat).any():
            raise ValueError("a score is NaN, so scores cannot be ranked")
        order = np.argsort(-flat, kind="stable")
        groups = np.arange(flat.size) if group is None else np.asarray(group).ravel()
        self._group = groups[order]
        self._positive = np.asarray(positive, dtype=np.float64).ravel()[order]
        (self._at,) = np.nonzero(self._positive)
        # equal scores share one threshold: where the run of ties around each positive starts, ends
        new = np.flatnonzero(np.diff(flat[order], prepend=np.nan) != 0)
        run = np.searchsorted(new, self._at, side="right")
        self._first, self._end = new[run - 1], np.append(new, flat.size)[run]

    def _weights(self, counts: Counts | None) -> NDArray[np.float64]:
        return np.ones(self._group.size) if counts is None else counts[self._group]

    def auroc(self, counts: Counts | None = None) -> float:
        """Area under the ROC curve, ties counted half; NaN where one class is missing."""
        weight = self._weights(counts)
        hits = weight[self._at]
        above = np.append(0.0, np.cumsum(weight * (1 - self._positive)))
        if not above[-1] or not hits.sum():
            return float("nan")
        beaten = above[-1] - (above[self._first] + above[self._end]) / 2
        return float(hits @ beaten / (hits.sum() * above[-1]))

    def auprc(self, counts: Counts | None = None) -> float:
        """Average precision: precision weighted by the recall each threshold adds."""
        weight = self._weights(counts)
        hits = weight[self._at]
        if not hits.sum():
            return float("nan")
        called = np.append(0.0, np.cumsum(weight))[self._end]
        true = np.append(0.0, np.cumsum(weight * self._positive))[self._end]
        precision = np.divide(true, called, out=np.zeros_like(true), where=called > 0)
        return float(hits @ precision / hits.sum())


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Area under the ROC curve, ties counted half; NaN where one class is missing."""
    return Ranked(scores, positive).auroc()


class Calibration:
    """How far predicted probabilities lie from what happens, in bins of equal size.

    Bin edges are quantiles of the predictions (deciles for 10), so that every bin holds as many
    items where nothing ties; a bin is closed above.

    Args:
        probability: Any shape, 0..1.
        positive: Labels of the items, bool, of the shape of the probabilities.
        group: Group of each item, of the shape of the probabilities; None = every item is its own.
        bins: Number of bins; default 10.
    """

    def __init__(
        self,
        probability: ArrayLike,
        positive: ArrayLike,
        group: ArrayLike | None = None,
        *,
        bins: int = 10,
    ) -> None:
        p = np.asarray(probability, dtype=np.float64).ravel()
        y = np.asarray(positive, dtype=np.float64).ravel()
        groups = np.arange(p.size) if group is None else np.asarray(group).ravel()
        edges = np.quantile(p, np.arange(1, bins) / bins) if p.size else np.zeros(bins - 1)
        cell = groups * bins + np.searchsorted(edges, p, side="left")
        shape = (int(groups.max()) + 1 if p.size else 0, bins)

        def total(weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
            summed = np.bincount(cell, weights=weights, minlength=shape[0] * bins)
            return summed.astype(np.float64).reshape(shape)

        self._n, self._predicted, self._observed = total(), total(p), total(y)

    def table(self) -> list[dict[str, float]]:
        """Per bin that holds anything: mean prediction, observed share, number of items."""
        n, predicted, observed = (x.sum(axis=0) for x in (self._n, self._predicted, self._observed))
        return [
            {"predicted": predicted[b] / n[b], "observed": observed[b] / n[b], "n": int(n[b])}
            for b in range(n.size)
            if n[b]
        ]

    def error(self, counts: Counts | None = None) -> float:
        """Expected calibration error: mean over items of |prediction - share| of their bin.

        Naeini et al. 2015, with quantile bins. Never below zero, so its interval lies above the
        value where that is near zero.
        """
        weight = np.ones(len(self._n)) if counts is None else counts[: len(self._n)]
        n = float((weight @ self._n).sum())
        gap = np.abs(weight @ self._predicted - weight @ self._observed)
        return float(gap.sum() / n) if n else float("nan")


def matthews(called: ArrayLike, positive: ArrayLike, counts: Counts | None = None) -> float:
    """Matthews correlation of two bool arrays; 0 where either is constant, as scikit-learn."""
    a, b = np.asarray(called, dtype=np.float64), np.asarray(positive, dtype=np.float64)
    w = np.ones(a.size) if counts is None else counts
    n = w.sum()
    both, first, second = w @ (a * b), w @ a, w @ b
    spread = first * (n - first) * second * (n - second)
    return float((n * both - first * second) / np.sqrt(spread)) if spread > 0 else 0.0


def best_threshold(scores: ArrayLike, positive: ArrayLike) -> float:
    """The score at or above which to call, for the largest Matthews correlation here."""
    s, y = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    order = np.argsort(-s, kind="stable")
    last = np.flatnonzero(np.diff(s[order], append=np.nan) != 0)
    true, n = np.cumsum(y[order])[last].astype(np.float64), float(s.size)
    called, total = last + 1.0, float(y.sum())
    spread = called * (n - called) * total * (n - total)
    value = np.divide(n * true - called * total, np.sqrt(spread), where=spread > 0, out=0.0 * true)
    return float(s[order][last[int(np.argmax(value))]])
