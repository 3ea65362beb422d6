"""The loop: fine-tuning by AdamW, stopped early by a validation set, best weights kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_model import Nucel
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation.metrics import Ranked
from nucel_pretrain.finetune.classifier import (
    logits,
    outputs_of,
    predict,
    set_training_backend,
)
from nucel_pretrain.finetune.objective import loss_of
from nucel_pretrain.messages import Say
from nucel_pretrain.optim import OptimConfig, learning_rate, make_optimizer

Labelled = tuple[Sequence[str], NDArray[Any]]
"""Sequences and their class numbers (n,), or labels or values (n, labels)."""
Batches = Callable[[int], Labelled]
"""Batch number i; the same number always gives the same batch."""
LEFT_CHANCE = 0.2
"""Share of the way from the commonest class's accuracy to 1 below which impatience would only cut
off the plateau that learning starts with: telling the order of motifs, small networks see nothing
for 100 steps."""


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """How long, how much at a time, and when to stop."""

    steps: int = 3000
    """At most; the learning rate falls to zero there."""
    batch: int = 32
    """Sequences a step."""
    evaluate_every: int = 50
    """Steps between looks at the validation set."""
    patience: int = 10
    """Looks without a lower validation loss after which training stops; of classes, counted once
    validation accuracy has left chance (`LEFT_CHANCE`)."""
    enough: float = 1.0
    """Validation accuracy at which training stops."""

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("steps", "batch", "evaluate_every", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"finetune.{name} must be at least 1; got {getattr(self, name)}")
        if not 0 < self.enough <= 1:
            raise ValueError(f"finetune.enough must lie above 0, up to 1; got {self.enough}")


@dataclass(frozen=True)
class Scores:
    """What a classifier makes of labelled sequences.

    Attributes:
        loss: Cross-entropy, nats per sequence.
        accuracy: Share of sequences whose likeliest class is theirs.
        auroc: AUROC of class 1 against class 0; NaN for more than two classes.
        correct: (n,) bool, which ones.
        positive: (n,) probability of the last class.
    """

    loss: float
    accuracy: float
    auroc: float
    correct: NDArray[np.bool_]
    positive: NDArray[np.float64]


@dataclass(frozen=True)
class FineTuned:
    """How a run went.

    Attributes:
        steps: Made.
        best_step: Step whose weights the model now has: lowest validation loss.
        stopped: Why it ended.
        history: (step, training loss since the last look, validation loss, accuracy) per look;
            accuracy is NaN of labels and values.
        seconds: Wall clock.
        cpu_seconds: CPU time of this process in seconds.
    """

    steps: int
    best_step: int
    stopped: str
    history: list[tuple[int, float, float, float]]
    seconds: float
    cpu_seconds: float


def score(model: Nucel, labelled: Labelled) -> Scores:
    """Loss, accuracy and AUROC on labelled sequences."""
    sequences, labels = labelled
    probability = predict(model, sequences)
    own = np.take_along_axis(probability, labels[:, None], axis=1)[:, 0]
    correct = probability.argmax(axis=1) == labels
    auroc = math.nan
    if probability.shape[1] == 2:
        auroc = Ranked(probability[:, 1], labels == 1).auroc(np.ones(len(labels)))
    return Scores(
        loss=float(-np.log(np.maximum(own, 1e-30)).mean()),
        accuracy=float(correct.mean()),
        auroc=float(auroc),
        correct=correct,
        positive=probability[:, -1],
    )


def look(model: Nucel, labelled: Labelled) -> tuple[float, float]:
    """The loss on labelled sequences, and of classes the accuracy (else NaN)."""
    assert model.classifier_head is not None
    task = model.classifier_head.task
    outputs = torch.from_numpy(outputs_of(model, labelled[0]))
    targets = torch.from_numpy(labelled[1])
    accuracy = math.nan
    if task == "classes":
        accuracy = float((outputs.argmax(dim=1) == targets).double().mean())
    return float(loss_of(outputs, targets, task)), accuracy


def fine_tune(
    model: Nucel,
    batches: Batches,
    validation: Labelled,
    config: FinetuneConfig,
    optim: OptimConfig,
    *,
    say: Say,
) -> FineTuned:
    """Train the weights of ``model`` that want a gradient; the best ones stay in it.

    Nothing is drawn here: what is random is in the batches and in the weights that come in. On a
    GPU products are made in bf16.

    Args:
        model: Model with a classifier head.
        batches: Training examples.
        validation: Decides when to stop and which weights are kept.
        config: Steps, batch size, patience.
        optim: AdamW and the learning rate's course.
        say: Told how it goes at every look.

    Raises:
        PretrainError: The loss is no longer finite.
    """
    started, cpu = time.monotonic(), time.process_time()
    set_training_backend(model, validation[0][0])
    optimizer = make_optimizer(model, optim)
    learned = [p for group in optimizer.param_groups for p in group["params"]]
    device = next(model.parameters()).device
    assert model.classifier_head is not None
    task = model.classifier_head.task
    chance = _commonest(validation[1]) if task == "classes" else 0.0
    history: list[tuple[int, float, float, float]] = []
    best_loss, best_step, best = math.inf, 0, _copy(model)
    waited, stopped, step, since = 0, "all steps made", 0, []
    model.train()
    for step in range(1, config.steps + 1):
        sequences, labels = batches(step - 1)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step - 1, config.steps, optim)
        with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
            found = logits(model, sequences)
        loss = loss_of(found.float(), torch.from_numpy(labels).to(device), task)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, optim.clip)
        optimizer.step()
        since.append(loss.item())
        if not math.isfinite(since[-1]):
            raise PretrainError(
                f"the loss of {model.name} is not finite at step {step}; lower "
                f"optim.learning_rate (now {optim.learning_rate:g})"
            )
        if step % config.evaluate_every and step < config.steps:
            continue
        now, accuracy = look(model, validation)
        history.append((step, float(np.mean(since)), now, accuracy))
        said = f"loss {now:.3f}" if math.isnan(accuracy) else f"accuracy {accuracy:.3f}"
        say(
            f"{model.name}: step {step:,} of {config.steps:,}, loss {np.mean(since):.3f}, "
            f"validation {said}"
        )
        since = []
        if now >= best_loss:
            reached = max(past[3] for past in history)
            waited += not reached <= chance + LEFT_CHANCE * (1 - chance)  # true of NaN
        else:
            waited = 0
            best_loss, best_step, best = now, step, _copy(model)
        if accuracy >= config.enough:
            best_step, best = step, _copy(model)
            stopped = f"validation accuracy reached {config.enough:g}"
            break
        if waited >= config.patience:
            stopped = f"no lower validation loss in {config.patience} looks"
            break
    model.load_state_dict(best)
    model.eval()
    return FineTuned(
        steps=step,
        best_step=best_step,
        stopped=stopped,
        history=history,
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu,
    )


def _commonest(targets: NDArray[Any]) -> float:
    """Share of the commonest class."""
    return float(np.bincount(targets).max() / len(targets))


def _copy(model: Nucel) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
