"""k-mer index, the tests behind every claim of enrichment, the table of k-mers, and its command."""

from __future__ import annotations

import itertools
import json
import random
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, binomtest, kstest
from typer.testing import CliRunner

from nucel_interp.kmers import (
    Half,
    KmerIndex,
    chance_inside,
    kmer_table,
    kmer_words,
    placement_p,
    sign_test,
    word_form,
)
from nucel_interp.scoring import shuffled
from nucel_interp.types import KMER_COLUMNS, Record, canonical, reverse_complement
from tests.toy import dna, plant


@pytest.mark.parametrize("k", [1, 2, 6, 7, 12])
def test_index_agrees_with_a_plain_one(k: int) -> None:
    rng = random.Random(k)
    sequences = [dna(n, rng, "ACGTACGTACGTN") for n in (50, 0, k - 1, k, 200, 3)]
    index = KmerIndex(sequences, k)
    at = 0
    for sequence in sequences:
        for i in range(len(sequence)):
            word = sequence[i : i + k]
            if len(word) < k or "N" in word:
                assert index.code[at] == -1
            else:
                assert kmer_words(index.code[at : at + 1], k) == [canonical(word)]
            at += 1
    assert at == len(index.code)


@pytest.mark.parametrize(("k", "gap"), [(4, 1), (6, 7), (6, 15), (12, 3)])
def test_gapped_index_agrees_with_a_plain_one(k: int, gap: int) -> None:
    rng = random.Random(k + gap)
    width, half = k + gap, k // 2
    sequences = [dna(n, rng, "ACGTACGTACGTN") for n in (60, 0, width - 1, width, 150)]
    index = KmerIndex(sequences, k, gap)
    at = 0
    for sequence in sequences:
        for i in range(len(sequence)):
            word = sequence[i : i + width]
            letters = word[:half] + word[half + gap :]
            if len(word) < width or "N" in letters:
                assert index.code[at] == -1
            else:
                spelled = canonical(word[:half] + "N" * gap + word[half + gap :])
                assert kmer_words(index.code[at : at + 1], k, gap) == [spelled]
                assert word_form(spelled) == (k, gap)
            at += 1


def test_a_gap_needs_two_equal_halves() -> None:
    with pytest.raises(ValueError, match="two equal halves; got 7"):
        KmerIndex(["ACGTACGTACGT"], 7, 2)


def test_places_of_a_word_on_both_strands() -> None:
    index = KmerIndex(["TTTACGNNNCCAGG", "CCTGGAAACGTAAA"], 6, 3)
    for word in ("ACGNNNCCA", "TGGNNNCGT"):
        code = int(KmerIndex([word], 6, 3).code[0])
        assert index.places(code).tolist() == [3, 16]
    assert index.places(code + 1).tolist() == []


def test_palindromes_and_both_strands_have_one_code() -> None:
    index = KmerIndex(["GAATTC", "AAACCC", "GGGTTT"], 6)
    assert kmer_words(index.code[[0, 6, 12]], 6) == ["GAATTC", "AAACCC", "AAACCC"]


def test_presence_counts_a_unit_once_and_only_whole_words_inside() -> None:
    rng = random.Random(0)
    sequences = [dna(80, rng, "AC") for _ in range(5)]
    inside = np.array([rng.random() < 0.9 for _ in range(400)])
    unit, code = KmerIndex(sequences, 3).present(inside)
    got = set(zip(unit.tolist(), kmer_words(code, 3), strict=True))
    assert len(got) == len(unit)
    want = {
        (u, canonical(s[i : i + 3]))
        for u, s in enumerate(sequences)
        for i in range(78)
        if inside[80 * u + i : 80 * u + i + 3].all()
    }
    assert got == want


def test_nothing_to_index() -> None:
    index = KmerIndex(["ACG", ""], 6)
    assert (index.code == -1).all()
    assert len(index.present(np.ones(3, dtype=bool))[0]) == 0


def brute_force(real: np.ndarray, copies: np.ndarray) -> float:
    """Share of all ways to exchange each unit with its copies that hit at least as many units."""
    table = np.vstack([real, copies]).astype(int)
    n, units = table.shape
    sums = [
        sum(table[c, u] for u, c in enumerate(choice))
        for choice in itertools.product(range(n), repeat=units)
    ]
    return float(np.mean(np.array(sums) >= real.sum()))


