"""Bases to ids and back; the ids are NucEL's own (A, C, G, T = 11 .. 14, [CLS] = 2)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_model import tokenizer


def test_ids_are_nucels():
    assert tokenizer.encode("ACGT").tolist() == [11, 12, 13, 14]
    assert [tokenizer.PAD, tokenizer.UNK, tokenizer.CLS] == [0, 1, 2]
    assert [tokenizer.SEP, tokenizer.MASK] == [3, 4]


def test_case_does_not_matter_and_text_equals_bytes():
    assert tokenizer.encode("acgt").tolist() == tokenizer.encode("ACGT").tolist()
    assert tokenizer.encode(b"ACgtN").tolist() == tokenizer.encode("ACgtN").tolist()


@pytest.mark.parametrize("letter", list("NnURYSWKMBDHV-*. 0é\n"))
def test_every_other_letter_is_unknown_and_keeps_its_place(letter):
    assert tokenizer.encode(f"A{letter}C").tolist() == [11, tokenizer.UNK, 12]


def test_decode_gives_back_bases_and_n():
    assert tokenizer.decode(tokenizer.encode("acgtNRA")) == "ACGTNNA"
    assert tokenizer.decode(np.array([2, 0, 4, 11])) == "NNNA"
    assert tokenizer.decode(tokenizer.encode("")) == ""


def test_reverse_complement_is_the_other_strand():
    ids = tokenizer.encode("AACGTN")
    assert tokenizer.decode(tokenizer.reverse_complement_ids(ids)) == "NACGTT"
    rows = np.stack([tokenizer.encode("AAC"), tokenizer.encode("GGT")])
    flipped = tokenizer.reverse_complement_ids(rows)
    assert [tokenizer.decode(row) for row in flipped] == ["GTT", "ACC"]
    again = tokenizer.reverse_complement_ids(tokenizer.reverse_complement_ids(ids))
    assert again.tolist() == ids.tolist()


def test_complement_leaves_special_tokens_alone():
    special = [i for i in range(tokenizer.VOCAB_SIZE) if i not in tokenizer.BASE_IDS]
    assert tokenizer.COMPLEMENT[special].tolist() == special
    assert tokenizer.COMPLEMENT[list(tokenizer.BASE_IDS)].tolist() == [14, 13, 12, 11]


def test_batch_puts_cls_first_and_pads_on_the_right():
    ids, mask = tokenizer.batch([tokenizer.encode("ACG"), tokenizer.encode("T")])
    assert ids.dtype == torch.int64
    assert mask.dtype == torch.bool
    assert ids.tolist() == [[2, 11, 12, 13], [2, 14, 0, 0]]
    assert mask.tolist() == [[True] * 4, [True, True, False, False]]


def test_batch_of_empty_sequences_and_of_none():
    ids, mask = tokenizer.batch([tokenizer.encode("")])
    assert ids.tolist() == [[2]]
    assert mask.tolist() == [[True]]
    ids, mask = tokenizer.batch([])
    assert ids.shape == mask.shape == (0, 1)


def test_is_base_knows_the_four_bases_only():
    every = torch.arange(tokenizer.VOCAB_SIZE)
    assert every[tokenizer.is_base(every)].tolist() == [11, 12, 13, 14]
