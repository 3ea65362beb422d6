"""Hooks see whole sequences, on every module, with and without gradients; tools of others work."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_module

from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, tokenizer
from nucel_model.inference import PART

LENGTH = PART + 37
CONFIG = NucelConfig(
    hidden_size=16, num_attention_heads=2, intermediate_size=24, layer_types=every_third_global(2),
    local_attention=8, max_position_embeddings=4096,
)  # fmt: skip
PLACES = [
    "embeddings", "embeddings.tok_embeddings", "layers.0.attn_norm", "layers.1", "layers.1.attn",
    "layers.1.attn.Wqkv", "layers.1.attn.Wo", "layers.1.mlp_norm", "layers.1.mlp",
    "layers.1.mlp.Wi", "layers.1.mlp.Wo", "final_norm",
]  # fmt: skip


@pytest.fixture
def model() -> NucelEncoder:
    return NucelEncoder(CONFIG).eval()


@pytest.fixture
def ids() -> torch.Tensor:
    found = torch.randint(tokenizer.A, tokenizer.T + 1, (1, LENGTH))
    found[:, 0] = tokenizer.CLS
    return found


def record(seen, module, args, output=None):
    value = args[0] if output is None else output
    seen.append(tuple(value.shape[:2]))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("gradients", [False, True])
def test_a_hook_is_called_once_with_the_whole_sequence(model, ids, place, gradients):
    after, before = [], []
    module = model.get_submodule(place)
    module.register_forward_hook(partial(record, after))
    module.register_forward_pre_hook(partial(record, before))
    with torch.set_grad_enabled(gradients):
        model(ids)
    assert after == before == [(1, LENGTH)]
    if place != "embeddings":
        after.clear()
        model.profile(ids)
        assert after == [(1, LENGTH)]


def test_a_global_hook_sees_every_module_once(model, ids):
    called = []
    handle = torch_module.register_module_forward_hook(
        lambda module, args, output: called.append(module)
    )
    try:
        with torch.no_grad():
            model(ids)
    finally:
        handle.remove()
    wanted = [m for name, m in model.named_modules() if name != "layers"]
    assert sorted(map(id, called)) == sorted(map(id, wanted))


@pytest.mark.parametrize("place", ["layers.1.attn", "layers.1.mlp", "layers.1.attn.Wo"])
def test_a_backward_hook_sees_whole_gradients(model, ids, place):
    seen = []
    model.get_submodule(place).register_full_backward_hook(
        lambda module, into, out: seen.append(tuple(out[0].shape))
    )
    model(ids).last_hidden_state.sum().backward()
    assert seen == [(1, LENGTH, 16)]


@pytest.mark.parametrize("place", ["layers.1.attn", "layers.1.mlp"])
def test_an_ablation_strikes_one_place_alone(model, ids, place):
    """Zero one module's output at token 100, in the last layer: no other token may change."""
    before = model(ids).last_hidden_state.detach()

    def zero(module, args, output):
        output = output.clone()
        output[:, 100] = 0
        return output

    # the last layer, so that what is struck does not spread; its MLP works token by token
    model.get_submodule(place).register_forward_hook(zero)
    for gradients in (False, True):
        with torch.set_grad_enabled(gradients):
            changed = (model(ids).last_hidden_state - before).abs().amax(dim=-1)[0] > 1e-4
        assert changed.nonzero()[:, 0].tolist() == [100]


def test_an_ablation_reaches_the_profile(model, ids):
    with torch.no_grad():
        for block in model.layers:
            block.attn.Wqkv.weight.mul_(10)
    plain = model.profile(ids).received
    model.layers[0].attn.register_forward_hook(lambda m, args, output: output * 0)
    ablated = model.profile(ids).received
    assert torch.equal(plain[:, 0], ablated[:, 0])
    assert not torch.allclose(plain[:, 1], ablated[:, 1])


