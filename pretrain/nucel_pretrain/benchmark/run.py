"""A suite over models and seeds: what is done stays, what is cut off is done again."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucel_pretrain.benchmark.baselines import BASELINES, SEEDLESS
from nucel_pretrain.benchmark.cells import (
    PERMUTED_LABELS,
    RANDOM_WEIGHTS,
    Cell,
    Done,
    check_metric,
    read_cell,
    run_cell,
)
from nucel_pretrain.benchmark.suite import Suite, Task
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.dataset import Dataset
from nucel_pretrain.finetune.leaks import find_leaks
from nucel_pretrain.finetune.read import read_dataset
from nucel_pretrain.finetune.run import FinetuneSettings
from nucel_pretrain.messages import Say


@dataclass(frozen=True)
class Job:
    """All seeds of a model on a task: the first chooses the learning rate, the others take it."""

    cells: tuple[Cell, ...]
    data: Path
    settings: FinetuneSettings
    out: Path
    device: str
    threads: int


@dataclass(frozen=True)
class Ran:
    """What a benchmark gave.

    Attributes:
        suite: Tasks that were run.
        done: Every cell.
        targets: Task -> the test part, for intervals over its sequences.
        missing: Tasks whose files are not there.
    """

    suite: Suite
    done: list[Done]
    targets: dict[str, Dataset]
    missing: list[str]


def benchmark(
    suite: Suite,
    data: Path,
    models: Sequence[str],
    settings: FinetuneSettings,
    out: Path,
    *,
    baselines: Sequence[str] = tuple(BASELINES),
    controls: Sequence[str] = (RANDOM_WEIGHTS,),
    workers: int = 1,
    device: str = "",
    say: Say = lambda line: None,
) -> Ran:
    """Fine-tune every model on every task of ``suite`` with every seed, and measure it.

    Args:
        suite: Tasks.
        data: Folder of the tasks' files.
        models: Folders, shipped names or hub ids.
        settings: Learning rates, epochs, seeds and so on of every model; strands are the task's.
        out: Keeps every finished cell; the same folder goes on.
        baselines: Names of the `BASELINES` to run, where the task is of classes.
        controls: Randomly initialised, permuted labels or both, run beside every model.
        workers: Processes side by side; small models share a GPU well.
        device: Torch device, such as "cpu" or "cuda"; "" takes a GPU if there is one.
        say: Told what is done.

    Raises:
        PretrainError: No task's files are there, two models have one name, or ``out`` is of
            another run.
        DataError: A task's files cannot be read.
    """
    labels = [Path(model).name for model in models]
    if len(set(labels)) < len(labels):
        raise PretrainError(f"two models have one name in {', '.join(labels)}; rename a folder")
    found, missing = {}, []
    for task in suite.tasks:
        if (data / task.path).exists():
            found[task.name] = read_dataset(data / task.path)
            check_metric(Cell(task, "", "", "", 0), found[task.name])
            if found[task.name].hint:
                say(f"note: {task.name}: {found[task.name].hint}")
            for leak in find_leaks(found[task.name]):
                if leak.serious:
                    say(f"warning: {task.name}: {leak}")
        else:
            missing.append(task.name)
    if not found:
        raise PretrainError(
            f"{data} holds none of the {len(suite.tasks)} tasks of {suite.name}: looked for "
            f"{', '.join(task.path for task in suite.tasks[:4])} ..."
        )
    if missing:
        say(f"not there, and left out: {', '.join(missing)}")
    threads = max(1, (os.cpu_count() or 1) // workers)
    jobs = []
    for task in suite.tasks:
        if task.name not in found:
            continue
        for name, label, control in _readers(models, labels, baselines, controls, found[task.name]):
            seeds = settings.seeds[:1] if label in SEEDLESS else settings.seeds
            cells = tuple(Cell(task, name, label, control, seed) for seed in seeds)
            jobs.append(Job(cells, data / task.path, settings, out, device, threads))
    done: list[Done] = []
    if workers == 1:
        for job in jobs:
            done += run_job(job, found[job.cells[0].task.name], say)
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            for future in as_completed([pool.submit(run_job, job) for job in jobs]):
                for cell in future.result():
                    done.append(cell)
                    value = cell.metrics["test"][cell.cell.task.metric][0]
                    say(
                        f"{cell.cell.task.name}, {cell.cell.label}, seed {cell.cell.seed}: "
                        f"{cell.cell.task.metric} {value:.3f} ({cell.seconds:,.0f} s)"
                    )
    order = {(cell.path): i for i, cell in enumerate(c for job in jobs for c in job.cells)}
    done.sort(key=lambda d: order[d.cell.path])
    return Ran(suite, done, found, missing)


def run_job(job: Job, data: Dataset | None = None, say: Say = lambda line: None) -> list[Done]:
    """One model on one task, seed by seed."""
    import torch

    torch.set_num_threads(job.threads)
    data = data or read_dataset(job.data)
    done: list[Done] = []
    for cell in job.cells:
        settings = job.settings
        if done and done[0].learning_rate is not None:
            settings = dataclasses.replace(settings, learning_rates=(done[0].learning_rate,))
        about = _about(cell, data, job.settings)
        ready = read_cell(cell, job.out, about)
        done.append(
            ready
            or run_cell(
                cell,
                data,
                settings,
                job.out,
                about,
                keep_model=not done,
                device=job.device,
                say=say,
            )
        )
    return done


def _readers(
    models: Sequence[str],
    labels: Sequence[str],
    baselines: Sequence[str],
    controls: Sequence[str],
    data: Dataset,
) -> list[tuple[str, str, str]]:
    """(what is read, what it is called, which control) of a task's rows."""
    rows = []
    for model, label in zip(models, labels, strict=True):
        rows.append((model, label, ""))
        rows += [(model, f"{label}, {control}", control) for control in controls]
    if data.task == "classes":
        same = len({len(s) for part in data.parts.values() for s in part.sequences}) == 1
        rows += [(name, name, "") for name in baselines if same or name != "positions"]
    return rows


def _about(cell: Cell, data: Dataset, settings: FinetuneSettings) -> dict[str, Any]:
    """Everything that a cell's numbers depend on."""
    about: dict[str, Any] = {
        "model": cell.model,
        "sizes": {name: len(part) for name, part in data.parts.items()},
        "content": data.checksum,
    }
    if cell.model in BASELINES:
        return about
    kept = dataclasses.asdict(settings)
    del kept["seeds"]
    return about | {"settings": kept}


__all__ = ["PERMUTED_LABELS", "RANDOM_WEIGHTS", "Job", "Ran", "Task", "benchmark", "run_job"]
