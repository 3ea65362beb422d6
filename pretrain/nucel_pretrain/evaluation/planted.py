"""Planted changes: can a model tell a changed base in sequence it has never seen?

Some bases of every window (four of 256) are replaced, each uniformly by one of the other three.
Unlike a generator's samples these are the same for every model, so models compare with each other
and with anything else that scores a base.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_model import Nucel, tokenizer
from nucel_pretrain.data import Windows
from nucel_pretrain.evaluation.metrics import DRAWS, Estimate, Ranked, estimate
from nucel_pretrain.evaluation.progress import slices

CHANGES = 4
BATCH = 32


def planted(
    windows: Windows, n: int, seed: int, *, changes: int = CHANGES
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Changed windows (n, bases + 1) beginning with [CLS], and which bases changed (n, bases)."""
    ids = windows.batch(seed, range(n))
    width = ids.shape[1] - 1
    rng = np.random.default_rng(seed)
    changed = np.zeros((n, width), dtype=bool)
    for row, flags in zip(ids, changed, strict=True):
        at = rng.choice(width, changes, replace=False)
        row[1 + at] = tokenizer.A + (row[1 + at] - tokenizer.A + rng.integers(1, 4, changes)) % 4
        flags[at] = True
    return ids, changed


@torch.inference_mode()
def model_scores(
    model: Nucel, ids: NDArray[np.int64], *, both_strands: bool = False
) -> NDArray[np.float32]:
    """Replaced log-odds (n, bases), nats; ids (n, bases + 1) with [CLS].

    Args:
        model: A folder's.
        ids: Windows of one strand.
        both_strands: The mean of the log-odds read on either strand, as
            `nucel-interp discriminator` gives them; otherwise of the strand given alone.

    Raises:
        nucel_model.FolderError: The model has no discriminator head.
    """
    if both_strands:
        other = ids.copy()
        other[:, 1:] = tokenizer.reverse_complement_ids(ids[:, 1:].astype(np.uint8))
        mean = (model_scores(model, ids) + model_scores(model, other)[:, ::-1]) / 2
        return mean.astype(np.float32)
    device = next(model.parameters()).device
    out = []
    for rows in slices(len(ids), BATCH, "planted changes"):
        hidden = model(torch.from_numpy(ids[rows]).to(device)).last_hidden_state
        out.append(model.replaced_logit(hidden).cpu().numpy())
    return np.concatenate(out)


def ranked(scores: NDArray[np.floating], changed: NDArray[np.bool_]) -> Ranked:
    """Scores (n, bases) as a ranking whose groups are windows."""
    window = np.broadcast_to(np.arange(len(scores))[:, None], scores.shape)
    return Ranked(scores, changed, window)


def planted_auroc(
    model: Nucel, windows: Windows, *, n: int = 1000, seed: int = 11, draws: int = DRAWS
) -> Estimate:
    """AUROC of a model's replaced log-odds for planted changes in ``n`` windows."""
    ids, changed = planted(windows, n, seed)
    return estimate(ranked(model_scores(model, ids), changed).auroc, n, draws=draws)
