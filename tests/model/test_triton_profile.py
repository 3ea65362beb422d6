"""The GPU kernels against the definition: interpreted on CPU tensors where there is no GPU."""

from __future__ import annotations

import math

import pytest
import torch

from nucel_model import NucelEncoder
from nucel_model.backends import Mask

pytest.importorskip("triton", reason="Triton is for Linux")

from nucel_model import triton_profile
from nucel_model.profile_blocks import profile_blocks
from nucel_model.profile_gpu import profile_gpu

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def wanted(q, k, mask, base):
    """Column sums, entropies in bits and log-sum-exps, out of whole maps in fp64."""
    q, k = q.double(), k.double()
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    every = slice(0, q.shape[2])
    allowed = mask.allowed(every, every, q.device)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    probs = scores.softmax(dim=-1)
    column = (probs * base[:, None, :, None]).sum(dim=2)
    entropy = torch.special.entr(probs).sum(dim=-1)
    return column, entropy * math.log2(math.e), scores.logsumexp(dim=-1)


def make(length, dim, *, batch=1, heads=1, dtype=torch.float32):
    torch.manual_seed(length)
    q, k = (2 * torch.randn(2, batch, heads, length, dim, device=DEVICE)).to(dtype)
    base = torch.rand(batch, length, device=DEVICE) > 0.1
    return q, k, base


def run(q, k, base, lengths, window):
    lengths = torch.tensor(lengths, dtype=torch.int32, device=DEVICE)
    log_sum = triton_profile.log_sums(q, k, lengths, window)
    return *triton_profile.reduced(q, k, log_sum, base, lengths, window), log_sum


def worst(got, true):
    return ((got.double() - true).abs() / true.abs().clamp(min=1)).max().item()


@pytest.mark.parametrize("window", [None, 64, 5])
@pytest.mark.parametrize("length", [1, 65, 129, 290])
def test_kernels_give_the_numbers_of_the_whole_map(length, window):
    q, k, base = make(length, 32)
    found = run(q, k, base, [length], window)
    true = wanted(q, k, Mask(None, window), base)
    for got, exact in zip(found, true, strict=True):
        assert worst(got, exact) <= 1e-5


def test_a_program_takes_several_tiles_of_keys(monkeypatch):
    monkeypatch.setattr(triton_profile, "SPREADS", 2)
    q, k, base = make(290, 16, batch=2)
    column, entropy, _ = run(q, k, base, [290, 150], None)
    for i, length in enumerate((290, 150)):
        alone = (x[i : i + 1, :, :length] for x in (q, k))
        true = wanted(*alone, Mask(None, None), base[i : i + 1, :length])
        assert worst(column[i : i + 1, :, :length], true[0]) <= 1e-5
        assert worst(entropy[i : i + 1, :, :length], true[1]) <= 1e-5


@pytest.mark.parametrize("dim", [8, 24, 64])
def test_any_head_dimension(dim):
    q, k, base = make(70, dim)
    column, entropy, _ = run(q, k, base, [70], None)
    true = wanted(q, k, Mask(None, None), base)
    assert worst(column, true[0]) <= 1e-5
    assert worst(entropy, true[1]) <= 1e-5


@pytest.mark.parametrize("window", [None, 20])
def test_sequences_of_several_lengths_are_as_if_alone(window):
    q, k, base = make(90, 16, batch=3)
    lengths = [90, 33, 1]
    together = run(q, k, base, lengths, window)[:2]
    for i, length in enumerate(lengths):
        alone = [x[i : i + 1, ..., :length, :].contiguous() for x in (q, k)]
        single = run(*alone, base[i : i + 1, :length].contiguous(), [length], window)[:2]
        for a, b in zip(together, single, strict=True):
            assert torch.equal(a[i, :, :length], b[0])
            assert not a[i, :, length:].any()


def test_queries_and_keys_may_be_views_of_one_product():
    torch.manual_seed(0)
    qkv = torch.randn(1, 80, 3, 2, 16, device=DEVICE)
    q, k = qkv[:, :, 0].transpose(1, 2), qkv[:, :, 1].transpose(1, 2)
    base = torch.ones(1, 80, dtype=torch.bool, device=DEVICE)
    column, entropy, _ = run(q, k, base, [80], None)
    true = wanted(q, k, Mask(None, None), base)
    assert worst(column, true[0]) <= 1e-5
    assert worst(entropy, true[1]) <= 1e-5


def test_products_of_16_bits_are_summed_in_fp32():
    # fp16: Triton's interpreter cannot multiply bf16
    q, k, base = make(130, 32, dtype=torch.float16)
    column, entropy, _ = run(q, k, base, [130], None)
    true = wanted(q, k, Mask(None, None), base)  # of the same rounded numbers
    assert worst(column, true[0]) <= 1e-4
    assert worst(entropy, true[1]) <= 1e-4


def test_saturated_attention_neither_overflows_nor_cancels():
    q, k, base = make(100, 16)
    for window in (None, 10):
        column, entropy, _ = run(20 * q, k, base, [100], window)
        true = wanted(20 * q, k, Mask(None, window), base)
        # scores near 500 carry an error of 3e-5 in fp32, and so do the probabilities
        assert worst(column, true[0]) <= 1e-4
        assert worst(entropy, true[1]) <= 1e-4


@pytest.mark.parametrize("window", [None, 20])
def test_the_whole_gpu_path_gives_what_the_blocks_give(window):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 100, 16, device=DEVICE)
    real = torch.arange(100, device=DEVICE) < torch.tensor([[100], [41]], device=DEVICE)
    base = real & (torch.rand(2, 100, device=DEVICE) > 0.1)
    got = profile_gpu(q, k, v, Mask(real, window), base)
    wanted = profile_blocks(q, k, v, Mask(real, window), base)
    kept = real[:, None].expand(2, 2, 100)
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine[kept], theirs[kept], atol=1e-5, rtol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)])
def test_a_model_on_a_gpu_gives_what_it_gives_on_a_cpu(tiny, random_batch, dtype, close):
    ids, real = random_batch(600, 250)
    model = NucelEncoder(tiny).eval()
    with torch.inference_mode():
        wanted = model.profile(ids, real)
        got = model.to("cuda", dtype).profile(ids.cuda(), real.cuda())
    for name in ("received", "entropy", "cls_share", "n_share"):
        mine, theirs = getattr(got, name).float().cpu(), getattr(wanted, name)
        assert torch.equal(mine.isnan(), theirs.isnan())
        torch.testing.assert_close(mine, theirs, atol=close, rtol=close, equal_nan=True)
