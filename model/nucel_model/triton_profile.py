"""Column sums and entropies of attention on a GPU: tiles of the map live in registers alone.

A flash forward leaves the log-sum-exp of every row. With it a probability is one product and one
power away, and one more pass over the tiles gives what a map would: `_wide` takes a tile of keys
through all queries, sums its columns in registers, and writes each row's share of its entropy
apart, so that no two programs add to the same number and results do not depend on who came first.
A local layer's rows are short: `_by_queries` computes their log-sum-exp and entropy.

With TRITON_INTERPRET=1 in the environment when Triton is imported, all this runs on CPU tensors.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

QUERIES, KEYS = 64, 64
"""Rows and columns of a tile where rows are reduced, and in local layers."""
WIDE = {"Q": 64, "K": 128, "num_warps": 4, "num_stages": 3}
"""Tiles of the pass over a global layer's columns."""
SPREADS = 32
"""Shares of a row's entropy kept apart until the end: more programs at once, more memory."""


class Rows(NamedTuple):
    """Per query, (sequences, heads, tokens), in bits; 0 beyond a sequence's length."""

    log_sum: Tensor
    entropy: Tensor


@triton.jit
def _scores(q, k, scale):
    """Bits: (queries, keys) from (queries, dim) and (keys, dim), in full fp32 for fp32."""
    return tl.dot(q, tl.trans(k), input_precision="ieee") * scale


@triton.jit
def _tile(x, at, length, stride, dim, DIM: tl.constexpr):
    """Rows ``at`` of a (tokens, dim) matrix; zeros beyond ``length`` and ``dim``."""
    d = tl.arange(0, DIM)
    inside = (at[:, None] < length) & (d[None, :] < dim)
    return tl.load(x + at[:, None] * stride + d[None, :], mask=inside, other=0.0)


