"""Attention by distance, against the plain definition: every query, every key, one by one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nucel_interp.scoring import distance
from nucel_interp.scoring.distance import EDGES_BP, distance_profile, sample_pieces
from nucel_interp.types import canonical, reverse_complement
from nucel_model import Nucel, tokenizer
from tests.toy import dna, nucel, shape

HALF_WIDTH = 6
SHAPE = shape(width=32, context=128, reach=2 * HALF_WIDTH)


def tiny(uniform: bool = False) -> Nucel:
    model = nucel(SHAPE, head=False, sharper=8)
    if uniform:
        with torch.no_grad():
            for layer in model.encoder.layers:
                layer.attn.Wqkv.weight.zero_()
    return model


def bin_start(distance_bp: int) -> int:
    return max(edge for edge in EDGES_BP if edge <= distance_bp)


def test_the_table_is_the_plain_definition() -> None:
    model, sequences = tiny(), [dna(50), dna(33, 1)]
    got = distance_profile(model, sequences)
    pieces = [canonical(s) for s in sequences]
    for layer, window in enumerate((None, HALF_WIDTH)):
        mass: dict[int, float] = {}
        uniform: dict[int, float] = {}
        travelled = 0.0
        for piece in pieces:
            ids, mask = tokenizer.batch([tokenizer.encode(piece)])
            with torch.inference_mode():
                maps = model(ids, mask, output_attentions=True).attentions
            probs = maps[layer][0].double().mean(dim=0).numpy()
            tokens = range(1, len(piece) + 1)
            for i in tokens:
                keys = [j for j in (0, *tokens) if window is None or abs(i - j) <= window]
                for j in keys[1:] if keys[0] == 0 else keys:
                    start = bin_start(abs(i - j))
                    mass[start] = mass.get(start, 0) + probs[i, j]
                    uniform[start] = uniform.get(start, 0) + 1 / len(keys)
                    travelled += probs[i, j] * abs(i - j)
        rows = got.table[got.table["layer"] == layer].set_index("distance_bp")
        assert rows.index.tolist() == sorted(mass)
        for values, column in ((mass, "mass"), (uniform, "uniform")):
            total = sum(values.values())
            want = [values[start] / total for start in sorted(values)]
            assert rows[column].tolist() == pytest.approx(want, rel=1e-9)
        assert got.mean[layer] == pytest.approx(travelled / sum(mass.values()), rel=1e-9)
        assert np.abs(rows["mass"] - rows["uniform"]).max() > 0.02
    assert got.n_sequences == 2


def test_uniform_attention_is_as_far_as_uniform_says() -> None:
    table = distance_profile(tiny(uniform=True), [dna(60), dna(90, 1)]).table
    np.testing.assert_allclose(table["mass"], table["uniform"], rtol=1e-6)
    assert table.groupby("layer")["uniform"].sum().tolist() == pytest.approx([1, 1])
    assert table[table["layer"] == 1]["distance_bp"].max() == 4  # no farther than 6 bp


class NextToken:
    """Six bases a token; head 0 looks at the token itself, head 1 two tokens to the right."""

    name = "next"
    config = SimpleNamespace(
        num_hidden_layers=1, token_bp=6, context_bp=600, window=lambda layer: None
    )

    def parameters(self) -> object:
        return iter([torch.zeros(1)])

    def tokens(self, sequences: list[str]) -> tuple[torch.Tensor, None]:
        return torch.zeros(1, 1 + len(sequences[0]) // 6, dtype=torch.int64), None

    def __call__(self, input_ids: torch.Tensor, output_attentions: bool) -> object:
        n = input_ids.shape[1]
        here, right = torch.eye(n), torch.zeros(n, n)
        right[torch.arange(n), (torch.arange(n) + 2).clamp(max=n - 1)] = 1
        return SimpleNamespace(attentions=[torch.stack([here, right])[None]])


def test_distances_are_between_centres_of_six_base_tokens() -> None:
    got = distance_profile(NextToken(), [dna(27)])  # four tokens, three bases cut off
    rows = got.table.set_index("distance_bp")
    # head 0: four at 0 bp. Head 1: 12, 12, 6 and 0 bp.
    assert rows["mass"].to_dict() == pytest.approx({0: 5 / 8, 4: 1 / 8, 8: 2 / 8, 16: 0})
    # of 16 pairs 4 lie 0 bp apart, 6 6 bp, 4 12 bp and 2 18 bp
    assert rows["uniform"].to_dict() == pytest.approx({0: 4 / 16, 4: 6 / 16, 8: 4 / 16, 16: 2 / 16})
    assert got.mean[0] == pytest.approx((12 + 12 + 6) / 8)


def test_the_sample_knows_neither_order_nor_strand_and_holds_no_n() -> None:
    sequences = [dna(n, n, "ACGT" * 20 + "N") for n in range(60, 140)]
    first = sample_pieces(sequences, 48, 6, seed=3)
    other = sample_pieces([reverse_complement(s) for s in reversed(sequences)], 48, 6, seed=3)
    assert first == other
    assert len(first) == distance.MAX_SEQUENCES
    assert all(len(p) % 6 == 0 and 6 <= len(p) <= 48 and "N" not in p for p in first)
    assert first != sample_pieces(sequences, 48, 6, seed=4)
    assert sample_pieces([sequences[0], sequences[0]], 48, 6, seed=0) == sample_pieces(
        [sequences[0]], 48, 6, seed=0
    )


def test_without_a_stretch_of_bases_there_is_nothing_to_tell() -> None:
    got = distance_profile(tiny(), ["NNNN", ""])
    assert not len(got.table)
    assert got.mean == {}
    assert got.n_sequences == 0
