"""Seqlets and the held-out test of a motif, for one study: a discovery half and a test half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control

from nucel_interp.analysis.discovery import Discovered
from nucel_interp.analysis.study import Study, Track
from nucel_interp.motifs.scan import Scanner
from nucel_interp.motifs.testing import enrichment_p, units_hit, units_with_site
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
    n_with_site: int
    with_site_shuffled: float
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


def whole_units(study: Study) -> Called:
    """Every unit as one seqlet: for methods without a score, where a site counts anywhere."""
    lengths = study.lengths
    everything = Calls(
        np.arange(len(lengths)), np.zeros_like(lengths), lengths, np.zeros(len(lengths))
    )
    threshold = Threshold(0.0, np.nan, True)
    copies = [everything] * len(study.copies)
    return Called(threshold, everything, copies, everything, copies)


def held_out_tests(
    study: Study,
    called: Called,
    found: list[Discovered],
    scanners: list[Scanner],
) -> list[Tested]:
    """Held-out p-values of every motif, on the test half.

    Args:
        study: Units with a test half, and their shuffled copies.
        called: Seqlets of the study, and of its shuffled copies.
        found: Motifs of the discovery half.
        scanners: Scanners of the units, of each copy, and of each 3-mer-preserving copy, in this
            order.
    """
    n, n_copies = len(study.sequences), len(study.copies)
    inside = [covered(s, study.offsets) for s in (called.seqlets, *called.copy_seqlets)]
    where, group = study.layout.test, study.layout.sequences.rank
    tested = []
    for one in found:
        sites = [s.scan(one.motif) for s in scanners]
        present = [units_with_site(s, n) for s in sites]
        hit = [
            units_hit(s, i, study.offsets)
            for s, i in zip(sites[: 1 + n_copies], inside, strict=True)
        ]
        copies, trimers = present[1 : 1 + n_copies], present[1 + n_copies :]
        tested.append(
            Tested(
                found=one,
                sites=sites[0],
                hits=int(hit[0][where].sum()),
                hits_shuffled=float(np.mean([h[where].sum() for h in hit[1:]])),
                held_out_p=enrichment_p(hit[0], hit[1:], where, group),
                enrichment_p=enrichment_p(present[0], copies, where, group),
                enrichment_3mer_p=enrichment_p(present[0], trimers, where, group),
                n_with_site=int(present[0][where].sum()),
                with_site_shuffled=float(np.mean([p[where].sum() for p in copies])),
            )
        )
    return tested


def correct(tested: list[Tested]) -> None:
    """Fill in the q-values: Benjamini-Hochberg over all motifs given, of whichever half."""
    for q, p in (
        ("held_out_q", "held_out_p"),
        ("enrichment_q", "enrichment_p"),
        ("enrichment_3mer_q", "enrichment_3mer_p"),
    ):
        if tested:
            values = false_discovery_control([getattr(t, p) for t in tested])
            for t, value in zip(tested, values, strict=True):
                setattr(t, q, float(value))
