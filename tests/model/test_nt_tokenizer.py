"""The Nucleotide Transformer's tokens: the published vectors, and every rule by which it cuts."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from nucel_model import nt_tokenizer
from nucel_model.nt_tokenizer import batch, tokenize

LONG = "AAAACCCCGGGGTTTTACGTNACGTNNNNACGTTGCAACGTACGT"
LONG_V1 = [
    3, 14, 2819, 1366, 4103, 4101, 4104, 4100, 4102, 4103, 4101, 4104, 4104, 4104, 4104,
    731, 2097, 4100, 4102, 4103, 4101,
]  # fmt: skip


def ids(sequence: str, version) -> list[int]:
    return batch([tokenize(sequence, version)])[0][0].tolist()


def slow_tokens(sequence: str) -> list[str]:
    """The rules, letter by letter."""
    found, at = [], 0
    while at < len(sequence):
        word = sequence[at : at + 6]
        size = 6 if len(word) == 6 and "N" not in word else 1
        found.append(sequence[at : at + size])
        at += size
    return found


@pytest.mark.parametrize(
    ("version", "sequence", "wanted"),
    [
        ("v1", "ATTCCG" * 3, [3, 367, 367, 367]),
        ("v2", "ATTCCG" * 3, [3, 369, 369, 369]),
        ("v1", LONG, LONG_V1),
        ("v2", LONG, [3] + [i + 2 for i in LONG_V1[1:]]),
    ],
)
def test_published_token_vectors(version, sequence, wanted):
    assert ids(sequence, version) == wanted


@pytest.mark.parametrize(("version", "first"), [("v1", 4), ("v2", 6)])
def test_six_mers_are_numbered_in_the_order_a_t_c_g(version, first):
    words = ["".join(w) for w in itertools.product("ATCG", repeat=6)]
    assert tokenize("".join(words), version).ids.tolist() == list(range(first, first + 4096))


@pytest.mark.parametrize(("version", "first"), [("v1", 4100), ("v2", 4102)])
def test_single_bases_and_n_close_the_vocabulary(version, first):
    assert tokenize("ATCGN", version).ids.tolist() == list(range(first, first + 5))
    assert nt_tokenizer.VOCAB_SIZE[version] == first + 5


@pytest.mark.parametrize(("length", "n_tokens"), [(251, 47), (1024, 175), (5, 6), (6, 2), (0, 1)])
def test_tokens_with_cls_at_published_lengths(length, n_tokens):
    assert len(ids(("ACGT" * 256)[:length], "v2")) == n_tokens


def test_random_sequences_are_cut_as_the_rules_say_letter_by_letter():
    rng = random.Random(0)
    for _ in range(300):
        sequence = "".join(rng.choices("ACGTN", (5, 5, 5, 5, 1), k=rng.randrange(60)))
        tokens = tokenize(sequence, "v2")
        words = slow_tokens(sequence)
        assert [
            sequence[s : s + w] for s, w in zip(tokens.starts, tokens.widths, strict=True)
        ] == words
        assert tokens.is_n.tolist() == [w == "N" for w in words]
        assert tokens.ids.tolist() == [int(tokenize(w, "v2").ids[0]) for w in words]


def test_lower_case_counts_as_upper_and_any_other_letter_as_n():
    same = tokenize("ACGTTANACGTTA", "v1").ids
    for written in ("acgttanacgtta", "ACGTTAUACGTTA", "ACGTTARACGTTA", "ACGTTA-ACGTTA"):
        np.testing.assert_array_equal(tokenize(written, "v1").ids, same)


def test_a_batch_pads_on_the_right_and_says_where():
    got, mask = batch([tokenize("ACGTAC", "v1"), tokenize("ACGTACGT", "v1"), tokenize("", "v1")])
    word = int(tokenize("ACGTAC", "v1").ids[0])
    assert got.tolist() == [[3, word, 1, 1], [3, word, 4103, 4101], [3, 1, 1, 1]]
    assert mask.tolist() == [
        [True, True, False, False],
        [True, True, True, True],
        [True, False, False, False],
    ]
