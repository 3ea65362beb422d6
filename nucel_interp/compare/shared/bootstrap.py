"""Bootstrap intervals over sequences; the same draw for every model, so that pairs stay pairs."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import canonical

N_BOOTSTRAP = 1000
FEWEST = 10
"""No interval from fewer sequences than this."""

Array = NDArray[np.float64]
Centre = Literal["median", "mean"]


@dataclass(frozen=True)
class ConfidenceInterval:
    """A value with its 95 % interval; NaN where it is not known."""

    value: float
    low: float
    high: float


UNKNOWN = ConfidenceInterval(np.nan, np.nan, np.nan)


def bootstrap_indices(
    sequences: Sequence[str], seed: int, n: int = N_BOOTSTRAP
) -> NDArray[np.int64]:
    """(n, sequences) indices of sequences drawn with replacement.

    Keyed by seed and the strand-collapsed sequences, so that neither their order nor their strand
    changes an interval.
    """
    collapsed = [canonical(s) for s in sequences]
    order = np.array(sorted(range(len(collapsed)), key=collapsed.__getitem__), dtype=np.int64)
    digest = hashlib.blake2b(repr(seed).encode(), digest_size=16)
    for i in order.tolist():
        digest.update(collapsed[i].encode() + b"\n")
    rng = np.random.default_rng(int.from_bytes(digest.digest(), "big"))
    if not len(order):
        return np.zeros((n, 0), dtype=np.int64)
    return np.asarray(order[rng.integers(len(order), size=(n, len(order)))])


def centre(values: Array, how: Centre, axis: int = -1) -> Array:
    """Median or mean without NaN; NaN where there is nothing."""
    if values.size and not np.isnan(values).any():
        return np.asarray(np.median(values, axis) if how == "median" else np.mean(values, axis))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all NaN, or nothing at all
        return np.asarray(
            np.nanmedian(values, axis) if how == "median" else np.nanmean(values, axis)
        )


def interval(values: Array, index: NDArray[np.int64], how: Centre) -> ConfidenceInterval:
    """Centre of (sequences,) values, with percentiles of its bootstrap."""
    if not np.isfinite(values).any():
        return UNKNOWN
    value = float(centre(values, how))
    return ConfidenceInterval(value, *_limits(centre(values[index], how), values))


def paired(
    a: Array, b: Array, index: NDArray[np.int64], how: Centre
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
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
