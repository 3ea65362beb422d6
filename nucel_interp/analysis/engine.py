"""Seqlets, motifs and their held-out tests for one study: the input, or a shuffled copy of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from nucel_interp.analysis.study import Study, Track
from nucel_interp.motifs.discovery import FLANK_BP, Discovered, Regions, discover
from nucel_interp.motifs.scan import Scanner
from nucel_interp.motifs.testing import enrichment_p, units_hit, units_with_site
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import Calls, Threshold, call_seqlets, choose_threshold, find_peaks
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Site

HELD_OUT_Q = 0.01
ENRICHMENT_Q = 0.05


@dataclass(frozen=True, eq=False)
class Called:
    """Seqlets of the input and of each shuffled copy, at one threshold."""

    threshold: Threshold
    peaks: Calls
    null_peaks: list[Calls]
    seqlets: Calls
    copy_seqlets: list[Calls]


@dataclass(eq=False)
class Tested:
    """A motif with its held-out numbers; q-values are filled in once all motifs are tested."""

    found: Discovered
    sites: list[Site]
    hits: int
    hits_shuffled: float
    held_out_p: float
    enrichment_p: float
    enrichment_3mer_p: float
    found_in: float
    found_in_shuffled: float
    held_out_q: float = np.nan
    enrichment_q: float = np.nan
    enrichment_3mer_q: float = np.nan

    @property
    def passes(self) -> bool:
        """Does the motif belong in the main table?"""
        return self.held_out_q < HELD_OUT_Q and self.enrichment_3mer_q < ENRICHMENT_Q


def call(study: Study) -> Called:
    """Call seqlets in the units and their copies; the threshold comes from the discovery half."""
    known: dict[int, Calls] = {}  # copies may share a track, with each other or with the null

    def peaks_of(track: Track) -> Calls:
        if id(track) not in known:
            known[id(track)] = find_peaks(track, study.offsets)
        return known[id(track)]

    peaks = peaks_of(study.track)
    null_peaks = [peaks_of(t) for t in study.threshold_null]
    threshold = choose_threshold(peaks, null_peaks, ~study.test, study.lengths)
    copies = [call_seqlets(peaks_of(copy.track), threshold) for copy in study.copies]
    return Called(threshold, peaks, null_peaks, call_seqlets(peaks, threshold), copies)


def discover_motifs(
    study: Study, called: Called, background: NDArray[np.float64]
) -> list[Discovered]:
    """Motifs of the discovery half; of all units where there are too few to split.

    Of equal sequences only the first is read: a word that ten copies of one sequence share is no
    motif.
    """
    chosen = ~study.test & study.layout.first
    real = _regions(study.sequences, called.seqlets, chosen, study.offsets)
    null = [
        _regions(copy.sequences, seqlets, chosen, study.offsets)
        for copy, seqlets in zip(study.copies, called.copy_seqlets, strict=True)
    ]
    return discover(real, null, background)


def held_out_tests(
    study: Study,
    called: Called,
    found: list[Discovered],
    background: NDArray[np.float64],
) -> list[Tested]:
    """Held-out statistics of every motif, on the test half; NaN with fewer than 40 units."""
    n, n_copies = len(study.sequences), len(study.copies)
    texts = [study.sequences, *(c.sequences for c in study.copies), *study.trimers]
    scanners = [Scanner(text, background) for text in texts] if found else []
    inside = [covered(s, study.offsets) for s in (called.seqlets, *called.copy_seqlets)]
    enough = n >= MIN_UNITS and bool(study.test.any())
    where, group = study.layout.test, study.layout.rank

    def p_of(real: NDArray[np.bool_], copies: list[NDArray[np.bool_]]) -> float:
        return enrichment_p(real, copies, where, group) if enough else np.nan

    tested = []
    for one in found:
        sites = [s.scan(one.motif) for s in scanners]
        present = [units_with_site(s, n) for s in sites]
        hit = [
            units_hit(s, i, study.offsets)
            for s, i in zip(sites[: 1 + n_copies], inside, strict=True)
        ]
        tested.append(
            Tested(
                found=one,
                sites=sites[0],
                hits=int(hit[0][where].sum()),
                hits_shuffled=float(np.mean([h[where].sum() for h in hit[1:]])),
                held_out_p=p_of(hit[0], hit[1:]),
                enrichment_p=p_of(present[0], present[1 : 1 + n_copies]),
                enrichment_3mer_p=p_of(present[0], present[1 + n_copies :]),
                found_in=float(present[0][where].mean()),
                found_in_shuffled=float(
                    np.mean([p[where].mean() for p in present[1 : 1 + n_copies]])
                ),
            )
        )
    if enough and tested:
        for q, p in (
            ("held_out_q", "held_out_p"),
            ("enrichment_q", "enrichment_p"),
            ("enrichment_3mer_q", "enrichment_3mer_p"),
        ):
            values = false_discovery_control([getattr(t, p) for t in tested])
            for t, value in zip(tested, values, strict=True):
                setattr(t, q, float(value))
    return sorted(
        tested,
        key=lambda t: (
            not t.passes,
            np.nan_to_num(t.held_out_p, nan=1.0),
            -t.found.n_seqlets,
            -len(t.sites),
        ),
    )


def _regions(
    sequences: list[str], seqlets: Calls, chosen: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> Regions:
    """The chosen units' seqlets, widened, counted over all units laid end to end."""
    kept = seqlets.take(chosen[seqlets.unit])
    order = np.lexsort((kept.start, kept.unit))
    kept = kept.take(order)
    lengths = np.diff(offsets)[kept.unit]
    start = np.maximum(kept.start - FLANK_BP, 0) + offsets[kept.unit]
    end = np.minimum(kept.end + FLANK_BP, lengths) + offsets[kept.unit]
    return Regions(sequences, kept.unit, start, end)
