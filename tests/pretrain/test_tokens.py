"""Bases, 6-mers and byte-pair words: ids by hand, and no base lost that need not be."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nucel_model import tokenizer
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.tokens import (
    BaseTokens,
    BpeTokens,
    KmerTokens,
    TokensConfig,
    lookup,
    make_tokens,
)
from nucel_pretrain.train import train
from tests.toy import dna


def windows(*sequences: str) -> np.ndarray:
    ids = np.array([tokenizer.encode(s) for s in sequences], dtype=np.int64)
    return np.concatenate([np.full((len(ids), 1), tokenizer.CLS), ids], axis=1)


def genome(n: int, seed: int = 0) -> str:
    """Bases of which a part repeats, so that there are words to learn."""
    rng = np.random.default_rng(seed)
    words = [dna(9, rng) for _ in range(5)]
    return "".join(rng.choice(words) + rng.choice(list("ACGT")) for _ in range(n // 10))


@pytest.fixture
def bpe(tmp_path):
    pytest.importorskip("tokenizers")
    stretch = tokenizer.encode(genome(20_000))
    config = TokensConfig(kind="bpe", vocabulary=40)
    return make_tokens(config, iter([stretch]), tmp_path / "tokenizer.json")


def test_bases_are_the_windows_as_they_are():
    given = windows("ACGTACGT", "TTTTAAAA")
    tokens = BaseTokens()
    read = tokens(given)
    assert np.array_equal(read.input_ids, given)
    assert read.lengths.tolist() == [[0] + [1] * 8] * 2
    assert (tokens.vocab_size, tokens.n_sequence, tokens.max_tokens(8)) == (27, 4, 9)
    assert [lookup(tokens.words())[b] for b in "ACGT"] == list(tokenizer.BASE_IDS)


def test_6mer_ids_by_hand():
    tokens = KmerTokens(6)
    read = tokens(windows("AAAAAA" + "AAAAAC" + "TTTTTT" + "ACGTAC"))
    # in base 4, A C G T = 0 1 2 3: ACGTAC = 0 1 2 3 0 1 = 256 + 2 x 64 + 3 x 16 + 0 + 1 = 433
    assert read.input_ids.tolist() == [[tokenizer.CLS, 11 + 0, 11 + 1, 11 + 4095, 11 + 433]]
    assert read.lengths.tolist() == [[0, 6, 6, 6, 6]]
    assert tokens.vocab_size == 11 + 4096
    words = tokens.words()
    assert (words[0], words[433], words[4095]) == ("AAAAAA", "ACGTAC", "TTTTTT")
    assert lookup(words)["ACGTAC"] == 11 + 433


@pytest.mark.parametrize(("bases", "kept"), [(12, 2), (13, 2), (17, 2), (18, 3), (8, 1)])
def test_bases_that_fill_no_6mer_are_left_out(bases, kept):
    tokens = KmerTokens(6)
    sequence = genome(100)[:bases]
    read = tokens(windows(sequence))
    assert read.input_ids.shape == (1, kept + 1)
    assert tokens.max_tokens(bases) == kept + 1
    words = tokens.words()
    spelled = "".join(words[i - tokenizer.A] for i in read.input_ids[0, 1:])
    assert spelled == sequence[: 6 * kept]


def test_words_spell_the_sequence_they_were_read_from(bpe):
    sequences = [genome(300, seed)[:96] for seed in range(1, 6)] + ["ACGT" * 24, "A" * 96]
    read = bpe(windows(*sequences))
    words = bpe.words()
    assert set("ACGT") <= set(words)
    assert len(words) == len(set(words)) == bpe.n_sequence == 40
    for ids, lengths, sequence in zip(read.input_ids, read.lengths, sequences, strict=True):
        spelled = [words[i - tokenizer.A] for i in ids[1:] if i != tokenizer.PAD]
        assert "".join(spelled) == sequence
        assert [n for n in lengths[1:] if n] == [len(word) for word in spelled]
    # words were learned: the repeats take fewer tokens than bases
    assert (read.input_ids[0] != tokenizer.PAD).sum() < 60


def test_words_are_padded_on_the_right_to_the_longest_row(bpe):
    read = bpe(windows(genome(300, 1)[:96], "ACGT" * 24))
    real = read.input_ids != tokenizer.PAD
    assert real.any(axis=1).all()
    assert real[:, -1].any()
    assert not real.all()
    assert (read.lengths[~real] == 0).all()
    assert not (real[:, 1:] & ~real[:, :-1]).any()
    assert (read.input_ids[:, 0] == tokenizer.CLS).all()
    assert read.input_ids[real].max() < bpe.vocab_size
    assert read.input_ids.shape[1] <= bpe.max_tokens(96)


def test_learned_words_are_kept_and_read_again(bpe, tmp_path):
    path = tmp_path / "tokenizer.json"
    assert [p.name for p in tmp_path.iterdir()] == ["tokenizer.json"]
    again = make_tokens(TokensConfig(kind="bpe", vocabulary=40), iter([]), path)
    assert again.words() == bpe.words()


def test_words_are_learned_within_stretches_not_across_them(tmp_path):
    pytest.importorskip("tokenizers")
    stretches = [tokenizer.encode("A" * 64), tokenizer.encode("C" * 64)] * 50
    config = TokensConfig(kind="bpe", vocabulary=16)
    words = make_tokens(config, iter(stretches), tmp_path / "tokenizer.json").words()
    assert "AA" in words
    assert not [word for word in words if set(word) == {"A", "C"}]


def test_a_number_a_base_becomes_its_mean_a_token(bpe):
    per_base = np.random.default_rng(0).random((2, 14), dtype=np.float32)
    given = windows("AAAAAACCCCCCGT", "GTGTGTACACACAA")
    assert np.array_equal(BaseTokens()(given).mean(per_base)[:, 1:], per_base)
    six = KmerTokens(6)(given).mean(per_base)
    assert six.shape == (2, 3)
    assert (six[:, 0] == 0).all()
    assert six[:, 1] == pytest.approx(per_base[:, :6].mean(axis=1), rel=1e-6)
    assert six[:, 2] == pytest.approx(per_base[:, 6:12].mean(axis=1), rel=1e-6)
    read = bpe(given)
    means = read.mean(per_base)
    for row in range(2):
        start = 0
        for length, mean in zip(read.lengths[row], means[row], strict=True):
            wanted = per_base[row, start : start + length].mean() if length else 0.0
            assert mean == pytest.approx(wanted, rel=1e-6)
            start += length


def test_a_constant_weight_stays_itself_over_a_long_window():
    given = windows("ACGT" * 2048)
    means = BaseTokens()(given).mean(np.full((1, 8192), 0.1, dtype=np.float32))
    assert (means[0, 1:] == np.float32(0.1)).all()


def test_words_without_their_package_name_the_extra(tiny_config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    config = tiny_config(tokens={"kind": "bpe"})
    with pytest.raises(PretrainError, match=r"needs the tokenizers package: .*nucel-interp\[bpe\]"):
        train(config, tmp_path / "run", say=lambda line: None)
    train(tiny_config(loop={"steps": 1}), tmp_path / "bases", say=lambda line: None)


def test_words_that_cannot_be_read_again_name_their_file(tmp_path):
    pytest.importorskip("tokenizers")
    path = tmp_path / "tokenizer.json"
    path.write_text('{"cut": ')
    with pytest.raises(ValueError, match=r"tokenizer\.json.*delete it"):
        BpeTokens.load(path)
