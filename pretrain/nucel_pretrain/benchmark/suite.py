"""A suite of tasks: which files, which metric, how strands are taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucel_pretrain.config import read_toml
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.scores import METRICS

SHIPPED = ("hg19-mini", "gue", "genomic-benchmarks", "nt-revised")
ALL_METRICS = sorted({name for names in METRICS.values() for name in names})


@dataclass(frozen=True)
class Task:
    """One dataset of a suite.

    Attributes:
        name: Name in tables.
        path: Folder or file below the suite's data.
        metric: The one that tables show.
        both_strands: Whether a sequence and its reverse complement have the same label.
        group: A heading that tables take means over; "" for none.
    """

    name: str
    path: str
    metric: str
    both_strands: bool
    group: str


@dataclass(frozen=True)
class Suite:
    """Tasks that are reported together."""

    name: str
    about: str
    tasks: tuple[Task, ...]


def read_suite(name: str) -> Suite:
    """A suite by its shipped name, or a TOML file.

    Keys: ``name``, ``about``, ``metric`` and ``both_strands`` for all tasks, and a ``[[tasks]]``
    each with ``name`` and, where they differ, ``path``, ``metric``, ``both_strands``, ``group``.

    Raises:
        PretrainError: No such suite, or a key that means nothing.
    """
    if name not in (*SHIPPED, "-") and not Path(name).exists():
        raise PretrainError(
            f"there is no suite {name!r}: give a TOML file or one of {', '.join(SHIPPED)}"
        )
    said = read_toml(name)
    _known(said, {"name", "about", "metric", "both_strands", "tasks"}, name)
    tasks = []
    for entry in said.get("tasks", []):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise PretrainError(f"{name}: every [[tasks]] needs a name")
        _known(entry, {"name", "path", "metric", "both_strands", "group"}, name)
        metric = entry.get("metric", said.get("metric", "mcc"))
        if metric not in ALL_METRICS:
            raise PretrainError(
                f"{name}: {entry['name']} asks for the metric {metric!r}; there are "
                f"{', '.join(ALL_METRICS)}"
            )
        tasks.append(
            Task(
                entry["name"],
                str(entry.get("path", entry["name"])),
                metric,
                bool(entry.get("both_strands", said.get("both_strands", True))),
                str(entry.get("group", "")),
            )
        )
    if not tasks:
        raise PretrainError(f"{name} names no [[tasks]]")
    if len({task.name for task in tasks}) < len(tasks):
        raise PretrainError(f"{name} has two tasks of one name")
    return Suite(str(said.get("name", Path(name).stem)), str(said.get("about", "")), tuple(tasks))


def _known(said: dict[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(said.keys() - keys)
    if unknown:
        raise PretrainError(
            f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(keys))}"
        )
