"""Linear probes: what can be read off a frozen model by a straight line.

A logistic regression on a window's embedding is fitted on one part of the genome; layer, pooling
and regularisation are those of the best AUROC on a second, and so is the threshold for calling;
both are measured once on a third.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from nucel_model import Nucel, tokenizer
from nucel_pretrain.evaluation.metrics import (
    DRAWS,
    Estimate,
    Ranked,
    auroc,
    best_threshold,
    estimate,
    matthews,
)
from nucel_pretrain.evaluation.progress import slices
from nucel_pretrain.evaluation.sites import PARTS, Labelled

PENALTIES = (0.0001, 0.001, 0.01, 0.1)
"""scikit-learn's C, inverse strength of the L2 penalty, on standardised features."""
BATCH = 32

Features = Mapping[str, Mapping[str, NDArray[np.float32]]]
"""Part, then a name for what was taken ("layer 3, mean"): (windows, features)."""


@dataclass(frozen=True)
class ProbeResult:
    """A probe on its test part.

    Attributes:
        auroc: Over test windows, with its interval.
        mcc: Matthews correlation at the threshold chosen beforehand.
        features: Name of the embedding that was chosen.
        penalty: Inverse strength of the penalty (C) that was chosen.
        choose_auroc: AUROC on the choose part, by which both were chosen.
        scores: (n_test,) log-odds, nats.
        positive: (n_test,) bool.
    """

    auroc: Estimate
    mcc: Estimate
    features: str
    penalty: float
    choose_auroc: float
    scores: NDArray[np.float64]
    positive: NDArray[np.bool_]


@torch.inference_mode()
def embeddings(
    model: Nucel, ids: NDArray[np.uint8], *, site: int | None = None
) -> dict[str, NDArray[np.float32]]:
    """Frozen embeddings of windows, by layer and pooling.

    Args:
        model: Any encoder.
        ids: (n, bases) base ids.
        site: Base of which the hidden state is taken too; None takes none.

    Returns:
        "layer 3, mean" (over bases), "layer 3, [CLS]", "layer 3, site": (n, hidden) each, layers
        counted from 1; the last layer is after the final norm, `last_hidden_state`.
    """
    device = next(model.parameters()).device
    out: dict[str, list[NDArray[np.float32]]] = {}
    for rows in slices(len(ids), BATCH, "embeddings"):
        tokens, _ = tokenizer.batch(list(ids[rows]))
        found = model(tokens.to(device), output_hidden_states=True)
        states = [*found.hidden_states[1:-1], found.last_hidden_state]
        for layer, state in enumerate(states, start=1):
            pooled = {"mean": state[:, 1:].mean(dim=1), "[CLS]": state[:, 0]}
            if site is not None:
                pooled["site"] = state[:, 1 + site]
            for how, vector in pooled.items():
                out.setdefault(f"layer {layer}, {how}", []).append(vector.float().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in out.items()}


def model_features(model: Nucel, windows: Labelled, *, centred: bool) -> Features:
    """Embeddings of every part; with the hidden state at the site where windows are centred."""
    site = windows["train"].ids.shape[1] // 2 if centred else None
    return {part: embeddings(model, windows[part].ids, site=site) for part in PARTS}


def probe(
    features: Features,
    labels: Mapping[str, NDArray[np.bool_]],
    *,
    penalties: Sequence[float] = PENALTIES,
    draws: int = DRAWS,
) -> ProbeResult:
    """Fit on train, choose on choose, measure on test."""
    best: _Fitted | None = None
    for name, train in features["train"].items():
        for penalty in penalties:
            fitted = _fit(train, labels["train"], features["choose"][name], penalty, name)
            found = auroc(fitted.chosen_on, labels["choose"])
            if best is None or found > best.auroc:
                best = replace(fitted, auroc=found)
    assert best is not None, "no features or no penalties"
    threshold = best_threshold(best.chosen_on, labels["choose"])
    scores = best.score(features["test"][best.features])
    auroc_test, mcc = measure(scores, labels["test"], threshold, draws=draws)
    return ProbeResult(
        auroc_test, mcc, best.features, best.penalty, best.auroc, scores, labels["test"]
    )


@dataclass(frozen=True)
class _Fitted:
    line: LogisticRegression
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    features: str
    penalty: float
    chosen_on: NDArray[np.float64]
    auroc: float = float("nan")

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.line.decision_function(
            (features - self.centre) / self.scale
        )
        return found


def _fit(
    train: NDArray[np.float32],
    positive: NDArray[np.bool_],
    choose: NDArray[np.float32],
    penalty: float,
    name: str,
) -> _Fitted:
    centre, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale == 0] = 1.0
    line = LogisticRegression(C=penalty, max_iter=2000)
    line.fit((train - centre) / scale, positive)
    fitted = _Fitted(line, centre, scale, name, penalty, np.empty(0))
    return replace(fitted, chosen_on=fitted.score(choose))


def measure(
    scores: NDArray[np.floating],
    positive: NDArray[np.bool_],
    threshold: float,
    *,
    draws: int = DRAWS,
) -> tuple[Estimate, Estimate]:
    """AUROC and Matthews correlation of test windows, with intervals over windows."""
    n = len(positive)
    called = scores >= threshold
    return (
        estimate(Ranked(scores, positive).auroc, n, draws=draws),
        estimate(lambda counts: matthews(called, positive, counts), n, draws=draws),
    )


def probe_model(
    model: Nucel,
    windows: Labelled,
    *,
    centred: bool,
    penalties: Sequence[float] = PENALTIES,
    draws: int = DRAWS,
) -> ProbeResult:
    """A probe of a model's embeddings of labelled windows (see `sites.labelled_windows`)."""
    labels = {part: windows[part].positive for part in PARTS}
    features = model_features(model, windows, centred=centred)
    return probe(features, labels, penalties=penalties, draws=draws)
