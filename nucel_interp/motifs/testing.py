"""Held-out statistics of a motif: more than in shuffled copies? Does the score look at it?

Everything here is computed on the test half, which took no part in finding the motif, in choosing
heads or in setting the threshold. The unit of replication is the unit, never the base; units of
equal sequence (either strand) are one, since their shuffled copies are equal too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import UNKNOWN, ConfidenceInterval, limits, resample_counts
from nucel_interp.kmers import sign_test
from nucel_interp.sequences import Sequences, covered
from nucel_interp.types import Site

N_RANDOM = 20


@dataclass(frozen=True, eq=False)
class Layout:
    """Units, and which of their bases count.

    Attributes:
        sequences: Sequences of the units, one per unit.
        test: (units,) bool, the test half.
        known: (bases,) bool, bases that have a score.
    """

    sequences: Sequences
    test: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """(bases,) does the base have a score and lie in the test half?"""
        return self.known & self.test[self.sequences.number]


def units_with_site(sites: list[Site], n_units: int) -> NDArray[np.bool_]:
    """(units,) does the unit hold a site? A site's ``record`` is the unit's number."""
    present = np.zeros(n_units, dtype=bool)
    present[[s.record for s in sites]] = True
    return present


def units_hit(
    sites: list[Site], inside: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(units,) does a seqlet of the unit hold a site? It does if the site's middle lies inside."""
    hit = np.zeros(len(offsets) - 1, dtype=bool)
    for s in sites:
        if inside[offsets[s.record] + (s.start + s.end) // 2]:
            hit[s.record] = True
    return hit


def site_bases(sites: Sequence[Site], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(bases,) True under a site."""
    first = offsets[np.array([s.record for s in sites], dtype=np.int64)]
    start, end = (
        first + np.array(at, dtype=np.int64)
        for at in ([s.start for s in sites], [s.end for s in sites])
    )
    return covered(start, end, int(offsets[-1]))


def enrichment_p(
    real: NDArray[np.bool_],
    copies: list[NDArray[np.bool_]],
    test: NDArray[np.bool_],
    group: NDArray[np.int64] | None = None,
) -> float:
    """Sign test of test units against their own shuffled copies; see `kmers.sign_test`.

    Args:
        real: (units,) is the unit hit?
        copies: (units,) bool per shuffled copy: is the unit's copy hit?
        test: (units,) bool.
        group: (units,) a number that equal sequences share: they count once.
    """
    return sign_test(real[test], np.stack(copies)[:, test], None if group is None else group[test])


@dataclass(frozen=True, eq=False)
class Part:
    """Where a motif and the seqlets lie on one test half; a fold may be taken over several."""

    under: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    layout: Layout


def attention_fold(parts: Sequence[Part], seed: int) -> ConfidenceInterval:
    """Share of site bases inside seqlets over share of all test bases inside seqlets.

    1.0 is what seqlets at random places give. The interval resamples units 1,000 times; it does
    not depend on their order.

    Args:
        parts: Test halves, no unit in two of them: (bases,) bool each, True under a site of the
            motif and True inside a seqlet.
        seed: Seed of the bootstrap.
    """
    tables = [_per_unit(p.under, p.inside, p.layout) for p in parts]
    table = np.concatenate(tables) if tables else np.zeros((0, 4))
    if not len(table):
        return UNKNOWN
    # units with equal counts are drawn together: the same distribution, in sorted order, and fast
    rows, times = np.unique(table, axis=0, return_counts=True)
    folds = _ratio(resample_counts(times, seed) @ rows)
    value = float(_ratio(table.sum(axis=0)[None])[0])
    return ConfidenceInterval(value, *limits(folds[np.isfinite(folds)]))


def plain_fold(parts: Sequence[Part]) -> float:
    """`attention_fold` without its interval."""
    total = np.zeros(4)
    for p in parts:
        at, counted = p.under & p.layout.counted, p.layout.counted
        masks = (at & p.inside, at, p.inside & counted, counted)
        total += [np.count_nonzero(m) for m in masks]
    return float(_ratio(total[None])[0])


def _per_unit(
    under: NDArray[np.bool_], inside: NDArray[np.bool_], layout: Layout
) -> NDArray[np.float64]:
    """(distinct test units, 4): site bases inside, site bases, bases inside, bases."""
    groups, which = np.unique(layout.sequences.rank[layout.test], return_inverse=True)
    group = np.full(len(layout.test), len(groups))
    group[layout.test] = which
    base, n = group[layout.sequences.number], len(groups) + 1
    columns = [under & inside, under, inside, np.ones_like(under)]
    table = np.stack([np.bincount(base, c & layout.known, minlength=n) for c in columns], axis=1)
    return table[:-1].astype(np.float64)


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: NDArray[np.float64] = (sums[:, 0] / sums[:, 1]) / (sums[:, 2] / sums[:, 3])
    return ratio


def other_offsets(
    starts: list[tuple[int, int, int]], layout: Layout, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Seqlets at another test unit's offsets: keeps number, length and where in a unit they lie.

    Args:
        starts: (unit, start, end) of every seqlet of the test half.
        layout: Units and halves.
        rng: Decides who gets whose.
    """
    test = np.flatnonzero(layout.test)
    test = test[np.argsort(layout.sequences.rank[test], kind="stable")]
    lengths = layout.sequences.lengths
    receiver = np.zeros(len(lengths), dtype=np.int64)
    receiver[test] = rng.permutation(test)
    unit, start, end = _canonical_places(starts, layout)
    to = receiver[unit]
    # measured from the nearer end, so that units of unequal length swap comparable positions
    shift = np.where(start + end > lengths[unit], lengths[to] - lengths[unit], 0)
    start, end = np.maximum(0, start + shift), np.minimum(lengths[to], end + shift)
    kept = end > start
    return _on_given_strand(to[kept], start[kept], end[kept], layout)


def random_places(
    starts: list[tuple[int, int, int]], layout: Layout, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Seqlets anywhere in their own unit, uniformly: keeps number and length."""
    unit, start, end = _canonical_places(starts, layout)
    width = end - start
    start = rng.integers(layout.sequences.lengths[unit] - width + 1)
    return _on_given_strand(unit, start, start + width, layout)


def _canonical_places(
    starts: list[tuple[int, int, int]], layout: Layout
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Unit, start and end on each unit's canonical strand, in an order that content decides.

    A random draw then meets the same seqlet whatever the order and the strands of the file.
    """
    unit, start, end = np.array(starts, dtype=np.int64).reshape(-1, 3).T
    start, end = layout.sequences.turned(unit, start, end)
    order = np.lexsort((start, unit, layout.sequences.rank[unit]))
    return unit[order], start[order], end[order]


def _on_given_strand(
    unit: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], layout: Layout
) -> NDArray[np.bool_]:
    """(bases,) True inside these intervals of the canonical strands."""
    return layout.sequences.covered(unit, *layout.sequences.turned(unit, start, end))
