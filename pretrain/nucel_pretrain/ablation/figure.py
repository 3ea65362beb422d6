"""The ablation's figure: what arms share on one axis, each arm's own loss on an axis of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#999999",
    "#882255",
)
"""Okabe and Ito's and one of Tol's: told apart by colour-blind readers."""
MARKS = "osD^vP"


def draw(table: pd.DataFrame, out: Path) -> None:
    """Write ``ablation.svg`` and ``ablation.png`` into ``out``; columns as `run.ablate`'s."""
    arms = list(dict.fromkeys(table["arm"]))
    style = {
        arm: (COLOURS[i % len(COLOURS)], MARKS[i // len(COLOURS) % len(MARKS)])
        for i, arm in enumerate(arms)
    }
    measures = [("planted_auroc", "AUROC of planted changes")]
    if "probe_mean" in table:
        measures.append(("probe_mean", "mean AUROC of the probes"))
    with mpl.rc_context(
        {
            "font.size": 7,
            "svg.fonttype": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        n_small = -(-len(arms) // 4)
        figure = Figure(figsize=(7.2, 2.4 * len(measures) + 1.2 * n_small), layout="constrained")
        FigureCanvasAgg(figure)
        parts: Any = figure.subfigures(2, 1, height_ratios=[2.4 * len(measures), 1.2 * n_small])
        upper, lower = parts
        grid = upper.subplots(len(measures), 2, squeeze=False, sharex="col", sharey="row")
        for axes, (column, label) in zip(grid, measures, strict=True):
            _against(axes[0], table, "tokens", 1e6, column, style)
            _against(axes[1], table, "flops", 1e12, column, style)
            axes[0].set_ylabel(label)
        grid[-1][0].set_xlabel("tokens read (million)")
        grid[-1][1].set_xlabel("spent on training (TFLOP)")
        grid[0][1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        small = lower.subplots(n_small, 4, squeeze=False).ravel()
        for axis, arm in zip(small, arms, strict=False):
            _own_loss(axis, table[table["arm"] == arm], arm, style[arm][0])
        for axis in small[len(arms) :]:
            axis.set_axis_off()
        lower.supylabel("held-out loss", fontsize=7)
        lower.supxlabel("share of the budget; each arm's loss against itself alone", fontsize=7)
        for suffix in ("svg", "png"):
            partial = out / f".ablation.partial.{suffix}"
            figure.savefig(partial, dpi=200)
            partial.replace(out / f"ablation.{suffix}")


def _against(
    axis: Axes,
    table: pd.DataFrame,
    x: str,
    unit: float,
    y: str,
    style: dict[str, tuple[str, str]],
) -> None:
    for arm, (colour, mark) in style.items():
        rows = table[(table["arm"] == arm) & table[y].notna()]
        for _, line in rows.groupby("seed"):
            axis.plot(line[x] / unit, line[y], color=colour, marker=mark, ms=3, lw=1)
        axis.plot([], [], color=colour, marker=mark, ms=3, lw=1, label=arm)
        if y == "planted_auroc":
            axis.vlines(
                rows[x] / unit, rows["planted_low"], rows["planted_high"], color=colour, lw=0.5
            )
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _own_loss(axis: Axes, rows: pd.DataFrame, arm: str, colour: str) -> None:
    for _, line in rows.groupby("seed"):
        axis.plot(line["share"], line["own_loss"], color=colour, marker="o", ms=2, lw=1)
    axis.set_title(arm, fontsize=7)
    axis.set_xlim(0, 1.05)
    axis.tick_params(labelsize=5)
    low, high = np.nanmin(rows["own_loss"]), np.nanmax(rows["own_loss"])
    if high > low:
        axis.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
