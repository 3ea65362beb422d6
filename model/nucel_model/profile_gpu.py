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

    Flash attention hands out each row's log-sum-exp with its output. Where it cannot be used
    (fp32), and in local layers, whose rows are short, a pass of our own computes it.
    """
    from nucel_model.triton_profile import columns, local_columns, rows

    lengths, weight = mask.packing(q).lengths, base.float()
    has_flash = flash.usable(q)
    if has_flash and mask.window is None:
        out, log_sum = flash.attend_with_log_sum(q, k, v, mask)
        log_sum = (log_sum * math.log2(math.e)).contiguous()
        return Reductions(out, *columns(q, k, log_sum, weight, lengths))
    out = flash.attend(q, k, v, mask) if has_flash else sdpa(q, k, v, mask)
    found = rows(q, k, lengths, mask.window)
    if mask.window is None:
        return Reductions(out, *columns(q, k, found.log_sum, weight, lengths))
    column = local_columns(q, k, found.log_sum, weight, lengths, mask.window)
    return Reductions(out, column, found.entropy)
