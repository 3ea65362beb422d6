"""Which bases are masked, and the draws that decide what replaces them, from a seed alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nucel_model import tokenizer


def mask_and_noise(input_ids: Tensor, ratio: float, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Choose ``ratio`` of each row's bases, the same number in every row.

    Returns:
        ``masked`` (batch, tokens) bool, never a special token, and ``noise`` (n_masked, 4) uniform
        in (0, 1) for sampling their replacements. Same seed and step, same result.
    """
    rng = np.random.default_rng([seed, step, 1])
    draws = torch.from_numpy(rng.random(tuple(input_ids.shape), dtype=np.float32))
    draws = draws.masked_fill(~tokenizer.is_base(input_ids), 2.0)
    n_bases = tokenizer.is_base(input_ids).sum(dim=1)
    n_masked = (n_bases * ratio).round().long().clamp(min=1)
    order = draws.argsort(dim=1).argsort(dim=1)
    masked = (order < n_masked[:, None]) & (draws < 2.0)
    noise = torch.from_numpy(rng.random((int(masked.sum()), 4), dtype=np.float32))
    return masked, noise
