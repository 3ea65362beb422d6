"""One cell of a benchmark: a model, a task and a seed; kept as a file, done once."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_pretrain.benchmark.baselines import BASELINES
from nucel_pretrain.benchmark.suite import Task
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.dataset import Dataset
from nucel_pretrain.finetune.run import FinetuneSettings, finetune
from nucel_pretrain.finetune.scores import METRICS, measure
from nucel_pretrain.messages import Say
from nucel_pretrain.runfolder import write_whole

RANDOM_WEIGHTS, PERMUTED_LABELS = "randomly initialised", "permuted labels"
"""Controls of every model, named "MODEL, randomly initialised" and "MODEL, permuted labels"."""


@dataclass(frozen=True)
class Cell:
    """What is done at once.

    Attributes:
        task: Dataset of the suite.
        model: Folder or shipped name, or a baseline's name.
        label: Name of the model in tables.
        control: "", `RANDOM_WEIGHTS` or `PERMUTED_LABELS`.
        seed: Seed of the run.
    """

    task: Task
    model: str
    label: str
    control: str
    seed: int

    @property
    def path(self) -> Path:
        """Of its file, below the benchmark's folder."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", self.label).strip("-")
        return Path("cells") / self.task.name / plain / f"seed{self.seed}.json"


@dataclass(frozen=True)
class Done:
    """What a cell gave.

    Attributes:
        cell: Model, task and seed that the numbers are of.
        metrics: Part -> metric -> (value, low, high).
        predicted: (n, labels) of the test part.
        seconds: Wall-clock time in seconds.
        chosen: Learning rate and step that were chosen on dev, in words.
    """

    cell: Cell
    metrics: dict[str, dict[str, tuple[float, float, float]]]
    predicted: NDArray[np.float64]
    seconds: float
    chosen: str
    learning_rate: float | None


def read_cell(cell: Cell, out: Path, about: dict[str, Any]) -> Done | None:
    """A cell that is done, or None.

    Raises:
        PretrainError: It was done with other data or settings.
    """
    path = out / cell.path
    if not path.exists():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    if said["about"] != json.loads(json.dumps(about)):
        raise PretrainError(
            f"{path} was done with other data or settings; give another -o, or --force to begin "
            "anew"
        )
    metrics = {
        part: {name: (v[0], v[1], v[2]) for name, v in found.items()}
        for part, found in said["metrics"].items()
    }
    return Done(
        cell, metrics, np.array(said["predicted"]), said["seconds"], said["chosen"],
        said["learning_rate"],
    )  # fmt: skip


def run_cell(
    cell: Cell,
    data: Dataset,
    settings: FinetuneSettings,
    out: Path,
    about: dict[str, Any],
    *,
    keep_model: bool = False,
    device: str = "",
    say: Say = lambda line: None,
) -> Done:
    """Do one cell and keep its numbers, and if asked for the fine-tuned folder."""
    started = time.monotonic()
    rate: float | None = None
    if cell.control == "" and cell.model in BASELINES:
        if data.task != "classes":
            raise PretrainError(f"{cell.label} is of classes; {cell.task.name} is {data.task}")
        answer = BASELINES[cell.model](data, cell.seed)
        predicted, chosen = answer.test, answer.chosen
        metrics = {
            name: measure(p, data.parts[name].targets, data.task)
            for name, p in (("dev", answer.dev), ("test", answer.test))
        }
    else:
        chosen_settings = dataclasses.replace(
            settings,
            seeds=(cell.seed,),
            reverse_complement=cell.task.both_strands,
            random_weights=cell.control == RANDOM_WEIGHTS,
            shuffle_labels=cell.control == PERMUTED_LABELS,
        )
        models = out / "models" / cell.path.parent.relative_to("cells")
        place = models if keep_model else None
        result = finetune(cell.model, data, chosen_settings, place, device=device, say=say)
        found = result.seeds[0]
        metrics, predicted, rate = found.metrics, found.predicted, found.learning_rate
        chosen = (
            f"learning rate {rate:g}, step {found.best_step:,} of {found.steps:,} ({found.stopped})"
        )
    said = {
        "about": about,
        "metrics": {
            part: {name: (e.value, e.low, e.high) for name, e in values.items()}
            for part, values in metrics.items()
        },
        "predicted": np.round(predicted, 6).tolist(),
        "seconds": round(time.monotonic() - started, 1),
        "chosen": chosen,
        "learning_rate": rate,
    }
    path = out / cell.path
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(said) + "\n")
    done = read_cell(cell, out, about)
    assert done is not None
    value = done.metrics["test"].get(cell.task.metric)
    shown = "" if value is None else f": {cell.task.metric} {value[0]:.3f}"
    say(f"{cell.task.name}, {cell.label}, seed {cell.seed}{shown} ({done.seconds:,.0f} s)")
    return done


def check_metric(cell: Cell, data: Dataset) -> None:
    """Refuse a metric that the task does not have.

    Raises:
        PretrainError: Its name, and what there is.
    """
    if cell.task.metric not in METRICS[data.task]:
        raise PretrainError(
            f"{cell.task.name} is {data.task}, which has no {cell.task.metric}; there are "
            f"{', '.join(METRICS[data.task])}"
        )
