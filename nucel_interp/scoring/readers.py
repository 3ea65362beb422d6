"""Which score is read how, beside attention received: a name, and what it asks of a model."""

from __future__ import annotations

import torch

from nucel_interp.errors import InputError
from nucel_interp.score_names import (
    DISCRIMINATOR,
    INFLUENCE,
    RELEVANCE,
    VALUE_NORM,
    fixed_heads,
)
from nucel_interp.scoring.gradients import single_base_encoder
from nucel_interp.scoring.influence import influence
from nucel_interp.scoring.relevance import relevance
from nucel_interp.scoring.scores import Reader
from nucel_interp.scoring.target import find_target
from nucel_interp.scoring.value_norm import value_norm
from nucel_model import ClassificationHead, Nucel, NucelEncoder
from nucel_model.heads import ReplacedTokenHead

_READERS: dict[str, Reader] = {
    VALUE_NORM: value_norm,
    RELEVANCE: relevance,
    INFLUENCE: influence,
}


def reader_of(score: str) -> Reader | None:
    """What `score_sequences` is to read beside attention; None if attention or logits will do."""
    return _READERS.get(score)


def require(model: Nucel, score: str) -> None:
    """Say before the work that a model has no such score.

    Raises:
        InputError: It has no such head, its tokens are longer than a base, or it has several
            outputs of which one would have to be chosen.
        FolderError: It lacks the discriminator head.
    """
    fixed_heads(score, model.config)
    if score == DISCRIMINATOR:
        model.require_discriminator()
    if score in (RELEVANCE, INFLUENCE):
        single_base_encoder(model, score)
    if score == RELEVANCE and model.classifier_head is not None:
        try:
            find_target(model)
        except InputError as error:
            raise InputError(
                f"{model.name} has {len(model.classifier_head.labels)} outputs, and relevance is "
                "of one number per sequence; use nucel-interp attribute --target and give its "
                "track (--track)"
            ) from error


@torch.no_grad()
def with_heads_like(control: Nucel, model: Nucel, seed: int) -> Nucel:
    """A randomly initialised network, given heads of random weights where ``model`` has some.

    What is read of a head can then be read of the control too.

    Args:
        control: Network of the model's shape; it is changed and given back.
        model: The model whose control it is.
        seed: Seed of the heads' weights.
    """
    device = next(control.parameters()).device
    if model.discriminator_head is not None and isinstance(control.encoder, NucelEncoder):
        generator = torch.Generator().manual_seed(seed)
        made = ReplacedTokenHead(control.encoder.config, model.discriminator_head.positive)
        layer = made.discriminator_predictions
        std = control.encoder.config.initializer_range
        torch.nn.init.trunc_normal_(layer.weight, std=std, generator=generator)
        control.discriminator_head = made.to(device)
    if (like := model.classifier_head) is not None:
        head = ClassificationHead(
            model.config.hidden_size, like.labels, task=like.task, pooling=like.pooling,
            strands=like.strands,
        )  # fmt: skip
        head.init_weights(seed)
        control.classifier_head = head.to(device)
    return control.eval()
