"""Influence: the Jacobian itself, substitutions in a linear network, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from nucel_interp.errors import InputError
from nucel_interp.scoring.influence import influence
from nucel_model import FolderError, Nucel, tokenizer
from tests.toy import dna, logits, nt, nucel, shape, tiny

TEXT = dna(9, 1) + "N" + dna(8, 2)


def exact(model: Nucel, text: str, of: str) -> np.ndarray:
    """The definition, from the whole Jacobian."""
    ids, _ = model.tokens([text])
    table = model.encoder.embeddings
    with torch.no_grad():
        x = table(ids)
        letters = table(torch.tensor([tokenizer.BASE_IDS]))[0]

    def outputs(e: torch.Tensor) -> torch.Tensor:
        hook = table.register_forward_hook(lambda module, inputs, out: e)
        hidden = model(ids).last_hidden_state
        hook.remove()
        return model.replaced_logit(hidden)[0, :, None] if of == "log-odds" else hidden[0, 1:]

    model.encoder.backend = "eager"
    jacobian = torch.autograd.functional.jacobian(outputs, x)[:, :, 0, 1:]  # i, width, j, hidden
    model.encoder.backend = None
    moved = torch.einsum("iwjh,jah->ijaw", jacobian, letters - x[0, 1:, None])
    square = moved.square().sum(dim=-1).sum(dim=-1).numpy() / 3
    base = np.array([c != "N" for c in text])
    square[~base] = 0
    np.fill_diagonal(square, 0)
    return np.where(base, np.sqrt(square.sum(axis=0)), np.nan)


@pytest.mark.parametrize("of", ["log-odds", "embedding"])
def test_many_draws_come_to_the_jacobian(of) -> None:
    model = tiny()
    want, got = exact(model, TEXT, of), influence(model, [TEXT], of=of, draws=600)[0, 0]
    known = ~np.isnan(want)
    assert np.isnan(got).tolist() == (~known).tolist()
    np.testing.assert_allclose(got[known], want[known], rtol=0.12)
    assert want[known].max() > 2 * want[known].min()
    few = influence(model, [TEXT], of=of, draws=4)[0, 0]
    off = [np.abs(np.log(a[known] / want[known])).mean() for a in (few, got)]
    assert off[1] < off[0] / 4


class Averaging(nn.Module):
    """Adds a multiple of the mean of all tokens: the same change everywhere, and linear."""

    def forward(self, x, table, attend):
        return x + 5 * x.mean(dim=1, keepdim=True)


def test_in_a_linear_network_it_is_what_substitutions_do_elsewhere() -> None:
    model = tiny()
    model.encoder.layers = nn.ModuleList([Averaging(), Through()])
    model.encoder.final_norm = nn.Identity()
    before, text = logits(model, TEXT), TEXT
    want = np.full(len(text), np.nan)
    for j, letter in enumerate(text):
        if letter == "N":
            continue
        square = 0.0
        for other in set("ACGT") - {letter}:
            change = logits(model, text[:j] + other + text[j + 1 :]) - before
            square += sum(change[i] ** 2 for i in range(len(text)) if i != j and text[i] != "N")
        want[j] = np.sqrt(square / 3)
    got = influence(model, [text], of="log-odds", draws=600)[0, 0]
    np.testing.assert_allclose(got, want, rtol=0.12)


class Through(nn.Module):
    """A block that changes nothing."""

    def forward(self, x, table, attend):
        return x


def test_a_base_that_moves_itself_alone_has_none() -> None:
    model = tiny()
    model.encoder.layers = nn.ModuleList([Through(), Through()])
    got = influence(model, [TEXT])[0, 0]
    assert set(got[~np.isnan(got)]) == {0.0}


def test_a_base_moves_no_further_than_layers_reach() -> None:
    model = nucel(shape(layers=1, layer_types=("sliding_attention",), reach=4), start="torch")
    text = dna(20, 3)
    far = text[:10] + "N" * 4 + text[14:]
    lone = "N" * 9 + "A" + "N" * 10
    assert influence(model, [text])[0, 0].min() > 0
    assert np.nanmin(influence(model, [far])) > 0
    assert np.nanmax(influence(model, [lone])) == 0  # N is not among what is moved


def test_a_text_has_its_own_signs_whatever_its_company() -> None:
    model, other = tiny(), dna(len(TEXT), 5)
    alone = influence(model, [TEXT])
    together = influence(model, [other, TEXT.lower()])
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-4)
    np.testing.assert_array_equal(influence(model, [TEXT]), alone)


def test_log_odds_where_there_is_a_head_else_the_embedding() -> None:
    model, headless = tiny(), tiny(head=False)
    np.testing.assert_array_equal(influence(model, [TEXT]), influence(model, [TEXT], of="log-odds"))
    np.testing.assert_array_equal(
        influence(headless, [TEXT]), influence(headless, [TEXT], of="embedding")
    )
    with pytest.raises(FolderError, match="no discriminator head"):
        influence(headless, [TEXT], of="log-odds")
    with pytest.raises(InputError, match="influence is of single bases"):
        influence(nt(), [TEXT])


def test_weights_and_embeddings_are_left_as_they_were() -> None:
    model = tiny()
    influence(model, [TEXT])
    assert not model.encoder.embeddings._forward_hooks
    assert model.encoder.backend is None
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
