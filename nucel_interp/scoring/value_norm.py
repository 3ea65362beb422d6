"""Attention received, weighted by the norm of what is handed on (Kobayashi et al. 2020).

A base may draw attention and hand on a vector near zero: a model parks attention that it has no use
for at such tokens. Kobayashi et al. (EMNLP 2020, arXiv 2004.10102) therefore look at the vectors
that a head sums up. What query i takes from key j in one head is

    A[i, j] f(j),  f(j) = v(j) W_O,

with v(j) the head's value (a bias within it) and W_O the rows of the output projection that read
that head. Its length is A[i, j] |f(j)|, so the sum over queries is the attention that j receives
times |f(j)|. It stands, as attention received does, over what uniform attention would give j:

    value_norm(j) = received(j) |f(j)|.

No map is held and no f(j): |f(j)|^2 = v(j) (W_O W_O^T) v(j)^T, a matrix of dim x dim per head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nucel_interp.scoring.tokens import token_of_base
from nucel_model import Nucel, NucelEncoder
from nucel_model.encoder import Block
from nucel_model.nt import Block as NTBlock


class _Layer(NamedTuple):
    """Where a layer makes its values, which of the outputs they are, and how they are read."""

    makes: nn.Module
    first: int
    reads: Tensor


def value_norm(model: Nucel, texts: Sequence[str]) -> NDArray[np.float32]:
    """Value-norm weighted attention received by every head, of texts that are read at once.

    Args:
        model: A loaded model, of single bases or of longer tokens; every base of a longer token
            gets the token's number.
        texts: DNA strings within the model's context, as they are read.

    Returns:
        (texts, layers x heads, bases), in units of the hidden state; NaN at N and behind the end of
        a text that is shorter than another.
    """
    made: list[Tensor] = []
    with ExitStack() as hooks, torch.inference_mode():
        for layer in _layers(model):
            hook = layer.makes.register_forward_hook(_keeper(made, layer, model))
            hooks.callback(hook.remove)
        received = model.profile_sequences(texts).received.flatten(1, 2)
        norms = torch.cat(made, dim=1).cpu().numpy()
    out: NDArray[np.float32] = received.cpu().numpy()
    for row, norm, text in zip(out, norms, texts, strict=True):
        row[:, : len(text)] *= norm[:, token_of_base(model, text)]
    return out


def _layers(model: Nucel) -> Iterator[_Layer]:
    if isinstance(model.encoder, NucelEncoder):
        for block in cast("list[Block]", model.encoder.layers):
            wide = block.attn.Wo.in_features
            yield _Layer(block.attn.Wqkv, 2 * wide, block.attn.Wo.weight)
        return
    for six in cast("list[NTBlock]", model.encoder.esm.encoder.layer):
        yield _Layer(six.attention.self.value, 0, six.attention.output.dense.weight)


def _keeper(
    made: list[Tensor], layer: _Layer, model: Nucel
) -> Callable[[nn.Module, object, Tensor], None]:
    """A hook that keeps |f(j)| of every head and token, (batch, heads, tokens)."""
    n_heads = model.config.num_attention_heads
    read = layer.reads.unflatten(1, (n_heads, -1)).float()  # (hidden, heads, dim)
    gram = torch.einsum("ohd,ohe->hde", read, read)

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        v = output[..., layer.first :].unflatten(-1, (n_heads, -1)).float()
        square = torch.einsum("bthd,hde,bthe->bht", v, gram, v)
        made.append(square.clamp(min=0).sqrt())

    return keep