@pytest.mark.parametrize("n_copies", [1, 2, 3])
def test_sign_test_is_the_share_of_all_exchanges(n_copies: int) -> None:
    rng = np.random.default_rng(n_copies)
    for _ in range(10):
        real, copies = rng.random(5) < 0.6, rng.random((n_copies, 5)) < 0.4
        assert sign_test(real, copies) == pytest.approx(brute_force(real, copies), abs=1e-12)


def test_with_one_copy_it_is_the_classic_sign_test() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        real, copy = rng.random(200) < 0.3, rng.random(200) < 0.2
        only_real, only_copy = int((real & ~copy).sum()), int((copy & ~real).sum())
        exact = binomtest(only_real, only_real + only_copy, alternative="greater").pvalue
        assert sign_test(real, copy[None]) == pytest.approx(exact, rel=1e-9)


def test_nothing_informative_gives_one() -> None:
    assert sign_test(np.zeros(5, bool), np.zeros((3, 5), bool)) == 1.0
    assert sign_test(np.ones(5, bool), np.ones((3, 5), bool)) == 1.0
    assert sign_test(np.zeros(0, bool), np.zeros((3, 0), bool)) == 1.0


def test_p_is_never_zero() -> None:
    p = sign_test(np.ones(5000, bool), np.zeros((4, 5000), bool))
    assert 0 < p < 1e-300


def test_equal_sequences_are_one_observation() -> None:
    real, copies = np.array([1, 0, 1, 1], bool), np.array([[0, 1, 0, 0], [0, 1, 1, 0]], bool)
    many = np.repeat(np.arange(4), 25)
    assert sign_test(real[many], copies[:, many], many) == sign_test(real, copies)
    assert sign_test(real[many], copies[:, many]) < 1e-5


@pytest.mark.parametrize("n_copies", [1, 2, 10])
def test_sign_test_is_calibrated_when_real_and_copies_are_exchangeable(n_copies: int) -> None:
    rng = np.random.default_rng(n_copies)
    runs, units = 2000, 60
    # a rate of its own for every unit: exchangeable within a unit, not between units
    rate = rng.beta(0.5, 1.5, size=(runs, 1, units))
    hit = rng.random((runs, n_copies + 1, units)) < rate
    p = np.array([sign_test(h[0], h[1:]) for h in hit])
    for level in (0.5, 0.2, 0.05, 0.01):
        share = (p <= level).mean()
        # never above its level beyond chance, and not far below: the test has power
        assert share <= level + 3.5 * np.sqrt(level * (1 - level) / runs)
        assert share >= level / 4
    # randomised within its steps, p is exactly uniform; here the steps alone keep it above
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.01


@pytest.mark.parametrize(("m", "inside", "outside"), [(1, 3, 9), (2, 3, 9), (5, 4, 4), (4, 0, 9)])
def test_chance_is_the_share_of_all_ways_to_place_the_occurrences(m, inside, outside) -> None:
    ways = list(itertools.combinations(range(inside + outside), m))
    share = np.mean([min(w) < inside for w in ways])
    got = chance_inside(np.array([m]), np.array([inside]), np.array([outside]))[0]
    assert got == pytest.approx(share)
    assert got == pytest.approx(1 - comb(outside, m) / comb(inside + outside, m))


def test_chance_without_an_occurrence_or_without_room() -> None:
    got = chance_inside(np.array([0, 0, 2]), np.array([3, 0, 2]), np.array([5, 0, 0]))
    assert got.tolist() == [0, 0, 1]


def test_placement_p_is_the_tail_over_all_outcomes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        chance, hit = rng.random(6), rng.random(6) < 0.5
        total = 0.0
        for outcome in itertools.product([0, 1], repeat=6):
            if sum(outcome) >= hit.sum():
                total += np.prod([c if o else 1 - c for c, o in zip(chance, outcome, strict=True)])
        assert placement_p(hit, chance) == pytest.approx(total)


def test_placement_p_with_one_chance_is_binomial_and_never_zero() -> None:
    hit = np.arange(300) < 80
    assert placement_p(hit, np.full(300, 0.2)) == pytest.approx(binom.sf(79, 300, 0.2))
    assert 0 < placement_p(np.ones(5000, bool), np.full(5000, 0.1)) < 1e-300
    # what is certain, or cannot be, says nothing
    assert placement_p(np.array([True, False]), np.array([1.0, 0.0])) == 1.0
    assert placement_p(np.zeros(0, bool), np.zeros(0)) == 1.0


