"""How well the discriminator finds replaced bases in sequence it has never seen."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata

from nucel_model import Electra
from nucel_pretrain.data import Windows
from nucel_pretrain.step import ElectraConfig, electra_forward


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve, ties counted half; NaN where one class is missing."""
    n_pos = int(positive.sum())
    n_neg = positive.size - n_pos
    if not n_pos or not n_neg:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


@torch.inference_mode()
def validate(
    model: Electra, windows: Windows, electra: ElectraConfig, *, n_batches: int = 8, seed: int = 20
) -> dict[str, float]:
    """Losses and replaced-token AUROC on the same held-out windows every time, fp32."""
    model.eval()
    size = windows.config.batch
    generator, discriminator, accuracy, logits, labels = [], [], [], [], []
    for b in range(n_batches):
        ids = torch.from_numpy(windows.batch(seed, range(b * size, (b + 1) * size)))
        out = electra_forward(model, ids, electra, seed=seed, step=b, bf16=False)
        generator.append(out.generator_loss.item())
        discriminator.append(out.discriminator_loss.item())
        accuracy.append(out.generator_accuracy.item())
        logits.append(out.replaced_logits[:, 1:].numpy().ravel())
        labels.append(out.is_replaced[:, 1:].numpy().ravel())
    model.train()
    return {
        "validation_generator_loss": float(np.mean(generator)),
        "validation_discriminator_loss": float(np.mean(discriminator)),
        "validation_generator_accuracy": float(np.mean(accuracy)),
        "validation_auroc": auroc(np.concatenate(logits), np.concatenate(labels)),
    }
