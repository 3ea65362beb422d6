"""Signal-to-noise of every head of several models, all maps at one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator

from nucel_interp.plots.model_looks import model_looks, panel_grid
from nucel_interp.plots.snr import RESOLUTIONS
from nucel_interp.plots.style import (
    DOUBLE_MM,
    GREY,
    INK,
    SINGLE_MM,
    empty_axes,
    new_figure,
    settle,
    style,
)

if TYPE_CHECKING:
    import pandas as pd

_TALLEST_MM = 95.0


@style()
def head_snr_map(
    heads: pd.DataFrame, models: pd.DataFrame, *, resolution: str = "matched"
) -> Figure:
    """Layers down, heads across, one map per model; 1.0, no preference, is white.

    All maps share one logarithmic scale, whose end is the furthest from 1 among all models. The
    heads chosen on either half are outlined.

    Args:
        heads: Columns model, resolution, layer, head, kind, snr; chosen_1 and chosen_2 if known.
        models: Columns model, trained, control_of; gives the order.
        resolution: ``native`` or ``matched``.
    """
    rows = heads[heads["resolution"] == resolution]
    present = set(rows["model"].astype(str))
    looks = [look for name, look in model_looks(models).items() if name in present]
    values = rows["snr"].to_numpy(float)
    values = values[np.isfinite(values)]
    if not looks or not len(values):
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no heads were measured")
        return settle(figure)
    across, cells = panel_grid(looks)
    down = len(cells) // across
    shapes = {
        look.name: (
            int(rows.loc[rows["model"].astype(str) == look.name, "layer"].max()) + 1,
            int(rows.loc[rows["model"].astype(str) == look.name, "head"].max()) + 1,
        )
        for look in looks
    }
    width = DOUBLE_MM if across > 2 or max(n for _, n in shapes.values()) > 8 else SINGLE_MM
    cell = min(
        4.2,
        (width - 24) / across / (max(n for _, n in shapes.values()) + 4),
        _TALLEST_MM / max(n for n, _ in shapes.values()),
    )
    panel = max(n for n, _ in shapes.values()) * cell
    figure = new_figure(width, down * (panel + 11) + 9)
    axes = np.atleast_1d(figure.subplots(down, across)).ravel()
    # the same distance in ratio above and below 1, so that 1.0 is the middle of the colours
    end = max(float(np.exp(np.abs(np.log(np.clip(values, 1e-3, None))).max())), 1.05)
    norm = LogNorm(1 / end, end)
    image = None
    for i, (ax, look) in enumerate(zip(axes, cells, strict=True)):
        if look is None:
            ax.set_axis_off()
            continue
        mine = rows[rows["model"].astype(str) == look.name]
        grid = np.full(shapes[look.name], np.nan)
        grid[mine["layer"].astype(int), mine["head"].astype(int)] = mine["snr"].astype(float)
        ax.set_facecolor(GREY)
        image = ax.imshow(grid, cmap="PuOr_r", norm=norm, aspect="equal", interpolation="nearest")
        for column, dash in (("chosen_1", "-"), ("chosen_2", (0, (2, 1)))):
            if column not in mine:
                continue
            chosen = mine[mine[column].astype(bool)]
            for layer, head in zip(chosen["layer"], chosen["head"], strict=True):
                inset = 0.06 if column == "chosen_1" else 0.2
                ax.add_patch(
                    Rectangle(
                        (head - 0.5 + inset, layer - 0.5 + inset), 1 - 2 * inset, 1 - 2 * inset,
                        fill=False, ec=INK, lw=0.8, ls=dash,
                    )
                )  # fmt: skip
        ax.set_title(look.title(22 if across > 3 else 30), fontsize=6)
        _ticks(ax, shapes[look.name], mine)
        if i % across == 0:
            ax.set_ylabel("layer")
        if i + across >= len(cells):
            ax.set_xlabel("head")
    assert image is not None
    bar = figure.colorbar(image, ax=list(axes), shrink=0.8 / down + 0.1, aspect=18)
    bar.set_label(f"signal-to-noise (mean ratio),\n{RESOLUTIONS[resolution]}")
    bar.ax.yaxis.set_major_locator(FixedLocator(_ratio_ticks(end)))
    bar.ax.yaxis.set_major_formatter(lambda y, _: f"{y:.2f}")
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_visible(False)
    if "chosen_1" in rows and rows[["chosen_1", "chosen_2"]].astype(bool).to_numpy().any():
        note = "outlined: chosen on half 1 (solid), on half 2 (dashed); g: global, l: local layer"
        figure.supxlabel(note, fontsize=5, color=GREY)
    return settle(figure)


def _ratio_ticks(end: float) -> list[float]:
    """1 and round ratios on both sides of it, up to ``end``."""
    steps = (1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100)
    up = [step for step in steps if step <= end * 1.001][-2:]
    return [*(1 / step for step in reversed(up)), 1.0, *up]


def _ticks(ax: Axes, shape: tuple[int, int], rows: pd.DataFrame) -> None:
    n_layers, n_heads = shape
    kinds = dict(zip(rows["layer"].astype(int), rows["kind"].astype(str), strict=True))
    layers = range(0, n_layers, 1 if n_layers <= 12 else 3 if n_layers <= 24 else 4)
    ax.set_yticks(layers, [f"{kinds.get(i, '')[:1]} {i}".strip() for i in layers])
    ax.set_xticks(range(0, n_heads, 1 if n_heads <= 8 else 4))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
