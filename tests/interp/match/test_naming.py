"""A motif's name never says more than its match."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.match.naming import NAMED_E, identity, is_named, tract
from tests.interp.fake_result import pwm_of

CTCF = "CCACTAGGGGGCGCT"


def match(e: float, q: float = 1e-3) -> dict[str, object]:
    return {"Target_ID": "MA0139.2", "Target_name": "CTCF", "E-value": e, "q_global": q,
            "archetype": "A052_CTCF"}  # fmt: skip


def test_a_strong_match_is_named_family_first() -> None:
    assert identity(pwm_of(CTCF), match(1.2e-8)) == "CTCF family: MA0139.2 CTCF, E = 1.2e-8"


@pytest.mark.parametrize(
    ("e", "q"), [(0.18, 1e-3), (0.5, 1e-3), (NAMED_E * 1.01, 1e-3), (1e-3, 0.1)]
)
def test_a_weak_match_only_resembles(e: float, q: float) -> None:
    said = identity(pwm_of(CTCF), match(e, q))
    assert said.startswith("resembles MA0139.2 CTCF, E = ")
    assert "family" not in said
    assert not is_named(e, q)


def test_no_match_has_no_name() -> None:
    assert identity(pwm_of(CTCF), None) == "like no known matrix"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("TTTTTTTT", "a run of T"),
        ("CTTTCTTCCTTT", "a pyrimidine tract"),
        ("GGAAGAGGAAGG", "a purine tract"),
        ("TATAATTA", "an A/T tract"),
        ("CACACACACA", "a repeat of CA"),
        (CTCF, ""),
        ("GGGCGGGGC", ""),  # KLF and SP boxes are G and C alone, and motifs
        ("ATGACTCAT", ""),
        ("TTCTT", ""),  # too short to tell
    ],
)
def test_tracts_are_told_from_motifs(word: str, kind: str) -> None:
    pwm = np.full((4, len(word)), 0.02)
    pwm[["ACGT".index(c) for c in word], range(len(word))] = 0.94
    assert tract(pwm) == kind


def test_a_tract_is_said_to_be_one_however_well_it_matches() -> None:
    pwm = np.full((4, 12), 0.02)
    pwm[["ACGT".index(c) for c in "CTTTCTTCCTTT"], range(12)] = 0.94
    said = identity(pwm, match(1e-6))
    assert said == "a pyrimidine tract; resembles MA0139.2 CTCF, E = 1.0e-6"
