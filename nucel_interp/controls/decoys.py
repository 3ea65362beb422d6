"""Decoys: a motif's own columns in another order, so width, information and GC are the same."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from nucel_interp.motifs.pwm import reverse_complement
from nucel_interp.types import Motif

N_DECOYS = 20
MOST_DECOYS = 100
CANDIDATES = 1000
LIKENESS = 0.75
"""A decoy that matches its motif better than this, at any offset on either strand, is none."""


def decoys(motif: Motif, seed: int, n: int = N_DECOYS) -> list[Motif]:
    """Column-permuted copies of a motif that do not look like it.

    Of 1,000 random orders of the columns those unlike the motif are kept, and of these the ``n``
    whose expected number of CpG is nearest to the motif's: a head that looks at CpG wherever it
    stands would otherwise be taken for one that looks at a motif with CpG.

    Args:
        motif: Motif whose columns are permuted.
        seed: Seed of the permutations, used together with the matrix (on either strand).
        n: Number of decoys wanted.

    Returns:
        Up to ``n`` different matrices; fewer, or none, if the columns are too much alike.
    """
    pwm = np.round(motif.pwm, 9)
    other = reverse_complement(pwm)
    if other.tobytes() < pwm.tobytes():
        pwm = other
    key = hashlib.blake2b(repr(seed).encode() + pwm.tobytes(), digest_size=16).digest()
    rng = np.random.default_rng(int.from_bytes(key, "big"))
    found: dict[bytes, NDArray[np.float64]] = {}
    for _ in range(CANDIDATES):
        candidate = np.ascontiguousarray(pwm[:, rng.permutation(pwm.shape[1])])
        turned = reverse_complement(candidate)
        if min(candidate.tobytes(), turned.tobytes()) not in found and (
            max(likeness(pwm, candidate), likeness(pwm, turned)) <= LIKENESS
        ):
            found[min(candidate.tobytes(), turned.tobytes())] = candidate
    target = expected_cpg(pwm)
    chosen = sorted(found.values(), key=lambda m: round(abs(expected_cpg(m) - target), 9))[:n]
    return [
        Motif(f"{motif.id}_decoy_{i}", m / m.sum(axis=0), motif.n_sites)
        for i, m in enumerate(chosen, start=1)
    ]


def likeness(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Best agreement of two matrices of one width over all offsets; 1.0 if they are equal.

    Sum of products of the columns' distances from equal frequencies, over the same of ``a``
    with itself.
    """
    x, y = a - 0.25, b - 0.25
    width = a.shape[1]
    offset = np.subtract.outer(np.arange(width), np.arange(width)) + width - 1
    best = np.bincount(offset.ravel(), (x.T @ y).ravel()).max()
    return float(best / max(float((x**2).sum()), 1e-12))


def expected_cpg(pwm: NDArray[np.float64]) -> float:
    """How many CpG a site of the motif holds on average; the same on both strands."""
    return float((pwm[1, :-1] * pwm[2, 1:]).sum())
