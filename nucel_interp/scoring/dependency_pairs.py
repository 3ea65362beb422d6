"""Which pairs of bases depend on each other more than in shuffled sequence.

Near bases depend on each other in any sequence, so a pair is compared with pairs as far apart in
dinucleotide-shuffled copies, and the strongest pair of a record with the strongest of each copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT_BP = 16
"""Up to here every distance is a class of its own; then classes grow by a quarter."""
COPIES, MOST_COPIES = 20, 100
"""Shuffled copies of a run in all: at least, so that p can reach 1/21, and at most."""

Array = NDArray[np.float64]


def copies_each(n_records: int) -> int:
    """Shuffled copies of each record, so that there are `COPIES` in all."""
    return max(1, -(-COPIES // max(1, n_records)))


def strengths(dependency: NDArray[np.floating[Any]]) -> Array:
    """Mean of both directions, (bases, bases): NaN on the diagonal and below it."""
    d = np.asarray(dependency, dtype=np.float64)
    mean: Array = (d + d.T) / 2
    mean[np.tril_indices(len(mean))] = np.nan
    return mean


@dataclass(frozen=True, eq=False)
class PairNull:
    """Dependencies of pairs in shuffled copies.

    Attributes:
        values: Per class of distance, the sorted strengths of all shuffled pairs, nats.
        strongest: (copies,) largest fold of each shuffled copy, sorted.
    """

    values: list[Array]
    strongest: Array


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of one record, strongest fold first.

    Attributes:
        first: (pairs,) place of the left base in the record, 0-based.
        second: (pairs,) place of the right base in the record, 0-based.
        strength: (pairs,) mean dependency of both directions, nats.
        shuffled_mean: (pairs,) mean strength of shuffled pairs as far apart, nats.
        fold: (pairs,) strength over the shuffled mean.
        p_pair: (pairs,) share of shuffled pairs as far apart that are as strong, (1 + k) / (1 + n).
        p_record: (pairs,) share of shuffled copies with any pair of such a fold, (1 + k) / (1 + n):
            holds for all pairs of the record together, if the copies are as long as the record.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    strength: Array
    shuffled_mean: Array
    fold: Array
    p_pair: Array
    p_record: Array


def pair_null(shuffled: Iterable[NDArray[np.floating[Any]]], longest: int) -> PairNull:
    """The null from dependency maps of shuffled copies.

    A copy's folds are over the mean of the other copies, as a record's are over that of copies.

    Args:
        shuffled: (bases, bases) dependency map of each shuffled copy, nats; iterated once.
        longest: Length of the longest sequence, in bases.
    """
    n_classes = int(_classes(np.array([max(longest, 1)]))[0]) + 1
    found: list[list[Array]] = [[] for _ in range(n_classes)]
    rows: list[Array] = []
    for dependency in shuffled:
        strength = strengths(dependency)
        first, second = np.nonzero(np.isfinite(strength))
        values, group = strength[first, second], _classes(second - first)
        row = np.zeros((3, n_classes))  # how many, their sum, the largest
        for c in np.unique(group).tolist():
            here = values[group == c]
            found[c].append(here)
            row[:, c] = len(here), here.sum(), here.max()
        rows.append(row)
    pooled = [np.sort(np.concatenate(parts)) if parts else np.empty(0) for parts in found]
    count, total, largest = np.array(rows).reshape(-1, 3, n_classes).swapaxes(0, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        others = (total.sum(axis=0) - total) / (count.sum(axis=0) - count)
        # within a class the mean is one number, so the largest fold is the largest strength's
        folds = np.where(count > 0, largest / others, 0.0)
    strongest = np.where(np.isfinite(folds), folds, 0.0).max(axis=1, initial=0.0)
    return PairNull(pooled, np.sort(strongest))


def rank_pairs(dependency: NDArray[np.floating[Any]], null: PairNull, most: int) -> Pairs:
    """The pairs of one record with the largest fold over shuffled pairs as far apart.

    Args:
        dependency: (bases, bases) dependency map of the record, nats.
        null: Pairs of shuffled copies of this record, and of others read with it (`pair_null`).
        most: Largest number of pairs to give.
    """
    strength = strengths(dependency)
    first, second = np.nonzero(np.isfinite(strength))
    group = _classes(second - first)
    means = _means(null.values)
    known = group < len(means)
    first, second, group = first[known], second[known], group[known]
    value = strength[first, second]
    with np.errstate(invalid="ignore", divide="ignore"):
        fold = value / means[group]
    order = np.argsort(-fold, kind="stable")[:most]
    order = order[np.isfinite(fold[order])]
    first, second, group = first[order], second[order], group[order]
    value, fold = value[order], fold[order]
    p_pair = np.array(
        [_p(null.values[c], v) for c, v in zip(group.tolist(), value.tolist(), strict=True)]
    )
    p_record = np.array([_p(null.strongest, f) for f in fold.tolist()])
    return Pairs(first, second, value, means[group], fold, p_pair, p_record)


def _p(null: Array, value: float) -> float:
    """(1 + those as large) / (1 + all), of a sorted null."""
    return float(1 + len(null) - np.searchsorted(null, value, side="left")) / (1 + len(null))


def _means(values: Sequence[Array]) -> Array:
    return np.array([v.mean() if len(v) else np.nan for v in values])


def _classes(distance: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Class of each distance, from 1 bp: exact, then wider and wider."""
    d = np.maximum(np.asarray(distance, dtype=np.float64), 1)
    wide = EXACT_BP + np.floor(np.log(np.maximum(d, EXACT_BP) / EXACT_BP) / np.log(1.25))
    return np.where(d <= EXACT_BP, d - 1, wide).astype(np.int64)
