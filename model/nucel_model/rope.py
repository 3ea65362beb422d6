"""Rotary positions (Su et al. 2021, arXiv 2104.09864), half-split kind, counted from [CLS] = 0."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor


def rotary_table(
    length: int, dim: int, theta: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, dim) in fp32; columns i and i + dim/2 share a frequency.

    The sines of the first half are negative, as `rotate` wants them.
    """
    inverse = 1.0 / theta ** (torch.arange(0, dim, 2, device=device, dtype=torch.float32) / dim)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * inverse
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn (..., length, dim) by its position; computed in fp32, returned in x's type."""
    half = x.shape[-1] // 2
    swapped = torch.cat([x[..., half:], x[..., :half]], dim=-1)
    wide = torch.promote_types(x.dtype, torch.float32)
    return (x.to(wide) * cos + swapped.to(wide) * sin).to(x.dtype)


def split_heads(
    qkv: Tensor, n_heads: int, table: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated queries and keys, and values, (batch, heads, length, dim) each.

    The gradient is turned back by the same angles and written straight into one array, where
    autograd by itself would go over it six times.

    Args:
        qkv: (batch, length, 3 * heads * dim): the q, k and v blocks in that order, by head in each.
        n_heads: Number of heads in a block.
        table: Cosines and sines of the positions, from `rotary_table`.
    """
    if qkv.is_cuda and not torch.is_grad_enabled() and find_spec("triton") is not None:
        from nucel_model import triton_rope

        return triton_rope.split_heads(qkv, n_heads, table)
    q, k, v = _SplitHeads.apply(qkv, n_heads, *table)
    return q, k, v


class _SplitHeads(torch.autograd.Function):
    generate_vmap_rule = True  # with setup_context, what torch.func asks for

    @staticmethod
    def forward(
        qkv: Tensor, n_heads: int, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        # (B, L, 3*H*D) -> 3 x (B, H, L, D); copied before any arithmetic, which is slow on strides
        parts = qkv.unflatten(-1, (3, n_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = (part.contiguous() for part in parts)
        return rotate(q, cos, sin), rotate(k, cos, sin), v

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[2:])

    @staticmethod
    def backward(
        ctx: Any, d_q: Tensor, d_k: Tensor, d_v: Tensor
    ) -> tuple[Tensor, None, None, None]:
        cos, sin = ctx.saved_tensors
        b, heads, length, dim = d_v.shape
        out = d_v.new_empty(b, length, 3, heads, dim)
        parts = (rotate(d_q, cos, -sin), rotate(d_k, cos, -sin), d_v)
        for i, part in enumerate(parts):
            out[:, :, i] = part.transpose(1, 2)
        return out.flatten(2), None, None, None