@triton.jit
def _wide(
    q, k, log_sum, weight, lengths, column, spread,
    q_sequence, q_head, q_token, k_sequence, k_head, k_token,
    heads, tokens, dim, scale, per_program,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    """Column sums of ``per_program`` tiles of keys, and what they add to every row's entropy."""
    program, head, sequence = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(lengths + sequence)
    row = sequence.to(tl.int64) * heads + head
    q += sequence.to(tl.int64) * q_sequence + head.to(tl.int64) * q_head
    k += sequence.to(tl.int64) * k_sequence + head.to(tl.int64) * k_head
    spread += (program.to(tl.int64) * tl.num_programs(2) * heads + row) * tokens
    start = program * per_program * K
    for first in range(start, tl.minimum(length, start + per_program * K), K):
        j = first + tl.arange(0, K)
        keys = _tile(k, j, length, k_token, dim, DIM)
        # summed over queries at the very end: a sum within a tile would have threads exchange it
        total = tl.zeros([Q, K], dtype=tl.float32)
        for query in range(0, length, Q):
            i = query + tl.arange(0, Q)
            queries = _tile(q, i, length, q_token, dim, DIM)
            s = tl.dot(queries, tl.trans(keys), input_precision="ieee")
            z = tl.load(log_sum + row * tokens + i, mask=i < length, other=0.0)
            w = tl.load(weight + sequence.to(tl.int64) * tokens + i, mask=i < length, other=0.0)
            bits = tl.where(j[None, :] < length, s * scale - z[:, None], -1e30)
            p = tl.exp2(bits)
            total += p * w[:, None]  # a query beyond the end weighs nothing
            share = -tl.sum(p * bits, axis=1)
            if first > start:
                share += tl.load(spread + i, mask=i < length, other=0.0)
            tl.store(spread + i, share, mask=i < length)
        tl.store(column + row * tokens + j, tl.sum(total, axis=0), mask=j < length)
        tl.debug_barrier()  # what was written to `spread` is read by the next tile


@triton.jit
def _by_keys(
    q, k, log_sum, weight, lengths, column,
    q_sequence, q_head, q_token, k_sequence, k_head, k_token,
    heads, tokens, dim, scale, window,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    """Column sums of a tile of keys in a local layer."""
    tile, head, sequence = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(lengths + sequence)
    first = tile * K
    if first < length:
        row = sequence.to(tl.int64) * heads + head
        q += sequence.to(tl.int64) * q_sequence + head.to(tl.int64) * q_head
        k += sequence.to(tl.int64) * k_sequence + head.to(tl.int64) * k_head
        j = first + tl.arange(0, K)
        keys = _tile(k, j, length, k_token, dim, DIM)
        low = tl.maximum(0, first - window) // Q * Q
        total = tl.zeros([K], dtype=tl.float32)
        for query in range(low, tl.minimum(length, first + K + window), Q):
            i = query + tl.arange(0, Q)
            s = _scores(_tile(q, i, length, q_token, dim, DIM), keys, scale)
            z = tl.load(log_sum + row * tokens + i, mask=i < length, other=0.0)
            w = tl.load(weight + sequence.to(tl.int64) * tokens + i, mask=i < length, other=0.0)
            near = (i[:, None] - j[None, :] <= window) & (j[None, :] - i[:, None] <= window)
            p = tl.exp2(tl.where(near, s - z[:, None], -1e30))
            total += tl.sum(p * w[:, None], axis=0)
        tl.store(column + row * tokens + j, total, mask=j < length)


@triton.jit
def _by_queries(
    q, k, lengths, log_sum, entropy,
    q_sequence, q_head, q_token, k_sequence, k_head, k_token,
    heads, tokens, dim, scale, window,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr, LOCAL: tl.constexpr,
):  # fmt: skip
    tile, head, sequence = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(lengths + sequence)
    first = tile * Q
    if first < length:
        row = sequence.to(tl.int64) * heads + head
        q += sequence.to(tl.int64) * q_sequence + head.to(tl.int64) * q_head
        k += sequence.to(tl.int64) * k_sequence + head.to(tl.int64) * k_head
        i = first + tl.arange(0, Q)
        queries = _tile(q, i, length, q_token, dim, DIM)
        low, high = 0, length
        if LOCAL:
            low = tl.maximum(0, first - window) // K * K
            high = tl.minimum(length, first + Q + window)
        top = tl.full([Q], -1e30, dtype=tl.float32)
        total = tl.zeros([Q], dtype=tl.float32)
        spread = tl.zeros([Q], dtype=tl.float32)
        for start in range(low, high, K):
            j = start + tl.arange(0, K)
            s = _scores(queries, _tile(k, j, length, k_token, dim, DIM), scale)
            seen = j[None, :] < length
            if LOCAL:
                near = (i[:, None] - j[None, :] <= window) & (j[None, :] - i[:, None] <= window)
                seen = seen & near
            s = tl.where(seen, s, -1e30)
            new = tl.maximum(top, tl.max(s, axis=1))
            # spread is about the top so far: sum e (s - top)
            shift = tl.exp2(top - new)
            e = tl.where(seen, tl.exp2(s - new[:, None]), 0.0)
            d = tl.where(seen, s - new[:, None], 0.0)
            spread = shift * (spread + total * (top - new)) + tl.sum(e * d, axis=1)
            total = shift * total + tl.sum(e, axis=1)
            top = new
        total = tl.maximum(total, 1.0)  # a row's top alone is 1; rows beyond the end have nothing
        bits = tl.log2(total)
        place = row * tokens + i
        tl.store(log_sum + place, top + bits, mask=i < length)
        tl.store(entropy + place, bits - spread / total, mask=i < length)


def rows(q: Tensor, k: Tensor, lengths: Tensor, window: int | None) -> Rows:
    """Log-sum-exp and entropy of every row, from the scores alone."""
    b, h, t, _ = q.shape
    found = Rows(*q.new_zeros(2, b, h, t, dtype=torch.float32))
    _by_queries[(triton.cdiv(t, QUERIES), h, b)](
        q, k, lengths, *found, *_layout(q, k), window or 0,
        DIM=_padded(q), Q=QUERIES, K=KEYS, LOCAL=window is not None,
    )  # fmt: skip
    return found


def columns(
    q: Tensor, k: Tensor, log_sum: Tensor, base: Tensor, lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """Column sums and entropies of a global layer in one pass, given each row's log-sum-exp.

    Args:
        q: Queries (sequences, heads, tokens, dim); any strides, the last one 1.
        k: Keys, as ``q``.
        log_sum: (sequences, heads, tokens) fp32 contiguous, in bits: log2 of the sum of 2^score.
        base: (sequences, tokens) fp32 contiguous: the weight of each query in the column sums.
        lengths: (sequences,) int32; what lies beyond is neither read nor written.

    Returns:
        (sequences, heads, tokens) fp32 each, the entropy in bits; 0 beyond a sequence's length.
    """
    b, h, t, _ = q.shape
    tiles = triton.cdiv(t, WIDE["K"])
    per_program = triton.cdiv(tiles, SPREADS)
    programs = triton.cdiv(tiles, per_program)
    column = q.new_zeros(b, h, t, dtype=torch.float32)
    spread = q.new_zeros(programs, b, h, t, dtype=torch.float32)
    _wide[(programs, h, b)](
        q, k, log_sum, base, lengths, column, spread, *_layout(q, k), per_program,
        DIM=_padded(q), **WIDE,
    )  # fmt: skip
    return column, spread[0] if programs == 1 else spread.sum(dim=0)


def local_columns(
    q: Tensor, k: Tensor, log_sum: Tensor, base: Tensor, lengths: Tensor, window: int
) -> Tensor:
    """Column sums of a layer whose queries see keys within ``window``; arguments as `columns`."""
    b, h, t, _ = q.shape
    column = q.new_zeros(b, h, t, dtype=torch.float32)
    _by_keys[(triton.cdiv(t, KEYS), h, b)](
        q, k, log_sum, base, lengths, column, *_layout(q, k), window,
        DIM=_padded(q), Q=QUERIES, K=KEYS,
    )  # fmt: skip
    return column


def _layout(q: Tensor, k: Tensor) -> tuple[int | float, ...]:
    if q.stride(-1) != 1 or k.stride(-1) != 1:
        raise ValueError("the last dimension of queries and keys must be contiguous")
    _, h, t, dim = q.shape
    return (*q.stride()[:3], *k.stride()[:3], h, t, dim, dim**-0.5 * math.log2(math.e))


def _padded(q: Tensor) -> int:
    return max(16, triton.next_power_of_2(q.shape[-1]))
