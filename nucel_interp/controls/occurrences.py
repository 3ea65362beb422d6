"""Sites of a motif and, for comparison, of its decoys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.controls.auroc_weights import SiteIntervals, not_overlapping, site_places
from nucel_interp.controls.composition import matched_weights
from nucel_interp.controls.decoys import MOST_DECOYS, N_DECOYS, decoys
from nucel_interp.controls.intervals import random_sites
from nucel_interp.motifs.scan import Scanner, strand_background
from nucel_interp.progress import OnProgress
from nucel_interp.sequences import Sequences
from nucel_interp.types import Motif, Site

MIN_SEQUENCES = 20
"""A motif is tested if it has sites in this many sequences of either half."""
MIN_DECOY_SEQUENCES = 10
"""And its decoys in this many, counted as their weights make them."""


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Sites of a motif and of its decoys.

    Attributes:
        own: The motif's.
        other: The decoys', those that overlap a site of the motif left out.
        n_decoys: Number of decoys.
        reason: Why the motif is not tested; "" if it is.
    """

    own: SiteIntervals
    other: SiteIntervals
    n_decoys: int
    reason: str


@dataclass(frozen=True, eq=False)
class MotifOccurrences(Occurrences):
    """What a matrix was scanned for, and its decoys.

    Attributes:
        motif: The matrix.
    """

    motif: Motif


def find_occurrences(
    sequences: Sequences,
    known: NDArray[np.bool_],
    motifs: Sequence[Motif],
    used: NDArray[np.bool_],
    in_test: NDArray[np.bool_],
    seed: int,
    on_progress: OnProgress | None = None,
) -> list[MotifOccurrences]:
    """Scan units for motifs and decoys (FIMO, p < 1e-4), and say which motifs can be tested.

    Args:
        sequences: Sequences of the units, one per unit.
        known: (bases,) does the base have a score?
        motifs: Motifs to scan for.
        used: (units,) bool, the units that take part; they also give the background.
        in_test: (units,) bool.
        seed: Seed of the decoys.
        on_progress: Called as ``on_progress(done, total, stage)``.
    """
    scanner = Scanner(sequences, strand_background(sequences.take(np.flatnonzero(used))))
    found = []
    for number, motif in enumerate(motifs):
        if on_progress is not None:
            on_progress(number, len(motifs), "scanning for motifs and decoys")
        own = [s for s in scanner.scan(motif) if used[s.record]]
        places = site_places([own], sequences.offsets, known)
        others = decoys(motif, seed, MOST_DECOYS)
        n_decoys = min(N_DECOYS, len(others))
        decoy_places = site_places([], sequences.offsets, known)
        reason = too_few_sites(places, in_test)
        if not reason and n_decoys < N_DECOYS:
            reason = f"its columns are too much alike: {n_decoys} decoys of {N_DECOYS}"
        elif not reason:
            # 20 decoys may have too few sites in short or few sequences: then up to 100
            sites: list[list[Site]] = []
            for n_decoys in range(N_DECOYS, len(others) + 1, N_DECOYS):
                more = others[n_decoys - N_DECOYS : n_decoys]
                found_sites = ([s for s in scanner.scan(d) if used[s.record]] for d in more)
                sites += [not_overlapping(one, own) for one in found_sites]
                decoy_places = like_places(sites, own, sequences, known)
                reason = too_few_decoys(decoy_places, in_test)
                if not reason:
                    break
        found.append(MotifOccurrences(places, decoy_places, n_decoys, reason, motif))
    if on_progress is not None:
        on_progress(len(motifs), len(motifs), "scanning for motifs and decoys")
    return found


def given_occurrences(
    name: str,
    own: Sequence[Site],
    sequences: Sequences,
    known: NDArray[np.bool_],
    in_test: NDArray[np.bool_],
    seed: int,
) -> Occurrences:
    """Sites that no matrix was scanned for; random intervals of like composition are the decoys.

    Args:
        name: Name of the sites; with the seed it decides the random intervals.
        own: The sites; ``record`` is the sequence's number.
        sequences: Sequences of the units, one per unit.
        known: (bases,) does the base have a score?
        in_test: (units,) bool.
        seed: Seed of the random intervals.
    """
    own = list(own)
    sites = [
        random_sites(own, sequences, sequences.number, known, seed, f"{name} {copy + 1}")
        for copy in range(N_DECOYS)
    ]
    places = site_places([own], sequences.offsets, known)
    others = like_places(sites, own, sequences, known)
    reason = too_few_sites(places, in_test) or too_few_decoys(others, in_test)
    return Occurrences(places, others, N_DECOYS, reason)


def like_places(
    sites: list[list[Site]],
    own: list[Site],
    sequences: Sequences,
    known: NDArray[np.bool_],
) -> SiteIntervals:
    """Sites of each decoy, weighted to the composition of the motif's own."""
    weights = matched_weights(own, [s for one in sites for s in one], sequences)
    parts = np.split(weights, np.cumsum([len(one) for one in sites])[:-1])
    return site_places(sites, sequences.offsets, known, parts)


def too_few_sites(places: SiteIntervals, in_test: NDArray[np.bool_]) -> str:
    """Why a motif's sites are too few to be tested; "" if they are enough."""
    if _fewest(places, in_test) >= MIN_SEQUENCES:
        return ""
    return (
        f"sites in {len(places.units)} sequences, fewer than {MIN_SEQUENCES} in one of the halves"
    )


def too_few_decoys(places: SiteIntervals, in_test: NDArray[np.bool_]) -> str:
    """Why decoys are too few to be compared with; "" if they are enough."""
    if _fewest(places, in_test) >= MIN_DECOY_SEQUENCES:
        return ""
    return f"decoys have comparable sites in {len(places.units)} sequences only"


def _fewest(places: SiteIntervals, in_test: NDArray[np.bool_]) -> float:
    """Units with a site in the half that has fewer; effective ones, if they count unequally."""
    counts = np.bincount(places.cell_unit, places.cell_counts, minlength=len(in_test))
    if len(np.unique(places.cell_motif)) <= 1:
        counts = (counts > 0).astype(np.float64)
    halves = [counts[in_test == half] for half in (False, True)]
    return min(float(w.sum() ** 2 / np.maximum((w**2).sum(), 1e-12)) for w in halves)