def test_placement_of_equal_sequences_is_one_observation() -> None:
    hit, chance = np.array([1, 1, 0, 1], bool), np.array([0.2, 0.1, 0.3, 0.2])
    many = np.repeat(np.arange(4), 25)
    assert placement_p(hit[many], chance[many], many) == placement_p(hit, chance)
    # if only some of the equal ones are hit, none is
    group = np.array([0, 1, 2, 0])
    hit[3] = False
    assert placement_p(hit, chance, group) == placement_p(
        np.array([False, True, False]), np.array([0.2, 0.1, 0.3])
    )


def random_study(
    seed: int, n: int = 80, n_copies: int = 3, planted: str = ""
) -> tuple[tuple[list[str], np.ndarray], list[tuple[list[str], np.ndarray]], np.ndarray]:
    rng = random.Random(seed)
    sequences = []
    for i in range(n):
        s = dna(100, rng)
        word = planted if i % 2 else reverse_complement(planted)
        sequences.append(plant(s, word, 46))
    inside = np.zeros((n, 100), dtype=bool)
    inside[:, 35:65] = True
    inside = inside.ravel()
    copies = [
        ([shuffled(s, seed=seed, copy=c) for s in sequences], inside) for c in range(n_copies)
    ]
    test = np.random.default_rng(seed).permutation(n) < n // 2
    return (sequences, inside), copies, test


def table_of(real, copies, track, test, k=7, group=None, folds=2):
    """`kmer_table` with either half as test half, or with the one given only."""
    halves = [
        Half(real[1], [inside for _, inside in copies], track, half, group)
        for half in (test, ~test)[:folds]
    ]
    return kmer_table(real[0], [texts for texts, _ in copies], halves, k)


def test_a_planted_kmer_is_first() -> None:
    real, copies, test = random_study(0, planted="GATTACA")
    track = np.tile(np.where((np.arange(100) >= 46) & (np.arange(100) < 53), 5.0, 0.0), 80)
    table = table_of(real, copies, track, test)
    first = table.iloc[0]
    assert list(table.columns) == KMER_COLUMNS
    assert first["kmer"] == canonical("GATTACA")
    assert first["reverse_complement"] == reverse_complement(first["kmer"])
    assert first["test_q"] < 1e-5
    assert first["halves_found"] == 2
    assert first["test_sequences"] == first["discovery_sequences"] == 80
    assert first["test_shuffled"] < 10
    assert 4.0 < first["mean_score"] <= 5.0
    assert table["test_p"].is_monotonic_increasing


def test_the_test_half_has_no_say_in_the_selection() -> None:
    real, copies, test = random_study(1, planted="GATTACA")
    track = np.zeros(8000)
    before = table_of(real, copies, track, test, folds=1)
    rng = random.Random(9)
    changed = [dna(100, rng) if t else s for s, t in zip(real[0], test, strict=True)]
    after = table_of((changed, real[1]), copies, track, test, folds=1)
    columns = ["kmer", "discovery_sequences", "discovery_shuffled", "discovery_p"]

    def chosen(table):
        return table[columns].sort_values("kmer").reset_index(drop=True)

    assert chosen(before).equals(chosen(after))
    assert not before["test_p"].equals(after["test_p"])


def test_without_a_test_half_nothing_is_tested() -> None:
    real, copies, _ = random_study(2, planted="GATTACA")
    nothing = np.zeros(80, dtype=bool)
    table = table_of(real, copies, np.full(8000, np.nan), nothing, folds=1)
    assert len(table)
    assert table[["test_p", "test_q", "mean_score"]].isna().all(axis=None)
    assert (table["halves_found"] == 0).all()
    assert table.iloc[0]["discovery_sequences"] == 80
    assert (table["test_sequences"] == 0).all()


