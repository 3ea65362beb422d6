"""Column sums and entropies of attention on a GPU: tiles of the map live in registers alone.

A flash forward leaves the log-sum-exp of every row. With it a probability is one product and one
power away, and one more pass over the tiles gives what a map would. In a global layer a program
takes tiles of keys through all queries, sums their columns in registers, and writes each row's
share of its entropy apart; in a local one it takes a stretch of tokens first as keys, then as
queries. No two programs add to the same number: results do not depend on who came first.

With TRITON_INTERPRET=1 in the environment when Triton is imported, all this runs on CPU tensors.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

TOKENS = 64
"""Rows and columns of a tile in local layers, and where a row's log-sum-exp is computed."""
WIDE = {"Q": 64, "K": 128, "num_warps": 4, "num_stages": 4}
"""Queries and keys of a tile in global layers; of 15 tried on an H100 the fastest at 8 kb."""
SPREADS = 64
"""Shares of a row's entropy kept apart until the end: more programs at once, more memory."""
LOG2_E = tl.constexpr(math.log2(math.e))


@triton.jit
def _tile(x, at, length, stride, dim, DIM: tl.constexpr):
    """Rows ``at`` of a (tokens, dim) matrix; zeros beyond ``length`` and ``dim``."""
    d = tl.arange(0, DIM)
    inside = (at[:, None] < length) & (d[None, :] < dim)
    return tl.load(x + at[:, None] * stride + d[None, :], mask=inside, other=0.0)


@triton.jit
def _scores(q, k, scale):
    """Bits: (queries, keys) from (queries, dim) and (keys, dim), in full fp32 for fp32."""
    return tl.dot(q, tl.trans(k), input_precision="ieee") * scale


@triton.jit
def _near(i, j, length, window):
    """(queries, keys): who sees whom in a local layer."""
    i, j = i[:, None], j[None, :]
    return (i - j <= window) & (j - i <= window) & (j < length)


@triton.jit
def _wide_tile(
    q, keys, j, log_sum, weight, spread, length, q_token, dim, scale, add,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr, WHOLE: tl.constexpr,
):  # fmt: skip
    """(keys,) column sums of one tile of keys over all queries, and its share of the entropies."""
    # summed over queries at the very end: a sum within a tile would have threads exchange it
    total = tl.zeros([Q, K], dtype=tl.float32)
    for first in range(0, length, Q):
        i = first + tl.arange(0, Q)
        s = _scores(_tile(q, i, length, q_token, dim, DIM), keys, scale)
        z = tl.load(log_sum + i, mask=i < length, other=0.0) * LOG2_E
        w = tl.load(weight + i, mask=i < length, other=0).to(tl.float32)
        bits = s - z[:, None]
        if not WHOLE:
            bits = tl.where(j[None, :] < length, bits, -1e30)
        p = tl.exp2(bits)
        total += p * w[:, None]  # a query beyond the end weighs nothing
        share = -tl.sum(p * bits, axis=1)
        if add:
            share += tl.load(spread + i, mask=i < length, other=0.0)
        tl.store(spread + i, share, mask=i < length)
    return tl.sum(total, axis=0)


