"""One fine-tuning from labelled sequences to models, metrics and predictions, for several seeds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_model import Nucel, from_pretrained, random_control
from nucel_model.errors import ConfigError, FolderError
from nucel_model.heads import POOLINGS, Pooling
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune import lora
from nucel_pretrain.finetune.classifier import give_head, outputs_of, reverse_complement
from nucel_pretrain.finetune.dataset import Dataset, Part
from nucel_pretrain.finetune.defaults import BATCH, EPOCHS, PATIENCE
from nucel_pretrain.finetune.kept import Kept, SeedResult, fingerprint
from nucel_pretrain.finetune.loop import FinetuneConfig, FineTuned, fine_tune
from nucel_pretrain.finetune.objective import probabilities
from nucel_pretrain.finetune.scores import measure
from nucel_pretrain.messages import Say
from nucel_pretrain.optim import OptimConfig

Mode = Literal["full", "head", "lora"]
MODES: tuple[str, ...] = get_args(Mode)
LEARNING_RATES = {"full": 3e-4, "lora": 1e-3, "head": 1e-2}
"""The fewer weights learn, the larger."""
LOOKS_PER_EPOCH = 2
"""How often the dev part is looked at."""


@dataclass(frozen=True, kw_only=True)
class FinetuneSettings:
    """How every model learns."""

    mode: Mode = "full"
    """full: every weight; head: the linear layer alone; lora: thin matrices beside the weights."""
    pooling: Pooling = "cls"
    learning_rates: tuple[float, ...] = ()
    """Several: each is tried with the first seed, and the lowest dev loss chooses. None: the mode's
    of `LEARNING_RATES`."""
    epochs: int = EPOCHS
    """Passes over the train part, at most."""
    batch: int = BATCH
    patience: int = PATIENCE
    """Looks at the dev part, two per epoch, without a lower loss."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the head, of the order of examples and, of a start from random weights, of these."""
    reverse_complement: bool = True
    """Turn half of the examples over in training, and predict by the mean of both strands."""
    random_weights: bool = False
    """Begin from random weights of the same shape."""
    shuffle_labels: bool = False
    """Deal the labels of train and dev out anew."""
    rank: int = 8
    """Of lora's matrices."""

    def __post_init__(self) -> None:
        """Check the values."""
        for name, allowed in (("mode", MODES), ("pooling", POOLINGS)):
            if getattr(self, name) not in allowed:
                raise PretrainError(
                    f"{name} must be one of {', '.join(allowed)}; got {getattr(self, name)!r}"
                )
        for name in ("epochs", "batch", "patience", "rank"):
            if getattr(self, name) < 1:
                raise PretrainError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise PretrainError(f"seeds must be different numbers from 0 on; got {self.seeds}")
        if not self.learning_rates:
            object.__setattr__(self, "learning_rates", (LEARNING_RATES[self.mode],))
        if min(self.learning_rates) <= 0:
            raise PretrainError(f"learning rates must be above 0; got {self.learning_rates}")


@dataclass
class FinetuneResult:
    """All seeds of one model on one dataset.

    Attributes:
        model: Name of the model.
        seeds: Results of the seeds, in the order asked for.
        sweep: (learning rate, dev loss) of each rate that was tried, if several were.
        best: The seed with the lowest dev loss.
    """

    model: str
    seeds: list[SeedResult] = field(default_factory=list)
    sweep: list[tuple[float, float]] = field(default_factory=list)

    @property
    def best(self) -> SeedResult:
        """The seed with the lowest dev loss."""
        return min(self.seeds, key=lambda found: found.dev_loss)


