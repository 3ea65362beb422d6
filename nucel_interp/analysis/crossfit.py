"""Cross-fitting: motifs are found anew in either half and tested on the other.

All motifs of both halves make one family for Benjamini-Hochberg. A motif of the result is what all
sequences together give; it is tested through the halves' motifs that are the same matrix, so no
sequence ever tests a motif that it helped to find. A half's motif that passes and that the whole
set does not show is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.discovery import Discovered, Method, discover_motifs
from nucel_interp.analysis.held_out import (
    Called,
    Tested,
    call,
    correct,
    held_out_tests,
    whole_units,
)
from nucel_interp.analysis.study import Study, Track
from nucel_interp.motifs.alignment import most_alike
from nucel_interp.motifs.clustering import PASSES
from nucel_interp.motifs.scan import Scanner, strand_background
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import Calling, Calls
from nucel_interp.types import Site

SAME_MOTIF = 0.75
"""Matrices as similar as this (`motifs.alignment`) stand for one motif."""
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
        return min(fits, key=lambda t: (not t.passes, t.held_out_p)) if fits else None

    @property
    def passes(self) -> bool:
        """Does the motif belong in the main table?"""
        return any(t.passes for t in self.fits.values())

    @property
    def held_out_p(self) -> float:
        """The smaller of its tests' p-values times their number (Bonferroni); NaN without any."""
        ps = [t.held_out_p for t in self.fits.values()]
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


def crossfit(
    folds: list[Study],
    *,
    method: Method = "cluster",
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
    split = len(folds) > 1 and len(first.sequences) >= MIN_UNITS
    found_anew = _pooled([c.seqlets for c in called], [~f.test for f in folds])
    everything = np.ones(len(first.sequences), dtype=bool)
    discovery = None
    if whole or not split:
        discovery = discover_motifs(
            first,
            found_anew,
            everything,
            background,
            method=method,
            seed=seed,
            on_progress=on_progress,
        )
    texts = [first.sequences, *(c.sequences for c in first.copies), *first.trimers]
    scanners = [Scanner(text, background) for text in texts]
    tested: list[list[Tested]] = []
    if split:
        for study, mine in zip(folds, called, strict=True):
            half = discover_motifs(
                study,
                mine.seqlets,
                ~study.test,
                background,
                method=method,
                seed=seed,
                on_progress=on_progress,
            )
            tested.append(held_out_tests(study, mine, half.found, scanners))
        correct([t for fold in tested for t in fold])
    candidates = [
        Candidate(one, scanners[0].scan(one.motif))
        for one in (discovery.found if discovery else [])
    ]
    _give_tests(candidates, tested)
    order = sorted(range(len(candidates)), key=lambda i: _rank(candidates[i], i))
    return CrossFit(
        called=called,
        seqlets=tested_seqlets(folds, called),
        track=_cross_fitted_track(folds),
        candidates=[candidates[i] for i in order],
        stability=discovery.stability if discovery else float("nan"),
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
        for one in sorted(motifs, key=lambda t: (not t.passes, t.held_out_p)):
            i, similarity = most_alike(one.found.motif.pwm, pwms)
            if similarity >= SAME_MOTIF:
                candidates[i].fits.setdefault(fold, one)
            elif one.passes:
                lonely.append((fold, one))
    for fold, one in sorted(lonely, key=lambda pair: (pair[1].held_out_p, pair[0])):
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
        float(np.nan_to_num(candidate.held_out_p, nan=2.0)),
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
