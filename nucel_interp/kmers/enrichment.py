"""Tests of "more often than": in shuffled copies, and at random places."""

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


def placement_p(
    hit: NDArray[np.bool_], chance: NDArray[np.float64], group: NDArray[np.int64] | None = None
) -> float:
    """One-sided p that more units are hit than places at random would hit.

    Units are independent, each with a chance of its own; the tail of their sum is taken exactly
    (Poisson-binomial).

    Args:
        hit: (units,) bool.
        chance: (units,) probability of a hit, from `chance_inside`.
        group: (units,) a number that equal sequences share. They are one observation, hit if each
            of them is, with the smallest chance among them; so p is never too small.

    Returns:
        p in (0, 1]; 1.0 if no unit has a chance strictly between 0 and 1.
    """
    if group is not None:
        _, which = np.unique(group, return_inverse=True)
        size = int(which.max(initial=-1)) + 1
        smallest = np.ones(size)
        np.minimum.at(smallest, which, chance)
        chance, hit = smallest, np.bincount(which, ~hit, minlength=size) == 0
    open_ = (chance > 0) & (chance < 1)
    observed = int(hit[open_].sum())
    if not observed:
        return 1.0
    distribution = np.zeros(int(open_.sum()) + 1)
    distribution[0] = 1.0
    # sorted: the order of the units must not change a digit
    for i, p in enumerate(np.sort(chance[open_])):
        distribution[1 : i + 2] = distribution[1 : i + 2] * (1 - p) + distribution[: i + 1] * p
        distribution[0] *= 1 - p
    return float(np.clip(distribution[observed:].sum(), np.finfo(float).tiny, 1.0))


def chance_inside(
    occurrences: NDArray[np.int64], inside: NDArray[np.int64], outside: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability that at least one of a unit's occurrences falls inside, at random places.

    1 - C(outside, m) / C(inside + outside, m). Words that overlap themselves (AAAAAAA) come in
    clumps, which are inside together: for them the probability is smaller than this.

    Args:
        occurrences: (units,) m, how often the unit holds the word at any of its places.
        inside: (units,) places of the word's width inside.
        outside: (units,) and outside.
    """
    none = np.ones(len(occurrences))
    for i in range(int(occurrences.max(initial=0))):
        more = occurrences > i
        none[more] *= np.maximum(outside[more] - i, 0) / (inside[more] + outside[more] - i)
    return 1 - none
