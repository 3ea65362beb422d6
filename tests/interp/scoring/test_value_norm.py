"""Value-norm weighted attention: vectors summed up one by one, in both kinds of network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucel_interp.scoring.value_norm import value_norm
from nucel_model import Nucel, tokenizer
from tests.toy import dna, nt, nucel, shape, tiny

TEXT = dna(17, 1) + "NN" + dna(11, 2)


def handed_on(model: Nucel, ids: torch.Tensor) -> list[torch.Tensor]:
    """Per layer the vectors A[i, j] f(j) of one text, (heads, queries, keys, hidden)."""
    out = model(ids, output_hidden_states=True, output_attentions=True)
    found = []
    n = model.config.num_attention_heads
    for block, x, a in zip(model.encoder.layers, out.hidden_states, out.attentions, strict=False):
        v = block.attn.Wqkv(block.attn_norm(x))[0, :, -x.shape[-1] :]
        parts, read = v.chunk(n, dim=1), block.attn.Wo.weight.chunk(n, dim=1)
        f = torch.stack([part @ w.T for part, w in zip(parts, read, strict=True)])
        found.append(a[0, ..., None] * f[:, None])
    return found


@pytest.mark.parametrize("make", [tiny, lambda: nucel(shape(layers=4), sharper=8)])
def test_it_is_the_length_of_what_queries_take_over_what_uniform_attention_gives(make) -> None:
    model = make()
    ids, _ = model.tokens([TEXT])
    base = tokenizer.is_base(ids)[0]
    rows = []
    with torch.no_grad():
        for number, vectors in enumerate(handed_on(model, ids)):
            at = torch.arange(ids.shape[1])
            reach = model.config.window(number)
            seen = torch.ones(len(at), len(at)) if reach is None else (
                (at[:, None] - at).abs() <= reach
            ).float()  # fmt: skip
            uniform = (seen / seen.sum(dim=1, keepdim=True))[base].sum(dim=0)
            rows.append(vectors.norm(dim=-1)[:, base].sum(dim=1) / uniform)
    want = torch.where(base, torch.cat(rows), float("nan"))[:, 1:]
    got = value_norm(model, [TEXT])
    assert got.shape == (1, len(want), len(TEXT))
    np.testing.assert_allclose(got[0], want, rtol=1e-4)


def test_the_vectors_are_what_the_layer_adds() -> None:
    model = tiny()
    ids, _ = model.tokens([TEXT])
    added: list[torch.Tensor] = []
    hooks = [
        block.attn.register_forward_hook(lambda module, inputs, out: added.append(out[0]))
        for block in model.encoder.layers
    ]
    with torch.no_grad():
        vectors = handed_on(model, ids)
    for hook in hooks:
        hook.remove()
    for got, want in zip(vectors, added, strict=False):
        torch.testing.assert_close(got.sum(dim=(0, 2)), want, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_base_of_a_longer_token_has_the_norm_of_its_tokens_value_with_its_bias(version) -> None:
    model, texts = nt(version), [dna(40, 3), dna(29, 4)]
    layer = model.encoder.esm.encoder.layer[1].attention
    layer.self.value.bias.data.normal_()
    ids, mask = model.tokens(texts)
    with torch.no_grad():
        states = model(ids, mask, output_hidden_states=True).hidden_states
        v = layer.self.value(layer.LayerNorm(states[1]))[0, :, -16:]
        norm = (v @ layer.output.dense.weight[:, -16:].T).norm(dim=1).numpy()
        received = model.profile_sequences(texts).received[0, 1, 1].numpy()
    token = np.concatenate([np.repeat(np.arange(1, 7), 6), [7, 8, 9, 10]])
    got = value_norm(model, texts)
    np.testing.assert_allclose(got[0, 3], received * norm[token], rtol=1e-4)
    assert np.isnan(got[1, :, 29:]).all()
    assert np.isfinite(got[1, :, :29]).all()


def test_no_hook_stays_behind_and_attention_is_what_it_was() -> None:
    model = tiny()
    before = model.profile_sequences([TEXT]).received
    value_norm(model, [TEXT])
    assert not any(m._forward_hooks for m in model.modules())
    assert torch.equal(model.profile_sequences([TEXT]).received.nan_to_num(), before.nan_to_num())
