r"""Relevance of each base by layer-wise propagation through a transformer (AttnLRP).

Achtibat et al. (ICML 2024, arXiv 2402.05602) hand an output's value back through the network layer
by layer, each layer sharing out among its inputs what its outputs were given. Their rules, all of
them, for this encoder:

==================  ==============================================================================
layer               what an input gets of the relevance R of the outputs
==================  ==============================================================================
linear, sums        in proportion to its part x_i w_ij of each output (the epsilon rule, epsilon 0)
layer norm          as of a linear layer, the standard deviation being a constant
GELU                all of R
products            half of R each: gate and value, attention and v, q and k
softmax             x_i (R_i - s_i sum_k R_k): the first terms of Taylor's series at x
==================  ==============================================================================

Each rule but the last conserves the sum of R. That of softmax leaves a rest, which belongs to no
input.

A rule is a gradient in which something is held constant or halved; the relevance of an input is
then its value times that gradient. So the pass is the encoder's own arithmetic, done here step by
step, with one backward pass.

What is explained is one number per sequence: the fine-tuned prediction (`target.Target`); without a
fine-tuned head the sum over bases of the discriminator's log-odds that the base is original;
without either, half the squared length of the final hidden states. Embeddings stand behind their
norm, where a base and its vector are one thing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nucel_interp.scoring.gradients import read_out, single_base_encoder, training_kernel
from nucel_interp.scoring.target import find_target
from nucel_model import Nucel, NucelEncoder, tokenizer
from nucel_model.backends import Mask, attend
from nucel_model.encoder import Attention, Block, GeGLU
from nucel_model.rope import rotary_table


def relevance(model: Nucel, texts: Sequence[str]) -> NDArray[np.float32]:
    """AttnLRP relevance of every base, of equally long texts that are read at once.

    Args:
        model: A loaded model of single bases, with or without heads.
        texts: DNA strings of one length within the model's context, as they are read.

    Returns:
        (texts, 1, bases) in the unit of what is explained, positive = the base pushes it up; NaN
        at N.

    Raises:
        InputError: A model of longer tokens, or one with several outputs to choose from.
    """
    encoder = single_base_encoder(model, "relevance")
    ids, _ = model.tokens(texts)
    ids = ids.to(next(model.parameters()).device)
    with training_kernel(model, ids.shape[1]), torch.enable_grad():
        x = encoder.embeddings(ids).detach().requires_grad_()
        explained = _explained(model, propagated(encoder, x)).sum()
        (slope,) = torch.autograd.grad(explained, x)
    track = (x.detach() * slope).sum(dim=-1)[:, 1:]
    track = track.masked_fill(~tokenizer.is_base(ids)[:, 1:], float("nan"))
    found: NDArray[np.float32] = track[:, None].float().cpu().numpy()
    return found


def _explained(model: Nucel, hidden: Tensor) -> Tensor:
    """(texts,) the number of each."""
    if model.classifier_head is not None:
        return find_target(model).of(read_out(model, hidden, "prediction")[:, 0].float())
    if model.discriminator_head is not None:
        return -read_out(model, hidden, "log-odds").sum(dim=(1, 2))
    return read_out(model, hidden, "embedding").square().sum(dim=(1, 2)) / 2


def propagated(encoder: NucelEncoder, x: Tensor) -> Tensor:
    """The final hidden state (batch, tokens, hidden); the rules are in its gradient.

    Args:
        encoder: Encoder of single bases.
        x: (batch, tokens, hidden) embeddings behind their norm, [CLS] in front, without padding.
    """
    config = encoder.config
    for number, block in enumerate(encoder.layers):
        assert isinstance(block, Block)
        table = rotary_table(x.shape[1], config.head_dim, config.rope_theta(number), x.device)
        mask = Mask(None, config.window(number))
        x = x + _attention(block.attn, _norm(block.attn_norm, x), table, mask, encoder)
        x = x + _gated(block.mlp, _norm(block.mlp_norm, x))
    return _norm(encoder.final_norm, x)


def _attention(
    layer: Attention, x: Tensor, table: tuple[Tensor, Tensor], mask: Mask, encoder: NucelEncoder
) -> Tensor:
    """Two products: v gets half of R, softmax the other, of which q and k get half each."""
    q, k, v = layer.heads(x, table)
    out = attend(encoder.backend, _share(q, 1 / 4), _share(k, 1 / 4), _share(v, 1 / 2), mask)
    return layer.Wo(out.transpose(1, 2).flatten(2))


def _gated(layer: GeGLU, x: Tensor) -> Tensor:
    """GELU passes on what it gets; value and gate get half each."""
    value, gate = layer.Wi(x).chunk(2, dim=-1)
    linear = value * _half_normal(value).detach()
    return layer.Wo(_share(linear, 1 / 2) * _share(gate, 1 / 2))


def _half_normal(x: Tensor) -> Tensor:
    """gelu(x) / x, which is the normal distribution's Phi(x)."""
    return (1 + torch.erf(x * 2**-0.5)) / 2


def _norm(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer norm whose standard deviation is a constant."""
    if isinstance(layer, nn.Identity):
        return x
    assert isinstance(layer, nn.LayerNorm)
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True).detach()
    return centred * (variance + layer.eps).rsqrt() * layer.weight


def _share(x: Tensor, part: float) -> Tensor:
    """``x``, of whose gradient only this part is passed on."""
    return x * part + x.detach() * (1 - part)
