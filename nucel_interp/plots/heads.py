"""Heads: how much each one looks at real sequence, and the whole map of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from nucel_interp.plots.style import (
    DOUBLE_MM,
    GREY,
    INK,
    LIGHT,
    SINGLE_MM,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)
from nucel_interp.types import Record

if TYPE_CHECKING:
    import pandas as pd

_MEANING = {
    "exceedance": "share of bases above the 99th\npercentile of shuffled copies",
    "exceedance_test": "share of test bases above the 99th\npercentile of shuffled copies",
    "rc_consistency": "Spearman correlation\nbetween strands",
    "cls_share": "mean attention to [CLS]",
    "n_share": "mean attention to N",
    "entropy_bits": "entropy of attention (bits)",
}
BASE_TICKS_UP_TO = 60  # bp; longer maps get numbers


@style()
def head_map(heads: pd.DataFrame, column: str = "exceedance") -> Figure:
    """Heat map of heads, layers down and heads across; chosen heads are outlined.

    Args:
        heads: Columns `types.HEAD_COLUMNS`, a row per head; heads not listed stay empty.
        column: Column of the table that gives the colour.
    """
    if not len(heads):
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no heads: the score is a user's track")
        return settle(figure)
    layers, numbers = heads["layer"].astype(int), heads["head"].astype(int)
    n_layers, n_heads = int(layers.max()) + 1, int(numbers.max()) + 1
    grid = np.full((n_layers, n_heads), np.nan)
    grid[layers, numbers] = heads[column].astype(float)
    kinds = dict(zip(layers, heads["kind"].astype(str), strict=True))

    cell = min(5.0, 120 / max(n_heads, n_layers))
    figure = new_figure(max(SINGLE_MM, n_heads * cell + 55), max(n_layers * cell + 24, 44))
    ax = figure.subplots()
    ax.set_facecolor("white")
    image = ax.imshow(grid, cmap="viridis", aspect="equal", interpolation="nearest")
    for layer, head, chosen in zip(layers, numbers, heads["chosen"].astype(bool), strict=True):
        if chosen:
            ax.add_patch(
                Rectangle((head - 0.44, layer - 0.44), 0.88, 0.88, fill=False, ec="#e4572e", lw=1.5)
            )
    step = 1 if n_layers <= 24 else 4
    ax.set_yticks(range(0, n_layers, step))
    ax.set_yticklabels([f"{kinds.get(i, '')} {i}".strip() for i in range(0, n_layers, step)])
    ax.set_xticks(range(0, n_heads, 1 if n_heads <= 16 else 4))
    ax.set_xlabel("head")
    ax.set_ylabel("layer")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    n_chosen = int(heads["chosen"].astype(bool).sum())
    ax.set_title(f"{n_chosen} of {len(heads)} heads chosen (outlined)")
    bar = figure.colorbar(image, ax=ax, shrink=0.9, aspect=16)
    bar.set_label(
        literal(_MEANING.get(column, column), 90) if column not in _MEANING else _MEANING[column]
    )
    bar.outline.set_visible(False)
    return settle(figure)


@style()
def attention_map(
    matrix: ArrayLike,
    record: Record,
    layer: int,
    head: int,
    *,
    kind: str = "",
    to_cls: ArrayLike | None = None,
) -> Figure:
    """One head's attention from each base (query, down) to each base (key, across).

    The colour scale is square-root: unlike a logarithm it shows the zeros outside a local head's
    window, and unlike a linear scale the weak band beside a strong stripe. [CLS] is no base: it is
    left out of the map, rows are not renormalised, and what goes to it is a column apart if given.

    Args:
        matrix: (bases, bases) probabilities; NaN rows (N, not scored) stay grey.
        record: Record whose bases are the axes.
        layer: Number from 0.
        head: Number from 0.
        kind: ``local`` or ``global``, for the title.
        to_cls: (bases,) attention of each base to [CLS].

    Raises:
        ValueError: The matrix does not fit the record.
    """
    array = np.asarray(matrix, dtype=np.float64)
    n = len(record)
    if array.shape != (n, n):
        raise ValueError(f"the map has shape {array.shape}, but {record.name} has {n} bases")
    if n == 0:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no bases")
        return settle(figure)
    width = SINGLE_MM if n <= 40 else DOUBLE_MM * 0.75
    figure = new_figure(width + 14, width + 4)
    top = max(float(np.nanmax(array)) if np.isfinite(array).any() else 0.0, 1e-9)
    cls = None if to_cls is None else np.asarray(to_cls, dtype=np.float64).reshape(n, 1)
    if cls is None:
        ax = figure.subplots()
    else:
        left, ax = figure.subplots(1, 2, width_ratios=[1, 40], gridspec_kw={"wspace": 0.01})
        left.imshow(cls, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        left.set_xticks([0], ["[CLS]"], rotation=90)
    ax.set_facecolor(LIGHT)
    image = ax.imshow(
        array,
        cmap="magma_r",
        norm=PowerNorm(0.5, vmin=0, vmax=top),
        aspect="auto" if cls is not None else "equal",
        interpolation="nearest",
    )
    labelled = ax if cls is None else left
    if n <= BASE_TICKS_UP_TO:
        size = 6 if n <= 40 else 5
        ax.set_xticks(range(n), list(record.sequence), fontsize=size)
        labelled.set_yticks(range(n), list(record.sequence), fontsize=size)
        ax.tick_params(length=0)
        labelled.tick_params(length=0)
    elif cls is not None:
        left.set_yticks(ax.get_yticks()[1:-1])
    if cls is not None:
        ax.set_yticks([])
    ax.set_xlabel("key: base attended to")
    labelled.set_ylabel("query: base that attends")
    figure.suptitle(
        literal(f"Layer {layer}{f' ({kind})' if kind else ''}, head {head}: {record.name}", 80),
        x=0.01, ha="left",
    )  # fmt: skip
    figure.supxlabel(
        ("[CLS] is apart, in grey from 0 to 1" if cls is not None else "[CLS] is left out")
        + "; rows are not renormalised; N and unscored bases are grey",
        fontsize=5.5, color=GREY,
    )  # fmt: skip
    bar = figure.colorbar(image, ax=ax, shrink=0.8, aspect=30)
    bar.set_label("attention probability (square-root colour scale)")
    bar.ax.tick_params(colors=INK)
    bar.outline.set_visible(False)
    return settle(figure)
