"""Attention for training on a CPU: two matrix products forward, four backward, probabilities kept.

torch's fused kernel never stores the probabilities and pays for it with a backward pass that runs
far below the speed of the matrix products. At the few hundred tokens a CPU is trained on, the maps
of a batch are small: keeping them and writing the backward pass as plain products is two to three
times as fast. A local layer is cut into parts, stretches of queries with the keys in their reach,
so that its time and memory grow with the window and not with the length. The benchmark
`pretrain_speed` measures all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Part(NamedTuple):
    """A stretch of queries and the keys that any of them sees.

    Attributes:
        rows: The queries; all parts together hold each query once, in order.
        keys: Keys that any of these queries sees.
        bias: (batch or 1, 1, rows, keys), 0 where a query may look and -inf elsewhere, in the
            queries' type; None where everything is allowed. No row may be -inf throughout.
    """

    rows: slice
    keys: slice
    bias: Tensor | None


def matmul_attention(q: Tensor, k: Tensor, v: Tensor, parts: Sequence[Part]) -> Tensor:
    """softmax(q k^T / sqrt(dim) + bias) v, differentiable in q, k and v, once.

    Not for second derivatives: torch refuses them with an error, or takes the first for a constant
    where what came in from above was one. Use *eager* for those.

    Args:
        q: Queries (batch, heads, tokens, dim); in bf16 the scores are rounded to bf16 too.
        k: Keys, as ``q``.
        v: Values, as ``q``.
        parts: Who sees whom; `Part(slice(0, tokens), slice(0, tokens), None)` alone is everybody.
    """
    out: Tensor = _MatmulAttention.apply(q, k, v, parts)
    return out


class _MatmulAttention(torch.autograd.Function):
    """Works on (batch x heads, tokens, dim): one product for all heads, and no copies of slices."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, parts: Sequence[Part]) -> Tensor:
        b, h, _, dim = q.shape
        ctx.heads, ctx.scale = (b, h), dim**-0.5
        ctx.where = [(part.rows, part.keys) for part in parts]
        q = (q * ctx.scale).flatten(0, 1)  # on (tokens, dim), not on (tokens, tokens)
        k, v = k.flatten(0, 1), v.flatten(0, 1)
        out, kept = torch.empty_like(q), []
        for rows, keys, bias in parts:
            scores = q[:, rows] @ k[:, keys].transpose(1, 2)
            if bias is not None:
                scores.view(b, h, *scores.shape[1:]).add_(bias)
            probs = scores.softmax(dim=-1)
            del scores
            torch.bmm(probs, v[:, keys], out=out[:, rows])
            kept.append(probs)
        ctx.save_for_backward(q, k, v, *kept)
        return out.unflatten(0, (b, h))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, *kept = ctx.saved_tensors
        grad = grad.flatten(0, 1)
        whole = len(kept) == 1
        d_q = torch.empty_like(q)
        d_k, d_v = (torch.empty_like(x) if whole else torch.zeros_like(x) for x in (k, v))
        for (rows, keys), probs in zip(ctx.where, kept, strict=True):
            g = grad[:, rows]
            d_probs = g @ v[:, keys].transpose(1, 2)
            d_scores = torch._softmax_backward_data(d_probs, probs, -1, probs.dtype)
            del d_probs
            torch.bmm(d_scores, k[:, keys], out=d_q[:, rows])
            # a key is seen from several parts; q carries the scale already
            for total, map_, x in ((d_v, probs, g), (d_k, d_scores, q[:, rows])):
                if whole:
                    torch.bmm(map_.transpose(1, 2), x, out=total)
                else:
                    total[:, keys] += map_.transpose(1, 2) @ x
        d_q *= ctx.scale
        return (*(x.unflatten(0, ctx.heads) for x in (d_q, d_k, d_v)), None)
