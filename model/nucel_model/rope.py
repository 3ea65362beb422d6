"""Rotary positions (Su et al. 2021, arXiv 2104.09864), half-split kind, counted from [CLS] = 0."""

from __future__ import annotations

import torch
from torch import Tensor


def rotary_table(
    length: int, dim: int, theta: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, dim) in fp32; columns i and i + dim/2 share a frequency."""
    inverse = 1.0 / theta ** (torch.arange(0, dim, 2, device=device, dtype=torch.float32) / dim)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * inverse
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn (..., length, dim) by its position; computed in fp32, returned in x's type."""
    left, right = x.float().chunk(2, dim=-1)
    half = cos.shape[-1] // 2
    c, s = cos[..., :half], sin[..., :half]
    return torch.cat([left * c - right * s, right * c + left * s], dim=-1).to(x.dtype)