def test_a_word_of_both_halves_is_one_row_with_the_sums_and_the_smaller_p_doubled() -> None:
    real, copies, test = random_study(5, planted="GATTACA")
    rng = np.random.default_rng(0)
    track = rng.normal(size=8000)
    one, other = (
        table_of(real, copies, track, half, folds=1).set_index("kmer") for half in (test, ~test)
    )
    table = table_of(real, copies, track, test).set_index("kmer")
    assert set(table.index) == set(one.index) | set(other.index)
    both = sorted(set(one.index) & set(other.index))
    assert canonical("GATTACA") in both
    assert table.loc[both, "halves_found"].tolist() == [2] * len(both)
    counts = ["discovery_sequences", "test_sequences", "discovery_shuffled", "test_shuffled"]
    for name in [*counts, "test_by_chance"]:
        want = one.loc[both, name] + other.loc[both, name]
        np.testing.assert_allclose(table.loc[both, name], want)
    for name in ("discovery_p", "test_p", "contrast_p"):
        want = np.minimum(one.loc[both, name], other.loc[both, name])
        np.testing.assert_allclose(table.loc[both, name], np.minimum(1, 2 * want))
    for name in ("test_q", "contrast_q"):  # each half's own, doubled for there being two
        want = np.minimum(one.loc[both, name], other.loc[both, name])
        np.testing.assert_allclose(table.loc[both, name], np.minimum(1, 2 * want))
    assert (
        table.loc[both, "mean_score"]
        .between(
            np.minimum(one.loc[both, "mean_score"], other.loc[both, "mean_score"]),
            np.maximum(one.loc[both, "mean_score"], other.loc[both, "mean_score"]),
        )
        .all()
    )
    for half in (one, other):
        alone = sorted(set(half.index) - set(both))
        assert alone
        assert (table.loc[alone, "halves_found"] == 1).all()
        same = [*counts, "test_by_chance", "test_p", "contrast_p", "mean_score"]
        np.testing.assert_allclose(
            table.loc[alone, same].astype(float), half.loc[alone, same].astype(float)
        )
        np.testing.assert_allclose(
            table.loc[alone, "test_q"], np.minimum(1, 2 * half.loc[alone, "test_q"])
        )


def test_each_fold_has_seqlets_and_a_track_of_its_own() -> None:
    real, copies, test = random_study(6, planted="GATTACA")
    elsewhere = np.roll(real[1].reshape(80, 100), 40, axis=1).ravel()
    inside = [c[1] for c in copies]
    seen = Half(real[1], inside, np.ones(8000), test)
    missed = Half(elsewhere, inside, np.full(8000, 5.0), ~test)
    table = kmer_table(real[0], [c[0] for c in copies], [seen, missed]).set_index("kmer")
    row = table.loc[canonical("GATTACA")]
    assert row["halves_found"] == 1
    assert row["test_sequences"] == row["discovery_sequences"] == 40
    assert row["mean_score"] == pytest.approx(1)


def test_order_and_strand_of_the_units_change_nothing() -> None:
    real, copies, test = random_study(3, planted="GATTACA")
    track = np.random.default_rng(0).normal(size=(80, 100))
    track[5, 20:30] = np.nan
    order = np.random.default_rng(1).permutation(80)
    turned = np.random.default_rng(2).random(80) < 0.5

    def moved(text):
        sequences, inside = text
        inside = inside.reshape(80, 100)
        return (
            [reverse_complement(sequences[i]) if turned[i] else sequences[i] for i in order],
            np.concatenate([inside[i, ::-1] if turned[i] else inside[i] for i in order]),
        )

    flipped = np.concatenate([track[i, ::-1] if turned[i] else track[i] for i in order])
    first = table_of(real, copies, track.ravel(), test)
    second = table_of(moved(real), [moved(c) for c in copies], flipped, test[order])
    assert len(first) > 20
    assert first.equals(second)


def gapped_study(seed: int, at: int = 40, attended: int = 40, half: str = "TGG") -> tuple:
    """NF1's two halves with seven random letters between, in 60 % of the units."""
    rng = random.Random(seed)
    sequences = []
    for i in range(100):
        s = dna(100, rng)
        if i % 5 < 3:
            s = plant(plant(s, half, at), reverse_complement(half), at + 10)
        sequences.append(s)
    inside = np.zeros((100, 100), dtype=bool)
    inside[:, attended - 4 : attended + 17] = True
    inside = inside.ravel()
    copies = [([shuffled(s, seed=seed, copy=c) for s in sequences], inside) for c in range(2)]
    return (sequences, inside), copies, np.random.default_rng(seed).permutation(100) < 50


def test_a_gapped_word_is_found_gapped_and_not_ungapped() -> None:
    real, copies, test = gapped_study(0)
    table = table_of(real, copies, np.zeros(10_000), test)
    first = table.iloc[0]
    assert (first["kmer"], first["gap"]) == ("TGGNNNNNNNCCA", 7)
    assert first["reverse_complement"] == "TGGNNNNNNNCCA"
    assert first["test_q"] < 1e-4
    plain = table[table["gap"] == 0]
    assert not (plain["test_q"] < 0.05).any()
    assert (table["kmer"].str.count("N") == table["gap"]).all()
    assert table["gap"].max() <= 15


