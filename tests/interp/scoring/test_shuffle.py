"""Shuffled copies: what they keep, what they change, and that every arrangement is as likely."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from scipy.stats import chisquare

from nucel_interp.scoring import draw, shuffled
from nucel_interp.types import reverse_complement
from tests.toy import dna


def words(sequence: str, k: int) -> Counter[str]:
    return Counter(sequence[i : i + k] for i in range(len(sequence) - k + 1))


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 17, 200, 1023])
def test_every_kmer_count_and_both_ends_are_kept(k: int, length: int) -> None:
    sequence = dna(length, seed=length)
    for copy in range(5):
        other = shuffled(sequence, k=k, copy=copy)
        for size in range(1, k + 1):
            assert words(other, size) == words(sequence, size)
        assert other[: k - 1] == sequence[: k - 1]
        assert other[len(other) - k + 1 :] == sequence[len(sequence) - k + 1 :]


def test_dinucleotide_copies_change_trinucleotides() -> None:
    sequence = dna(500)
    assert words(shuffled(sequence, k=2), 3) != words(sequence, 3)
    assert words(shuffled(sequence, k=3), 4) != words(sequence, 4)


@pytest.mark.parametrize("k", [2, 3])
def test_n_stays_and_each_stretch_is_shuffled_by_itself(k: int) -> None:
    parts = [dna(60, 1), "NN", dna(80, 2), "R", dna(1, 3), "N"]
    sequence = "".join(parts)
    other = shuffled(sequence, k=k)
    assert other != sequence
    begin = 0
    for part in parts:
        piece = other[begin : begin + len(part)]
        begin += len(part)
        if set(part) <= set("ACGT"):
            assert words(piece, k) == words(part, k)
        else:
            assert piece == part


@pytest.mark.parametrize("k", [2, 3])
def test_the_other_strand_gives_the_other_strand(k: int) -> None:
    for seed in range(20):
        sequence = dna(90, seed, "ACGTN" if seed % 2 else "ACGT")
        turned = shuffled(reverse_complement(sequence), k=k, seed=3, copy=1)
        assert turned == reverse_complement(shuffled(sequence, k=k, seed=3, copy=1))


def test_seed_copy_and_k_each_change_the_result_and_nothing_else_does() -> None:
    sequence = dna(200)
    made = [
        shuffled(sequence, k=k, seed=s, copy=c)
        for k, s, c in itertools.product((2, 3), (0, 1), (0, 1))
    ]
    assert len(set(made)) == 8
    assert shuffled(sequence, k=2, seed=0, copy=0) == made[0]


def eulerian_walks(sequence: str, k: int) -> set[str]:
    """All sequences with the same k-mer counts and the same first k-1 letters, by brute force."""
    pool = words(sequence, k)

    def grow(text: str, left: Counter[str]) -> set[str]:
        if not +left:
            return {text}
        found: set[str] = set()
        for letter in "ACGT":
            word = text[len(text) - k + 1 :] + letter
            if left[word]:
                found |= grow(text + letter, left - Counter([word]))
        return found

    return grow(sequence[: k - 1], pool)


@pytest.mark.parametrize(("sequence", "k"), [("ACAGATACA", 2), ("AACAACGAACTAA", 3)])
def test_every_arrangement_is_equally_likely(sequence: str, k: int) -> None:
    possible = sorted(eulerian_walks(sequence, k))
    assert len(possible) >= 6
    drawn = Counter(shuffled(sequence, k=k, copy=c) for c in range(400 * len(possible)))
    assert set(drawn) <= set(possible)
    assert chisquare([drawn[p] for p in possible]).pvalue > 0.01


@pytest.mark.parametrize("sequence", ["", "A", "N", "AC", "NNN", "ANA", "AAAAAAAA"])
def test_what_cannot_be_shuffled_comes_back_as_it_is(sequence: str) -> None:
    assert shuffled(sequence, k=2) == sequence
    assert shuffled(sequence, k=3) == sequence


def test_draws_are_keyed_by_seed_strand_collapsed_sequence_and_purpose() -> None:
    assert draw(1, "AAC", "x").random() == draw(1, "GTT", "x").random()
    others = [draw(2, "AAC", "x"), draw(1, "AAG", "x"), draw(1, "AAC", "y"), draw(1, "AAC", "x", 1)]
    assert draw(1, "AAC", "x").random() not in {o.random() for o in others}
