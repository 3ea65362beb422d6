"""Attention for training on a CPU: two matrix products forward, four backward, probabilities kept.

torch's fused kernel never stores the probabilities and pays for it with a backward pass that runs
far below the speed of the matrix products. At the few hundred tokens a CPU is trained on, the maps
of a batch are small: keeping them and writing the backward pass as plain products is two to three
times as fast. `benchmarks/pretrain_speed.py` measures it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def matmul_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(dim) + bias) v, differentiable in q, k and v.

    Args:
        q: Queries (batch, heads, tokens, dim); in bf16 the scores are rounded to bf16 too.
        k: Keys, as ``q``.
        v: Values, as ``q``.
        bias: (batch or 1, 1, tokens, tokens), 0 where a query may look and -inf elsewhere, in q's
            type; None where everything is allowed. No row may be -inf throughout.
    """
    out: Tensor = _MatmulAttention.apply(q, k, v, bias)
    return out


class _MatmulAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        ctx.scale = q.shape[-1] ** -0.5
        q = q * ctx.scale  # on (tokens, dim), not on (tokens, tokens)
        scores = q @ k.transpose(-1, -2)
        if bias is not None:
            scores += bias
        probs = scores.softmax(dim=-1)
        del scores
        ctx.save_for_backward(q, k, v, probs)
        return probs @ v

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, probs = ctx.saved_tensors
        (grad,) = grads
        grad = grad.contiguous()
        d_v = probs.transpose(-1, -2) @ grad
        d_probs = grad @ v.transpose(-1, -2)
        d_scores = torch._softmax_backward_data(d_probs, probs, -1, probs.dtype)
        del d_probs
        d_q = (d_scores @ k).mul_(ctx.scale)
        d_k = d_scores.transpose(-1, -2) @ q  # q carries the scale already
        return d_q, d_k, d_v, None
