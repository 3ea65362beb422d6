"""An encoder of either kind with a head on it, as the loop trains it and as it is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucel_model import ClassificationHead, Nucel
from nucel_model.backends import training_backend

BATCH = 64
"""Sequences per forward pass where no gradient is kept."""


def give_head(model: Nucel, labels: Sequence[str], source: str, seed: int) -> ClassificationHead:
    """Put a fresh head on ``model``; whatever else its folder carried goes.

    A discriminator or masked-base head belongs to the encoder as it was before fine-tuning.
    """
    head = ClassificationHead(model.config.hidden_size, labels, source)
    head.init_weights(seed)
    model.discriminator_head = model.mlm_head = None
    model.classifier_head = head.to(next(model.parameters()).device)
    return head


def tokens(model: Nucel, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` (batch, tokens), [CLS] first, on the model's device."""
    ids, mask = model.tokens(list(sequences))
    device = next(model.parameters()).device
    return ids.to(device), mask.to(device)


def logits(model: Nucel, sequences: Sequence[str]) -> Tensor:
    """Class logits (batch, classes)."""
    return model.predict_logits(*tokens(model, sequences))


@torch.no_grad()
def predict(model: Nucel, sequences: Sequence[str]) -> NDArray[np.float64]:
    """Class probabilities (n, classes), summing to 1."""
    was_training = model.training
    model.eval()
    parts = [
        logits(model, sequences[at : at + BATCH]).softmax(dim=-1).cpu()
        for at in range(0, len(sequences), BATCH)
    ]
    model.train(was_training)
    return torch.cat(parts).double().numpy()


def set_training_backend(model: Nucel, sequence: str) -> None:
    """Choose the attention kernel that trains fastest on sequences like this one."""
    n = tokens(model, [sequence])[0].shape[1]
    model.encoder.backend = training_backend(next(model.parameters()).device, n)
