"""What scores made of gradients have in common: the kernel, the readout, and which models can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import Tensor

from nucel_interp.errors import InputError
from nucel_model import Nucel, NucelEncoder

Readout = Literal["log-odds", "prediction", "embedding"]
"""What of a forward pass is explained: the discriminator's log-odds that each base was replaced,
a fine-tuned head's outputs, or the final hidden state of each base."""


def single_base_encoder(model: Nucel, score: str) -> NucelEncoder:
    """The encoder, if its tokens are single bases.

    Args:
        model: A loaded model.
        score: Name of the score, for the error.

    Raises:
        InputError: It reads longer tokens, of which there is no gradient per base.
    """
    if not isinstance(model.encoder, NucelEncoder):
        raise InputError(
            f"{model.name} reads tokens of {model.config.token_bp} bases, and {score} is of single "
            "bases; use attention or value-norm"
        )
    return model.encoder


def read_out(model: Nucel, hidden: Tensor, what: Readout) -> Tensor:
    """The numbers that are explained, by base or by sequence; gradients pass.

    Args:
        model: A loaded model with the head in question.
        hidden: (batch, tokens, hidden) final hidden state, [CLS] in front, without padding.
        what: Name of the numbers.

    Returns:
        (batch, bases, 1) log-odds in nats, (batch, 1, labels) outputs, or (batch, bases, hidden).
    """
    if what == "log-odds":
        return model.replaced_logit(hidden)[..., None]
    if what == "prediction":
        assert model.classifier_head is not None
        return model.classifier_head(hidden)[:, None]
    return hidden[:, 1:]


@contextmanager
def training_kernel(model: Nucel, tokens: int) -> Iterator[None]:
    """The attention that is fastest with gradients; weights themselves want none."""
    from nucel_model.backends import training_backend

    before = model.encoder.backend
    wanted = [p for p in model.parameters() if p.requires_grad]
    model.encoder.backend = training_backend(next(model.parameters()).device, tokens)
    model.requires_grad_(False)
    try:
        yield
    finally:
        model.encoder.backend = before
        for p in wanted:
            p.requires_grad_(True)
