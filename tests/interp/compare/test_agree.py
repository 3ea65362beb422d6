"""Agreement of tracks on planted truth: what is shared is found, what place gives is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from nucel_interp.compare.agreement.correlation import (
    Bases,
    agreement,
    centred,
    scaled,
    site_weights,
)
from nucel_interp.compare.agreement.score_pairs import (
    ALL_HEADS,
    BEST_HEAD,
    Attention,
    BaseScore,
    agreement_tables,
    joint_mask,
    signed_and_size,
)
from nucel_interp.sequences import Sequences
from nucel_interp.types import AGREE_COLUMNS, reverse_complement
from tests.toy import dna

LENGTH, NUMBER = 40, 30


def some_bases(seed=0, number=NUMBER, length=LENGTH):
    rng = np.random.default_rng(seed)
    sequences = [dna(length, rng) for _ in range(number)]
    known = np.ones(number * length, dtype=bool)
    return Bases(Sequences(sequences), np.arange(number) % 2 == 1, known), rng


def plain_auroc(score, is_site):
    a, b = score[is_site][:, None], score[~is_site][None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def test_agreement_of_ranks_is_spearman_within_each_sequence():
    bases, rng = some_bases(number=4)
    a, b = rng.integers(0, 6, (2, 4 * LENGTH)).astype(float)  # ties
    bases.known[[3, 50]] = False
    found = agreement(scaled(a, bases), scaled(b, bases), bases)
    for i in range(4):
        at = np.flatnonzero(bases.known[i * LENGTH : (i + 1) * LENGTH]) + i * LENGTH
        assert found.values[i] == pytest.approx(spearmanr(a[at], b[at]).statistic)


def test_agreement_with_sites_is_auroc_less_a_half():
    bases, rng = some_bases(number=3)
    track = rng.integers(0, 6, 3 * LENGTH).astype(float)
    inside = np.zeros(3 * LENGTH, dtype=bool)
    inside[5:12] = inside[2 * LENGTH : 2 * LENGTH + 4] = True
    weights, defined = site_weights(inside, bases)
    found = agreement(weights, centred(track, bases), bases, used=defined)
    assert defined.tolist() == [True, False, True]
    assert np.isnan(found.values[1])
    for i in (0, 2):
        part = slice(i * LENGTH, (i + 1) * LENGTH)
        assert found.values[i] + 0.5 == pytest.approx(plain_auroc(track[part], inside[part]))


def test_expected_is_the_mean_over_the_other_sequences_of_the_half():
    bases, rng = some_bases()
    a, b = (scaled(t, bases) for t in rng.random((2, NUMBER * LENGTH)))
    found = agreement(a, b, bases)
    rows_a, rows_b = a.reshape(NUMBER, -1), b.reshape(NUMBER, -1)
    others = list(range(2, NUMBER, 2))  # sequence 0 is in the half of even numbers
    both = [rows_a[0] @ rows_b[i] for i in others] + [rows_b[0] @ rows_a[i] for i in others]
    assert found.expected[0] == pytest.approx(np.mean(both))


def test_a_profile_of_places_agrees_but_not_beyond_place():
    bases, rng = some_bases()
    profile = np.tile(np.sin(np.arange(LENGTH) / 6), NUMBER)
    a, b = (profile + 0.5 * rng.standard_normal(NUMBER * LENGTH) for _ in range(2))
    found = agreement(scaled(a, bases), scaled(b, bases), bases)
    assert found.values.mean() > 0.5
    assert found.expected.mean() == pytest.approx(found.values.mean(), abs=0.05)
    assert found.p > 0.05


def test_shared_bases_agree_beyond_place():
    bases, rng = some_bases()
    truth = rng.standard_normal(NUMBER * LENGTH)
    a, b = (truth + rng.standard_normal(NUMBER * LENGTH) for _ in range(2))
    found = agreement(scaled(a, bases), scaled(b, bases), bases)
    assert found.values.mean() == pytest.approx(0.5, abs=0.1)
    assert abs(found.expected.mean()) < 0.03
    assert found.p == pytest.approx(1 / 1001)


def test_a_track_without_contrast_agrees_with_nothing():
    bases, rng = some_bases()
    flat = scaled(np.ones(NUMBER * LENGTH), bases)
    found = agreement(flat, scaled(rng.random(NUMBER * LENGTH), bases), bases)
    assert not found.values.any()
    assert found.p == 1.0


def test_few_sequences_of_a_length_have_no_expectation():
    bases, rng = some_bases(number=12)  # six in each half
    found = agreement(*(scaled(t, bases) for t in rng.random((2, 12 * LENGTH))), bases)
    assert np.isnan(found.expected).all()
    assert np.isnan(found.p)


@pytest.fixture(scope="module")
def planted():
    """Truth at sites; one head of four sees it in the first model, none in the second."""
    bases, rng = some_bases(number=40)
    n = 40 * LENGTH
    inside = np.zeros((40, LENGTH), dtype=bool)
    for row in inside:
        start = rng.integers(0, LENGTH - 8)
        row[start : start + 8] = True
    truth = inside.ravel() * 2.0
    noise = rng.standard_normal((12, n))
    seeing, blind = noise[:4], noise[4:8]
    seeing[2] += truth
    scores = [
        *signed_and_size("fine-tuned", "mutagenesis", truth + noise[8]),
        BaseScore("fine-tuned", "nothing", noise[9]),
        BaseScore("randomly initialised", "mutagenesis", noise[10]),
    ]
    attention = [
        Attention("fine-tuned", seeing, 2, ["local", "global"]),
        Attention("pre-trained", noise[11][None].repeat(4, 0) + blind, 2, ["local", "global"]),
        Attention("randomly initialised", blind, 2, ["local", "global"]),
    ]
    reference = {
        "fine-tuned": scores[0].track,
        "pre-trained": scores[0].track,
        "randomly initialised": scores[3].track,
    }
    families = [("fine-tuned", "pre-trained"), ("randomly initialised",)]
    found = agreement_tables(
        bases, scores, attention, reference, families, {"planted": inside.ravel()}
    )
    return found, bases


def test_pairs_stay_within_a_family_and_name_each_pair_once(planted):
    pairs = planted[0].pairs
    assert list(pairs.columns) == AGREE_COLUMNS
    assert len(pairs) == 7 * 6 // 2 + 3 * 2 // 2
    assert (
        (pairs["model_a"] == "randomly initialised") == (pairs["model_b"] == "randomly initialised")
    ).all()


def test_the_head_that_sees_is_chosen_on_both_halves_and_agrees(planted):
    pairs = planted[0].pairs
    row = pairs[
        (pairs["score_a"] == "mutagenesis")
        & (pairs["model_b"] == "fine-tuned")
        & (pairs["score_b"] == BEST_HEAD)
    ].iloc[0]
    assert row["heads_b"] == "1:0"
    assert row["low"] > 0.1
    assert row["excess_over_position_low"] > 0.1
    assert row["p_permutation"] < 0.01


def test_the_best_of_blind_heads_is_not_reported_on_the_half_that_chose_it(planted):
    sites = planted[0].sites.set_index(["model", "score"])
    best = sites.loc[("randomly initialised", BEST_HEAD)]
    heads = planted[0].heads.query("model == 'randomly initialised' and measure == 'auroc'")
    assert best["auroc"] < heads["value"].max()
    assert best["auroc"] == pytest.approx(0.5, abs=0.05)
    assert sites.loc[("fine-tuned", BEST_HEAD)]["low"] > 0.7
    assert sites.loc[("fine-tuned", ALL_HEADS)]["auroc"] > 0.55


def test_what_a_model_finds_more_of_than_its_control_is_measured_in_the_same_sequences(planted):
    sites = planted[0].sites.set_index(["model", "score"])
    row = sites.loc[("fine-tuned", "mutagenesis")]
    control = sites.loc[("randomly initialised", "mutagenesis")]
    assert row["less_random_control"] == pytest.approx(row["auroc"] - control["auroc"])
    assert row["less_random_control_low"] > 0.2
    assert np.isnan(control["less_random_control"])
    assert np.isnan(row["less_permuted_labels"])


def test_every_head_is_listed_against_every_score_and_site(planted):
    heads = planted[0].heads
    fine = heads[heads["model"] == "fine-tuned"]
    assert len(fine) == 4 * (3 + 1)
    aurocs = fine[fine["measure"] == "auroc"].set_index(["layer", "head"])["value"]
    assert aurocs.idxmax() == (1, 0)
    assert fine["kind"].tolist() == ["local"] * 8 + ["global"] * 8


def test_letter_and_position_find_what_needs_no_model():
    """Sites of C and G at the start: known from the other half; of any letter anywhere: not."""
    rng = np.random.default_rng(3)
    rows = [[dna(34, rng) for _ in range(40)] for _ in range(2)]
    planted = [rng.choice(["CGCCGC", "GCGGCG"]) + text for text in rows[0]]
    inside = np.tile(np.arange(40) < 6, 40)
    half = np.arange(40) % 2 == 1
    found = []
    for sequences, sites in (
        (planted, inside),
        ([t + "ACGTAC" for t in rows[1]], rng.permuted(inside.reshape(40, 40), axis=1).ravel()),
    ):
        bases = Bases(Sequences(sequences), half, np.ones(1600, dtype=bool))
        letters = np.array([c in "GC" for c in "".join(sequences)], dtype=float)
        scores = [BaseScore("no model", "G or C", letters)]
        result = agreement_tables(bases, scores, [], {}, [("no model",)], {"box": sites})
        found.append(result.sites.set_index("score").loc["letter and position", "auroc"])
    assert found[0] > 0.9
    assert found[1] == pytest.approx(0.5, abs=0.05)


def test_tables_do_not_depend_on_order_or_strand():
    bases, rng = some_bases()
    a, b = rng.random((2, NUMBER, LENGTH))
    plain = agreement(scaled(a.ravel(), bases), scaled(b.ravel(), bases), bases)
    order = rng.permutation(NUMBER)
    turned = Bases(
        Sequences(reverse_complement(bases.sequences[i]) for i in order),
        bases.second_half[order],
        bases.known,
    )
    a, b = a[order][:, ::-1].ravel(), b[order][:, ::-1].ravel()
    found = agreement(scaled(a, turned), scaled(b, turned), turned)
    assert found.values == pytest.approx(plain.values[order])
    assert found.expected == pytest.approx(plain.expected[order])
    assert found.p == plain.p


def test_bases_without_a_number_in_any_track_do_not_count():
    a, b = np.array([1.0, np.nan, 3.0]), np.array([[1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])
    assert joint_mask([a, b]).tolist() == [True, False, False]
