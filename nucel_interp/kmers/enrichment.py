"""The sign test that every claim of "more than in shuffled copies" rests on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom


def sign_test(
    real: NDArray[np.bool_], copies: NDArray[np.bool_], group: NDArray[np.int64] | None = None
) -> float:
    """One-sided p that real units are hit more often than their own shuffled copies.

    Under the null a unit and its copies are exchangeable: if T of the 1 + K are hit, the real one
    is hit with probability T / (1 + K), independently of other units. The number of real hits is
    then a sum of independent draws with known probabilities, whose tail is taken exactly
    (Poisson-binomial, conditional on every T). With one copy this is the sign test; with one value
    of T it is a binomial tail.

    Args:
        real: (units,) bool.
        copies: (copies, units) bool.
        group: (units,) a number that equal sequences share. Their shuffled copies are equal, so
            they are one observation, hit if one of them is.

    Returns:
        p in (0, 1]; 1.0 if no unit is informative.
    """
    if group is not None:
        _, which = np.unique(group, return_inverse=True)
        real = np.bincount(which, real) > 0
        copies = np.stack([np.bincount(which, copy) > 0 for copy in copies])
    n_copies = copies.shape[0]
    hits = real.astype(np.int64) + copies.sum(axis=0)
    informative = (hits > 0) & (hits <= n_copies)
    observed = int(real[informative].sum())
    by_total = np.bincount(hits[informative], minlength=n_copies + 1)
    distribution = np.ones(1)
    for total in np.flatnonzero(by_total):
        n = int(by_total[total])
        part = binom.pmf(np.arange(n + 1), n, total / (n_copies + 1))
        distribution = np.convolve(distribution, part)
    if not informative.any():
        return 1.0
    # a tail below the smallest number is not impossible
    return float(np.clip(distribution[observed:].sum(), np.finfo(float).tiny, 1.0))
