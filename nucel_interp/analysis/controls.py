"""What stands beside every headline: shuffled input, an untrained model, seqlets at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.engine import Called, call, discover_motifs, held_out_tests
from nucel_interp.analysis.study import Study, Track
from nucel_interp.motifs.scan import strand_background
from nucel_interp.motifs.testing import (
    N_RANDOM,
    Fold,
    attention_fold,
    other_offsets,
    plain_fold,
    random_places,
    site_bases,
)
from nucel_interp.seqlets import Calls, find_peaks
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Site

NO_FOLD = Fold(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Folds:
    """How much more often than all bases a motif's sites lie inside four kinds of seqlets."""

    score: Fold = NO_FOLD
    untrained: Fold = NO_FOLD
    other_offsets: float = float("nan")
    uniform: float = float("nan")


class FoldControls:
    """The score's seqlets beside an untrained model's and random ones, ready for any motif."""

    def __init__(self, study: Study, called: Called, untrained: Track | None, seed: int) -> None:
        """``untrained``: the same score from a model that has learned nothing, if there is one."""
        self._study, self._seed = study, seed
        self._inside = covered(called.seqlets, study.offsets)
        self._untrained: NDArray[np.bool_] | None = None
        if untrained is not None:
            peaks = find_peaks(untrained, study.offsets)
            self._untrained = covered(_equally_many(peaks, called, study), study.offsets)
        self._random = _random_seqlets(study, called.seqlets, seed)

    def of(self, sites: list[Site]) -> Folds:
        """The four folds of a motif with these sites, on the test half."""
        study, layout = self._study, self._study.layout
        under = site_bases(sites, study.offsets)
        if not under.any():
            return Folds()
        means = []
        for draws in self._random:
            values = [plain_fold(under, inside, layout) for inside in draws]
            known = [v for v in values if np.isfinite(v)]
            means.append(float(np.mean(known)) if known else float("nan"))
        untrained = NO_FOLD
        if self._untrained is not None:
            untrained = attention_fold(under, self._untrained, layout, self._seed)
        score = attention_fold(under, self._inside, layout, self._seed)
        return Folds(score, untrained, *means)


def shuffled_input(control: Study) -> tuple[int, int]:
    """Motifs in the main table, and seqlets, of a study in which a shuffled copy is the input."""
    called = call(control)
    background = strand_background(control.sequences)
    tested = held_out_tests(
        control, called, discover_motifs(control, called, background), background
    )
    return sum(t.passes for t in tested), len(called.seqlets)


def _random_seqlets(
    study: Study, seqlets: Calls, seed: int
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """Coverage by seqlets at another sequence's offsets, and anywhere, twenty draws each."""
    layout = study.layout
    kept = seqlets.take(layout.test[seqlets.unit])
    places = list(zip(kept.unit.tolist(), kept.start.tolist(), kept.end.tolist(), strict=True))
    rng = np.random.default_rng([seed, 7])
    return (
        [other_offsets(places, layout, rng) for _ in range(N_RANDOM)],
        [random_places(places, layout, rng) for _ in range(N_RANDOM)],
    )


def _equally_many(peaks: Calls, called: Called, study: Study) -> Calls:
    """The best peaks of the discovery half, as many as it has seqlets, and all others as high."""
    in_discovery = ~study.test if study.test.any() else np.ones_like(study.test)
    wanted = int(in_discovery[called.seqlets.unit].sum())
    scores = np.sort(peaks.score[in_discovery[peaks.unit]])[::-1]
    if not wanted or not scores.size:
        return peaks.take(np.zeros(len(peaks), dtype=bool))
    return peaks.take(peaks.score >= scores[min(wanted, scores.size) - 1])
