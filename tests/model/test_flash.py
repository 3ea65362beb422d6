"""The flash-attn backend against eager, with a stand-in of flash-attn's signature.

The stand-in is the plain definition behind the names, argument order, layout, window and packing
that flash-attn documents, and refuses what it refuses. Where the package and a GPU are at hand, the
last test runs the real one.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType

import pytest
import torch

from nucel_model import flash
from nucel_model.backends import Mask, eager


def one(q, k, v, scale, window):
    """(tokens, heads, dim) each, by definition; and the log-sum-exp (heads, tokens)."""
    scores = torch.einsum("ihd,jhd->hij", q.float(), k.float()) * scale
    i, j = torch.arange(len(q))[:, None], torch.arange(len(k))[None, :]
    left, right = window
    hidden = torch.zeros(len(q), len(k), dtype=torch.bool)
    if left >= 0:
        hidden |= j < i - left
    if right >= 0:
        hidden |= j > i + right
    scores = scores.masked_fill(hidden, float("-inf"))
    out = torch.einsum("hij,jhd->ihd", scores.softmax(-1), v.float())
    return out.to(q.dtype), scores.logsumexp(-1)


def flash_attn_func(
    q, k, v, dropout_p=0.0, softmax_scale=None, causal=False, window_size=(-1, -1),
    softcap=0.0, alibi_slopes=None, deterministic=False, return_attn_probs=False,
):  # fmt: skip
    assert q.dtype in (torch.float16, torch.bfloat16)
    assert q.stride(-1) == 1
    found = [
        one(*x, softmax_scale or q.shape[-1] ** -0.5, window_size)
        for x in zip(q, k, v, strict=True)
    ]
    out, log_sum = (torch.stack(x) for x in zip(*found, strict=True))
    return (out, log_sum, None) if return_attn_probs else out


def flash_attn_varlen_func(
    q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, dropout_p=0.0,
    softmax_scale=None, causal=False, window_size=(-1, -1), softcap=0.0, alibi_slopes=None,
    deterministic=False, return_attn_probs=False, block_table=None,
):  # fmt: skip
    assert q.dtype in (torch.float16, torch.bfloat16)
    assert cu_seqlens_q.dtype == cu_seqlens_k.dtype == torch.int32
    ends = cu_seqlens_q.tolist()
    assert ends[0] == 0
    assert ends[-1] == len(q)
    assert max(b - a for a, b in pairwise(ends)) == max_seqlen_q == max_seqlen_k
    found = [
        one(q[a:b], k[a:b], v[a:b], softmax_scale or q.shape[-1] ** -0.5, window_size)
        for a, b in pairwise(ends)
    ]
    out, log_sum = torch.cat([f[0] for f in found]), torch.cat([f[1] for f in found], dim=1)
    return (out, log_sum, None) if return_attn_probs else out


@pytest.fixture
def stand_in(monkeypatch):
    module = ModuleType("flash_attn")
    module.flash_attn_func = flash_attn_func
    module.flash_attn_varlen_func = flash_attn_varlen_func
    monkeypatch.setitem(sys.modules, "flash_attn", module)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("window", [None, 64, 5])
@pytest.mark.parametrize("lengths", [(150, 150), (150, 40)])
def test_output_and_log_sum_equal_eager(window, lengths):
    q, k, v = torch.randn(3, 2, 4, 150, 16).to(torch.bfloat16)
    real = torch.arange(150) < torch.tensor(lengths)[:, None]
    mask = Mask(None if min(lengths) == 150 else real, window)
    out, log_sum = flash.attend_with_log_sum(q, k, v, mask)
    wanted, _ = eager(q.float(), k.float(), v.float(), mask)
    kept = real[:, None].expand(2, 4, 150)
    assert out.shape == q.shape
    assert (out - wanted)[kept].abs().max() <= 0.02  # bf16 keeps 8 bits
    every = slice(0, 150)
    scores = (q.float() @ k.float().transpose(-1, -2)) / 4
    allowed = mask.allowed(every, every, q.device)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    torch.testing.assert_close(log_sum[kept], scores.logsumexp(-1)[kept], atol=1e-5, rtol=0)
    assert not out.transpose(1, 2)[~real].any()


@pytest.mark.usefixtures("stand_in")
def test_gradients_pass_through_packing_and_back():
    inputs = torch.randn(3, 2, 2, 20, 8).half().requires_grad_()
    mask = Mask(torch.arange(20) < torch.tensor([[20], [7]]), None)
    (grad,) = torch.autograd.grad(flash.attend(*inputs, mask).float().sum(), inputs)
    assert grad[2, 1, :, :7].abs().sum() > 0
    assert not grad[:, 1, :, 7:].any()


def test_what_is_missing_is_said():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert flash.available(cpu, torch.bfloat16) == (False, "flash-attn needs CUDA, this is cpu")
    assert "16 bits, the model is float32" in flash.available(cuda, torch.float32)[1]


@pytest.mark.gpu
def test_the_real_one_equals_eager():
    pytest.importorskip("flash_attn")
    q, k, v = torch.randn(3, 2, 4, 300, 32, device="cuda").to(torch.bfloat16)
    for mask in (Mask(None, None), Mask(None, 64)):
        wanted, _ = eager(q.float(), k.float(), v.float(), mask)
        assert (flash.attend(q, k, v, mask) - wanted).abs().max() <= 0.02
