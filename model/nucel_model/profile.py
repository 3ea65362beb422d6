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
from nucel_model.profile_blocks import profile_blocks
from nucel_model.profile_gpu import available, profile_gpu


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
    """Attention output (batch, heads, tokens, dim) and its reductions.

    Reductions accumulate in fp32 (fp64 for fp64 input).
    """
    kernel = profile_gpu if available(q.device)[0] else profile_blocks
    out, column, entropy = kernel(q, k, v, mask, roles.base)
    n_queries = roles.base.sum(dim=1).clamp(min=1)[:, None]
    expected = expected_received(roles, mask)[:, None]
    hidden = ~roles.base[:, None]
    received = (column / expected.to(column.dtype)).masked_fill(hidden, float("nan"))
    return out, LayerProfile(
        received=received,
        entropy=entropy.masked_fill(hidden, float("nan")),
        cls_share=(column * roles.cls[:, None]).sum(dim=-1) / n_queries,
        n_share=(column * roles.unknown[:, None]).sum(dim=-1) / n_queries,
    )
