"""The flash-attn package (extra `flash`): fused attention on NVIDIA GPUs, in 16 bits.

It wants (batch, tokens, heads, dim), says a window as (left, right) with -1 for no bound, and takes
sequences of several lengths end to end. It is imported when it is first used.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from nucel_model.backends import Mask


def available(device: torch.device, dtype: torch.dtype) -> tuple[bool, str]:
    """Whether flash-attn can be used, and one sentence saying why."""
    if device.type != "cuda":
        return False, f"flash-attn needs CUDA, this is {device.type}"
    if dtype not in (torch.float16, torch.bfloat16):
        return False, f"flash-attn works in 16 bits, the model is {str(dtype).split('.')[-1]}"
    if find_spec("flash_attn") is None:
        return False, "flash-attn is not installed (pip install 'nucel-interp[flash]')"
    return True, "flash-attn is installed and the model is in 16 bits on CUDA"


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """The attention output; all (batch, heads, tokens, dim). Zeros at padding."""
    return attend_with_log_sum(q, k, v, mask)[0]


def attend_with_log_sum(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> tuple[Tensor, Tensor]:
    """The output, and the natural log of each row's sum of exponentials (batch, heads, tokens)."""
    from flash_attn import flash_attn_func, flash_attn_varlen_func

    reach = -1 if mask.window is None else mask.window
    options = {
        "softmax_scale": q.shape[-1] ** -0.5,
        "window_size": (reach, reach),
        "return_attn_probs": True,  # which is how it hands out the log-sum-exp
    }
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    if mask.real is None:
        out, log_sum, _ = flash_attn_func(q, k, v, **options)
        return out.transpose(1, 2), log_sum
    lengths = mask.real.sum(dim=1)
    ends = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    longest = int(lengths.max())
    packed, packed_sum, _ = flash_attn_varlen_func(
        *(x[mask.real] for x in (q, k, v)), ends, ends, longest, longest, **options
    )
    out = torch.zeros_like(q)
    out[mask.real] = packed
    log_sum = packed_sum.new_zeros(*mask.real.shape, q.shape[2])
    log_sum[mask.real] = packed_sum.T
    return out.transpose(1, 2), log_sum.transpose(1, 2)
