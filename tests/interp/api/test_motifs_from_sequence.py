"""From sequence to named motifs: neither threads nor batches change what is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from nucel_interp.api.find_motifs import MotifResult, find_motifs
from nucel_interp.match import load_jaspar
from nucel_interp.scoring import scores as runner
from nucel_interp.types import BASES, Record
from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, tokenizer

LENGTH = 100


def looks_at_gc() -> Nucel:
    """One global layer, written by hand, in which C and G receive more attention than A and T."""
    shape = NucelConfig(
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=16,
        layer_types=every_third_global(1),
        max_position_embeddings=129,
    )
    encoder = NucelEncoder(shape)
    encoder.init_weights(0)
    asked, found, slowest = 0, 4, 3  # features of every token and of C and G; of 4 rotary pairs
    with torch.no_grad():
        table = encoder.embeddings.tok_embeddings.weight
        table.zero_()
        table[:, asked], table[:, asked + 1] = 1, -1  # the norm takes the mean away: none is left
        for letter in (tokenizer.C, tokenizer.G):
            table[letter, found], table[letter, found + 1] = 2, -2
        weights = encoder.layers[0].attn.Wqkv.weight
        weights[:32] = 0
        for head in (0, 8):
            weights[head + slowest, asked] = 1.5
            weights[16 + head + slowest, found] = 1 + head / 16
    return Nucel(encoder, name="looks at GC").eval()


def with_sites(n: int = 60) -> list[Record]:
    """An SP1 site in every sequence, on either strand; two in three other letters are A or T."""
    motif = next(m for m in load_jaspar().motifs if m.name == "SP1")
    rng = np.random.default_rng(0)
    records = []
    for i in range(n):
        letters = rng.choice(4, LENGTH, p=[1 / 3, 1 / 6, 1 / 6, 1 / 3])
        word = np.array([rng.choice(4, p=c / c.sum()) for c in motif.pwm.T])
        at = int(rng.integers(10, LENGTH - 10 - len(word)))
        letters[at : at + len(word)] = word if i % 2 else 3 - word[::-1]
        records.append(Record(f"r{i}", "".join(BASES[b] for b in letters)))
    return records


@pytest.fixture(scope="module")
def found() -> tuple[list[Record], MotifResult]:
    records = with_sites()
    return records, find_motifs(records, looks_at_gc())


def assert_same_answer(one: MotifResult, other: MotifResult) -> None:
    for a, b in zip(one.tracks.values(), other.tracks.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    assert list(other.motifs["archetype"]) == list(one.motifs["archetype"])


def test_a_model_that_looks_at_the_motif_finds_and_names_it(found) -> None:
    _, result = found
    named = result.matches.set_index("archetype")["archetype_members"]
    assert "SP1" in named[result.motifs.iloc[0]["archetype"]].iloc[0].split(",")
    assert result.motifs.iloc[0]["attention_fold_low"] > 1.5
    assert result.motifs.iloc[0]["random_control_fold_low"] < 1.5


def test_two_threads_find_the_same_motifs_from_sequence(found) -> None:
    records, result = found
    assert torch.get_num_threads() == 1
    try:
        torch.set_num_threads(2)
        with threadpool_limits(2):
            assert_same_answer(result, find_motifs(records, looks_at_gc()))
    finally:
        torch.set_num_threads(1)


def test_another_size_of_batches_finds_the_same_motifs_from_sequence(
    found, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, result = found
    monkeypatch.setattr(runner, "TOKENS_PER_BATCH", 2 * 3 * (LENGTH + 1))  # 3 at once, not 20
    assert_same_answer(result, find_motifs(records, looks_at_gc()))
