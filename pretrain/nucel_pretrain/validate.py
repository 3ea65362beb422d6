"""Losses on held-out windows while a run goes on; `nucel-pretrain evaluate` looks closer."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from nucel_model import Electra
from nucel_pretrain.batches import Batches
from nucel_pretrain.evaluation.metrics import auroc
from nucel_pretrain.objectives import ElectraConfig, losses, unwrap

SEED = 20
"""Windows and masks of validation are the same in every run."""


@torch.no_grad()
def validate(
    model: nn.Module, held: Batches, electra: ElectraConfig, *, n_batches: int = 8
) -> dict[str, float]:
    """Mean losses, and for ELECTRA the replaced-token AUROC, in fp32 on the same windows."""
    device = next(model.parameters()).device
    sums: dict[str, list[float]] = {}
    logits, labels = [], []
    for b in range(n_batches):
        batch = held(range(b * held.size, (b + 1) * held.size)).to(device)
        _, parts, judged = losses(model, batch, electra)
        for name, value in parts.items():
            sums.setdefault(f"validation_{name}", []).append(value.item())
        if judged is not None:
            real = batch.input_ids[:, 1:] != 0
            logits.append(judged.replaced_logits[:, 1:][real].cpu().numpy())
            labels.append(judged.is_replaced[:, 1:][real].cpu().numpy())
    numbers = {name: float(np.mean(values)) for name, values in sums.items()}
    if isinstance(unwrap(model), Electra):
        numbers["validation_auroc"] = auroc(np.concatenate(logits), np.concatenate(labels))
    return numbers
