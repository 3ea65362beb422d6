"""Faithfulness curves on a predictor whose every base's worth is known."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.compare.agreement.correlation import Bases
from nucel_interp.compare.agreement.faithfulness import SHARES, faithfulness
from nucel_interp.compare.agreement.score_pairs import BaseScore
from nucel_interp.sequences import Sequences
from nucel_interp.types import FAITHFULNESS_AREA_COLUMNS, FAITHFULNESS_COLUMNS, reverse_complement
from tests.toy import dna, plant

LENGTH, NUMBER, MOTIF = 40, 24, "CACGTG"


@pytest.fixture(scope="module")
def planted():
    """Sequences with one site each; the predictor counts letters of the motif at its best place."""
    rng = np.random.default_rng(0)
    sequences, truth = [], np.zeros((NUMBER, LENGTH))
    for i in range(NUMBER):
        text = dna(LENGTH, rng, "AATTCG")
        start = int(rng.integers(0, LENGTH - 6))
        text = plant(text, MOTIF, start)
        sequences.append(text)
        truth[i, start : start + 6] = 1
    bases = Bases(
        Sequences(sequences), np.arange(NUMBER) % 2 == 1, np.ones(NUMBER * LENGTH, dtype=bool)
    )
    return bases, truth.ravel() + 0.1 * rng.random(NUMBER * LENGTH), rng.random(NUMBER * LENGTH)


def best_match(texts):
    def one(text):
        places = range(len(text) - len(MOTIF) + 1)
        return max(sum(a == b for a, b in zip(text[i:], MOTIF, strict=False)) for i in places)

    return np.array([one(t) for t in texts], dtype=float)


@pytest.fixture(scope="module")
def found(planted):
    bases, truth, noise = planted
    scores = [BaseScore("m", "truth", truth), BaseScore("m", "noise", noise),
              BaseScore("m", "against", -truth)]  # fmt: skip
    return faithfulness(best_match, bases, scores)


def test_a_faithful_score_is_above_random_and_above_other_sequences_in_both_edits(found):
    areas = found.areas.set_index(["score", "edit"])
    assert list(found.areas.columns) == FAITHFULNESS_AREA_COLUMNS
    for edit in ("delete", "keep"):
        assert areas.loc[("truth", edit), "low"] > 0.5
        assert areas.loc[("truth", edit), "excess_over_permuted_low"] > 0.3


def test_a_random_score_has_hardly_any_area(found):
    areas = found.areas.set_index(["score", "edit"])["area"]
    for edit in ("delete", "keep"):
        assert abs(areas["noise", edit]) < 0.1 * areas["truth", edit]


def test_a_score_turned_round_is_worse_than_random(found):
    areas = found.areas.set_index(["score", "edit"])
    assert areas.loc[("against", "delete"), "high"] < 0


def test_curves_begin_at_the_sequence_and_at_its_shuffled_copy(planted, found):
    curves = found.curves
    assert list(curves.columns) == FAITHFULNESS_COLUMNS
    assert sorted(set(curves["share"])) == [0.0, *SHARES]
    first = curves[curves["share"] == 0]
    deleted = first[first["edit"] == "delete"]["prediction"]
    assert deleted.to_numpy() == pytest.approx(best_match(planted[0].sequences).mean())
    assert (first[first["edit"] == "keep"]["prediction"] < deleted.min()).all()
    assert (first["prediction"] == first["random"]).all()


def test_as_many_bases_are_replaced_by_every_score():
    seen = []

    def watch(texts):
        seen.extend(texts)
        return np.zeros(len(texts))

    sequence = "ACGT" * 10
    bases = Bases(Sequences([sequence]), np.zeros(1, dtype=bool), np.ones(40, dtype=bool))
    track = np.arange(40.0)
    faithfulness(watch, bases, [BaseScore("m", "s", track)], shares=(0.5,), draws=1)
    own, copy, *edits = seen
    assert own == sequence
    assert sorted(copy) == sorted(sequence)
    delete_own, keep_own = edits[2], edits[3]
    assert delete_own == sequence[:20] + copy[20:]
    assert keep_own == copy[:20] + sequence[20:]


def test_unknown_bases_are_never_edited():
    sequence = "ACGT" * 5 + "NNNN" + "TTGA" * 4
    known = np.array([c != "N" for c in sequence])
    seen = []

    def watch(texts):
        seen.extend(texts)
        return np.zeros(len(texts))

    bases = Bases(Sequences([sequence]), np.zeros(1, dtype=bool), known)
    track = np.where(known, np.arange(40.0), np.nan)
    faithfulness(watch, bases, [BaseScore("m", "s", track)])
    assert all(text[20:24] == "NNNN" and text.count("N") == 4 for text in seen)


def test_areas_do_not_depend_on_order_or_strand(planted, found):
    bases, truth, noise = planted
    order = np.random.default_rng(1).permutation(NUMBER)
    turned = Bases(
        Sequences(reverse_complement(bases.sequences[i]) for i in order),
        bases.second_half[order],
        bases.known,
    )
    # the motif is its own reverse complement, so the predictor reads both strands alike
    tracks = [t.reshape(NUMBER, LENGTH)[order][:, ::-1].ravel() for t in (truth, noise, -truth)]
    scores = [BaseScore("m", name, t)
              for name, t in zip(("truth", "noise", "against"), tracks, strict=True)]  # fmt: skip
    again = faithfulness(best_match, turned, scores).areas
    assert again["area"].to_numpy() == pytest.approx(found.areas["area"].to_numpy())
    assert again["low"].to_numpy() == pytest.approx(found.areas["low"].to_numpy())
    assert again["excess_over_permuted"].to_numpy() == pytest.approx(
        found.areas["excess_over_permuted"].to_numpy()
    )


def test_too_few_sequences_alike_leave_no_area_beyond_others():
    bases = Bases(
        Sequences(["ACGTTGCA" * 2, "TTGACCTA"]), np.array([False, True]), np.ones(24, dtype=bool)
    )
    scores = [BaseScore("m", "s", np.arange(24.0))]
    areas = faithfulness(lambda t: np.ones(len(t)), bases, scores).areas
    assert np.isnan(areas["excess_over_permuted"]).all()
    assert (areas["area"] == 0).all()
