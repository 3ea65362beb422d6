"""An encoder of either kind with a head on it, as the loop trains it and as it is read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucel_genome import letters
from nucel_model import ClassificationHead, Nucel
from nucel_model.backends import training_backend
from nucel_model.heads import Pooling, Reads, Task
from nucel_pretrain.finetune.objective import probabilities

BATCH = 64
"""Sequences per forward pass where no gradient is kept."""


def give_head(
    model: Nucel,
    labels: Sequence[str],
    source: str,
    seed: int,
    *,
    task: Task = "classes",
    pooling: Pooling = "cls",
    strands: Reads = "both",
) -> ClassificationHead:
    """Put a fresh head on ``model``; whatever else its folder carried goes.

    A discriminator or masked-base head belongs to the encoder as it was before fine-tuning.
    """
    head = ClassificationHead(
        model.config.hidden_size, labels, source, task=task, pooling=pooling, strands=strands
    )
    head.init_weights(seed)
    model.discriminator_head = model.mlm_head = None
    model.classifier_head = head.to(next(model.parameters()).device)
    return head


def tokens(model: Nucel, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` (batch, tokens), [CLS] first, on the model's device."""
    ids, mask = model.tokens(letters.upper_all(sequences))
    device = next(model.parameters()).device
    return ids.to(device), mask.to(device)


def logits(model: Nucel, sequences: Sequence[str]) -> Tensor:
    """What the head says, (batch, labels)."""
    return model.predict_logits(*tokens(model, sequences))


@torch.no_grad()
def outputs_of(
    model: Nucel, sequences: Sequence[str], *, both_strands: bool = False
) -> NDArray[np.float64]:
    """What the head says of each sequence, (n, labels): logits or values.

    Args:
        model: Model with a fine-tuned head.
        sequences: Sequences of any lengths the model reads, in either case.
        both_strands: The mean with the reverse complement's.

    Raises:
        TypeError: One string was given in place of them.
    """
    sequences = letters.upper_all(sequences)
    was_training = model.training
    model.eval()
    found = np.zeros((len(sequences), len(model.classifier_head.labels)))  # type: ignore[union-attr]
    # of one length together: nothing is padded, and company changes no digit
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    for at in range(0, len(order), BATCH):
        number = order[at : at + BATCH]
        some = [sequences[i] for i in number]
        outputs = logits(model, some)
        if both_strands:
            outputs = (outputs + logits(model, [reverse_complement(s) for s in some])) / 2
        found[number] = outputs.double().cpu().numpy()
    model.train(was_training)
    return found


def predict(model: Nucel, sequences: Sequence[str]) -> NDArray[np.float64]:
    """Class probabilities (n, classes), summing to 1."""
    return probabilities(outputs_of(model, sequences), "classes")


_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def reverse_complement(sequence: str) -> str:
    """The other strand in upper case, in reading direction; letters but A, C, G, T stay."""
    return letters.upper(sequence).translate(_COMPLEMENT)[::-1]


def set_training_backend(model: Nucel, sequence: str) -> None:
    """Choose the attention kernel that trains fastest on sequences like this one."""
    n = tokens(model, [sequence])[0].shape[1]
    model.encoder.backend = training_backend(next(model.parameters()).device, n)
