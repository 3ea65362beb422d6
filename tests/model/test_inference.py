"""The quick ways of a forward pass without gradients give what the plain ways give."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nucel_model import NucelConfig, NucelEncoder, every_third_global, tokenizer
from nucel_model.backends import Mask, eager, sdpa
from nucel_model.banded import BLOCK, Bands
from nucel_model.encoder import GeGLU
from nucel_model.inference import PART, fusible, in_parts, linear

CONFIG = NucelConfig(
    hidden_size=64, num_attention_heads=4, intermediate_size=96, layer_types=every_third_global(3),
    max_position_embeddings=4096,
)  # fmt: skip


def test_fused_products_give_what_linear_and_gelu_give():
    mlp, x = GeGLU(CONFIG), torch.randn(2, 30, 64)
    with torch.no_grad():
        if not fusible(x, mlp.Wi, mlp.Wo):
            pytest.skip("this build of torch has no oneDNN linear")
        fused, product = mlp(x), linear(x, mlp.Wi)
    torch.testing.assert_close(fused, mlp(x).detach(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(product, mlp.Wi(x).detach(), atol=1e-6, rtol=1e-5)


def test_a_hook_a_wrapped_layer_and_autocast_keep_the_plain_way():
    layer, x = nn.Linear(8, 8, bias=False), torch.randn(1, 3, 8)

    class Wrapped(nn.Linear):
        def forward(self, x):
            return super().forward(x) + 1

    with torch.no_grad():
        seen = []
        layer.register_forward_hook(lambda *args: seen.append(args))
        linear(x, layer)
        assert len(seen) == 1
        wrapped = Wrapped(8, 8, bias=False)
        torch.testing.assert_close(linear(x, wrapped), x @ wrapped.weight.T + 1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert linear(x, nn.Linear(8, 8, bias=False)).dtype == torch.bfloat16
    assert not fusible(x, nn.Linear(8, 8, bias=False))  # gradients


def test_long_input_goes_through_in_parts_and_comes_out_the_same(monkeypatch):
    x = torch.randn(2, PART + 37, 8)
    layer = nn.LayerNorm(8)
    sizes = []
    plain = nn.LayerNorm.forward

    def forward(self, part):
        sizes.append(part.shape[1])
        return plain(self, part)

    monkeypatch.setattr(nn.LayerNorm, "forward", forward)
    with torch.no_grad():
        assert torch.equal(in_parts(x, layer), plain(layer, x))
        assert sizes == [PART, 37]
        layer.register_forward_hook(lambda *_: None)
        in_parts(x, layer)
    assert sizes == [PART, 37, PART + 37]


def test_a_long_sequence_without_gradients_equals_one_with_them():
    model = NucelEncoder(CONFIG).eval()
    ids = torch.randint(tokenizer.A, tokenizer.T + 1, (1, PART + 300))
    ids[:, 0] = tokenizer.CLS
    with torch.no_grad():
        got = model(ids).last_hidden_state
    torch.testing.assert_close(got, model(ids).last_hidden_state.detach(), atol=2e-5, rtol=0)


@pytest.mark.parametrize("window", [1, 20, 64])
@pytest.mark.parametrize("length", [400, 416, 1025])
def test_banded_attention_and_its_gradient_equal_the_definition(length, window):
    assert Bands(length, window).worthwhile
    inputs = torch.randn(3, 2, 2, length, 8, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(2, 2, length, 8, dtype=torch.float64)
    mask = Mask(None, window)
    got, wanted = sdpa(*inputs, mask), eager(*inputs, mask)[0]
    torch.testing.assert_close(got, wanted, atol=1e-6, rtol=0)  # eager's softmax is fp32
    mine = torch.autograd.grad((got * upstream).sum(), inputs)[0]
    theirs = torch.autograd.grad((wanted * upstream).sum(), inputs)[0]
    torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=0)


def test_blocks_of_a_band_see_exactly_their_band():
    bands = Bands(401, 20)
    keys = bands.keys(torch.arange(401.0).add(1)[None, :, None])[0, :, :, 0]
    seen = bands.bias(keys) == 0
    for i in range(401):
        block, row = divmod(i, BLOCK)
        mine = keys[block][seen[block, row]] - 1
        assert mine.tolist() == list(range(max(0, i - 20), min(401, i + 21)))
