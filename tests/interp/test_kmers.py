"""k-mer index, the sign test behind every claim of enrichment, and the table of k-mers."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from nucel_interp.kmers import KmerIndex, kmer_table, kmer_words, sign_test
from nucel_interp.scoring import shuffled
from nucel_interp.types import KMER_COLUMNS, canonical, reverse_complement


def dna(length: int, rng: random.Random, letters: str = "ACGT") -> str:
    return "".join(rng.choices(letters, k=length))


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


def random_study(
    seed: int, n: int = 80, n_copies: int = 3, planted: str = ""
) -> tuple[tuple[list[str], np.ndarray], list[tuple[list[str], np.ndarray]], np.ndarray]:
    rng = random.Random(seed)
    sequences = []
    for i in range(n):
        s = dna(100, rng)
        word = planted if i % 2 else reverse_complement(planted)
        sequences.append(s[:46] + word + s[46 + len(word) :])
    inside = np.zeros((n, 100), dtype=bool)
    inside[:, 35:65] = True
    inside = inside.ravel()
    copies = [
        ([shuffled(s, seed=seed, copy=c) for s in sequences], inside) for c in range(n_copies)
    ]
    test = np.random.default_rng(seed).permutation(n) < n // 2
    return (sequences, inside), copies, test


def test_a_planted_kmer_is_first() -> None:
    real, copies, test = random_study(0, planted="GATTACA")
    track = np.tile(np.where((np.arange(100) >= 46) & (np.arange(100) < 53), 5.0, 0.0), 80)
    table = kmer_table(real, copies, track, test)
    first = table.iloc[0]
    assert list(table.columns) == KMER_COLUMNS
    assert first["kmer"] == canonical("GATTACA")
    assert first["reverse_complement"] == reverse_complement(first["kmer"])
    assert first["test_q"] < 1e-5
    assert first["test_sequences"] == 40
    assert first["discovery_sequences"] == 40
    assert first["test_shuffled"] < 5
    assert 4.0 < first["mean_score"] <= 5.0
    assert table["test_p"].is_monotonic_increasing


def test_the_test_half_has_no_say_in_the_selection() -> None:
    real, copies, test = random_study(1, planted="GATTACA")
    track = np.zeros(8000)
    before = kmer_table(real, copies, track, test)
    rng = random.Random(9)
    changed = [dna(100, rng) if t else s for s, t in zip(real[0], test, strict=True)]
    after = kmer_table((changed, real[1]), copies, track, test)
    columns = ["kmer", "discovery_sequences", "discovery_shuffled", "discovery_p"]

    def chosen(table):
        return table[columns].sort_values("kmer").reset_index(drop=True)

    assert chosen(before).equals(chosen(after))
    assert not before["test_p"].equals(after["test_p"])


def test_without_a_test_half_nothing_is_tested() -> None:
    real, copies, _ = random_study(2, planted="GATTACA")
    table = kmer_table(real, copies, np.full(8000, np.nan), np.zeros(80, dtype=bool))
    assert len(table)
    assert table[["test_p", "test_q", "mean_score"]].isna().all(axis=None)


def test_order_of_the_units_changes_nothing() -> None:
    real, copies, test = random_study(3, planted="GATTACA")
    track = np.random.default_rng(0).normal(size=8000)
    order = np.random.default_rng(1).permutation(80)
    moved = [
        ([s[i] for i in order], inside.reshape(80, 100)[order].ravel())
        for s, inside in (real, *copies)
    ]
    first = kmer_table(real, copies, track, test)
    second = kmer_table(moved[0], moved[1:], track.reshape(80, 100)[order].ravel(), test[order])
    numbers = ["kmer", "discovery_p", "test_p", "test_q", "discovery_shuffled", "test_shuffled"]
    assert first[numbers].equals(second[numbers])


def false_alarms(seeds: range) -> int:
    alarms = 0
    for seed in seeds:
        real, copies, test = random_study(seed, n=60, n_copies=2)
        table = kmer_table(real, copies, np.zeros(6000), test, k=4)
        alarms += bool((table["test_q"] < 0.05).any())
    return alarms


def test_random_sequence_gives_no_kmer() -> None:
    # 5 % of runs may; 6 of 30 or more has probability 0.3 %
    assert false_alarms(range(30)) < 6


@pytest.mark.slow
def test_random_sequence_gives_a_kmer_in_five_per_cent_of_runs_at_most() -> None:
    # 400 runs at 5 %: 20 expected, sd 4.4
    assert false_alarms(range(1000, 1400)) <= 33
