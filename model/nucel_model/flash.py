"""Flash attention on NVIDIA GPUs in 16 bits: the flash-attn package (extra `flash`), or torch's.

Both take sequences of several lengths end to end, (tokens in all, heads, dim), say a window as
(left, right) with -1 for no bound, and hand out each row's log-sum-exp. torch carries flash
attention with windows since 2.11; the package is imported when it is first used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from nucel_model.backends import Mask, Packing

Kernel = Callable[[Tensor, Tensor, Tensor, Packing, int], tuple[Tensor, Tensor]]
"""From q, k, v (tokens, heads, dim), their packing and the window's half-width (-1: none) to the
output and the natural log of each row's sum of exponentials, (heads, tokens)."""


def available(device: torch.device, dtype: torch.dtype) -> tuple[bool, str]:
    """Whether flash attention can be used, and one sentence saying why."""
    if device.type != "cuda":
        return False, f"flash attention needs CUDA, this is {device.type}"
    if dtype not in (torch.float16, torch.bfloat16):
        return False, f"flash attention works in 16 bits, the model is {str(dtype).split('.')[-1]}"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return False, "flash attention needs an Ampere GPU or a later one"
    name, _ = _kernel()
    if not name:
        return False, (
            f"flash-attn is not installed (pip install 'nucel-interp[flash]'), and torch "
            f"{torch.__version__} has no flash attention with windows (2.11 has)"
        )
    return True, f"{name}, the model is in 16 bits on CUDA"


def usable(q: Tensor) -> bool:
    """Whether it can be used on heads like these."""
    return available(q.device, q.dtype)[0] and q.shape[-1] % 8 == 0 and q.shape[-1] <= 256


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """The attention output; all (batch, heads, tokens, dim). Zeros at padding."""
    out, _, packing = _packed(q, k, v, mask)
    return _unpacked(out, packing, q)


def attend_with_log_sum(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> tuple[Tensor, Tensor]:
    """The output, and the natural log of each row's sum of exponentials (batch, heads, tokens)."""
    out, log_sum, packing = _packed(q, k, v, mask)
    b, h, t, _ = q.shape
    if packing.at is not None:
        log_sum = log_sum.new_zeros(h, b * t).index_copy(1, packing.at, log_sum)
    return _unpacked(out, packing, q), log_sum.unflatten(1, (b, t)).transpose(0, 1)


def _packed(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> tuple[Tensor, Tensor, Packing]:
    packing = mask.packing(q)
    q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (q, k, v))
    if packing.at is not None:
        q, k, v = (x[packing.at] for x in (q, k, v))
    _, kernel = _kernel()
    out, log_sum = kernel(q, k, v, packing, -1 if mask.window is None else mask.window)
    return out, log_sum, packing


def _unpacked(out: Tensor, packing: Packing, like: Tensor) -> Tensor:
    """(tokens in all, heads, dim) back to (batch, heads, tokens, dim)."""
    b, _, t, _ = like.shape
    if packing.at is not None:
        out = out.new_zeros(b * t, *out.shape[1:]).index_copy(0, packing.at, out)
    return out.unflatten(0, (b, t)).transpose(1, 2)


@cache
def _kernel() -> tuple[str, Kernel]:
    """The flash attention there is, and what it is called; no name if there is none."""
    if find_spec("flash_attn") is not None:
        return "the flash-attn package is installed", _from_package
    if find_spec("torch.nn.attention.varlen") is not None:
        from torch.nn.attention.varlen import varlen_attn

        if "window_size" in inspect.signature(varlen_attn).parameters:
            return "torch's own flash attention", _from_torch
    return "", _from_package


def _from_package(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int
) -> tuple[Tensor, Tensor]:
    from flash_attn import flash_attn_varlen_func

    out, log_sum, _ = flash_attn_varlen_func(
        q, k, v, packing.ends, packing.ends, packing.longest, packing.longest,
        softmax_scale=q.shape[-1] ** -0.5,
        window_size=(window, window),
        return_attn_probs=True,  # which is how it hands out the log-sum-exp
    )  # fmt: skip
    return out, log_sum


def _from_torch(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, window: int
) -> tuple[Tensor, Tensor]:
    from torch.nn.attention.varlen import AuxRequest, varlen_attn

    out, log_sum = varlen_attn(
        q, k, v, packing.ends, packing.ends, packing.longest, packing.longest,
        return_aux=AuxRequest(lse=True),
        scale=q.shape[-1] ** -0.5,
        window_size=(window, window),
    )  # fmt: skip
    return out, log_sum
