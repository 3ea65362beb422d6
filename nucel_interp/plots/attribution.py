"""A prediction's attribution: each base as high as its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from nucel_interp.plots.logos import busiest_span, draw_letters
from nucel_interp.plots.style import (
    DOUBLE_MM,
    SINGLE_MM,
    Palette,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)
from nucel_interp.types import BASES, Record

if TYPE_CHECKING:
    import pandas as pd

MOST_BP = 100
"""Of a longer record the stretch of this length is drawn where the track is largest on average."""


@style()
def attribution_figure(
    record: Record, track: ArrayLike, said: str, unit: str, *, palette: Palette = "classic"
) -> Figure:
    """Letters above zero push the prediction up, letters below push it down.

    Args:
        record: Record that was explained.
        track: (bases,) NaN where there is none.
        said: Line above the figure: method and prediction.
        unit: Unit of the track, for the axis.
        palette: Base colours.

    Raises:
        ValueError: The track does not fit the record.
    """
    heights = np.asarray(track, dtype=np.float64)
    if heights.shape != (len(record),):
        raise ValueError(f"track {heights.shape}, but {record.name} has {len(record)} bases")
    first, last = busiest_span(np.abs(heights), MOST_BP)
    text, heights = record.sequence[first:last], heights[first:last]
    own = np.array([BASES.find(letter) for letter in text])
    known = (own >= 0) & np.isfinite(heights)
    if not known.any():
        figure = new_figure(DOUBLE_MM, 25)
        empty_axes(figure.subplots(), "not explained: no base, or delta above the bound")
        return settle(figure)
    n = len(text)
    figure = new_figure(max(SINGLE_MM, DOUBLE_MM * min(1.0, n / 70)), 42)
    ax = figure.subplots()
    letters = np.zeros((4, n))
    letters[own[known], np.flatnonzero(known)] = heights[known]
    draw_letters(letters, ax, start=first + 0.5, palette=palette)
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    room = 0.06 * (max(high, 0) - min(low, 0)) or 1.0
    ax.set_ylim(min(low, 0) - room, max(high, 0) + room)
    ax.set_xlim(first, last)
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    ax.set_xlabel("position in the record (bp)")
    ax.set_ylabel(unit)
    part = "" if n == len(record) else f", bases {first:,}–{last:,} of {len(record):,}"
    ax.set_title(f"{literal(record.name)}{part}: {literal(said)}")
    return settle(figure)


def attribution_data(record: Record, track: ArrayLike) -> pd.DataFrame:
    """The numbers of `attribution_figure`, all of the record; positions 0-based."""
    import pandas as pd

    data = pd.DataFrame({"position": range(len(record)), "base": list(record.sequence)})
    data["attribution"] = np.asarray(track)
    return data
