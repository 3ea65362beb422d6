"""Layers compared: how far they look, how sharply, and how much goes to [CLS]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from nucel_interp.plots.model_looks import (
    filled,
    legend_columns,
    line_handles,
    model_looks,
    panel_grid,
)
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

_DEPTH = colormaps["viridis"]  # its lightness grows steadily: depth can be read in grey


@style()
def distance_figure(
    distances: pd.DataFrame, models: pd.DataFrame, layers: pd.DataFrame | None = None
) -> Figure:
    """Attention by distance, over uniform attention; a panel per model, a line per layer.

    Bins stand at equal distances, whatever their width. Dark lines are early layers; dashed ones
    are local layers. Randomly initialised controls have panels of their own below:
    what they show comes from the positions alone.

    Args:
        distances: Columns model, layer, distance_bp (where the bin starts), mass, uniform.
        models: Columns model, trained, control_of; gives the order.
        layers: Columns model, layer, kind, if local layers are to be dashed.
    """
    present = set(distances["model"].astype(str))
    looks = [look for name, look in model_looks(models).items() if name in present]
    if not looks:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no distances were measured")
        return settle(figure)
    across, cells = panel_grid(looks)
    down = len(cells) // across
    wide = across > 2
    figure = new_figure(DOUBLE_MM if wide else SINGLE_MM, down * 36 + 14)
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    kinds = _kinds(layers)
    bins = np.unique(distances["distance_bp"].to_numpy(float))
    ticks = list(range(0, len(bins), -(-len(bins) // 8)))
    any_local = False
    for ax, look in zip(axes, cells, strict=True):
        if look is None:
            ax.set_axis_off()
            continue
        mine = distances[distances["model"].astype(str) == look.name]
        numbers = sorted(mine["layer"].astype(int).unique())
        ax.axhline(1.0, color=INK, lw=0.5, ls=(0, (2, 2)), zorder=1)
        for layer in numbers:
            rows = mine[mine["layer"].astype(int) == layer].sort_values("distance_bp")
            fold = rows["mass"].to_numpy(float) / np.where(
                rows["uniform"].to_numpy(float) > 0, rows["uniform"].to_numpy(float), np.nan
            )
            local = kinds.get((look.name, layer)) == "local"
            any_local |= local
            ax.plot(
                np.searchsorted(bins, rows["distance_bp"].to_numpy(float)),
                np.where(fold > 0, fold, np.nan),
                color=_DEPTH(0.92 * layer / max(numbers[-1], 1)),
                lw=0.8,
                ls=(0, (3, 1)) if local else "-",
                zorder=2,
            )
        ax.set_title(look.title(22 if across > 3 else 30), fontsize=6)
        ax.set_yscale("log")
        ax.set_xticks(ticks, [f"{bins[i]:,.0f}" for i in ticks])
        ax.yaxis.set_major_locator(LogLocator(10, subs=[1.0, 2.0, 5.0]))
        ax.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
        ax.minorticks_off()
    figure.supxlabel("distance between query and key (bp; where a bin starts)", fontsize=6)
    figure.supylabel("attention over uniform attention", fontsize=6)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), _DEPTH), ax=list(axes), shrink=0.7, aspect=22, ticks=[0, 1]
    )
    bar.ax.set_yticklabels(["first\nlayer", "last\nlayer"])
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
    if any_local:
        figure.legend(
            handles=[
                Line2D([], [], color=INK, lw=0.8, label="global layer"),
                Line2D([], [], color=INK, lw=0.8, ls=(0, (3, 1)), label="local layer"),
            ],
            loc="outside upper left",
            ncols=2,
        )
    return settle(figure)


_MEASURES = {
    "entropy_share": "entropy of attention\n(share of the largest)",
    "cls_share": "share of attention\nthat goes to [CLS]",
    "mean_distance_bp": "mean distance (bp)",
}


@style()
def layer_figure(layers: pd.DataFrame, models: pd.DataFrame) -> Figure:
    """Entropy, [CLS] share and mean distance of each layer, a line per model.

    Layers are drawn from first to last, so that models of different depth can be compared. Filled
    points are global layers, hollow ones local.

    Args:
        layers: Columns model, layer, kind, and any of entropy_share, cls_share, mean_distance_bp.
        models: Columns model, trained, control_of; gives the order.
    """
    present = set(layers["model"].astype(str))
    looks = [look for name, look in model_looks(models).items() if name in present]
    measures = [m for m in _MEASURES if m in layers and layers[m].notna().any()]
    if not looks or not measures:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no layers were measured")
        return settle(figure)
    handles = line_handles(looks) + (_KINDS if (layers["kind"] == "local").any() else [])
    legend_rows = legend_columns(len(handles))[1]
    figure = new_figure(DOUBLE_MM, 42 + 3.2 * legend_rows)
    axes = figure.subplots(1, len(measures), squeeze=False)[0]
    for ax, measure in zip(axes, measures, strict=True):
        for look in looks:
            mine = layers[layers["model"].astype(str) == look.name].sort_values("layer")
            depth = mine["layer"].to_numpy(float)
            x = depth / max(depth.max(initial=0), 1)
            y = mine[measure].to_numpy(float)
            ax.plot(x, y, **look.lines())
            hollow = (mine["kind"].astype(str) == "local").to_numpy()
            for where, fill in ((~hollow, look.colour), (hollow, "white")):
                ax.plot(
                    x[where], y[where], lw=0, marker=look.marker, mec=look.colour, mfc=fill,
                    ms=2.8 if look.trained else 1.8, mew=0.5,
                )  # fmt: skip
        ax.set_ylabel(_MEASURES[measure])
        ax.set_xticks([0, 1], ["first layer", "last layer"])
        ax.set_xlim(-0.06, 1.06)
        ax.set_ylim(0, 1.05 if measure == "entropy_share" else None)
    figure.legend(
        **filled(handles),
        loc="outside upper left",
        columnspacing=1.2,
        labelspacing=0.3,
        handlelength=2.4,
    )  # fmt: skip
    return settle(figure)


_KINDS = [
    Line2D([], [], lw=0, marker="o", ms=2.8, mew=0.5, mec=GREY, mfc=GREY, label="global layer"),
    Line2D([], [], lw=0, marker="o", ms=2.8, mew=0.5, mec=GREY, mfc="white", label="local layer"),
]


def _kinds(layers: pd.DataFrame | None) -> dict[tuple[str, int], str]:
    if layers is None:
        return {}
    return {
        (str(model), int(layer)): str(kind)
        for model, layer, kind in zip(layers["model"], layers["layer"], layers["kind"], strict=True)
    }