@triton.jit
def _wide(
    q, k, log_sum, weight, lengths, column, spread,
    q_sequence, q_head, q_token, k_sequence, k_head, k_token, z_sequence, z_head,
    heads, tokens, dim, scale, per_program,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    """Column sums of ``per_program`` tiles of keys, and what they add to every row's entropy."""
    program, head = tl.program_id(0), tl.program_id(1)
    sequence = tl.program_id(2).to(tl.int64)
    length = tl.load(lengths + sequence)
    row = (sequence * heads + head) * tokens
    q += sequence * q_sequence + head.to(tl.int64) * q_head
    k += sequence * k_sequence + head.to(tl.int64) * k_head
    log_sum += sequence * z_sequence + head.to(tl.int64) * z_head
    weight += sequence * tokens
    spread += program.to(tl.int64) * tl.num_programs(2) * heads * tokens + row
    start = program * per_program * K
    for first in range(start, tl.minimum(length, start + per_program * K), K):
        j = first + tl.arange(0, K)
        keys = _tile(k, j, length, k_token, dim, DIM)
        add = first > start
        if first + K <= length:
            total = _wide_tile(
                q, keys, j, log_sum, weight, spread, length, q_token, dim, scale, add,
                DIM, Q, K, True,
            )  # fmt: skip
        else:
            total = _wide_tile(
                q, keys, j, log_sum, weight, spread, length, q_token, dim, scale, add,
                DIM, Q, K, False,
            )  # fmt: skip
        tl.store(column + row + j, total, mask=j < length)
        tl.debug_barrier()  # what was written to `spread` is read by the next tile


@triton.jit
def _local(
    q, k, log_sum, weight, lengths, column, entropy,
    q_sequence, q_head, q_token, k_sequence, k_head, k_token, z_sequence, z_head,
    heads, tokens, dim, scale, window,
    DIM: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    """Column sums and entropies of a stretch of tokens that see and are seen by the near ones."""
    first, head = tl.program_id(0) * T, tl.program_id(1)
    sequence = tl.program_id(2).to(tl.int64)
    length = tl.load(lengths + sequence)
    row = (sequence * heads + head) * tokens
    q += sequence * q_sequence + head.to(tl.int64) * q_head
    k += sequence * k_sequence + head.to(tl.int64) * k_head
    log_sum += sequence * z_sequence + head.to(tl.int64) * z_head
    weight += sequence * tokens
    own = first + tl.arange(0, T)
    queries = _tile(q, own, length, q_token, dim, DIM)
    keys = _tile(k, own, length, k_token, dim, DIM)
    own_z = tl.load(log_sum + own, mask=own < length, other=0.0) * LOG2_E
    total = tl.zeros([T], dtype=tl.float32)
    spread = tl.zeros([T], dtype=tl.float32)
    low = tl.maximum(0, first - window) // T * T
    for other in range(low, tl.minimum(length, first + T + window), T):
        at = other + tl.arange(0, T)
        z = tl.load(log_sum + at, mask=at < length, other=0.0) * LOG2_E
        w = tl.load(weight + at, mask=at < length, other=0).to(tl.float32)
        s = _scores(_tile(q, at, length, q_token, dim, DIM), keys, scale)
        p = tl.exp2(tl.where(_near(at, own, length, window), s - z[:, None], -1e30))
        total += tl.sum(p * w[:, None], axis=0)
        s = _scores(queries, _tile(k, at, length, k_token, dim, DIM), scale)
        bits = tl.where(_near(own, at, length, window), s - own_z[:, None], -1e30)
        spread -= tl.sum(tl.exp2(bits) * bits, axis=1)
    tl.store(column + row + own, tl.where(own < length, total, 0.0), mask=own < tokens)
    tl.store(entropy + row + own, tl.where(own < length, spread, 0.0), mask=own < tokens)


@triton.jit
def _log_sum(
    q, k, lengths, log_sum,
    q_sequence, q_head, q_token, k_sequence, k_head, k_token,
    heads, tokens, dim, scale, window,
    DIM: tl.constexpr, T: tl.constexpr,
):  # fmt: skip
    """Log-sum-exps of a stretch of queries."""
    first, head = tl.program_id(0) * T, tl.program_id(1)
    sequence = tl.program_id(2).to(tl.int64)
    length = tl.load(lengths + sequence)
    q += sequence * q_sequence + head.to(tl.int64) * q_head
    k += sequence * k_sequence + head.to(tl.int64) * k_head
    i = first + tl.arange(0, T)
    queries = _tile(q, i, length, q_token, dim, DIM)
    top = tl.full([T], -1e30, dtype=tl.float32)
    total = tl.zeros([T], dtype=tl.float32)
    low = tl.maximum(0, first - window) // T * T
    for other in range(low, tl.minimum(length, first + T + window), T):
        j = other + tl.arange(0, T)
        s = _scores(queries, _tile(k, j, length, k_token, dim, DIM), scale)
        s = tl.where(_near(i, j, length, window), s, -1e30)
        new = tl.maximum(top, tl.max(s, axis=1))
        total = tl.exp2(top - new) * total + tl.sum(tl.exp2(s - new[:, None]), axis=1)
        top = new
    # a row's top alone is 1; rows beyond the end are not read
    z = (top + tl.log2(tl.maximum(total, 1.0))) / LOG2_E
    tl.store(log_sum + (sequence * heads + head) * tokens + i, z, mask=i < tokens)


def log_sums(q: Tensor, k: Tensor, lengths: Tensor, window: int | None) -> Tensor:
    """Natural log of each row's sum of exponentials, (sequences, heads, tokens), from q and k."""
    b, h, t, _ = q.shape
    found = q.new_empty(b, h, t, dtype=torch.float32)
    _log_sum[(triton.cdiv(t, TOKENS), h, b)](
        q, k, lengths, found, *_strides(q, k), *_sizes(q), t if window is None else window,
        DIM=_padded(q), T=TOKENS,
    )  # fmt: skip
    return found


def reduced(
    q: Tensor, k: Tensor, log_sum: Tensor, base: Tensor, lengths: Tensor, window: int | None
) -> tuple[Tensor, Tensor]:
    """Column sums and entropies in one pass, given each row's log-sum-exp.

    Args:
        q: Queries (sequences, heads, tokens, dim); any strides, the last one 1.
        k: Keys, as ``q``.
        log_sum: (sequences, heads, tokens) fp32, in nats; any strides, the last one 1.
        base: (sequences, tokens) bool contiguous: which queries count in the column sums.
        lengths: (sequences,) int32; what lies beyond is not read.
        window: Half-width in tokens of a local layer; None sees everything.

    Returns:
        (sequences, heads, tokens) fp32 each, the entropy in bits; 0 beyond a sequence's length.
    """
    if log_sum.stride(-1) != 1:
        raise ValueError("the log-sum-exps of a head must be contiguous")
    b, h, t, _ = q.shape
    given = (q, k, log_sum, base.view(torch.uint8), lengths)
    numbers = (*_strides(q, k), *log_sum.stride()[:2], *_sizes(q))
    if window is not None:
        column, entropy = q.new_empty(2, b, h, t, dtype=torch.float32)
        _local[(triton.cdiv(t, TOKENS), h, b)](
            *given, column, entropy, *numbers, window, DIM=_padded(q), T=TOKENS
        )
        return column, entropy
    tiles = triton.cdiv(t, WIDE["K"])
    per_program = triton.cdiv(tiles, SPREADS)
    programs = triton.cdiv(tiles, per_program)
    column = q.new_zeros(b, h, t, dtype=torch.float32)
    spread = q.new_zeros(programs, b, h, t, dtype=torch.float32)
    _wide[(programs, h, b)](*given, column, spread, *numbers, per_program, DIM=_padded(q), **WIDE)
    return column, spread[0] if programs == 1 else spread.sum(dim=0)


def _strides(q: Tensor, k: Tensor) -> tuple[int, ...]:
    if q.stride(-1) != 1 or k.stride(-1) != 1:
        raise ValueError("the last dimension of queries and keys must be contiguous")
    return (*q.stride()[:3], *k.stride()[:3])


def _sizes(q: Tensor) -> tuple[int, int, int, float]:
    _, h, t, dim = q.shape
    return h, t, dim, dim**-0.5 * math.log2(math.e)


def _padded(q: Tensor) -> int:
    return max(16, triton.next_power_of_2(q.shape[-1]))