def finetune(
    model: str | Path | Callable[[], Nucel],
    data: Dataset,
    settings: FinetuneSettings,
    out: Path | None = None,
    *,
    device: str = "",
    say: Say = lambda line: None,
) -> FinetuneResult:
    """Fine-tune one model on labelled sequences, once for every seed.

    Args:
        model: A folder, a shipped name, a hub's id; or what makes the model anew.
        data: Labelled sequences to train on, choose on ("dev") and measure on ("test").
        settings: Mode, learning rates, epochs, seeds and controls.
        out: Folder of ``seed0/``, ``seed1/`` ... each a model folder with finetune.json; a seed
            that is finished there is read, not learned again. None writes nothing.
        device: "cpu" or "cuda"; by default CUDA where there is one.
        say: Told how it goes.

    Raises:
        PretrainError: The model cannot be loaded, sequences are longer than it reads, the loss is
            no longer finite, or ``out`` holds a run with other data or settings.
    """
    place = choose_device(device)
    make: Callable[[], Nucel] = model if callable(model) else partial(load, model)
    first = make()
    if data.longest > first.config.context_bp:
        raise PretrainError(
            f"{data.source}: the longest sequence has {data.longest:,} bases and {first.name} "
            f"reads {first.config.context_bp:,} at once; cut the sequences, or take a model with "
            "a longer context"
        )
    if settings.shuffle_labels:
        data = data.with_permuted_labels(settings.seeds[0])
    scaled, unscale = _scaled(data)
    work = _Work(make, first.name, scaled, data, unscale, settings, place, say)
    result = FinetuneResult(first.name)
    rates = settings.learning_rates
    chosen = rates[0]
    kept = None
    if out is not None:
        about = {
            "model": first.name,
            "weights": fingerprint(first),
            "data": data.source,
            "sizes": {name: len(part) for name, part in data.parts.items()},
            "content": data.checksum,
            "settings": dataclasses.asdict(settings),
        }
        kept = Kept(out, about)
    trained: tuple[Nucel, FineTuned] | None = None  # the first seed's, if the sweep just made it
    if len(rates) > 1:
        for rate in rates:
            loss = kept.swept(rate) if kept else None
            made = None
            if loss is None:
                made = work.learn(settings.seeds[0], rate)
                loss = dev_loss(made[1])
                if kept:
                    kept.sweep(rate, loss)
            if not result.sweep or loss < min(tried[1] for tried in result.sweep):
                chosen, trained = rate, made
            result.sweep.append((rate, loss))
        say(f"{first.name}: learning rate {chosen:g} has the lowest dev loss of {len(rates)}")
    for seed in settings.seeds:
        done = kept.read(seed) if kept else None
        if done is None:
            tuned, run = trained or work.learn(seed, chosen)
            done = work.measured(tuned, run, seed, chosen)
            if kept:
                done = kept.write(tuned, run, done)
        trained = None
        result.seeds.append(done)
    return result


