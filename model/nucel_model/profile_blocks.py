"""Attention and its column sums and entropies, a block of maps at a time.

What torch's fused kernel does inside is done here with plain products, because that kernel keeps
the probabilities to itself. Three things make it fast on a CPU: a block is small enough to stay in
the cache from the first product to the last; there is a head, or a few, per thread; and powers of
two are taken in place of e, which torch computes four times as fast.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from nucel_model.backends import Mask
from nucel_model.banded import BLOCK, Bands

CACHED = 1 << 18
"""Numbers of a map that a thread works on at a time: 1 MB in fp32."""
MIN_ROWS = 128
"""Query rows of a block at least, however long they are: thinner products are slow."""
SAFE_BITS = 80.0
"""Below this, 2^score can be summed up as it is; see `_weights`."""


class Reductions(NamedTuple):
    """Of one layer, (batch, heads, tokens) each; ``out`` (batch, heads, tokens, dim).

    ``column[j]`` is the sum over base queries i of A[i, j]; ``entropy[i]``, in bits, of row i.
    """

    out: Tensor
    column: Tensor
    entropy: Tensor


def profile_blocks(q: Tensor, k: Tensor, v: Tensor, mask: Mask, base: Tensor) -> Reductions:
    """The attention output and its reductions; nothing padded is computed.

    Args:
        q: Queries (batch, heads, tokens, dim).
        k: Keys, as ``q``.
        v: Values, as ``q``.
        mask: Who sees whom.
        base: (batch, tokens) bool: which queries count in ``column``.
    """
    if mask.real is None and q.numel():
        return _unpadded(q, k, v, base, mask.window)
    wide = torch.promote_types(q.dtype, torch.float32)
    numbers = q.new_zeros(2, *q.shape[:3], dtype=wide)
    result = Reductions(torch.zeros_like(v), numbers[0], numbers[1])
    lengths = [] if mask.real is None else mask.real.sum(dim=1).tolist()
    for i, length in enumerate(lengths):
        here = slice(i, i + 1), slice(None), slice(0, length)
        found = _unpadded(q[here], k[here], v[here], base[here[0], here[2]], mask.window)
        for whole, part in zip(result, found, strict=True):
            whole[here] = part
    return result


def _unpadded(q: Tensor, k: Tensor, v: Tensor, base: Tensor, window: int | None) -> Reductions:
    """One product for all heads of all sequences: from here on (maps, tokens, dim)."""
    wide = torch.promote_types(q.dtype, torch.float32)
    weight = base.to(wide)[:, None].expand(q.shape[:3]).flatten(0, 1)
    flat_q, flat_k, flat_v = (x.to(wide).flatten(0, 1) for x in (q, k, v))
    bands = None if window is None else Bands(q.shape[2], window)
    with torch.autocast(q.device.type, enabled=False):
        if bands is not None and bands.worthwhile:
            found = _local(flat_q, flat_k, flat_v, weight, bands)
        else:
            found = _global(flat_q, flat_k, flat_v, weight, window)
    out, column, entropy = (x.unflatten(0, q.shape[:2]) for x in found)
    return Reductions(out.to(v.dtype), column, entropy)


def _global(q: Tensor, k: Tensor, v: Tensor, weight: Tensor, window: int | None) -> Reductions:
    """All pairs, a block of rows of a few maps at a time.

    Where no maximum is needed a block is gone through in tiles of keys, each of which stays in the
    cache until its share of the output and of the row sums is taken.
    """
    n, length, dim = q.shape
    out = torch.empty_like(v)
    column, entropy = torch.zeros_like(weight), torch.empty_like(weight)
    n_rows = _even(length, max(MIN_ROWS, CACHED // length))
    n_maps = min(n, torch.get_num_threads() * max(1, CACHED // (n_rows * length)))
    safe = _safe(q, k)
    n_keys = _even(length, CACHED // n_rows) if safe and window is None else length
    n_tiles = -(-length // n_keys)
    room = _Room(n_maps * n_rows * n_keys, n_maps * n_rows * length, q)
    for at in range(0, n, n_maps):
        maps = slice(at, at + n_maps)
        kv = list(
            zip(k[maps].transpose(1, 2).split(n_keys, 2), v[maps].split(n_keys, 1), strict=True)
        )
        for first in range(0, length, n_rows):
            rows = slice(first, min(first + n_rows, length))
            bias = None
            allowed = Mask(None, window).allowed(rows, slice(0, length), q.device)
            if allowed is not None:
                bias = torch.where(allowed[0], 0.0, float("-inf")).to(q)
            some_q, some_w = q[maps, rows], weight[maps, rows]
            probs = room.probs(*some_w.shape, length)
            sums = q.new_zeros(*some_w.shape, dim)
            totals, spreads = q.new_empty(2, n_tiles, *some_w.shape)
            for tile, ((some_k, some_v), e) in enumerate(
                zip(kv, probs.split(n_keys, 2), strict=True)
            ):
                _exponentiate(
                    some_q, some_k, bias, room, (e, totals[tile], spreads[tile]), safe=safe
                )
                torch.baddbmm(sums, e, some_v, out=sums)
            total = totals.sum(dim=0)
            torch.div(sums, total[..., None], out=out[maps, rows])
            entropy[maps, rows] = total.log2() - spreads.sum(dim=0) / total
            column[maps] += _columns(probs, some_w / total)
    return Reductions(out, column, entropy)


def _even(length: int, most: int) -> int:
    """The size of equal parts, a multiple of 32 and about ``most``; the last part is smaller."""
    parts = -(-length // max(32, most))
    return min(length, -(-length // parts // 32) * 32)


def _local(q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bands: Bands) -> Reductions:
    """Blocks and heads change places, so that a step's blocks share a stretch of the sequence."""
    n, blocks, size = len(q), bands.n_blocks, BLOCK * bands.n_keys
    bias, safe = bands.bias(q), _safe(q, k)
    out, entropy, column = (torch.empty_like(x) for x in (v, weight, weight))
    n_blocks = min(blocks, max(1, torch.get_num_threads() * CACHED // size))
    n_maps = min(n, max(1, torch.get_num_threads() * CACHED // (size * n_blocks)))
    room = _Room(n_maps * n_blocks * size, n_maps * n_blocks * size, q)
    for at in range(0, n, n_maps):
        maps = slice(at, at + n_maps)
        qs, ws = bands.queries(q[maps]), bands.queries(weight[maps])
        ks, vs = bands.keys(k[maps]).transpose(2, 3), bands.keys(v[maps])
        outs, sums, (totals, spreads) = (
            torch.empty_like(qs),
            q.new_empty(*ws.shape[:2], bands.n_keys),
            ws.new_empty(2, *ws.shape),
        )
        for first in range(0, blocks, n_blocks):
            here = slice(None), slice(first, first + n_blocks)
            some_q, some_k, some_v, some_w = (x[here].flatten(0, 1) for x in (qs, ks, vs, ws))
            probs = room.probs(*some_w.shape, bands.n_keys)
            total, spread = torch.empty_like(some_w), torch.empty_like(some_w)
            _exponentiate(some_q, some_k, bias[here[1]], room, (probs, total, spread), safe=safe)
            shape = ws[here].shape[:2]
            totals[here], spreads[here] = (x.unflatten(0, shape) for x in (total, spread))
            outs[here] = (torch.bmm(probs, some_v) / total[..., None]).unflatten(0, shape)
            sums[here] = _columns(probs, some_w / total).unflatten(0, shape)
        out[maps], column[maps] = bands.tokens(outs), bands.summed(sums)
        entropy[maps] = bands.tokens(totals.log2() - spreads / totals)
    return Reductions(out, column, entropy)


class _Room:
    """Memory of a block, used over and over: fresh memory costs as much as the arithmetic."""

    def __init__(self, scores: int, probs: int, like: Tensor) -> None:
        self._scores, self._probs = like.new_empty(scores), like.new_empty(probs)

    def scores(self, *shape: int) -> Tensor:
        """A tile of this shape."""
        return self._scores[: math.prod(shape)].view(shape)

    def probs(self, *shape: int) -> Tensor:
        """A block of this shape."""
        return self._probs[: math.prod(shape)].view(shape)


def _safe(q: Tensor, k: Tensor) -> bool:
    """Whether every score is within +-SAFE_BITS, by |q k| <= |q| |k|."""
    longest = q.norm(dim=-1).amax() * k.norm(dim=-1).amax()
    return bool(longest * q.shape[-1] ** -0.5 * math.log2(math.e) <= SAFE_BITS)


def _exponentiate(
    q: Tensor,
    k: Tensor,
    bias: Tensor | None,
    room: _Room,
    out: tuple[Tensor, Tensor, Tensor],
    *,
    safe: bool,
) -> None:
    """Into ``out``: 2^s of the scores s (maps, rows, keys), its row sums Z, and those of s 2^s.

    The probabilities are 2^s / Z, and a row's entropy in bits is log2 Z - sum(s 2^s) / Z. ``k`` is
    (maps, dim, keys); ``bias`` (blocks, rows, keys), the same for every map. A softmax subtracts
    each row's maximum lest a power overflow. Scores known to lie within +-80 bits cannot, and need
    no such pass.
    """
    powers, total, spread = out
    scores = room.scores(*powers.shape)
    bits = q.shape[-1] ** -0.5 * math.log2(math.e)
    torch.baddbmm(scores, q, k, beta=0, alpha=bits if safe else 1.0, out=scores)
    if bias is not None:
        scores.unflatten(0, (-1, len(bias))).add_(bias)
    if not safe:
        scores -= scores.amax(dim=-1, keepdim=True)
        scores *= bits  # after the subtraction, which is exact where it matters
    torch.exp2(scores, out=powers)
    if bias is not None or not safe:
        scores.clamp_(min=-1e4)  # -inf times a probability of 0
    torch.sum(powers, dim=-1, out=total)
    torch.sum(scores.mul_(powers), dim=-1, out=spread)


def _columns(probs: Tensor, weight: Tensor) -> Tensor:
    """(maps, keys): rows summed up by their weights (maps, rows)."""
    if probs.is_cuda:  # a product would round to TF32 where that is allowed
        return (probs * weight[..., None]).sum(dim=1)
    # in parts, whose sums are then summed: a long sum term by term loses a digit
    n, rows, keys = probs.shape
    even = rows // 32 * 32
    total = torch.bmm(weight[:, None, even:], probs[:, even:])[:, 0]
    if even:
        parts = torch.bmm(
            weight[:, :even].reshape(-1, 1, 32),
            probs[:, :even].reshape(-1, 32, keys),
        )
        total += parts.view(n, -1, keys).sum(dim=1)
    return total
