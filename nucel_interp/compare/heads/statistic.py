"""Every head against every motif: means over sequences, studentised, and permuted tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.controls.auroc_weights import SiteIntervals, centred_ranks
from nucel_interp.controls.difference import difference
from nucel_interp.controls.occurrences import Occurrences
from nucel_interp.controls.permutation import Null
from nucel_interp.progress import OnProgress

_CELLS = 4_000_000
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Association:
    """Every head against every tested motif, of one model; (heads, motifs) arrays.

    Attributes:
        auroc: Mean over the sequences with a site.
        auroc_decoys: Mean over the sequences with a decoy's site.
        expected: Mean difference between sites and decoys over permuted tracks.
        se: Standard error of the difference.
        t: Difference beyond the expected one over its standard error (`compare.heads.head_motifs`).
        p_family: Chance that the largest t over all heads and motifs is as large.
        p_shift: Family-wise p from circular shifts in place of permutations; NaN if they were not
            asked for.
        discovery_t: t on the discovery half.
        test_t: t on the test half, for the head chosen on the other half; (motifs,).
        test_p: Chance that the largest ``test_t`` over the motifs is as large; (motifs,).
        chosen: The head with the largest ``discovery_t``; (motifs,).
    """

    auroc: Array
    auroc_decoys: Array
    expected: Array
    se: Array
    t: Array
    p_family: Array
    p_shift: Array
    discovery_t: Array
    test_t: Array
    test_p: Array
    chosen: NDArray[np.int64]


def associate(
    tracks: NDArray[np.floating],
    offsets: NDArray[np.int64],
    tested: Sequence[Occurrences],
    null: Null,
    second: Null | None,
    in_test: NDArray[np.bool_],
    bins: NDArray[np.int64] | None,
    stage: str,
    on_progress: OnProgress | None = None,
) -> Association:
    """Compare one model's heads with motifs; `compare.heads.head_motifs` says how.

    Args:
        tracks: (heads, bases); NaN where there is none.
        offsets: (units + 1,).
        tested: Motifs with enough sites.
        null: Arrangements of the tracks.
        second: Others, for ``p_shift``.
        in_test: (units,) bool.
        bins: (bases,) see `auroc_weights.centred_ranks`.
        stage: Name of the stage that ``on_progress`` is told.
        on_progress: Called as ``on_progress(done, total, stage)``.
    """
    n_heads, n_motifs, n_rows = len(tracks), len(tested), len(null.begin)
    auroc, auroc_decoys, expected, se = (np.full((n_heads, n_motifs), np.nan) for _ in range(4))
    t_all, t_discovery, t_test = (np.zeros((n_heads, n_motifs, n_rows)) for _ in range(3))
    t_second = np.zeros_like(t_all)
    everywhere = np.ones(len(in_test), dtype=bool)
    step = max(1, _CELLS // max(1, tracks.shape[1]))
    for top in range(0, n_heads, step):
        chunk = tracks[top : top + step].astype(np.float32)
        running = np.pad(np.cumsum(centred_ranks(chunk, offsets, bins), axis=1), ((0, 0), (1, 0)))
        for m, o in enumerate(tested):
            own, other = (_sums(running, p, null, offsets) for p in (o.own, o.other))
            for i, head in enumerate(range(top, top + len(chunk))):
                one = _compare(own[i], other[i], o, everywhere)
                auroc[head, m], auroc_decoys[head, m] = one.own + 0.5, one.other + 0.5
                expected[head, m], se[head, m], t_all[head, m] = one.expected, one.se, one.t
                t_discovery[head, m] = _compare(own[i], other[i], o, ~in_test).t
                t_test[head, m] = _compare(own[i], other[i], o, in_test).t
            if second is not None:
                own, other = (_sums(running, p, second, offsets) for p in (o.own, o.other))
                for i, head in enumerate(range(top, top + len(chunk))):
                    t_second[head, m] = _compare(own[i], other[i], o, everywhere).t
            if on_progress is not None:
                done = top * n_motifs + (m + 1) * len(chunk)
                on_progress(done, n_heads * n_motifs, stage)
    chosen = t_discovery[:, :, 0].argmax(axis=0) if n_motifs else np.zeros(0, dtype=np.int64)
    of_chosen = t_test[chosen, np.arange(n_motifs)][None]
    return Association(
        auroc=auroc,
        auroc_decoys=auroc_decoys,
        expected=expected,
        se=se,
        t=t_all[:, :, 0],
        p_family=family_p(t_all),
        p_shift=np.full((n_heads, n_motifs), np.nan) if second is None else family_p(t_second),
        discovery_t=t_discovery[:, :, 0],
        test_t=of_chosen[0, :, 0],
        test_p=family_p(of_chosen)[0],
        chosen=chosen,
    )


def family_p(t: Array) -> Array:
    """P of each (heads, motifs, 1 + permutations) t against the largest of each permutation."""
    if t.size == 0:
        return np.zeros(t.shape[:2])
    largest = np.sort(t[:, :, 1:].max(axis=(0, 1)))
    above = largest.size - np.searchsorted(largest, t[:, :, 0], side="left")
    return np.asarray((1 + above) / (1 + largest.size), dtype=np.float64)


def _sums(
    running: NDArray[np.int64], places: SiteIntervals, null: Null, offsets: NDArray[np.int64]
) -> Array:
    """(heads, 1 + permutations, cells): AUROC - 1/2 of each arrangement.

    ``running`` is (heads, 1 + bases), centred ranks summed up to each base.
    """
    unit = places.unit
    out = np.zeros((len(running), len(null.begin), len(places.first)))
    period, width = null.period[unit], places.end - places.start
    step = max(1, _CELLS // max(1, len(unit)))
    for top in range(0, out.shape[1], step):
        rows = slice(top, top + step)
        begin = null.begin[rows][:, unit]
        start = null.phase[rows][:, unit] + places.start - offsets[unit]
        start = np.where(start >= period, start - period, start)
        end = start + width
        over = end > period  # round the end of the stretch, on from its beginning
        left, right = begin + start, begin + np.where(over, end - period, end)
        around, whole = over.any(), begin + period
        for head, sums in zip(out, running, strict=True):
            total = sums[right] - sums[left]
            if around:
                total = np.where(over, total + sums[whole] - sums[begin], total)
            head[rows] = np.add.reduceat(total * places.weight, places.first, axis=1)
    return out


@dataclass(frozen=True, eq=False)
class _Compared:
    own: float
    other: float
    expected: float
    se: float
    t: Array


def _compare(own: Array, other: Array, o: Occurrences, part: NDArray[np.bool_]) -> _Compared:
    """Difference of the means over a part of the units, studentised, for every arrangement."""
    found = difference(own, other, o, part)
    expected = float(found.value.mean())
    t = np.where(found.se > 1e-9, (found.value - expected) / np.maximum(found.se, 1e-9), 0.0)
    return _Compared(float(found.own[0]), float(found.other[0]), expected, float(found.se[0]), t)