class _Work:
    """What every seed shares."""

    def __init__(
        self,
        make: Callable[[], Nucel],
        name: str,
        scaled: Dataset,
        data: Dataset,
        unscale: Callable[[Nucel], None],
        settings: FinetuneSettings,
        device: torch.device,
        say: Say,
    ) -> None:
        self.make, self.name, self.scaled, self.data = make, name, scaled, data
        self.unscale, self.settings, self.device, self.say = unscale, settings, device, say

    def learn(self, seed: int, rate: float) -> tuple[Nucel, FineTuned]:
        """One model, trained."""
        settings, train = self.settings, self.scaled.parts["train"]
        model = self.make()
        path, name = model.path, model.name
        if settings.random_weights:
            model = random_control(model, seed)
        model.path, model.name = path, f"{name}, seed {seed}"
        source = f"fine-tuned on {self.data.source} ({settings.mode}), seed {seed}"
        give_head(
            model,
            self.data.labels,
            source,
            seed,
            task=self.data.task,
            pooling=settings.pooling,
            strands="both" if settings.reverse_complement else "forward",
        )
        model.to(self.device)
        if settings.mode == "head":
            model.encoder.requires_grad_(False)
        elif settings.mode == "lora":
            lora.add(model.encoder, settings.rank, seed)
        per_epoch = math.ceil(len(train) / settings.batch)
        steps = settings.epochs * per_epoch
        config = FinetuneConfig(
            steps=steps,
            batch=settings.batch,
            evaluate_every=max(1, per_epoch // LOOKS_PER_EPOCH),
            patience=settings.patience,
        )
        optim = OptimConfig(learning_rate=rate, warmup_steps=max(1, steps // 10))
        dev = self.scaled.parts["dev"]
        run = fine_tune(
            model,
            _Batches(train, settings.batch, seed, settings.reverse_complement),
            (dev.sequences, dev.targets),
            config,
            optim,
            say=self.say,
        )
        if settings.mode == "lora":
            lora.merge(model.encoder)
        model.requires_grad_(True)
        self.unscale(model)
        return model, run

    def measured(self, model: Nucel, run: FineTuned, seed: int, rate: float) -> SeedResult:
        """Its metrics on dev and test."""
        task, both = self.data.task, self.settings.reverse_complement
        metrics, predicted = {}, np.zeros((0, 0))
        for name in ("dev", "test"):
            part = self.data.parts[name]
            outputs = outputs_of(model, part.sequences, both_strands=both)
            predicted = probabilities(outputs, task)
            metrics[name] = measure(predicted, part.targets, task)
        first = next(iter(metrics["test"].items()))
        self.say(f"{model.name}: test {first[0]} {first[1]} ({run.stopped})")
        return SeedResult(
            seed, rate, dev_loss(run), metrics, predicted, run.steps, run.best_step, run.stopped,
            run.seconds, None,
        )  # fmt: skip


class _Batches:
    """Batch number i of a part; every pass has its order, half are reverse-complemented."""

    def __init__(self, part: Part, size: int, seed: int, flip: bool) -> None:
        self._part, self._size, self._seed, self._flip = part, size, seed, flip
        self._per_epoch = math.ceil(len(part) / size)

    def __call__(self, number: int) -> tuple[list[str], NDArray[Any]]:
        epoch, at = divmod(number, self._per_epoch)
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._part))
        turned = rng.random(len(self._part)) < 0.5
        index = order[at * self._size : (at + 1) * self._size]
        sequences = [self._part.sequences[i] for i in index]
        if self._flip:
            sequences = [
                reverse_complement(s) if turned[i] else s
                for s, i in zip(sequences, index, strict=True)
            ]
        return sequences, self._part.targets[index]


def _scaled(data: Dataset) -> tuple[Dataset, Callable[[Nucel], None]]:
    """Values as their distance from the train part's mean in its standard deviations.

    The second result puts the scale into a head that learned them, so that it gives values again.
    """
    if data.task != "regression":
        return data, lambda model: None
    train = data.parts["train"].targets
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    parts = {
        name: dataclasses.replace(part, targets=(part.targets - mean) / spread)
        for name, part in data.parts.items()
    }

    @torch.no_grad()
    def unscale(model: Nucel) -> None:
        assert model.classifier_head is not None
        linear = model.classifier_head.linear
        by = torch.as_tensor(spread, dtype=linear.weight.dtype, device=linear.weight.device)
        linear.weight *= by[:, None]
        linear.bias.mul_(by).add_(torch.as_tensor(mean, dtype=by.dtype, device=by.device))

    return dataclasses.replace(data, parts=parts), unscale


def load(model: str | Path) -> Nucel:
    """A model by its folder or name, or PretrainError."""
    try:
        return from_pretrained(model)
    except (FolderError, ConfigError) as error:
        raise PretrainError(str(error)) from error


def dev_loss(run: FineTuned) -> float:
    """The lowest."""
    return min(entry[2] for entry in run.history)


def choose_device(name: str) -> torch.device:
    """The device called "cpu" or "cuda"; "" is CUDA where there is one. Else a PretrainError."""
    if name not in ("", "cpu", "cuda"):
        raise PretrainError(f"--device must be cpu or cuda; got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise PretrainError("--device cuda was asked for, and torch finds no GPU; leave it out")
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
