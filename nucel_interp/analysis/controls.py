"""Controls of every headline: shuffled input, a randomly initialised network, random seqlets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.crossfit import crossfit
from nucel_interp.analysis.discovery import Method
from nucel_interp.analysis.held_out import Called
from nucel_interp.analysis.study import Study, Track
from nucel_interp.bootstrap import UNKNOWN, ConfidenceInterval
from nucel_interp.motifs.testing import (
    N_RANDOM,
    Part,
    attention_fold,
    other_offsets,
    plain_fold,
    random_places,
    site_bases,
)
from nucel_interp.seqlets import Calls, find_peaks
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Site


@dataclass(frozen=True)
class Folds:
    """How much more often than all bases a motif's sites lie inside four kinds of seqlets."""

    score: ConfidenceInterval = UNKNOWN
    random_control: ConfidenceInterval = UNKNOWN
    other_offsets: float = float("nan")
    uniform: float = float("nan")


class FoldControls:
    """Each fold's seqlets, the random control's and random ones, ready for any motif."""

    def __init__(
        self,
        folds: list[Study],
        called: list[Called],
        random_control: list[Track] | None,
        seed: int,
    ) -> None:
        """``random_control``: per fold, the same score of the randomly initialised control."""
        self._folds, self._seed = folds, seed
        self._inside = [covered(c.seqlets, f.offsets) for c, f in zip(called, folds, strict=True)]
        self._random_control: list[NDArray[np.bool_]] | None = None
        if random_control is not None:
            self._random_control = []
            for track, mine, study in zip(random_control, called, folds, strict=True):
                peaks = _equally_many(find_peaks(track, study.offsets), mine, study)
                self._random_control.append(covered(peaks, study.offsets))
        self._random = [
            _random_seqlets(f, c.seqlets, seed) for c, f in zip(called, folds, strict=True)
        ]

    def of(self, sites: dict[int, list[Site]]) -> Folds:
        """The four folds of a motif, over the test halves of the folds it has sites for."""
        under = {fold: site_bases(s, self._folds[fold].offsets) for fold, s in sites.items()}
        under = {fold: u for fold, u in under.items() if u.any()}
        if not under:
            return Folds()

        def parts(inside: Sequence[NDArray[np.bool_]]) -> list[Part]:
            return [Part(u, inside[i], self._folds[i].layout) for i, u in sorted(under.items())]

        means = []
        for kind in range(2):
            draws = [
                plain_fold(parts([fold[kind][draw] for fold in self._random]))
                for draw in range(N_RANDOM)
            ]
            known = [v for v in draws if np.isfinite(v)]
            means.append(float(np.mean(known)) if known else float("nan"))
        random_control = UNKNOWN
        if self._random_control is not None:
            random_control = attention_fold(parts(self._random_control), self._seed)
        score = attention_fold(parts(self._inside), self._seed)
        return Folds(score, random_control, *means)


def shuffled_input(folds: list[Study], method: Method, seed: int) -> tuple[int, int]:
    """Motifs in the main table, and seqlets, of a study in which a shuffled copy is the input."""
    fitted = crossfit(folds, method=method, seed=seed, whole=False)
    return sum(c.passes for c in fitted.candidates), len(fitted.seqlets)


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
