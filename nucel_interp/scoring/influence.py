r"""Influence: how much the letter at a base moves what the model says of all other bases.

The dependency map (`dependency`) replaces every base by every other and watches all places: three
forward passes per base. Only its sums over places are wanted here, and to first order they can be
had from a few backward passes. Let y_i be the output at base i, e_j the embedding of base j, and
e(a) that of letter a. Putting a in place of the letter at j moves y_i by

    d_ija = (dy_i / de_j) (e(a) - e_j)

to first order, and the influence of j is the length of all of that together,

    influence(j)^2 = sum over i != j, and the mean over the three other letters a, of |d_ija|^2.

A backward pass gives s^T dy / de for one vector s of weights on all outputs. With random signs for
s, the square of (s^T dy / de_j) (e(a) - e_j) has sum_i |d_ija|^2 for its mean, whatever the
correlation between outputs, since products of different signs cancel: Hutchinson's estimate
(Commun Stat Simul Comput 1990, 19:433) of the diagonal of J^T J. To leave out i = j, the signs
stand on a random half of the bases and are read on the other half, and then the other way round:
every other base is in the other half once in two draws, so the mean is doubled.

The embedding is taken behind its norm, where a letter and its vector are one thing, so d is exact
for that norm. 2 x `DRAWS` backward passes of one forward pass, whatever the length, take the place
of three forward passes per base.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucel_interp.scoring.gradients import (
    Readout,
    read_out,
    single_base_encoder,
    training_kernel,
)
from nucel_model import Nucel, NucelEncoder, tokenizer

DRAWS = 4
"""Pairs of backward passes."""


def influence(
    model: Nucel, texts: Sequence[str], *, of: Readout | None = None, draws: int = DRAWS
) -> NDArray[np.float32]:
    """Influence of every base on all others, of equally long texts that are read at once.

    The signs are drawn from a text's letters: neither its company nor its place in a file changes
    them.

    Args:
        model: A loaded model of single bases.
        texts: DNA strings of one length within the model's context, as they are read.
        of: Output that is moved, "log-odds" (nats) or "embedding" (units of the final hidden
            state); if not given, the first where there is a discriminator head, else the second.
        draws: Pairs of backward passes; the relative error of the squared influence falls with the
            root of their number.

    Returns:
        (texts, 1, bases), 0 or more; NaN at N.

    Raises:
        InputError: A model of longer tokens.
        FolderError: Log-odds of a model without a discriminator head.
    """
    encoder = single_base_encoder(model, "influence")
    if of is None:
        of = "embedding" if model.discriminator_head is None else "log-odds"
    ids, _ = model.tokens(texts)
    ids = ids.to(next(model.parameters()).device)
    is_base = tokenizer.is_base(ids)[:, 1:]
    generators = [_generator(text) for text in texts]
    square = torch.zeros(is_base.shape, device=ids.device)
    with training_kernel(model, ids.shape[1]), torch.enable_grad():
        x, letters = _embedded(encoder, ids)
        hidden = _hidden(model, ids, x)
        outputs = read_out(model, hidden, of)
        for draw in range(draws):
            signs, half = _signs(generators, outputs)
            for last, weighed in ((False, half), (True, ~half)):
                weights = signs * (weighed & is_base)[..., None]
                (slope,) = torch.autograd.grad(
                    outputs, x, weights, retain_graph=not (last and draw == draws - 1)
                )
                moved = slope @ letters.T - (slope * x.detach()).sum(dim=-1, keepdim=True)
                # three letters differ from the base; its own contrast is 0
                square += moved[:, 1:].square().sum(dim=-1) / 3 * ~weighed
    found = (2 * square / draws).sqrt().masked_fill(~is_base, float("nan"))
    track: NDArray[np.float32] = found[:, None].cpu().numpy()
    return track


def _hidden(model: Nucel, ids: Tensor, x: Tensor) -> Tensor:
    """The final hidden state, of ``x`` in place of the embeddings of ``ids``."""
    encoder = model.encoder
    assert isinstance(encoder, NucelEncoder)
    handle = encoder.embeddings.register_forward_hook(lambda module, inputs, output: x)
    try:
        return model(ids).last_hidden_state
    finally:
        handle.remove()


def _embedded(encoder: NucelEncoder, ids: Tensor) -> tuple[Tensor, Tensor]:
    """(batch, tokens, hidden) embeddings behind the norm, and (4, hidden) those of A, C, G, T."""
    with torch.no_grad():
        x = encoder.embeddings(ids)
        letters = encoder.embeddings(torch.tensor(tokenizer.BASE_IDS, device=ids.device))
    return x.requires_grad_(), letters


def _generator(text: str) -> np.random.Generator:
    key = hashlib.blake2b(text.upper().encode(), digest_size=16, person=b"influence").digest()
    return np.random.default_rng(int.from_bytes(key, "big"))


def _signs(generators: list[np.random.Generator], outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Random signs of all outputs (batch, bases, width), and a random half of bases."""
    _, bases, width = outputs.shape
    drawn = [g.integers(0, 2, (bases, width + 1), dtype=np.int8) for g in generators]
    bits = torch.from_numpy(np.stack(drawn)).to(outputs.device)
    return (2 * bits[..., 1:] - 1).to(outputs.dtype), bits[..., 0] == 1
