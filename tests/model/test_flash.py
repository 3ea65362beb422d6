"""The flash backend against eager, with stand-ins of the two kernels' signatures.

A stand-in is the plain definition behind the names, argument order, layout, window and packing that
flash-attn and torch document, and refuses what they refuse. On a GPU the last test runs whichever
is there.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from itertools import pairwise
from types import ModuleType

import pytest
import torch

from nucel_model import flash
from nucel_model.backends import Mask, eager
from nucel_model.profile_blocks import profile_blocks
from nucel_model.profile_gpu import profile_gpu


def one(q, k, v, scale, window):
    """(tokens, heads, dim) each, by definition; and the log-sum-exp (heads, tokens)."""
    scores = torch.einsum("ihd,jhd->hij", q.float(), k.float()) * scale
    i = torch.arange(len(q), device=q.device)[:, None]
    j = torch.arange(len(k), device=q.device)[None, :]
    left, right = window
    hidden = torch.zeros(len(q), len(k), dtype=torch.bool, device=q.device)
    if left >= 0:
        hidden |= j < i - left
    if right >= 0:
        hidden |= j > i + right
    scores = scores.masked_fill(hidden, float("-inf"))
    out = torch.einsum("hij,jhd->ihd", scores.softmax(-1), v.float())
    return out.to(q.dtype), scores.logsumexp(-1)


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


def varlen_attn(
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None,
    window_size=(-1, -1), enable_gqa=False, seqused_k=None, block_table=None, num_splits=None,
):  # fmt: skip
    """As torch's `torch.nn.attention.varlen.varlen_attn`, which runs on a GPU alone."""
    assert return_aux.lse
    return flash_attn_varlen_func(
        query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, softmax_scale=scale,
        window_size=window_size, return_attn_probs=True,
    )[:2]  # fmt: skip


@pytest.fixture(params=["flash-attn", "torch"])
def stand_in(request, monkeypatch):
    if request.param == "flash-attn":
        module = ModuleType("flash_attn")
        module.__spec__ = ModuleSpec("flash_attn", None)
        module.flash_attn_varlen_func = flash_attn_varlen_func
        monkeypatch.setitem(sys.modules, "flash_attn", module)
    else:
        monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", varlen_attn)
    flash._kernel.cache_clear()
    yield
    flash._kernel.cache_clear()


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


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("window", [None, 20])
@pytest.mark.parametrize("lengths", [(100, 100), (100, 60)])
def test_a_profile_takes_its_log_sums(window, lengths, monkeypatch):
    pytest.importorskip("triton", reason="Triton is for Linux")
    monkeypatch.setattr(flash, "usable", lambda _: True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    q, k, v = (2 * torch.randn(3, 2, 2, 100, 16, device=device)).half()
    real = torch.arange(100, device=device) < torch.tensor(lengths, device=device)[:, None]
    mask = Mask(None if min(lengths) == 100 else real, window)
    got = profile_gpu(q, k, v, mask, real)
    wanted = profile_blocks(q.float(), k.float(), v.float(), mask, real)
    kept = real[:, None].expand(2, 2, 100)
    for name in ("column", "entropy"):
        mine, theirs = getattr(got, name), getattr(wanted, name)
        torch.testing.assert_close(mine[kept], theirs[kept], atol=1e-4, rtol=1e-4)


def test_what_is_missing_is_said():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert flash.available(cpu, torch.bfloat16) == (
        False,
        "flash attention needs CUDA, this is cpu",
    )
    assert "16 bits, the model is float32" in flash.available(cuda, torch.float32)[1]


@pytest.mark.gpu
@pytest.mark.parametrize("window", [None, 64])
@pytest.mark.parametrize("lengths", [(300, 300), (300, 40)])
def test_the_real_one_equals_eager(window, lengths):
    q, k, v = torch.randn(3, 2, 4, 300, 32, device="cuda").to(torch.bfloat16)
    assert flash.usable(q), flash.available(q.device, q.dtype)[1]
    real = torch.arange(300, device="cuda") < torch.tensor(lengths, device="cuda")[:, None]
    mask = Mask(None if min(lengths) == 300 else real, window)
    wanted, probs = eager(q.float(), k.float(), v.float(), mask)
    out, log_sum = flash.attend_with_log_sum(q, k, v, mask)
    kept = real[:, None].expand(2, 4, 300)
    assert (out - wanted)[kept].abs().max() <= 0.02
    # p = exp(score - log-sum-exp), for each query's own place
    own = (q.float() * k.float()).sum(-1) * 32**-0.5 - log_sum
    torch.testing.assert_close(
        own.exp()[kept], probs.diagonal(dim1=2, dim2=3)[kept], atol=1e-3, rtol=1e-2
    )
