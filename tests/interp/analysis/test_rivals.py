"""Motifs of two sources: like ones become one, and what lies on a better motif's sites is told."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.analysis import held_out, tables
from nucel_interp.analysis.crossfit import Candidate
from nucel_interp.analysis.discovery import Discovered, FoundBy
from nucel_interp.analysis.held_out import CopyScanner
from nucel_interp.analysis.rivals import without_rivals
from nucel_interp.analysis.tables import variants
from nucel_interp.motifs.scan import Scanner
from nucel_interp.seqlets import Calls
from nucel_interp.types import BASES, Motif, Site, reverse_complement
from tests.toy import plant, random_sequences


def found(word: str, by: FoundBy, n: int = 10) -> Discovered:
    pwm = np.full((4, len(word)), 0.02)
    for i, letter in enumerate(word):
        pwm[BASES.index(letter), i] = 0.94
    at = np.arange(n)
    return Discovered(Motif("motif", pwm, n), Calls(at, at, at + len(word), at * 0.0), by)


def test_of_like_motifs_of_two_sources_the_more_enriched_stays_and_says_both() -> None:
    word = "ACGTTGCATC"
    both = [found(word, "score"), found(reverse_complement(word), "sequence")]
    for p in ([1e-9, 1e-5], [1e-5, 1e-9]):
        ((number, kept),) = without_rivals(both, [0, 1], p)
        assert number == int(np.argmin(p))
        assert kept.found_by == "both"
        assert kept.motif is both[number].motif


def test_unlike_motifs_and_like_ones_of_one_source_stay_most_enriched_first() -> None:
    given = [
        found("ACGTTGCATC", "score"),
        found("ACGTTGCATG", "score"),
        found("GGGTTTAAACC", "sequence"),
    ]
    kept = without_rivals(given, [0, 0, 2], [0.1, 0.01, 1e-4])
    assert [number for number, _ in kept] == [2, 1, 0]
    assert [one.found_by for _, one in kept] == ["sequence", "score", "score"]
    assert without_rivals([], [], []) == []


def test_a_motif_that_loses_to_one_of_two_like_ones_marks_each_that_it_resembles() -> None:
    given = [
        found("ACGTTGCATC", "score"), found("ACGTTGCATG", "score"), found("ACGTTGCATC", "sequence")
    ]  # fmt: skip
    kept = without_rivals(given, [0, 0, 2], [1e-9, 1e-8, 1e-4])
    assert [(number, one.found_by) for number, one in kept] == [(0, "both"), (1, "both")]


@pytest.mark.parametrize("most", [10, 50_000_000])
def test_copies_scanned_together_have_the_sites_of_copies_scanned_alone(monkeypatch, most) -> None:
    monkeypatch.setattr("nucel_interp.analysis.held_out.MOST_BASES", most)
    one = found("ACGTTGCATC", "score")
    texts = [
        [plant(s, "ACGTTGCATC", 3 * i + copy) for i, s in enumerate(random_sequences(5, 40, copy))]
        for copy in range(3)
    ]
    background = np.full(4, 0.25)
    scanned = CopyScanner(texts, background).scan(one)
    alone = [Scanner(text, background).scan(one.motif) for text in texts]
    assert scanned.sites == alone
    assert sum(map(len, alone)) >= 15
    assert [p.tolist() for p in scanned.present] == [[True] * 5] * 3
    assert CopyScanner([], background).scan(one).sites == []


def candidate(sites: list[tuple[int, int, int]], passes: bool = True) -> Candidate:
    one = found("ACGTTGCATC", "sequence")
    listed = [Site(unit, start, end, "+", 1.0, 1e-6) for unit, start, end in sites]
    q = 1e-5 if passes else 1.0
    tested = held_out.Tested(
        one, listed, 1, 0.0, q, q, q, 1, 0.0, hits_q=q, enrichment_q=q, enrichment_3mer_q=q
    )
    return Candidate(one, listed, {0: tested})


def test_a_variant_has_over_half_of_its_sites_on_those_of_a_better_motif() -> None:
    first = [(unit, 10, 20) for unit in range(4)]
    offsets = np.arange(5) * 50
    candidates = {
        "motif_1": candidate(first),
        "motif_2": candidate([(unit, 12, 22) for unit in (0, 2, 3)] + [(1, 30, 40)]),
        "motif_3": candidate([(0, 12, 22), (1, 12, 22), (2, 30, 40), (3, 0, 10)]),
        "motif_4": candidate([(unit, 15, 25) for unit in range(4)]),
        "motif_5": candidate([(unit, 10, 20) for unit in range(4)], passes=False),
        "motif_6": candidate([]),
    }
    assert variants(candidates, offsets) == {
        "motif_1": "",
        "motif_2": "motif_1",  # three of four
        "motif_3": "",  # two of four are not over half
        "motif_4": "motif_2",  # half of motif_1's bases are not over half; motif_2's are
        "motif_5": "",
        "motif_6": "",
    }


def test_sites_of_a_half_stand_on_the_strand_of_the_whole_sets_matrix() -> None:
    word = "ACGTTGCATC"
    whole, listed = (
        found(word, "score"),
        [Site(0, 3, 13, "+", 1.0, 1e-6), Site(1, 0, 10, "-", 1.0, 1e-6)],
    )
    for given, expected in ((word, "+-"), (reverse_complement(word), "-+")):
        fit = held_out.Tested(found(given, "score"), listed, 1, 0.0, 0.1, 0.1, 0.1, 1, 0.0)
        turned = tables._on_strand_of(whole.motif.pwm, fit)
        assert "".join(s.strand for s in turned) == expected
        assert [(s.record, s.start, s.end) for s in turned] == [(0, 3, 13), (1, 0, 10)]