def jittered_study(seed: int, looks: bool) -> tuple:
    """A word anywhere in every unit; one 21-bp seqlet each, on it or anywhere."""
    rng = random.Random(seed)
    sequences, inside = [], np.zeros((100, 200), dtype=bool)
    for i in range(100):
        s, at = dna(200, rng), rng.randrange(10, 180)
        sequences.append(plant(s, "GATTACA", at))
        begin = at - 7 if looks else rng.randrange(0, 180)
        inside[i, begin : begin + 21] = True
    inside = inside.ravel()
    copies = [([shuffled(s, seed=seed, copy=c) for s in sequences], inside) for c in range(2)]
    return (sequences, inside), copies, np.random.default_rng(seed).permutation(100) < 50


def test_high_against_low_says_whether_the_score_looks_at_the_word() -> None:
    word = canonical("GATTACA")
    real, copies, test = jittered_study(0, looks=True)
    track = np.where(real[1], 3.0, 1.0)
    table = table_of(real, copies, track, test).set_index("kmer")
    assert table.loc[word, "contrast_q"] < 1e-10
    assert table.loc[word, "test_sequences"] == 100
    assert 8 < table.loc[word, "test_by_chance"] < 14  # 15 of 180 places would do
    assert table.loc[word, "mean_score"] == pytest.approx(3.0, abs=0.05)
    assert table.loc[word, "score_elsewhere"] == pytest.approx((179 + 3 * 14) / 193, abs=0.01)
    # as frequent, but the score looks anywhere
    real, copies, test = jittered_study(1, looks=False)
    table = table_of(real, copies, np.zeros(20_000), test).set_index("kmer")
    if word in table.index:
        assert table.loc[word, "contrast_p"] > 0.01


def test_a_score_that_rises_in_the_middle_does_not_look_at_what_stands_there() -> None:
    rng, word = random.Random(0), canonical("GATTACA")
    sequences, inside = [], np.zeros((120, 200), dtype=bool)
    for i in range(120):
        s, at = dna(200, rng), rng.randrange(70, 124)
        sequences.append(plant(s, "GATTACA", at))
        begin = rng.randrange(60, 120)  # the middle, wherever the word is
        inside[i, begin : begin + 21] = True
    real = (sequences, inside.ravel())
    copies = [([shuffled(s, copy=c) for s in sequences], inside.ravel()) for c in range(2)]
    table = table_of(real, copies, np.zeros(24_000), np.arange(120) % 2 == 0).set_index("kmer")
    assert table.loc[word, "test_q"] < 0.01  # frequent in seqlets it is
    assert table.loc[word, "contrast_p"] > 0.01
    assert not (table["contrast_q"] < 0.05).any()


def test_copies_of_a_sequence_are_no_evidence() -> None:
    real, copies, test = jittered_study(4, looks=True)
    track = np.zeros(20_000)
    group = np.arange(100)
    once = table_of(real, copies, track, test, group=group).set_index("kmer")

    def twice(text):
        return (text[0] * 2, np.tile(text[1], 2))

    table = table_of(
        twice(real), [twice(c) for c in copies], np.tile(track, 2), np.tile(test, 2),
        group=np.tile(group, 2),
    ).set_index("kmer")  # fmt: skip
    both = table.index.intersection(once.index)
    assert len(both) > 20
    columns = ["discovery_p", "test_p", "contrast_p"]
    np.testing.assert_allclose(table.loc[both, columns], once.loc[both, columns], rtol=1e-9)


@pytest.mark.parametrize("k", [3, 13])
def test_words_too_short_or_too_long_are_refused(k: int) -> None:
    real, copies, test = random_study(0)
    with pytest.raises(ValueError, match="k must be from 4 to 12"):
        table_of(real, copies, np.zeros(8000), test, k=k)


def null_tables(seeds: range, k: int = 4, n: int = 40, length: int = 80) -> list:
    """Random sequence, and seqlets at random places that know nothing of it."""
    tables = []
    for seed in seeds:
        rng, numbers = random.Random(seed), np.random.default_rng(seed)
        sequences = [dna(length, rng) for _ in range(n)]

        def seqlets(numbers=numbers):
            inside = np.zeros((n, length), dtype=bool)
            for row in inside:
                for begin in numbers.integers(0, length - 20, size=2):
                    row[begin : begin + 21] = True
            return inside.ravel()

        copies = [([shuffled(s, copy=c) for s in sequences], seqlets()) for c in range(2)]
        test = numbers.permutation(n) < n // 2
        tables.append(table_of((sequences, seqlets()), copies, np.zeros(n * length), test, k=k))
    return tables


