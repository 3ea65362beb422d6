"""The attention that bases receive: heads down, bases across."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from nucel_interp.plots.style import DOUBLE_MM, SINGLE_MM, empty_axes, new_figure, settle, style

MOST_LETTERS = 80
"""Bases up to which letters stand below the figure."""


@style()
def received_figure(values: ArrayLike, sequence: str, start: int, heads: int) -> Figure:
    """Attention received by each base from each head, 1.0 (uniform) in the middle of the scale.

    Args:
        values: (rows, bases); a row per head, layer by layer, or one row of the mean.
        sequence: Bases under the columns.
        start: Position of the first base in its record, from 0.
        heads: Heads of a layer, for the labels.
    """
    array = np.asarray(values, dtype=np.float64)
    rows, n = array.shape
    if not n or not np.isfinite(array).any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no base has a value")
        return settle(figure)
    figure = new_figure(DOUBLE_MM, 22 + 1.6 * rows)
    ax = figure.subplots()
    top = max(float(np.nanmax(array)), 1.01)
    image = ax.imshow(
        array,
        aspect="auto",
        interpolation="nearest",
        cmap=colormaps["RdBu_r"].with_extremes(bad="0.85"),
        norm=TwoSlopeNorm(1.0, vmin=0.0, vmax=top),
        extent=(start - 0.5, start + n - 0.5, rows - 0.5, -0.5),
    )
    if n <= MOST_LETTERS:
        ax.set_xticks(range(start, start + n), list(sequence))
        ax.tick_params(axis="x", length=0)
    else:
        ax.set_xlabel("position in the record (from 0)")
    if rows > 1:
        layers = range(0, rows, heads)
        ax.set_yticks([i + (heads - 1) / 2 for i in layers], [str(i // heads) for i in layers])
        ax.set_ylabel("layer (a row is a head)")
        for edge in layers:
            ax.axhline(edge - 0.5, color="white", linewidth=0.6)
    else:
        ax.set_yticks([])
        ax.set_ylabel("mean")
    bar = figure.colorbar(image, ax=ax, pad=0.01)
    bar.set_label("attention received (1 = uniform)")
    return settle(figure)
