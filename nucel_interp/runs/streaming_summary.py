"""Extremes and median of more numbers than are held."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Blocks = Callable[[], Iterable[NDArray[np.float32]]]
"""Gives the numbers block by block, from the beginning at each call."""

_HALF = 1 << 16


@dataclass(frozen=True)
class Summary:
    """Of all numbers but NaN; NaN if there are none.

    Attributes:
        n: Number of values that are not NaN.
        smallest: Smallest value.
        largest: Largest value.
        median: The mean of the middle two, if n is even.
        positive: Number of values above 0.
    """

    n: int
    smallest: float
    largest: float
    median: float
    positive: int


def summarise(blocks: Blocks) -> Summary:
    """Exact, in memory that does not grow: by the leading bits first, then by all of them."""
    n, positive = 0, 0
    smallest, largest = np.inf, -np.inf
    leading = np.zeros(_HALF, dtype=np.int64)
    for block in blocks():
        known = block[~np.isnan(block)]
        if known.size:
            n, positive = n + known.size, positive + int((known > 0).sum())
            smallest = min(smallest, float(known.min()))
            largest = max(largest, float(known.max()))
            leading += np.bincount(_ordered(known) >> 16, minlength=_HALF)
    if not n:
        return Summary(0, np.nan, np.nan, np.nan, 0)
    up_to = np.cumsum(leading)
    middle = []
    for rank in {(n - 1) // 2, n // 2}:
        bucket = int(np.searchsorted(up_to, rank, side="right"))
        trailing = np.zeros(_HALF, dtype=np.int64)
        for block in blocks():
            bits = _ordered(block[~np.isnan(block)])
            trailing += np.bincount(bits[bits >> 16 == bucket] & (_HALF - 1), minlength=_HALF)
        rest = rank - int(up_to[bucket] - leading[bucket])
        low = int(np.searchsorted(np.cumsum(trailing), rest, side="right"))
        middle.append(_number((bucket << 16) + low))
    return Summary(n, smallest, largest, float(np.mean(middle)), positive)


def _ordered(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Whole numbers in the same order as float32 numbers."""
    bits = values.view(np.uint32).astype(np.int64)
    return np.where(bits >> 31 == 1, 0xFFFFFFFF - bits, bits + 0x80000000)


def _number(ordered: int) -> float:
    """The inverse of `_ordered`."""
    bits = ordered - 0x80000000 if ordered >= 0x80000000 else 0xFFFFFFFF - ordered
    return float(np.array([bits], dtype=np.uint32).view(np.float32)[0])