def check_calibration(tables: list) -> None:
    runs = len(tables)
    for name in ("test", "contrast"):
        for level in (0.2, 0.05, 0.01):
            share = np.array([(t[f"{name}_p"] <= level).mean() for t in tables])
            # words of one run overlap: the run is the unit of replication
            assert share.mean() <= level + 3.5 * share.std() / np.sqrt(runs)
            if level == 0.2:  # below the level, since counts are whole numbers; but not far
                assert share.mean() >= 0.03
        alarms = sum(bool((t[f"{name}_q"] < 0.05).any()) for t in tables)
        assert alarms <= binom.isf(0.001, runs, 0.05)


def test_on_random_sequence_p_and_q_keep_their_word() -> None:
    tables = null_tables(range(50))
    assert sum(map(len, tables)) > 200
    assert any((t["gap"] > 0).any() for t in tables)
    check_calibration(tables)


@pytest.mark.slow
def test_on_random_sequence_p_and_q_keep_their_word_in_many_runs() -> None:
    check_calibration(null_tables(range(1000, 1300)))


def false_alarms(seeds: range) -> int:
    alarms = 0
    for seed in seeds:
        real, copies, test = random_study(seed, n=60, n_copies=2)
        table = table_of(real, copies, np.zeros(6000), test, k=4)
        alarms += bool((table["test_q"] < 0.05).any())
    return alarms


def test_random_sequence_gives_no_kmer() -> None:
    # 5 % of runs may; 5 of 15 or more has probability 0.06 %
    assert false_alarms(range(15)) < 5


@pytest.mark.slow
def test_random_sequence_gives_a_kmer_in_five_per_cent_of_runs_at_most() -> None:
    # 400 runs at 5 %: 20 expected, sd 4.4
    assert false_alarms(range(1000, 1400)) <= 33


def planted_records(n: int = 50) -> tuple[list[Record], list[np.ndarray]]:
    rng = random.Random(0)
    records, track = [], []
    for i in range(n):
        s, at = dna(150, rng), rng.randrange(20, 110)
        s = plant(plant(s, "TGG", at), "CCA", at + 10)
        values = np.random.default_rng(i).normal(size=150)
        values[at : at + 13] += 4
        records.append(Record(f"r{i}", s))
        track.append(values.astype(np.float32))
    return records, track


def test_find_kmers_from_a_track() -> None:
    from nucel_interp import find_kmers

    records, track = planted_records()
    result = find_kmers(records, track=track)
    first = result.kmers.iloc[0]
    assert first["kmer"] == "TGGNNNNNNNCCA"
    assert first["contrast_q"] < 1e-10
    assert (result.kmers["motif_id"] == "").all()
    assert "permuted" in " ".join(result.warnings)
    assert "k-mers chosen on either half; on the other" in result.answer
    few = find_kmers(records[:30], track=track[:30])
    assert few.kmers["test_p"].isna().all()
    assert "not tested: 30 sequences, 40 needed" in few.answer


def test_the_command_writes_the_table(tmp_path: Path) -> None:
    from nucel_interp.cli.app import app

    records, track = planted_records()
    fasta, npz = tmp_path / "x.fa", tmp_path / "x.npz"
    fasta.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    np.savez(npz, **{r.name: t for r, t in zip(records, track, strict=True)})
    out = tmp_path / "kmers.tsv"
    runner = CliRunner()
    call = ["kmers", str(fasta), "--track", str(npz)]
    result = runner.invoke(app, [*call, "-o", str(out)])
    assert result.exit_code == 0, result.output
    header, first, *_ = out.read_text().splitlines()
    assert header.split("\t") == KMER_COLUMNS
    assert first.startswith("TGGNNNNNNNCCA\tTGGNNNNNNNCCA\t7\t2\t")
    assert "k-mers chosen on either half" in result.stderr
    assert "permuted" in result.stderr
    again = runner.invoke(app, [*call, "-o", str(out)])
    assert again.exit_code == 1
    assert "--force" in again.stderr
    printed = runner.invoke(app, ["-q", *call, "-k", "6", "--format", "json"])
    rows = json.loads(printed.stdout)
    assert {len(r["kmer"]) - r["gap"] for r in rows} == {6}
    assert runner.invoke(app, [*call, "-k", "13"]).exit_code == 2
    assert runner.invoke(app, ["kmers", str(fasta), "--null-track", str(npz)]).exit_code == 2
