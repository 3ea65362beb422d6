"""`Sequences`: what is worked out once of sequences laid end to end."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.sequences import Sequences, covered
from nucel_interp.types import reverse_complement
from tests.toy import dna

TEXTS = ["ACGTT", "TTTTT", "AACGT", "GATTACA", "AAAAA", "ACGTT"]


def test_it_is_a_sequence_of_strings():
    one = Sequences(t.lower() for t in TEXTS)
    assert list(one) == TEXTS
    assert one[3] == "GATTACA"
    assert list(one[1:3]) == TEXTS[1:3]
    assert len(one) == 6
    assert Sequences.of(one) is one
    assert list(Sequences.of(TEXTS)) == TEXTS
    with pytest.raises(TypeError, match="is one string"):
        Sequences("ACGT")


def test_places_by_hand():
    one = Sequences(TEXTS)
    assert one.lengths.tolist() == [5, 5, 5, 7, 5, 5]
    assert one.offsets.tolist() == [0, 5, 10, 15, 22, 27, 32]
    assert one.n_bases == 32
    assert one.position.tolist() == [
        *range(5),
        *range(5),
        *range(5),
        *range(7),
        *range(5),
        *range(5),
    ]
    assert one.span(3) == slice(15, 22)
    assert list(one.take([3, 0])) == ["GATTACA", "ACGTT"]
    assert one.number.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 7 + [4] * 5 + [5] * 5


def test_equal_sequences_on_either_strand_are_one():
    one = Sequences(TEXTS)
    assert one.flipped.tolist() == [True, True, False, False, False, True]
    assert list(one.canonical) == [min(t, reverse_complement(t)) for t in TEXTS]
    # AACGT (3 of them, two turned), AAAAA (2 of them, one turned), GATTACA; canonical ones first
    assert one.first.tolist() == [True, True, False, True, False, False]
    assert one.distinct.tolist() == [False, False, True, True, True, False]
    assert Sequences(["TTTT", "ACGTT", "ACGTT"]).distinct.tolist() == [True, True, False]
    assert one.rank[0] == one.rank[2] == one.rank[5]
    assert one.rank[1] == one.rank[4] == 0
    assert one.order.tolist() == [1, 4, 0, 2, 5, 3]


def test_turned_twice_is_where_it_was():
    one = Sequences(TEXTS)
    number, start, end = np.array([0, 1, 3]), np.array([0, 1, 2]), np.array([2, 5, 4])
    there = one.turned(number, start, end)
    for i, (n, a, b) in enumerate(zip(number.tolist(), *there, strict=True)):
        given = one[n][start[i] : end[i]]
        wanted = reverse_complement(given) if one.flipped[n] else given
        assert one.canonical[n][a:b] == wanted
    back = one.turned(number, *there)
    assert back[0].tolist() == start.tolist()
    assert back[1].tolist() == end.tolist()


def test_covered_as_the_plain_definition_says():
    rng = np.random.default_rng(0)
    one = Sequences(dna(40, seed=i) for i in range(5))
    number = rng.integers(0, 5, 12)
    start = rng.integers(0, 30, 12)
    end = start + rng.integers(0, 10, 12)
    wanted = np.zeros(200, dtype=bool)
    for n, a, b in zip(number.tolist(), start.tolist(), end.tolist(), strict=True):
        wanted[40 * n + a : 40 * n + b] = True
    assert 0 < wanted.sum() < 200
    assert np.array_equal(one.covered(number, start, end), wanted)
    assert np.array_equal(covered(40 * number + start, 40 * number + end, 200), wanted)


def test_a_bootstrap_draws_sequences_whatever_their_order_and_strand():
    one = Sequences(dna(30, seed=i) for i in range(20))
    order = np.random.default_rng(1).permutation(20)
    other = Sequences(
        reverse_complement(one[i]) if i % 2 else one[i] for i in order.tolist()
    )  # fmt: skip
    ours, theirs = one.bootstrap(3, 50), other.bootstrap(3, 50)
    assert ours.shape == (50, 20)
    assert [[one.canonical[i] for i in row] for row in ours.tolist()] == [
        [other.canonical[i] for i in row] for row in theirs.tolist()
    ]
    assert not np.array_equal(ours, one.bootstrap(4, 50))
    counts = np.bincount(one.bootstrap(0, 2000).ravel(), minlength=20)
    assert abs(counts / 2000 - 1).max() < 0.1
    assert Sequences([]).bootstrap(0, 5).shape == (5, 0)
