"""Attention and its reductions on a GPU: a flash forward, then the Triton kernels."""

from __future__ import annotations

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
    (fp32), a pass of our own computes it.
    """
    from nucel_model.triton_profile import log_sums, reduced

    lengths = mask.packing(q).lengths
    if flash.usable(q):
        out, log_sum = flash.attend_with_log_sum(q, k, v, mask)
    else:
        out, log_sum = sdpa(q, k, v, mask), log_sums(q, k, lengths, mask.window)
    return Reductions(out, *reduced(q, k, log_sum, base, lengths, mask.window))
