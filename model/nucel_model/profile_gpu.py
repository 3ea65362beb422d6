"""Attention and its reductions on a GPU: a flash forward, then the Triton kernels."""

from __future__ import annotations

import math
from importlib.util import find_spec

import torch
from torch import Tensor

from nucel_model import flash
from nucel_model.backends import Mask, sdpa
from nucel_model.profile_blocks import Reductions


def available(device: torch.device) -> tuple[bool, str]:
    """Whether the Triton kernels can be used, and one sentence saying why."""
    if device.type != "cuda":
        return False, f"blocks of maps that fit the cache, on {device.type}"
    if find_spec("triton") is None:
        return False, "blocks of maps on CUDA: Triton is not installed (pip install triton)"
    return True, "Triton kernels after a flash forward, on CUDA"


def profile_gpu(q: Tensor, k: Tensor, v: Tensor, mask: Mask, base: Tensor) -> Reductions:
    """As `profile_blocks`; what is padded is neither read nor written.

    flash-attn hands out each row's log-sum-exp with its output; torch's fused attention does not
    for every type and layer, and then a pass of our own computes it, as it does in local layers.
    """
    from nucel_model.triton_profile import columns, rows

    if mask.real is None:
        lengths = torch.full((len(q),), q.shape[2], dtype=torch.int32, device=q.device)
    else:
        lengths = mask.real.sum(dim=1, dtype=torch.int32)
    weight = base.float().contiguous()
    has_flash, _ = flash.available(q.device, q.dtype)
    if has_flash:
        out, log_sum = flash.attend_with_log_sum(q, k, v, mask)
        log_sum = (log_sum * math.log2(math.e)).contiguous()
    else:
        out = sdpa(q, k, v, mask)
    if has_flash and mask.window is None:
        return Reductions(out, *columns(q, k, log_sum, weight, lengths, None))
    found = rows(q, k, lengths, mask.window)
    column, _ = columns(q, k, found.log_sum, weight, lengths, mask.window)
    return Reductions(out, column, found.entropy)
