"""Attention reduced to numbers per base, without holding an L x L map.

For every layer and head: ``received[j]`` = sum over base queries i of A[i, j], divided by the sum
over base queries i that may see j of 1/n_i, with n_i the number of keys query i may attend to
([CLS] and N included, padding not). Uniform attention gives 1.0 everywhere, ends included, which a
plain column sum does not: within a window, bases near an end can be seen by fewer queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nucel_model.backends import Mask

BLOCK = 128
"""Query rows held at once; (batch, heads, 128, keys) is the largest temporary."""


@dataclass(frozen=True)
class Roles:
    """What each token is, (batch, tokens) bool each."""

    base: Tensor
    cls: Tensor
    unknown: Tensor


@dataclass(frozen=True)
class LayerProfile:
    """One layer's reductions, token-aligned: received and entropy (batch, heads, tokens)."""

    received: Tensor
    entropy: Tensor
    cls_share: Tensor
    n_share: Tensor


def expected_received(roles: Roles, mask: Mask) -> Tensor:
    """What uniform attention from base queries would give each key: (batch, tokens), fp64."""
    real = mask.real if mask.real is not None else torch.ones_like(roles.base)
    visible = _window_sum(real.double(), mask.window)
    return _window_sum(roles.base.double() / visible.clamp(min=1), mask.window)


def _window_sum(x: Tensor, window: int | None) -> Tensor:
    """Sum of x over |i - j| <= window, for every i; over everything if window is None."""
    if window is None:
        return x.sum(dim=1, keepdim=True).expand_as(x)
    length = x.shape[1]
    total = torch.cat([x.new_zeros(x.shape[0], 1), x.cumsum(dim=1)], dim=1)
    at = torch.arange(length, device=x.device)
    return total[:, (at + window + 1).clamp(max=length)] - total[:, (at - window).clamp(min=0)]


def profile_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Mask, roles: Roles
) -> tuple[Tensor, LayerProfile]:
    """Attention output (batch, heads, tokens, dim) and its reductions, by blocks of query rows.

    A local layer touches only the keys its rows can see. Reductions accumulate in fp32.
    """
    n_batch, n_heads, length, dim = q.shape
    out = torch.empty_like(v)
    column = torch.zeros(n_batch, n_heads, length, device=q.device)
    entropy = torch.empty(n_batch, n_heads, length, device=q.device)
    weight = roles.base.float()[:, None, :, None]
    for start in range(0, length, BLOCK):
        rows = slice(start, min(start + BLOCK, length))
        keys = mask.key_range(rows, length)
        scores = (q[:, :, rows] @ k[:, :, keys].transpose(-1, -2)).float() * dim**-0.5
        allowed = mask.allowed(rows, keys, q.device)
        if allowed is not None:
            scores = scores.masked_fill_(~allowed, float("-inf"))
        scores -= scores.amax(dim=-1, keepdim=True)
        probs = scores.exp()
        norm = probs.sum(dim=-1, keepdim=True)
        probs /= norm
        out[:, :, rows] = probs.to(v.dtype) @ v[:, :, keys]
        # H = log Z - sum p (s - max): both terms are non-negative, so nothing cancels
        spread = (scores.clamp_(min=-1e4) * probs).sum(dim=-1)
        entropy[:, :, rows] = norm.squeeze(-1).log() - spread
        # a sum, not a matrix product: autocast and TF32 would round that to fewer bits
        column[:, :, keys] += probs.mul_(weight[:, :, rows]).sum(dim=-2)
    n_queries = roles.base.sum(dim=1).clamp(min=1)[:, None]
    expected = expected_received(roles, mask)[:, None]
    hidden = ~roles.base[:, None]
    received = (column / expected.float()).masked_fill(hidden, float("nan"))
    return out, LayerProfile(
        received=received,
        entropy=(entropy / torch.log(torch.tensor(2.0))).masked_fill(hidden, float("nan")),
        cls_share=(column * roles.cls[:, None]).sum(dim=-1) / n_queries,
        n_share=(column * roles.unknown[:, None]).sum(dim=-1) / n_queries,
    )
