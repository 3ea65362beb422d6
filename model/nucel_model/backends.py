"""The attention seam: one signature, several kernels, chosen once.

``attend(q, k, v, mask)`` takes and returns (batch, heads, tokens, dim). *eager* also hands out the
probabilities, *sdpa* is torch's fused kernel, *flash* (see `flash.py`) the flash-attn package,
*matmul* (see `matmul_attention.py`) is what trains fastest on a CPU. `profile.py` returns the
output together with per-base reductions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from nucel_model.banded import Bands, banded_sdpa
from nucel_model.matmul_attention import Part, matmul_attention

Backend = Literal["eager", "sdpa", "matmul", "flash"]


class Packing(NamedTuple):
    """Where the tokens of a batch stand once they are put end to end, padding left out.

    Attributes:
        at: (tokens in all,) places in the flat (batch * tokens); None where nothing is padded.
        lengths: (batch,) int32.
        ends: (batch + 1,) int32: sequence i is at ends[i] .. ends[i + 1].
        longest: Tokens of the longest sequence.
    """

    at: Tensor | None
    lengths: Tensor
    ends: Tensor
    longest: int


@dataclass(frozen=True)
class Mask:
    """Who may see whom in one layer. The layers of a pass share theirs.

    Attributes:
        real: (batch, tokens) bool, False at padding; None where nothing is padded.
        window: Half-width in tokens (query i sees keys i-window .. i+window), None = everywhere.
    """

    real: Tensor | None
    window: int | None

    def allowed(self, rows: slice, keys: slice, device: torch.device) -> Tensor | None:
        """(batch or 1, 1, rows, keys) bool, or None if everything is allowed.

        A padding query may see itself: a row without any key would be NaN, and NaN spreads.
        """
        i = torch.arange(rows.start, rows.stop, device=device)[:, None]
        j = torch.arange(keys.start, keys.stop, device=device)[None, :]
        mask = None
        if self.window is not None:
            mask = ((i - j).abs() <= self.window)[None, None]
        if self.real is not None:
            seen = self.real[:, None, None, keys] | (i == j)
            mask = seen if mask is None else mask & seen
        return mask

    def packing(self, like: Tensor) -> Packing:
        """How queries ``like`` (batch, heads, tokens, dim) are packed; made once."""
        if "_packing" not in self.__dict__:
            b, _, t, _ = like.shape
            if self.real is None:
                lengths = torch.full((b,), t, dtype=torch.int32, device=like.device)
                at, longest = None, t
            else:
                lengths = self.real.sum(dim=1, dtype=torch.int32)
                at, longest = self.real.flatten().nonzero()[:, 0], int(lengths.max())
            ends = F.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
            made = Packing(at, lengths, ends, longest)
            self.__dict__["_packing"] = made
        found: Packing = self.__dict__["_packing"]
        return found

    def key_range(self, rows: slice, length: int) -> slice:
        """The keys that any query of ``rows`` can see."""
        if self.window is None:
            return slice(0, length)
        return slice(max(0, rows.start - self.window), min(length, rows.stop + self.window))


def choose_backend(device: torch.device, dtype: torch.dtype) -> tuple[Backend, str]:
    """The kernel a plain forward uses, and one sentence saying why (shown by `info`)."""
    from nucel_model import flash

    usable, reason = flash.available(device, dtype)
    if usable:
        return "flash", reason
    return "sdpa", f"torch's fused attention, on {device.type}; {reason}"


def training_backend(device: torch.device, tokens: int) -> Backend:
    """The kernel to train with: on a CPU, up to a thousand tokens, plain products are fastest."""
    return "matmul" if device.type == "cpu" and tokens <= 1_025 else "sdpa"


def attend(backend: Backend | None, q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """The attention output by the kernel named; None is the one `choose_backend` names."""
    from nucel_model import flash

    if backend is None:
        backend = "flash" if flash.usable(q) else "sdpa"
    if backend == "eager":
        return eager(q, k, v, mask)[0]
    if backend == "sdpa":
        return sdpa(q, k, v, mask)
    if backend == "flash":
        return flash.attend(q, k, v, mask)
    return matmul_attention(q, k, v, parts(mask, q))


def parts(mask: Mask, q: Tensor) -> list[Part]:
    """The stretches of queries that `matmul_attention` takes one after the other.

    All queries at once in a global layer; in a local one, stretches as long as the reach, the last
    with the remainder. Where there is room, ends lie at multiples of 32, which vector units like.
    """
    length = q.shape[2]
    size = length if mask.window is None else 32 * math.ceil(max(1, mask.window) / 32)
    starts = [size * i for i in range(max(1, length // size))]
    found = []
    for start, stop in zip(starts, [*starts[1:], length], strict=True):
        rows = slice(start, stop)
        seen = mask.key_range(rows, length)
        keys = slice(seen.start // 32 * 32, min(length, 32 * math.ceil(seen.stop / 32)))
        allowed, bias = mask.allowed(rows, keys, q.device), None
        if allowed is not None:
            bias = torch.zeros(allowed.shape, dtype=q.dtype, device=q.device)
            bias.masked_fill_(~allowed, float("-inf"))
        found.append(Part(rows, keys, bias))
    return found


def sdpa(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> Tensor:
    """Torch's scaled dot-product attention; a local layer touches its band only."""
    length = q.shape[2]
    if mask.real is None and mask.window is not None and Bands(length, mask.window).worthwhile:
        return banded_sdpa(q, k, v, mask.window)
    every = slice(0, length)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask.allowed(every, every, q.device))


def eager(q: Tensor, k: Tensor, v: Tensor, mask: Mask) -> tuple[Tensor, Tensor]:
    """The plain definition; also returns fp32 probabilities (batch, heads, queries, keys)."""
    every = slice(0, q.shape[2])
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    allowed = mask.allowed(every, every, q.device)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    probs = scores.softmax(dim=-1)
    return probs.to(v.dtype) @ v, probs
