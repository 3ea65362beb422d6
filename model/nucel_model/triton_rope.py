"""Queries and keys turned by their position on a GPU, in one pass over the product they come from.

With TRITON_INTERPRET=1 in the environment when Triton is imported, this runs on CPU tensors.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

ROWS = 64
"""Tokens of a program."""


@triton.jit
def _turn(
    qkv, cos, sin, out, rows, tokens, half, s_row, s_out,
    HALF: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """One head of the queries, or of the keys, of ``ROWS`` tokens: pairs (x, y) by an angle."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    which = tl.program_id(1)  # heads of the queries, then heads of the keys
    d = tl.arange(0, HALF)
    inside = (row[:, None] < rows) & (d[None, :] < half)
    x_at = qkv + row[:, None].to(tl.int64) * s_row + which * 2 * half + d[None, :]
    angle = (row % tokens)[:, None] * (2 * half) + d[None, :]
    x = tl.load(x_at, mask=inside, other=0.0).to(tl.float32)
    y = tl.load(x_at + half, mask=inside, other=0.0).to(tl.float32)
    c = tl.load(cos + angle, mask=inside, other=0.0)
    s = tl.load(sin + angle + half, mask=inside, other=0.0)  # of the second half: positive
    to = out + row[:, None].to(tl.int64) * s_out + which * 2 * half + d[None, :]
    tl.store(to, x * c - y * s, mask=inside)
    tl.store(to + half, y * c + x * s, mask=inside)


def split_heads(
    qkv: Tensor, n_heads: int, table: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """As `rope.split_heads`, without gradients; (batch, heads, length, dim) views, dim contiguous.

    A token's heads stay side by side, as flash attention wants them; values are not copied.
    """
    b, length, width = qkv.shape
    dim = width // (3 * n_heads)
    qkv = qkv.contiguous()
    out = qkv.new_empty(b, length, 2, n_heads, dim)
    _turn[(triton.cdiv(b * length, ROWS), 2 * n_heads)](
        qkv, *table, out, b * length, length, dim // 2, width, 2 * width // 3,
        HALF=triton.next_power_of_2(dim // 2), ROWS=ROWS,
    )  # fmt: skip
    q, k = out.unbind(dim=2)
    v = qkv.unflatten(-1, (3, n_heads, dim))[:, :, 2]
    return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
