"""How alike two matrices are, in the best of all shifts on both strands.

For telling whether two motifs of one run are the same. Naming a motif needs a p-value against a
collection; that is Tomtom's business (`similarity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_OVERLAP = 5


@dataclass(frozen=True)
class Alignment:
    """Ungapped alignment of two matrices.

    Attributes:
        similarity: -1..1. Both matrices are taken less 1/4, as vectors of all their columns, and
            this is the cosine between them; a column that hangs over counts as no agreement.
        offset: Columns by which the second begins to the right of the first.
        flipped: Is the second turned to its reverse complement?
    """

    similarity: float
    offset: int
    flipped: bool


def align(first: NDArray[np.float64], second: NDArray[np.float64]) -> Alignment:
    """The best alignment of two (4, width) matrices with at least five columns in common.

    Fewer where a matrix is narrower; of equal alignments the first from the left, unturned.
    """
    a, b = first - 0.25, second - 0.25
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    if scale == 0:
        return Alignment(0.0, 0, False)
    m, n = a.shape[1], b.shape[1]
    common = min(MIN_OVERLAP, m, n)
    # products of every column with every column; a shift is a diagonal of this table
    shift = np.arange(m)[:, None] - np.arange(n) + n - 1
    best = Alignment(-2.0, 0, False)
    for flipped in (False, True):
        products = a.T @ (b[::-1, ::-1] if flipped else b)
        sums = np.bincount(shift.ravel(), products.ravel()) / scale
        for offset in range(common - n, m - common + 1):
            similarity = float(sums[offset + n - 1])
            if similarity > best.similarity + 1e-12:
                best = Alignment(similarity, offset, flipped)
    return best


def most_alike(
    pwm: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
) -> tuple[int, float]:
    """Number and similarity of the matrix most like ``pwm``; (-1, -1.0) if there is none."""
    found = [align(pwm, other).similarity for other in others]
    best = int(np.argmax(found)) if found else -1
    return best, found[best] if found else -1.0
