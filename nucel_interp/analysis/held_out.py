"""Seqlets and the held-out tests of a motif, for one study: a discovery half and a test half.

The test that decides is of presence: do more sequences than shuffled copies hold a site anywhere?
Beside it stands whether a site lies inside a seqlet more often than in the copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from nucel_interp.analysis.discovery import Discovered
from nucel_interp.analysis.study import Study, Track
from nucel_interp.motifs.scan import Scanner
from nucel_interp.motifs.testing import enrichment_p, units_hit, units_with_site
from nucel_interp.seqlets import Calls, Threshold, call_seqlets, choose_threshold, find_peaks
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Site

ENRICHMENT_Q = 0.01
ENRICHMENT_3MER_Q = 0.05
ATTENDED_Q = 0.01
MOST_BASES = 50_000_000
"""Bases that are scanned in one go."""


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
    hits_p: float
    enrichment_p: float
    enrichment_3mer_p: float
    n_with_site: int
    with_site_shuffled: float
    hits_q: float = np.nan
    enrichment_q: float = np.nan
    enrichment_3mer_q: float = np.nan

    @property
    def passes(self) -> bool:
        """Does the motif belong in the main table?"""
        q, q_3mer = self.enrichment_q, self.enrichment_3mer_q
        return q < ENRICHMENT_Q and q_3mer < ENRICHMENT_3MER_Q

    @property
    def attended(self) -> bool:
        """Do seqlets hold a site more often than seqlets of shuffled copies?"""
        return self.hits_q < ATTENDED_Q


@dataclass(frozen=True, eq=False)
class Scanned:
    """A motif in the input and in all its copies.

    Attributes:
        found: The motif.
        sites: Sites in the units, then in each dinucleotide-shuffled copy.
        present: (units,) bool for each of these, does the unit hold a site?
    """

    found: Discovered
    sites: list[list[Site]]
    present: list[NDArray[np.bool_]]

    def enrichment_p(self, study: Study, where: NDArray[np.bool_]) -> float:
        """Sign test of the units chosen by ``where`` against their shuffled copies."""
        return enrichment_p(self.present[0], self.present[1:], where, study.layout.sequences.rank)


class CopyScanner:
    """Units and their copies, scanned together: one long text is faster than many short ones."""

    def __init__(self, texts: Sequence[Sequence[str]], background: NDArray[np.float64]) -> None:
        """Prepare texts.

        Args:
            texts: Units and their copies, the same number of sequences in each.
            background: (4,) base frequencies.
        """
        self.n_units = len(texts[0]) if texts else 0
        step = max(1, MOST_BASES // max(1, sum(map(len, texts[0])))) if texts else 1
        self._groups = []
        for first in range(0, len(texts), step):
            group = texts[first : first + step]
            scanner = Scanner([s for text in group for s in text], background)
            self._groups.append((len(group), scanner))

    def scan(self, found: Discovered) -> Scanned:
        """The motif's sites in each text, and which units hold one."""
        sites: list[list[Site]] = []
        for n_texts, scanner in self._groups:
            mine: list[list[Site]] = [[] for _ in range(n_texts)]
            for s in scanner.scan(found.motif):
                text, unit = divmod(s.record, self.n_units)
                mine[text].append(Site(unit, s.start, s.end, s.strand, s.score, s.p))
            sites += mine
        return Scanned(found, sites, [units_with_site(s, self.n_units) for s in sites])


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
    study: Study, called: Called, scanned: list[Scanned], trimers: CopyScanner
) -> list[Tested]:
    """Held-out p-values of every motif, on the test half.

    Args:
        study: Study with a test half.
        called: Seqlets of the study.
        scanned: Motifs of the discovery half, in the units and their copies.
        trimers: Copies that keep 3-mers.
    """
    inside = [covered(s, study.offsets) for s in (called.seqlets, *called.copy_seqlets)]
    where, group = study.layout.test, study.layout.sequences.rank
    tested = []
    for one in scanned:
        hit = [units_hit(s, i, study.offsets) for s, i in zip(one.sites, inside, strict=True)]
        present, copies = one.present[0], one.present[1:]
        tested.append(
            Tested(
                found=one.found,
                sites=one.sites[0],
                hits=int(hit[0][where].sum()),
                hits_shuffled=float(np.mean([h[where].sum() for h in hit[1:]])),
                hits_p=enrichment_p(hit[0], hit[1:], where, group),
                enrichment_p=one.enrichment_p(study, where),
                enrichment_3mer_p=enrichment_p(
                    present, trimers.scan(one.found).present, where, group
                ),
                n_with_site=int(present[where].sum()),
                with_site_shuffled=float(np.mean([p[where].sum() for p in copies])),
            )
        )
    return tested


def correct(tested: list[Tested]) -> None:
    """Fill in the q-values: Benjamini-Hochberg over all motifs given, of whichever half."""
    for q, p in (
        ("hits_q", "hits_p"),
        ("enrichment_q", "enrichment_p"),
        ("enrichment_3mer_q", "enrichment_3mer_p"),
    ):
        if tested:
            values = false_discovery_control([getattr(t, p) for t in tested])
            for t, value in zip(tested, values, strict=True):
                setattr(t, q, float(value))
