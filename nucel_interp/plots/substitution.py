"""What the discriminator says of every base in every place; which places depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from nucel_interp.plots.logos import busiest_span, draw_letters
from nucel_interp.plots.style import (
    DOUBLE_MM,
    GREY,
    INK,
    LIGHT,
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
"""Of a longer record the stretch of this length is drawn where the range is largest on average."""
BASE_TICKS_UP_TO = 60
SURE = 0.05
"""Pairs with a ``p_record`` below are marked."""


@style()
def substitution_figure(
    record: Record,
    substitution: ArrayLike,
    contribution: ArrayLike,
    *,
    palette: Palette = "classic",
) -> Figure:
    """The bases as high as they fit, above what each of the four would be worth in their place.

    The heat map is the log-odds less that of the standing base (dots), so that white is as good as
    what stands there, blue fits better and red worse. Records over 100 bp: see `drawn_span`.

    Args:
        record: Record whose bases are the x axis.
        substitution: (bases, 4) log-odds, nats, high = replaced; NaN at N.
        contribution: (bases,) height of the standing base, nats; NaN at N.
        palette: Base colours.

    Raises:
        ValueError: An array does not fit the record.
    """
    s = np.asarray(substitution, dtype=np.float64)
    heights = np.asarray(contribution, dtype=np.float64)
    if s.shape != (len(record), 4) or heights.shape != (len(record),):
        raise ValueError(
            f"map {s.shape} and contribution {heights.shape}, but {record.name} has "
            f"{len(record)} bases"
        )
    first, last = drawn_span(s)
    text, s, heights = record.sequence[first:last], s[first:last], heights[first:last]
    if not np.isfinite(s).any():
        figure = new_figure(DOUBLE_MM, 25)
        empty_axes(figure.subplots(), "no bases")
        return settle(figure)
    own = np.array([BASES.find(letter) for letter in text])
    known = own >= 0
    # against the base that stands there; the letters above tell which that is
    change = s - s[np.arange(len(s)), np.maximum(own, 0)][:, None]
    n = len(text)
    figure = new_figure(max(SINGLE_MM, DOUBLE_MM * min(1.0, n / 70)), 62)
    logo, heat = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    letters = np.zeros((4, n))
    letters[own[known], np.flatnonzero(known)] = heights[known]
    draw_letters(letters, logo, start=first + 0.5, palette=palette)
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    room = 0.06 * (max(high, 0) - min(low, 0)) or 1.0
    logo.set_ylim(min(low, 0) - room, max(high, 0) + room)
    logo.set_ylabel("contribution of the\nstanding base (nats)")
    part = "" if n == len(record) else f", bases {first:,}–{last:,}, where the range is largest"
    logo.set_title(literal(record.name) + f", {len(record):,} bp{part}")

    largest = float(np.nanmax(np.abs(change))) or 1.0
    heat.set_facecolor(LIGHT)
    image = heat.imshow(
        change.T,
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        interpolation="nearest",
        extent=(first, last, 3.5, -0.5),
    )
    heat.plot(first + np.flatnonzero(known) + 0.5, own[known], ".", color=INK, markersize=2)
    heat.set_yticks(range(4), list(BASES))
    heat.tick_params(axis="y", length=0)
    heat.spines[:].set_visible(False)
    heat.set_ylabel("base put there")
    heat.set_xlim(first, last)
    heat.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    heat.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    heat.set_xlabel("position in the record (bp); a dot marks the base that stands there")
    bar = figure.colorbar(image, ax=heat, pad=0.01, aspect=12)
    bar.set_label("log-odds, replaced,\nless the standing\nbase's (nats)")
    bar.outline.set_visible(False)
    return settle(figure)


def drawn_span(substitution: NDArray[np.floating]) -> tuple[int, int]:
    """The stretch that `substitution_figure` draws, 0-based half-open: at most 100 bp."""
    return busiest_span(substitution.max(axis=1) - substitution.min(axis=1), MOST_BP)


def substitution_data(
    record: Record, substitution: ArrayLike, contribution: ArrayLike
) -> pd.DataFrame:
    """The numbers of `substitution_figure`, all of the record; positions 0-based."""
    import pandas as pd

    data = pd.DataFrame({"position": range(len(record)), "base": list(record.sequence)})
    data["contribution"] = np.asarray(contribution)
    data[list(BASES)] = np.asarray(substitution)
    return data


@style()
def dependency_figure(record: Record, dependency: ArrayLike, pairs: pd.DataFrame) -> Figure:
    """Heat map of the dependency map, replaced bases down and watched ones across.

    The colour scale is square-root, since near bases depend on each other far more than others.
    Pairs with ``p_record`` under 0.05 are circled, above the diagonal.

    Args:
        record: Record whose bases are the x axis.
        dependency: (bases, bases), nats; NaN on the diagonal and at N.
        pairs: Rows of `types.DEPENDENCY_COLUMNS` of this record.

    Raises:
        ValueError: The map does not fit the record.
    """
    array = np.asarray(dependency, dtype=np.float64)
    n = len(record)
    if array.shape != (n, n):
        raise ValueError(f"the map has shape {array.shape}, but {record.name} has {n} bases")
    if not np.isfinite(array).any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no pair of bases")
        return settle(figure)
    width = SINGLE_MM if n <= 40 else DOUBLE_MM * 0.75
    figure = new_figure(width + 14, width + 6)
    ax = figure.subplots()
    ax.set_facecolor(LIGHT)
    image = ax.imshow(
        array,
        cmap="magma_r",
        norm=PowerNorm(0.5, vmin=0, vmax=float(np.nanmax(array)) or 1.0),
        interpolation="nearest",
    )
    sure = pairs[pairs["p_record"] < SURE]
    ax.plot(sure["second"], sure["first"], "o", mfc="none", mec="#00b4d8", mew=1.0, markersize=6)
    if n <= BASE_TICKS_UP_TO:
        ax.set_xticks(range(n), list(record.sequence), fontsize=6 if n <= 40 else 5)
        ax.set_yticks(range(n), list(record.sequence), fontsize=6 if n <= 40 else 5)
        ax.tick_params(length=0)
    ax.set_xlabel("base whose log-odds change")
    ax.set_ylabel("base that is replaced")
    ax.set_title(literal(f"{record.name}, {n:,} bp"))
    figure.supxlabel(
        f"circles: {len(sure)} pairs stronger, against pairs as far apart,\nthan any in 95 % of "
        "shuffled copies; grey: the diagonal, and bases not read",
        fontsize=5.5, color=GREY,
    )  # fmt: skip
    bar = figure.colorbar(image, ax=ax, shrink=0.8, aspect=30)
    bar.set_label("largest change of log-odds (nats; square-root colour scale)")
    bar.outline.set_visible(False)
    return settle(figure)


def dependency_data(record: Record, dependency: ArrayLike) -> pd.DataFrame:
    """The numbers of `dependency_figure`: a row per replaced base, a column per watched one."""
    import pandas as pd

    names = [f"{base}{i}" for i, base in enumerate(record.sequence)]
    data = pd.DataFrame(np.asarray(dependency), columns=names)
    data.insert(0, "replaced", names)
    return data