@pytest.mark.parametrize("place", ["layers.1.mlp", "layers.1.mlp.Wi", "layers.1.attn.Wo"])
def test_a_forward_of_somebodys_own_is_called_on_the_whole(model, ids, place, monkeypatch):
    module, seen = model.get_submodule(place), []

    def forward(x):
        seen.append(x.shape[1])
        return type(module).forward(module, x)

    monkeypatch.setattr(module, "forward", forward)
    with torch.no_grad():
        model(ids)
    assert seen == [LENGTH]


def test_a_module_that_mixes_tokens_is_given_all_of_them(model, ids):
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(dim=1, keepdim=True).expand_as(x)

    model.layers[1].mlp = Mean()
    with torch.no_grad():
        got = model(ids).last_hidden_state
    torch.testing.assert_close(got, model(ids).last_hidden_state.detach(), atol=2e-5, rtol=0)


@pytest.mark.filterwarnings("ignore::UserWarning:captum")
@pytest.mark.parametrize("place", ["layers.1.attn", "layers.1.mlp", "layers.0"])
def test_captum_reads_and_attributes_to_a_layer(model, ids, place):
    captum = pytest.importorskip("captum.attr")
    kept = []
    module = model.get_submodule(place)
    handle = module.register_forward_hook(lambda m, args, output: kept.append(output.detach()))
    model(ids)
    handle.remove()

    def number(tokens):
        return model(tokens).last_hidden_state[:, 0, 0]  # a norm's sum is 0

    found = captum.LayerActivation(number, module).attribute(ids)
    assert found.shape == (1, LENGTH, 16)
    torch.testing.assert_close(found, kept[0], atol=2e-5, rtol=0)
    given = captum.LayerActivation(number, module).attribute(ids, attribute_to_layer_input=True)
    assert (given[0] if isinstance(given, tuple) else given).shape == (1, LENGTH, 16)
    slope = captum.LayerGradientXActivation(number, module).attribute(ids)
    assert slope.shape == (1, LENGTH, 16)
    assert slope.abs().max() > 0


def test_a_models_arguments_are_the_encoders(model, ids):
    out = Nucel(model)(ids[:, :50], output_hidden_states=True, output_attentions=True)
    assert len(out.hidden_states) == 3
    assert torch.equal(out.hidden_states[-1], out.last_hidden_state)
    assert [a.shape for a in out.attentions] == [(1, 2, 50, 50)] * 2


def per_sequence(model, tokens, wanted):
    """Gradients of one number of each sequence, by torch.func and by hand."""
    weights = dict(model.named_parameters())

    def number(parameters, ids):
        out = torch.func.functional_call(model, parameters, (ids[None],))
        return out.last_hidden_state[0, 3, 0]

    every = torch.func.vmap(torch.func.grad(number), in_dims=(None, 0))(weights, tokens)
    by_hand = [
        torch.autograd.grad(number(weights, row), weights[wanted])[0] for row in tokens.unbind()
    ]
    return every[wanted], torch.stack(by_hand)


@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@pytest.mark.parametrize("backend", ["eager", "sdpa"])
def test_torch_func_differentiates_and_maps(model, ids, backend):
    model.backend = backend
    tokens = ids[0, :60].reshape(2, 30)
    tokens[:, 0] = tokenizer.CLS
    weight = "layers.1.attn.Wqkv.weight"
    mapped, by_hand = per_sequence(model, tokens, weight)
    assert by_hand.abs().max() > 1e-3
    torch.testing.assert_close(mapped, by_hand, atol=1e-6, rtol=1e-4)
    jacobian = torch.func.jacrev(
        lambda w: torch.func.functional_call(model, {weight: w}, (tokens[:1],)).last_hidden_state[
            0, :3, 0
        ]
    )(model.get_parameter(weight))
    summed = jacobian.sum(dim=0)
    hidden = model(tokens[:1]).last_hidden_state[0, :3, 0].sum()
    wanted = torch.autograd.grad(hidden, model.get_parameter(weight))[0]
    torch.testing.assert_close(summed, wanted, atol=1e-6, rtol=1e-4)
