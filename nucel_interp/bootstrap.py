"""Bootstrap over sequences: what is drawn, and percentile intervals (Efron and Tibshirani 1993).

The same draw serves every model and score, so that pairs stay pairs.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

N_BOOTSTRAP = 1000
FEWEST = 10
"""No interval from fewer sequences than this."""

ALPHA = 0.05
"""Share of intervals that miss what they are for."""

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Centre = Literal["median", "mean"]


@dataclass(frozen=True)
class ConfidenceInterval:
    """A value with its 95 % interval; NaN where it is not known."""

    value: float
    low: float
    high: float


UNKNOWN = ConfidenceInterval(np.nan, np.nan, np.nan)


def resample(n: int, seed: int, draws: int = N_BOOTSTRAP) -> Index:
    """(draws, n) numbers below ``n``, drawn with replacement.

    Args:
        n: Number of things to draw from, and of things drawn.
        seed: Seed of the draws.
        draws: Number of bootstrap samples.
    """
    if not n:
        return np.zeros((draws, 0), dtype=np.int64)
    return np.random.default_rng(seed).integers(n, size=(draws, n))


def resample_counts(times: Index, seed: int, draws: int = N_BOOTSTRAP) -> Index:
    """(draws, kinds) how often each kind is drawn, where all of a kind are alike.

    The same distribution as that of `resample`, but the draws are others.

    Args:
        times: (kinds,) how many there are of each; as many as all together are drawn.
        seed: Seed of the draws.
        draws: Number of bootstrap samples.
    """
    total = int(times.sum())
    return np.random.default_rng(seed).multinomial(total, times / total, size=draws)


def limits(resampled: Array, n_tests: int = 1) -> tuple[float, float]:
    """Ends of the 95 % interval (percentiles); NaN of nothing.

    Args:
        resampled: (draws,) the statistic in each bootstrap sample.
        n_tests: Intervals that are to hold together (Bonferroni).
    """
    if not len(resampled):
        return float("nan"), float("nan")
    tail = 100 * ALPHA / 2 / n_tests
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return float(low), float(high)


def centre(values: Array, how: Centre, axis: int = -1) -> Array:
    """Median or mean without NaN; NaN where there is nothing."""
    if values.size and not np.isnan(values).any():
        return np.asarray(np.median(values, axis) if how == "median" else np.mean(values, axis))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all NaN, or nothing at all
        return np.asarray(
            np.nanmedian(values, axis) if how == "median" else np.nanmean(values, axis)
        )


def interval(values: Array, index: Index, how: Centre) -> ConfidenceInterval:
    """Centre of (sequences,) values, with percentiles of its bootstrap."""
    if not np.isfinite(values).any():
        return UNKNOWN
    value = float(centre(values, how))
    return ConfidenceInterval(value, *_limits(centre(values[index], how), values))


def paired(
    a: Array, b: Array, index: Index, how: Centre
) -> tuple[ConfidenceInterval, ConfidenceInterval]:
    """Ratio and difference of the centres of two models, both measured in the same sequences.

    The ratio is NaN unless both centres are above 0.
    """
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return UNKNOWN, UNKNOWN
    a, b = np.where(both, a, np.nan), np.where(both, b, np.nan)
    x, y = float(centre(a, how)), float(centre(b, how))
    xs, ys = centre(a[index], how), centre(b[index], how)
    difference = ConfidenceInterval(x - y, *_limits(xs - ys, a))
    if not (x > 0 and y > 0):
        return UNKNOWN, difference
    positive = (xs > 0) & (ys > 0)
    ratios = np.where(positive, xs / np.where(positive, ys, 1), np.nan)
    return ConfidenceInterval(x / y, *_limits(ratios, a)), difference


def _limits(resampled: Array, values: Array) -> tuple[float, float]:
    known = resampled[np.isfinite(resampled)]
    if np.isfinite(values).sum() < FEWEST or known.size < 0.95 * resampled.size:
        return np.nan, np.nan
    return limits(known)
