"""Sets of intervals on one sequence: arrays (n, 2) of starts and ends, 0-based half-open.

They are sorted and without overlap, but for what `merge` is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Intervals = NDArray[np.int64]


def merge(intervals: Intervals) -> Intervals:
    """Sorted, with those that overlap or touch joined; any (n, 2) goes in."""
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    starts, ends = intervals[:, 0], np.maximum.accumulate(intervals[:, 1])
    first = np.ones(len(starts), dtype=bool)
    first[1:] = starts[1:] > ends[:-1]
    last = np.append(first[1:], True)[: len(starts)]
    return np.stack([starts[first], ends[last]], axis=1)


def intersect(one: Intervals, two: Intervals) -> Intervals:
    """What lies in both."""
    low = np.searchsorted(two[:, 1], one[:, 0], side="right")
    high = np.searchsorted(two[:, 0], one[:, 1], side="left")
    n = np.maximum(high - low, 0)  # how many of two overlap each of one
    left = np.repeat(np.arange(len(one)), n)
    right = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(low, n)
    return np.stack(
        [np.maximum(one[left, 0], two[right, 0]), np.minimum(one[left, 1], two[right, 1])], axis=1
    )


def subtract(one: Intervals, two: Intervals) -> Intervals:
    """What lies in the first and not in the second."""
    edges = np.concatenate([[0], two.ravel(), [np.iinfo(np.int64).max]])
    return intersect(one, edges.reshape(-1, 2))
