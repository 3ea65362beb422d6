"""What each task minimises, and what its outputs mean."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nucel_model.heads import Task


def loss_of(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Mean over sequences: cross-entropy in nats, or squared error.

    Args:
        outputs: (batch, labels) logits or values that the head gives.
        targets: (batch,) class numbers, or (batch, labels).
        task: "classes", "multilabel" or "regression".
    """
    if task == "classes":
        return F.cross_entropy(outputs, targets)
    targets = targets.to(outputs.dtype)
    if task == "multilabel":
        return F.binary_cross_entropy_with_logits(outputs, targets)
    return F.mse_loss(outputs, targets)


def probabilities(outputs: NDArray[np.float64], task: Task) -> NDArray[np.float64]:
    """(n, labels) probabilities from logits; values stay as they are."""
    logits = torch.from_numpy(outputs)
    if task == "classes":
        return logits.softmax(dim=1).numpy()
    return logits.sigmoid().numpy() if task == "multilabel" else outputs
