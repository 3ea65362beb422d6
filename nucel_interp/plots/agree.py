"""Per-base scores: rank correlations, AUROC at sites, and deletion curves of a prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nucel_interp.plots.style import (
    DOUBLE_MM,
    GREY,
    INK,
    LIGHT,
    SERIES,
    SINGLE_MM,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)

if TYPE_CHECKING:
    import pandas as pd

MOST_SITES = 4  # names of sites with a panel; the others' stand in the table
_MODELS: dict[str, dict[str, Any]] = {
    "fine-tuned": {"color": "#1b3a6b", "marker": "o", "filled": True},
    "pre-trained": {"color": "#d1592b", "marker": "s", "filled": True},
    "randomly initialised": {"color": GREY, "marker": "o", "filled": False},
    "no model": {"color": INK, "marker": "x", "filled": True},
    "permuted labels": {"color": "#7a4a9e", "marker": "D", "filled": False},
}
_BY_POSITION: dict[str, Any] = {"marker": "|", "ms": 4.0, "mew": 1.0, "mec": INK, "lw": 0}


@style()
def agreement_figure(pairs: pd.DataFrame) -> Figure:
    """Heat map of rank correlations, a panel for the trained models and one for each control.

    Below the diagonal Spearman's coefficient, above it its excess over position.

    Args:
        pairs: Columns `types.AGREE_COLUMNS`.
    """
    if not len(pairs):
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "fewer than two scores: nothing to compare")
        return settle(figure)
    panels = _families(pairs)
    sizes = [len(panel) for panel in panels]
    cell = min(6.5, (DOUBLE_MM - 50) / max(sizes))
    below = panels[1:]
    heights = [sizes[0], *([max(sizes[1:])] if below else [])]
    figure = new_figure(DOUBLE_MM, cell * sum(heights) + 42 * len(heights) + 4)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=[h + 5 for h in heights])
    axes = [figure.add_subplot(grid[0])]
    if below:
        row = grid[1].subgridspec(1, len(below))
        axes += [figure.add_subplot(row[i]) for i in range(len(below))]
    image = None
    for ax, names in zip(axes, panels, strict=True):
        image = _panel(ax, names, pairs, numbers=cell >= 5)
    assert image is not None
    bar = figure.colorbar(image, ax=axes[0], shrink=0.6, aspect=18)
    bar.set_label("below: Spearman\nabove: excess over position")
    bar.outline.set_visible(False)
    return settle(figure)


def _families(pairs: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """(model, score) of each panel; models that are paired with each other stand in one."""
    panels: list[list[tuple[str, str]]] = []
    for row in pairs.to_dict("records"):
        a, b = _ends(row)
        home = next((p for p in panels if a in p or b in p), None)
        if home is None:
            panels.append(home := [])
        home += [one for one in (a, b) if one not in home]
    return panels


def _ends(row: dict[Any, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    return (row["model_a"], row["score_a"]), (row["model_b"], row["score_b"])


def _panel(
    ax: Axes, names: list[tuple[str, str]], pairs: pd.DataFrame, *, numbers: bool
) -> AxesImage:
    place = {name: i for i, name in enumerate(names)}
    grid = np.full((len(names), len(names)), np.nan)
    for row in pairs.to_dict("records"):
        a, b = _ends(row)
        if a in place:
            low, high = sorted((place[a], place[b]))
            grid[high, low], grid[low, high] = row["spearman"], row["excess_over_position"]
    ax.set_facecolor(LIGHT)
    image = ax.imshow(grid, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    if numbers:
        for i, j in zip(*np.nonzero(np.isfinite(grid)), strict=True):
            value = grid[i, j]
            ink = "white" if abs(value) > 0.65 else INK
            text = f"{value:.2f}".replace("0.", ".").replace("-", "−")
            ax.text(j, i, text, ha="center", va="center", fontsize=4.5, color=ink)
    several = len({model for model, _ in names}) > 1
    words = [literal(f"{score} ({model})" if several else score, 40) for model, score in names]
    ax.set_yticks(range(len(names)), words, fontsize=5)
    ax.set_xticks(range(len(names)), words, rotation=45, ha="right", va="top", fontsize=5)
    ax.tick_params(length=0, pad=1)
    ax.spines[:].set_visible(False)
    ax.set_title(", ".join(dict.fromkeys(model for model, _ in names)))
    return image


@style()
def head_agreement_figure(heads: pd.DataFrame, against: str) -> Figure:
    """Every head of every model: its rank correlation with one score, layers down.

    Args:
        heads: Columns `types.AGREE_HEAD_COLUMNS`.
        against: The score.
    """
    rows = heads[(heads["measure"] == "spearman") & (heads["against"] == against)]
    models = list(dict.fromkeys(rows["model"]))
    if not models:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), f"no head was compared with {literal(against)}")
        return settle(figure)
    n_layers, n_heads = int(rows["layer"].max()) + 1, int(rows["head"].max()) + 1
    cell = min(5.0, (DOUBLE_MM - 35) / len(models) / n_heads)
    figure = new_figure(DOUBLE_MM, max(cell * n_layers + 20, 32))
    axes = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    most = max(float(rows["value"].abs().max()), 0.05)
    for ax, model in zip(axes, models, strict=True):
        mine = rows[rows["model"] == model]
        grid = np.full((n_layers, n_heads), np.nan)
        grid[mine["layer"].astype(int), mine["head"].astype(int)] = mine["value"].astype(float)
        ax.set_facecolor(LIGHT)
        image = ax.imshow(grid, cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
        ax.set_title(literal(model, 24))
        ax.set_xticks(range(0, n_heads, 1 if n_heads <= 8 else 4))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xlabel("head")
    kinds = dict(zip(rows["layer"].astype(int), rows["kind"].astype(str), strict=True))
    at = range(0, n_layers, 1 if n_layers <= 24 else 4)
    axes[0].set_yticks(list(at), [f"{kinds.get(i, '')} {i}" for i in at])
    bar = figure.colorbar(image, ax=list(axes), shrink=0.9, aspect=16)
    bar.set_label(f"Spearman with\n{literal(against, 40)}")
    bar.outline.set_visible(False)
    return settle(figure)


@style()
def site_figure(sites: pd.DataFrame, *, most: int = MOST_SITES) -> Figure:
    """AUROC of each score for site bases with its 95 % interval, a panel for each kind of site.

    Args:
        sites: Columns `types.AGREE_SITE_COLUMNS`.
        most: Largest number of panels; further ones are counted below.
    """
    if not len(sites) or not np.isfinite(sites["auroc"].to_numpy(float)).any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no site to measure at")
        return settle(figure)
    names = list(dict.fromkeys(sites["site"].astype(str)))
    scores = list(dict.fromkeys(sites["score"].astype(str)))
    models = [m for m in _MODELS if m in set(sites["model"])]
    across = min(len(names), 2, most)
    down = -(-min(len(names), most) // across)
    lane = max(1.5 * len(models), 3.5)
    width = SINGLE_MM if across == 1 else DOUBLE_MM
    figure = new_figure(width, down * (lane * len(scores) + 8) + 16)
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    step = 0.8 / len(models)
    for ax, name in zip(axes.flat, names[:most], strict=False):
        ax.axvline(0.5, color=INK, lw=0.5, ls=(0, (2, 2)), zorder=1)
        for band in range(1, len(scores), 2):
            ax.axhspan(band - 0.5, band + 0.5, color=LIGHT, alpha=0.45, lw=0, zorder=0)
        for k, model in enumerate(models):
            mine = sites[(sites["site"].astype(str) == name) & (sites["model"] == model)]
            mine = mine.drop_duplicates("score").set_index("score").reindex(scores)
            y = np.arange(len(scores)) + (k - (len(models) - 1) / 2) * step
            _points(ax, mine, "auroc", "low", "high", y, model)
            ax.plot(mine["expected_by_position"].to_numpy(float), y, zorder=2, **_BY_POSITION)
        ax.set_title(literal(name, 30))
        ax.tick_params(axis="y", length=0)
    for ax in axes.flat[min(len(names), most) :]:
        ax.set_axis_off()
    axes[0, 0].set_ylim(len(scores) - 0.5, -0.5)
    axes[0, 0].set_yticks(range(len(scores)), [literal(s, 30) for s in scores])
    more = f" ({len(names) - most} more kinds in the table)" if len(names) > most else ""
    figure.supxlabel(f"AUROC, bases of sites against all others{more}", fontsize=6)
    handles = [_handle(m) for m in models]
    handles.append(Line2D([], [], label="expected by position", **_BY_POSITION))
    figure.legend(
        handles=handles, loc="outside upper left", ncols=3 if across == 1 else 5, columnspacing=1.2
    )
    return settle(figure)


def _look(model: str) -> dict[str, Any]:
    look = _MODELS.get(model, _MODELS["fine-tuned"])
    return {
        "marker": look["marker"], "mec": look["color"], "ms": 3.2, "mew": 0.7, "lw": 0,
        "mfc": look["color"] if look["filled"] else "white",
    }  # fmt: skip


def _handle(model: str) -> Line2D:
    return Line2D([], [], label=model, **_look(model))


def _points(
    ax: Axes,
    rows: pd.DataFrame,
    value: str,
    low: str,
    high: str,
    y: NDArray[np.floating],
    model: str,
) -> None:
    x, left, right = (rows[column].to_numpy(float) for column in (value, low, high))
    known = np.isfinite(left) & np.isfinite(right)
    colour = _look(model)["mec"]
    ax.hlines(y[known], left[known], right[known], color=colour, lw=0.8, zorder=3)
    ax.plot(x, y, zorder=4, **_look(model))


@style()
def faithfulness_figure(curves: pd.DataFrame, areas: pd.DataFrame, unit: str) -> Figure:
    """Deletion curves: comprehensiveness and sufficiency of each score.

    The prediction as the bases that a score ranks highest are deleted, or all others are.

    Args:
        curves: Columns `types.FAITHFULNESS_COLUMNS`.
        areas: Columns `types.FAITHFULNESS_AREA_COLUMNS`.
        unit: Unit of the prediction, for the axis.
    """
    if not len(curves):
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no deletion curves were asked for")
        return settle(figure)
    keys = list(dict.fromkeys(zip(curves["model"], curves["score"], strict=True)))
    scores = list(dict.fromkeys(score for _, score in keys))
    colours = {s: SERIES[i % len(SERIES)] for i, s in enumerate(scores)}
    figure = new_figure(DOUBLE_MM, 62 + 5.5 + 4.2 * len(keys) + 16)
    axes = figure.subplots(2, 2, height_ratios=[55, 4.2 * len(keys) + 6], sharey="row")
    dashes = {"fine-tuned": "-", "pre-trained": (0, (4, 1.5))}
    for ax, below, edit in zip(axes[0], axes[1], ("delete", "keep"), strict=True):
        here = curves[curves["edit"] == edit]
        for model, score in keys:
            mine = here[(here["model"] == model) & (here["score"] == score)].sort_values("share")
            ax.plot(
                100 * mine["share"], mine["prediction"], color=colours[score],
                ls=dashes.get(model, "-"), marker=".", ms=3, label=_words(model, score),
            )  # fmt: skip
        ax.plot(
            100 * mine["share"], mine["random"], color=INK, ls=(0, (1, 1)), label="random bases"
        )
        ax.set_title(
            "comprehensiveness: best bases deleted"
            if edit == "delete"
            else "sufficiency: best bases kept"
        )
        ax.set_xlabel("bases (%)")
        y = np.arange(len(keys), dtype=float)
        mine = areas[areas["edit"] == edit].set_index(["model", "score"]).reindex(keys)
        below.axvline(0, color=INK, lw=0.5, ls=(0, (2, 2)), zorder=1)
        for at, (model, score) in zip(y, keys, strict=True):
            row = mine.loc[[(model, score)]]
            look = {"mec": colours[score], "mfc": colours[score], "ms": 3.4, "lw": 0, "marker": "o"}
            if np.isfinite(row["low"].iloc[0]):
                below.hlines(at, row["low"], row["high"], color=colours[score], lw=0.9)
            below.plot(row["area"], [at], **look)
            below.plot(row["area"] - row["excess_over_permuted"], [at], **_BY_POSITION)
        below.set_xlabel(
            "fell further than with random bases" if edit == "delete"
            else "stayed higher than with random bases"
        )  # fmt: skip
        below.tick_params(axis="y", length=0)
    axes[0, 0].set_ylabel(literal(unit, 60))
    axes[1, 0].set_yticks(range(len(keys)), [_words(*key) for key in keys])
    axes[1, 0].set_ylim(len(keys) - 0.5, -0.5)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    handles.append(Line2D([], [], **_BY_POSITION))
    labels.append("the score of another sequence")
    figure.legend(handles, labels, loc="outside upper left", ncols=3, columnspacing=1.2)
    return settle(figure)


def _words(model: str, score: str) -> str:
    return literal(score if model == "fine-tuned" else f"{score} ({model})", 44)
