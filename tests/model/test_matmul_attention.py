"""Attention as plain products, and the rotation before it: the definitions and their gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nucel_model import NucelEncoder
from nucel_model.backends import Mask, attend, parts, sdpa, training_backend
from nucel_model.matmul_attention import Part, matmul_attention
from nucel_model.rope import rotary_table, rotate, split_heads


def heads(tokens: int, dtype=torch.float64, batch: int = 2, n: int = 3, dim: int = 8):
    """q, k and v that want gradients, and a gradient for the output."""
    q, k, v, grad = (torch.randn(batch, n, tokens, dim, dtype=dtype) for _ in range(4))
    return [x.requires_grad_() for x in (q, k, v)], grad


def padding(tokens: int) -> torch.Tensor:
    """(2, tokens): the first row real throughout, the second in its first third."""
    return torch.arange(tokens) < torch.tensor([[tokens], [max(1, tokens // 3)]])


def definition(q, k, v, mask: Mask) -> torch.Tensor:
    """softmax(q k^T / sqrt(dim) + bias) v, a query at a time."""
    length = q.shape[2]
    out = []
    for i in range(length):
        scores = (k @ q[:, :, i, :, None]).squeeze(-1) / q.shape[-1] ** 0.5
        for j in range(length):
            far = mask.window is not None and abs(i - j) > mask.window
            hidden = torch.zeros(len(q), dtype=torch.bool)
            if mask.real is not None and i != j:
                hidden = ~mask.real[:, j]
            scores[hidden | far, :, j] = float("-inf")
        out.append((scores.softmax(dim=-1)[..., None] * v).sum(dim=2))
    return torch.stack(out, dim=2)


@pytest.mark.parametrize("window", [None, 0, 3], ids="window {}".format)
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@pytest.mark.parametrize("tokens", [1, 2, 13, 41])
def test_it_is_the_definition(tokens, padded, window):
    (q, k, v), _ = heads(tokens)
    mask = Mask(padding(tokens) if padded else None, window)
    with torch.no_grad():
        found, expected = attend("matmul", q, k, v, mask), definition(q, k, v, mask)
    assert (found - expected).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["fp64", "fp32"])
@pytest.mark.parametrize("window", [None, 5, 40, 64], ids="window {}".format)
@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@pytest.mark.parametrize("tokens", [1, 63, 64, 129, 257, 300])
def test_output_and_gradients_are_those_of_torchs_kernel(tokens, padded, window, dtype):
    inputs, grad = heads(tokens, dtype)
    mask = Mask(padding(tokens) if padded else None, window)
    found, expected = attend("matmul", *inputs, mask), sdpa(*inputs, mask)
    bound = 1e-12 if dtype == torch.float64 else 1e-5
    assert (found - expected).abs().max() < bound
    ours = torch.autograd.grad(found, inputs, grad)
    theirs = torch.autograd.grad(expected, inputs, grad)
    for name, a, b in zip("qkv", ours, theirs, strict=True):
        assert (a - b).abs().max() < bound, f"gradient of {name}"


@pytest.mark.parametrize("window", [None, 64], ids="window {}".format)
def test_bf16_is_within_two_percent_of_fp64(window):
    inputs, grad = heads(257, batch=4, dim=32)
    low = [x.detach().bfloat16().requires_grad_() for x in inputs]
    exact = [x.detach().double().requires_grad_() for x in low]
    mask = Mask(None, window)
    found, expected = attend("matmul", *low, mask), sdpa(*exact, mask)
    pairs = [(found, expected)]
    pairs += zip(
        torch.autograd.grad(found, low, grad.bfloat16()),
        torch.autograd.grad(expected, exact, grad.bfloat16().double()),
        strict=True,
    )
    for a, b in pairs:
        assert a.dtype == torch.bfloat16
        assert (a.double() - b).norm() / b.norm() < 0.02


@pytest.mark.parametrize("window", [None, 2], ids="window {}".format)
def test_gradients_are_those_of_finite_differences(window):
    inputs, _ = heads(35, batch=1, n=2, dim=2)
    found = parts(Mask(None, window), inputs[0])
    assert torch.autograd.gradcheck(lambda *x: matmul_attention(*x, found), inputs, fast_mode=True)


def test_a_second_derivative_is_refused():
    inputs, _ = heads(5)
    out = matmul_attention(*inputs, [Part(slice(0, 5), slice(0, 5), None)])
    (first,) = torch.autograd.grad(out.square().sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_a_padded_row_does_not_move_the_others():
    (q, k, v), grad = heads(70)
    mask = Mask(padding(70), 64)
    out = attend("matmul", q, k, v, mask)
    (d_v,) = torch.autograd.grad((out * grad)[1, :, :23].sum(), v)
    assert (d_v[1, :, 23:] == 0).all()
    assert (d_v[1, :, :23] != 0).any()
    assert (d_v[0] == 0).all()


@pytest.mark.parametrize("window", [None, 0, 5, 33, 64, 100], ids="window {}".format)
@pytest.mark.parametrize("tokens", [1, 31, 64, 127, 128, 129, 257, 1025])
def test_parts_hold_each_query_once_and_every_key_it_sees(tokens, window):
    mask = Mask(None, window)
    allowed = torch.zeros(tokens, tokens, dtype=torch.bool)
    visited = torch.zeros(tokens, dtype=torch.int)
    for rows, keys, bias in parts(mask, torch.empty(1, 1, tokens, 4)):
        visited[rows] += 1
        allowed[rows, keys] = True if bias is None else (bias[0, 0] == 0)
    assert (visited == 1).all()
    i = torch.arange(tokens)
    expected = torch.ones_like(allowed) if window is None else (i[:, None] - i).abs() <= window
    assert (allowed == expected).all()


def test_a_long_local_layer_computes_a_fraction_of_the_map():
    found = parts(Mask(None, 64), torch.empty(1, 1, 1025, 4))
    scores = sum((p.rows.stop - p.rows.start) * (p.keys.stop - p.keys.start) for p in found)
    assert scores < 1025**2 / 5


@pytest.mark.parametrize(("length", "dim"), [(1, 2), (7, 8), (257, 32)])
def test_rotation_turns_each_pair_by_position_times_frequency(length, dim):
    x = torch.randn(2, 3, length, dim, dtype=torch.float64)
    turned = rotate(x, *rotary_table(length, dim, 1000.0, x.device))
    half = dim // 2
    frequency = 1000.0 ** -(torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    pairs = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angle), angle)
    # the table is fp32: an angle of 256 is off by up to 256 * 2^-24
    assert (turned - torch.cat([pairs.real, pairs.imag], dim=-1)).abs().max() < 1e-4
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-6)


def test_rotation_is_computed_in_fp32():
    x = torch.randn(2, 3, 257, 32).bfloat16()
    table = rotary_table(257, 32, 160_000.0, x.device)
    turned = rotate(x, *table)
    assert turned.dtype == torch.bfloat16
    assert torch.equal(turned, rotate(x.float(), *table).bfloat16())


@pytest.mark.parametrize("length", [1, 2, 13])
def test_split_heads_and_its_gradient_are_the_plain_definitions(length):
    b, n, dim = 2, 3, 4
    table = rotary_table(length, dim, 100.0, torch.device("cpu"))
    qkv = torch.randn(b, length, 3 * n * dim, dtype=torch.float64, requires_grad=True)
    blocks = qkv.view(b, length, 3, n, dim)
    q, k, v = (blocks[:, :, i].transpose(1, 2) for i in range(3))
    expected = (rotate(q, *table), rotate(k, *table), v)
    found = split_heads(qkv, n, table)
    grads = [torch.randn_like(v) for _ in range(3)]
    for a, c in zip(found, expected, strict=True):
        assert a.is_contiguous()
        assert torch.equal(a, c)
    ours = torch.autograd.grad(found, qkv, grads)
    theirs = torch.autograd.grad(expected, qkv, grads)
    assert torch.allclose(*ours, *theirs, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: split_heads(x, n, table), qkv, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: split_heads(x, n, table), qkv, fast_mode=True)


def test_an_encoder_learns_the_same_from_either_kernel(tiny, random_batch):
    model = NucelEncoder(tiny)
    ids, mask = random_batch(150, 37, 150)
    grads = []
    for model.backend in ("sdpa", "matmul"):
        model.zero_grad()
        out = model(ids, mask).last_hidden_state[mask]
        F.mse_loss(out, torch.ones_like(out)).backward()
        grads.append({name: p.grad.clone() for name, p in model.named_parameters()})
    for name, grad in grads[0].items():
        assert (grad - grads[1][name]).abs().max() < 1e-5 * max(1.0, grad.abs().max().item()), name


def test_a_cpu_trains_with_plain_products_while_the_maps_are_small():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert training_backend(cpu, 257) == "matmul"
    assert training_backend(cpu, 100_000) == "sdpa"
    assert training_backend(cuda, 257) == "sdpa"
