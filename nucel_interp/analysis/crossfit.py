"""Cross-fitting: motifs are found anew in either half and tested on the other.

All motifs of both halves make one family for Benjamini-Hochberg. A motif of the result is what all
sequences together give; it is tested through the halves' motifs that are the same matrix, so no
sequence ever tests a motif that it helped to find. A half's motif that passes and that the whole
set does not show is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.discovery import Discovered, Method, discover_motifs
from nucel_interp.analysis.held_out import (
    Called,
    CopyScanner,
    Scanned,
    Tested,
    call,
    correct,
    held_out_tests,
    whole_units,
)
from nucel_interp.analysis.rivals import SAME_MOTIF, without_rivals
from nucel_interp.analysis.study import Study, Track
from nucel_interp.motifs.alignment import most_alike
from nucel_interp.motifs.clustering import PASSES
from nucel_interp.motifs.scan import strand_background
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import Calling, Calls
from nucel_interp.types import Site

STEPS = 3 * PASSES


@dataclass(frozen=True, eq=False)
class Candidate:
    """A motif of all sequences together, with its tests.

    Attributes:
        found: The motif.
        sites: Sites of the motif in all units.
        fits: Fold number -> the motif of that fold and its test, for the folds in which it was
            found anew.
    """

    found: Discovered
    sites: list[Site]
    fits: dict[int, Tested] = field(default_factory=dict)

    @property
    def best(self) -> Tested | None:
        """The fit with the strongest test; one that passes before one that does not."""
        fits = [self.fits[fold] for fold in sorted(self.fits)]
        return min(fits, key=lambda t: (not t.passes, t.enrichment_p)) if fits else None

    @property
    def passes(self) -> bool:
        """Does the motif belong in the main table?"""
        return any(t.passes for t in self.fits.values())

    @property
    def attended(self) -> bool:
        """Did a half find it where the score is high, more often than in shuffled copies?"""
        return any(t.attended for t in self.fits.values())

    @property
    def hits_p(self) -> float:
        """The smaller of its tests' p-values times their number (Bonferroni); NaN without any."""
        return self._smallest("hits_p")

    @property
    def enrichment_p(self) -> float:
        """The same of the test of presence."""
        return self._smallest("enrichment_p")

    def _smallest(self, name: str) -> float:
        ps = [float(getattr(t, name)) for t in self.fits.values()]
        return min(1.0, len(ps) * min(ps)) if ps else float("nan")


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What both folds gave.

    Attributes:
        called: Seqlets of each fold.
        seqlets: Every unit's from the fold that tests it; all units' where nothing is split.
        track: Every unit's score likewise.
        candidates: Best first.
        stability: `Clustering.stability` of all sequences together.
    """

    called: list[Called]
    seqlets: Calls
    track: Track
    candidates: list[Candidate]
    stability: float


@dataclass(frozen=True, eq=False)
class _Found:
    """Motifs of some sequences, and `Clustering.stability`."""

    scanned: list[Scanned]
    stability: float


def crossfit(
    folds: list[Study],
    *,
    method: Method = "both",
    seed: int = 0,
    whole: bool = True,
    on_progress: Callable[[int], None] | None = None,
) -> CrossFit:
    """Find motifs and test them.

    Args:
        folds: Two studies of the same units, each with the other half as test half; a single study
            without a test half gives motifs without tests.
        method: "cluster", "kmer" or "dnabert"; `discover_motifs` says what each does.
        seed: Seed of the clustering.
        whole: Look at all sequences together too. Without, the motifs are the halves' own, which
            is enough to count what a control gives.
        on_progress: Called with 1 after each pass of a clustering, `STEPS` times at most.
    """
    first = folds[0]
    background = strand_background(first.sequences)
    called = [whole_units(f) if method == "kmer" else call(f) for f in folds]
    second = [call(f.second).seqlets for f in folds if f.second and method == "both"]
    split = len(folds) > 1 and len(first.sequences) >= MIN_UNITS
    scanner = CopyScanner([first.sequences, *(c.sequences for c in first.copies)], background)
    trimers = CopyScanner(first.trimers, background)

    def find(
        study: Study, seqlets: Calls, second: Calls | None, chosen: NDArray[np.bool_]
    ) -> _Found:
        discovery = discover_motifs(
            study, seqlets, chosen, background,
            method=method, second=second, seed=seed, on_progress=on_progress,
        )  # fmt: skip
        scanned = [scanner.scan(one) for one in discovery.found]
        if method == "both":
            p = [s.enrichment_p(study, chosen) for s in scanned]
            kept = without_rivals(discovery.found, discovery.source, p)
            scanned = [replace(scanned[i], found=one) for i, one in kept]
        return _Found(scanned, discovery.stability)

    everything = _Found([], float("nan"))
    if whole or not split:
        found_anew = _pooled([c.seqlets for c in called], [~f.test for f in folds])
        also = _pooled(second, [~f.test for f in folds]) if second else None
        everything = find(first, found_anew, also, np.ones(len(first.sequences), dtype=bool))
    tested: list[list[Tested]] = []
    if split:
        for i, (study, mine) in enumerate(zip(folds, called, strict=True)):
            half = find(study, mine.seqlets, second[i] if second else None, ~study.test)
            tested.append(held_out_tests(study, mine, half.scanned, trimers))
        correct([t for fold in tested for t in fold])
    candidates = [Candidate(one.found, one.sites[0]) for one in everything.scanned]
    _give_tests(candidates, tested)
    order = sorted(range(len(candidates)), key=lambda i: _rank(candidates[i], i))
    return CrossFit(
        called=called,
        seqlets=tested_seqlets(folds, called),
        track=_cross_fitted_track(folds),
        candidates=[candidates[i] for i in order],
        stability=everything.stability,
    )


def tested_seqlets(folds: list[Study], called: list[Called]) -> Calls:
    """Every unit's seqlets from the fold that tests it; the only fold's if there is but one."""
    if len(folds) == 1:
        return called[0].seqlets
    return _pooled([c.seqlets for c in called], [f.test for f in folds])


def seqlets_of_copy(folds: list[Study], called: list[Called], copy: int = 0) -> Calls:
    """A shuffled copy's seqlets, each unit's from the fold that tests it."""
    if len(folds) == 1:
        return called[0].copy_seqlets[copy]
    return _pooled([c.copy_seqlets[copy] for c in called], [f.test for f in folds])


def how_called(folds: list[Study], called: list[Called]) -> Calling:
    """How `tested_seqlets` were called; the first fold tests half 2, the second half 1."""
    if len(folds) == 1:
        return Calling((called[0].threshold,), (len(called[0].seqlets),))
    halves = list(zip(folds, called, strict=True))[::-1]
    return Calling(
        tuple(c.threshold for _, c in halves),
        tuple(int(f.test[c.seqlets.unit].sum()) for f, c in halves),
    )


def _give_tests(candidates: list[Candidate], tested: list[list[Tested]]) -> None:
    """Every half's motif to the candidate most like it; those that pass and have none stay too."""
    pwms = [c.found.motif.pwm for c in candidates]
    lonely: list[tuple[int, Tested]] = []
    for fold, motifs in enumerate(tested):
        for one in sorted(motifs, key=lambda t: (not t.passes, t.enrichment_p)):
            i, similarity = most_alike(one.found.motif.pwm, pwms)
            if similarity >= SAME_MOTIF:
                candidates[i].fits.setdefault(fold, one)
            elif one.passes:
                lonely.append((fold, one))
    for fold, one in sorted(lonely, key=lambda pair: (pair[1].enrichment_p, pair[0])):
        i, similarity = most_alike(
            one.found.motif.pwm, [c.found.motif.pwm for c in candidates[len(pwms) :]]
        )
        if similarity >= SAME_MOTIF:
            candidates[len(pwms) + i].fits.setdefault(fold, one)
        else:
            candidates.append(Candidate(one.found, one.sites, {fold: one}))


def _rank(candidate: Candidate, place: int) -> tuple[bool, float, int, int]:
    return (
        not candidate.passes,
        float(np.nan_to_num(candidate.enrichment_p, nan=2.0)),
        -len(np.unique(candidate.found.members.unit)),
        place,
    )


def _pooled(calls: list[Calls], units: list[NDArray[np.bool_]]) -> Calls:
    """The seqlets of each fold that lie in its units."""
    parts = [c.take(where[c.unit]) for c, where in zip(calls, units, strict=True)]
    return Calls(
        np.concatenate([p.unit for p in parts]),
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.score for p in parts]),
    )


def _cross_fitted_track(folds: list[Study]) -> Track:
    """Each unit's score by heads and scale that its own half had no part in."""
    track = folds[0].track
    return track if len(folds) == 1 else np.where(folds[0].in_test, track, folds[1].track)
