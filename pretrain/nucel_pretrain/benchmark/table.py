"""A benchmark's numbers as people print them: TSV, Markdown, LaTeX, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nucel_pretrain.benchmark.cells import Done
from nucel_pretrain.benchmark.run import Ran
from nucel_pretrain.evaluation.metrics import Counts, estimate
from nucel_pretrain.finetune.scores import statistics
from nucel_pretrain.runfolder import write_whole

BENCHMARK_COLUMNS = (
    "task",
    "model",
    "metric",
    "seeds",
    "mean",
    "sd",
    "low",
    "high",
    "dev",
    "n",
    "seconds",
)
"""Of benchmark.tsv; explained in the README."""


def summary(ran: Ran) -> pd.DataFrame:
    """A row per task and model: the task's metric on its test part.

    ``mean`` and ``sd`` are over seeds; ``low`` and ``high`` the 95 % interval of the mean when test
    sequences are resampled, the same ones for every seed; ``dev`` the mean on the dev part.
    """
    groups: dict[tuple[str, str], list[Done]] = {}
    for done in ran.done:
        groups.setdefault((done.cell.task.name, done.cell.label), []).append(done)
    rows = []
    for (task, label), cells in groups.items():
        data, metric = ran.targets[task], cells[0].cell.task.metric
        test = data.parts["test"]
        each = [statistics(done.predicted, test.targets, data.task)[metric] for done in cells]

        def mean(counts: Counts, each: Sequence = tuple(each)) -> float:
            return float(np.mean([one(counts) for one in each]))

        whole = estimate(mean, len(test))
        values = [done.metrics["test"][metric][0] for done in cells]
        dev = float(np.mean([done.metrics["dev"][metric][0] for done in cells]))
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
        seconds = float(np.sum([done.seconds for done in cells]))
        rows.append(
            (task, label, metric, len(cells), whole.value, spread, whole.low, whole.high, dev,
             len(test), seconds)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(BENCHMARK_COLUMNS))


def markdown(table: pd.DataFrame) -> str:
    """Tasks down, models across; the best mean of a task in bold, and what lies in its interval."""
    models, lines = list(dict.fromkeys(table["model"])), []
    lines.append("| task (metric) | " + " | ".join(models) + " |")
    lines.append("|---" * (len(models) + 1) + "|")
    for (task, metric), rows in table.groupby(["task", "metric"], sort=False):
        found = rows.set_index("model")
        best = found["mean"].max()
        cells = [_cell(found, model, best, "**", "**", " ± ") for model in models]
        lines.append(f"| {task} ({metric}) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def latex(table: pd.DataFrame) -> str:
    """The same as a tabular for booktabs."""
    models = list(dict.fromkeys(table["model"]))
    lines = [
        r"\begin{tabular}{l" + "r" * len(models) + "}",
        r"\toprule",
        "Task & " + " & ".join(_tex(model) for model in models) + r" \\",
        r"\midrule",
    ]
    for (task, _), rows in table.groupby(["task", "metric"], sort=False):
        found = rows.set_index("model")
        best = found["mean"].max()
        cells = [_cell(found, model, best, r"\textbf{", "}", r" $\pm$ ") for model in models]
        lines.append(f"{_tex(str(task))} & " + " & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _cell(found: pd.DataFrame, model: str, best: float, on: str, off: str, plus: str) -> str:
    if model not in found.index:
        return ""
    row = found.loc[model]
    spread = "" if np.isnan(row["sd"]) else f"{plus}{row['sd']:.3f}"
    value = f"{row['mean']:.3f}"
    return f"{on}{value}{off}{spread}" if row["mean"] == best else f"{value}{spread}"


def _tex(text: str) -> str:
    for letter in "&%#_":
        text = text.replace(letter, "\\" + letter)
    return text


def figure(table: pd.DataFrame, suite: str, folder: Path) -> None:
    """``benchmark.svg``, ``.pdf``, ``.png``: a panel per task, a point per model, its interval."""
    from matplotlib.figure import Figure

    tasks, models = list(dict.fromkeys(table["task"])), list(dict.fromkeys(table["model"]))
    columns = min(4, len(tasks))
    rows = -(-len(tasks) // columns)
    height = 0.55 + 0.2 * len(models)
    drawn = Figure(figsize=(1.6 + 1.75 * columns, rows * height + 0.5), layout="constrained")
    axes = drawn.subplots(rows, columns, squeeze=False, sharey=True)
    place = {model: -i for i, model in enumerate(models)}
    for at, ax in enumerate(axes.flat):
        if at >= len(tasks):
            ax.axis("off")
            continue
        mine = table[table["task"] == tasks[at]]
        y = [place[model] for model in mine["model"]]
        best = mine["mean"].to_numpy() == mine["mean"].max()
        colors = np.where(best, "#c1440e", "#33415c")
        ax.hlines(y, mine["low"], mine["high"], color=colors, lw=1.2)
        ax.scatter(mine["mean"], y, s=14, color=colors, zorder=3)
        ax.set_title(tasks[at], fontsize=8, loc="left")
        ax.set_yticks(list(place.values()), models, fontsize=7)
        ax.tick_params(labelsize=7, length=2)
        ax.set_xlabel(str(mine["metric"].iloc[0]), fontsize=7)
        ax.grid(axis="x", lw=0.4, color="#dddddd")
        ax.spines[["top", "right"]].set_visible(False)
    drawn.suptitle(
        f"{suite}: test part; mean over seeds, line: 95 % over test sequences; red: the highest",
        fontsize=8, x=0.01, ha="left",
    )  # fmt: skip
    for kind in ("svg", "pdf", "png"):
        drawn.savefig(folder / f"benchmark.{kind}", dpi=200)


def write(ran: Ran, out: Path) -> pd.DataFrame:
    """All of them into ``out``; returns the table."""
    table = summary(ran)
    write_whole(out / "benchmark.tsv", table.to_csv(sep="\t", index=False, float_format="%.4f"))
    write_whole(out / "benchmark.md", markdown(table))
    write_whole(out / "benchmark.tex", latex(table))
    figure(table, ran.suite.name, out)
    return table
