"""The model's own task on held-out windows: what is filled in, and what of that is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from nucel_model import Nucel, tokenizer
from nucel_model.electra import sample_tokens
from nucel_pretrain.data import Windows
from nucel_pretrain.evaluation.metrics import (
    DRAWS,
    Calibration,
    Estimate,
    Ranked,
    estimate,
    ratio,
)
from nucel_pretrain.evaluation.progress import slices
from nucel_pretrain.masking import MaskingConfig, mask_and_noise
from nucel_pretrain.objectives import ElectraConfig

BATCH = 32


@dataclass(frozen=True)
class Judged:
    """Every base of every window, (n, bases) each.

    Attributes:
        masked: Whether the generator had to fill it in.
        generator_loss: Cross-entropy, nats; 0 where not masked.
        likeliest: Whether the generator's likeliest base was the true one; False where not masked.
        replaced_logit: The discriminator's log-odds, nats.
        replaced: Whether the base differs from the true one.
        repeat: Whether it is marked as a repeat; None where nothing says what the repeats are.
        gc: (n,) GC share of the true window.
    """

    masked: NDArray[np.bool_]
    generator_loss: NDArray[np.float32]
    likeliest: NDArray[np.bool_]
    replaced_logit: NDArray[np.float32]
    replaced: NDArray[np.bool_]
    repeat: NDArray[np.bool_] | None
    gc: NDArray[np.float64]

    @property
    def discriminator_loss(self) -> NDArray[np.float32]:
        """Binary cross-entropy, nats."""
        loss: NDArray[np.float32] = (
            np.logaddexp(0, self.replaced_logit) - self.replaced_logit * self.replaced
        )
        return loss


@torch.inference_mode()
def judge(
    model: Nucel,
    generator: Nucel,
    windows: Windows,
    n: int,
    *,
    masking: MaskingConfig,
    electra: ElectraConfig,
    seed: int,
) -> Judged:
    """Mask, fill in and judge windows 0 .. n - 1, in fp32.

    Args:
        model: Model with a discriminator head.
        generator: Model with a masked-base head.
        windows: Held-out windows.
        n: Number of windows.
        masking: Masking of the model's own run.
        electra: Sampling of the model's own run; temperature and top_k are used.
        seed: Seed of windows, masks and samples.
    """
    assert generator.mlm_head is not None
    device = next(model.parameters()).device
    parts: list[tuple[NDArray[Any], ...]] = []
    for rows in slices(n, BATCH, "replaced bases"):
        indices = range(rows.start, rows.stop)
        true = windows.batch(seed, indices)
        masked, noise = mask_and_noise(true, seed, indices, masking)
        ids, at = torch.from_numpy(true).to(device), torch.from_numpy(masked).to(device)
        hidden = generator(ids.masked_fill(at, tokenizer.MASK)).last_hidden_state[at]
        logits = generator.mlm_head(hidden).float()
        sampled = sample_tokens(
            logits, torch.from_numpy(noise).to(device), electra.temperature, electra.top_k
        )
        filled = ids.masked_scatter(at, sampled)
        loss = torch.zeros(ids.shape, device=device)
        loss[at] = F.cross_entropy(logits, ids[at], reduction="none")
        right = torch.zeros(ids.shape, dtype=torch.bool, device=device)
        right[at] = logits.argmax(dim=-1) == ids[at]
        found = model.replaced_logit(model(filled).last_hidden_state)
        parts.append(
            (
                masked[:, 1:],
                loss[:, 1:].cpu().numpy(),
                right[:, 1:].cpu().numpy(),
                found.cpu().numpy(),
                (filled != ids)[:, 1:].cpu().numpy(),
                ((true == tokenizer.C) | (true == tokenizer.G))[:, 1:].mean(axis=1),
            )
        )
    masked_all, losses, likeliest, logits_all, differs, gc = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Judged(
        masked=masked_all,
        generator_loss=losses,
        likeliest=likeliest,
        replaced_logit=logits_all,
        replaced=differs,
        repeat=_repeats(windows, seed, n) if windows.has_repeats else None,
        gc=gc,
    )


def _repeats(windows: Windows, seed: int, n: int) -> NDArray[np.bool_]:
    width = windows.config.window
    out = np.empty((n, width), dtype=bool)
    for index, row in enumerate(out):
        name, start, flip = windows.place(seed, index)
        repeat = windows.is_repeat(name, start, start + width)
        row[:] = repeat[::-1] if flip else repeat
    return out


def gc_quintiles(gc: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Which windows are in each fifth by GC share; named with their range."""
    edges = np.quantile(gc, [0.2, 0.4, 0.6, 0.8])
    which = np.searchsorted(edges, gc, side="left")
    named = {}
    for fifth in range(5):
        inside = which == fifth
        if inside.any():
            low, high = gc[inside].min(), gc[inside].max()
            named[f"GC fifth {fifth + 1} ({low:.2f}-{high:.2f})"] = inside
    return named


def summaries(judged: Judged, *, draws: int = DRAWS) -> list[tuple[str, str, Estimate]]:
    """(metric, subset, estimate) of all bases, by GC of the window, and by repeat if known."""
    everything = np.ones_like(judged.masked)
    subsets = {"all": everything}
    for name, windows in gc_quintiles(judged.gc).items():
        subsets[name] = everything & windows[:, None]
    if judged.repeat is not None:
        subsets |= {"repeats": judged.repeat, "not repeats": ~judged.repeat}
    return [
        (metric, subset, value)
        for subset, bases in subsets.items()
        for metric, value in _summary(judged, bases, draws).items()
    ]


def _summary(judged: Judged, bases: NDArray[np.bool_], draws: int) -> dict[str, Estimate]:
    """Metrics of some bases; windows without any of them are not counted."""
    (kept,) = np.nonzero(bases.any(axis=1))
    bases = bases[kept]
    window = np.broadcast_to(np.arange(len(kept))[:, None], bases.shape)[bases]
    logit, replaced = judged.replaced_logit[kept][bases], judged.replaced[kept][bases]
    masked = judged.masked[kept] & bases
    ranked = Ranked(logit, replaced, window)
    with np.errstate(over="ignore"):
        calibration = Calibration(1 / (1 + np.exp(-logit.astype(np.float64))), replaced, window)

    def mean(values: NDArray[Any], over: NDArray[np.bool_]) -> Estimate:
        totals = np.where(over, values[kept], 0).sum(axis=1, dtype=np.float64)
        return estimate(ratio(totals, over.sum(axis=1)), len(kept), draws=draws)

    return {
        "generator_loss": mean(judged.generator_loss, masked),
        "generator_accuracy": mean(judged.likeliest, masked),
        "discriminator_loss": mean(judged.discriminator_loss, bases),
        "replaced_share": mean(judged.replaced, bases),
        "replaced_auroc": estimate(ranked.auroc, len(kept), draws=draws),
        "replaced_auprc": estimate(ranked.auprc, len(kept), draws=draws),
        "calibration_error": estimate(calibration.error, len(kept), draws=draws),
    }


def reliability(judged: Judged) -> list[dict[str, float]]:
    """Deciles of the predicted probability: mean prediction, observed share, bases."""
    with np.errstate(over="ignore"):
        probability = 1 / (1 + np.exp(-judged.replaced_logit.astype(np.float64)))
    return Calibration(probability, judged.replaced).table()
