"""What the task allows: the order told by scanning with the very matrices the sites come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_model import tokenizer
from nucel_pretrain.motif_order.matrices import Matrix
from nucel_pretrain.motif_order.sampling import Example

_FLOOR = 1e-4
"""Least probability of a base in the log-odds: some matrices have zeros."""


def scan_accuracy(a: Matrix, b: Matrix, examples: Sequence[Example], *, strands: str) -> float:
    """Share of examples in which A's best place lies before B's where it should.

    A sampled site may score below a chance match elsewhere, so this is below 1 for weak motifs: a
    model above it has learned more than the matrices say, one far below has not learned the task.

    Args:
        a: Motif A; log-odds against a uniform background.
        b: Motif B, in the same way.
        examples: Sequences with their labels.
        strands: both or forward, as the sites were drawn.
    """
    ids = np.stack([tokenizer.encode(e.sequence) for e in examples]) - np.uint8(tokenizer.A)
    first = [best_start(motif, ids, strands=strands) for motif in (a, b)]
    labels = np.array([e.label for e in examples])
    return float(((first[0] < first[1]) == (labels == 1)).mean())


def best_start(motif: Matrix, bases: NDArray[np.uint8], *, strands: str) -> NDArray[np.int64]:
    """Start (n,) of the highest log-odds, 0-based, in ``bases`` (n, length) of 0 to 3."""
    matrices = [motif] if strands == "forward" else [motif, motif.reverse_complement()]
    places = bases.shape[1] - motif.width + 1
    best = np.full((len(bases), places), -np.inf)
    for matrix in matrices:
        odds = np.log(np.maximum(matrix.columns, _FLOOR) / 0.25)
        score = np.zeros_like(best)
        for i, column in enumerate(odds):
            score += column[bases[:, i : i + places]]
        best = np.maximum(best, score)
    return best.argmax(axis=1)
