"""One record: score per base, further tracks below, seqlets as shades, motif sites as arrows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from nucel_interp.plots.logos import draw_letters
from nucel_interp.plots.style import (
    ACCENT,
    DOUBLE_MM,
    GREY,
    LIGHT,
    SERIES,
    Palette,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)
from nucel_interp.plots.table_rows import inside, lanes, local_rows
from nucel_interp.types import BASES, Record

if TYPE_CHECKING:
    import pandas as pd

LETTERS_UP_TO = 100  # bp; longer records get a line
MOST_POINTS = 2000  # longer tracks are drawn as the extreme of each bin
_SHADE = "#f6dfae"
_LANE_MM = 4.6
MOST_LABELS = 40  # beyond these, sites are named once per motif
MOST_LANES = 8  # labelled sites are stacked so high at most


@style()
def track_figure(
    record: Record,
    tracks: Mapping[str, ArrayLike],
    sites: pd.DataFrame | None = None,
    seqlets: pd.DataFrame | None = None,
    *,
    span: tuple[int, int] | None = None,
    palette: Palette = "classic",
) -> Figure:
    """Draw the tracks of one record over its bases.

    Base i fills x = i to i + 1. Up to 100 bp, the first track is drawn as letters as high as the
    score; all else is a line with an area. Bases without a score (NaN) stay empty. Tracks of more
    than 2,000 bases are drawn as the value furthest from 0 in each bin, which the axis label says.

    Args:
        record: Record whose bases are the x axis.
        tracks: Title (with unit) -> value per base; the first is drawn highest.
        sites: Rows of `types.SITE_COLUMNS`, of any record; drawn as arrows along their strand.
        seqlets: Rows of `types.SEQLET_COLUMNS`, of any record; drawn as shaded spans.
        span: The part of the record to draw, 0-based half-open; all of it if not given.
        palette: Base colours.

    Raises:
        ValueError: A track is not as long as its record.
    """
    values = {title: np.asarray(track, dtype=np.float64) for title, track in tracks.items()}
    for title, track in values.items():
        if track.shape != (len(record),):
            raise ValueError(
                f"track {title!r} has shape {track.shape}, "
                f"but {record.name} has {len(record)} bases"
            )
    first, last = span or (0, len(record))
    values = {title: track[first:last] for title, track in values.items()}
    here = inside(local_rows(sites, record), (first, last))
    spans = inside(local_rows(seqlets, record), (first, last))
    if not len(record) or not values:
        figure = new_figure(DOUBLE_MM, 25)
        empty_axes(figure.subplots(), "no bases" if not len(record) else "no tracks")
        return settle(figure)

    lane_of = site_lanes(here, last - first)
    crowded = len(here) > MOST_LABELS or max(lane_of, default=-1) >= MOST_LANES
    if crowded:  # one lane per motif, named at its left
        names = list(dict.fromkeys(here["name"].astype(str)))
        lane_of = [names.index(name) for name in here["name"].astype(str)]
    n_lanes = max(lane_of, default=-1) + 1
    heights = [n_lanes * _LANE_MM] if n_lanes else []
    heights += [30.0 if i == 0 else 17.0 for i in range(len(values))]
    figure = new_figure(DOUBLE_MM, sum(heights) + 14)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    if n_lanes:
        draw_sites(axes[0], here, lane_of, labels_at=first if crowded else None)
    for i, (ax, (title, track)) in enumerate(
        zip(axes[len(heights) - len(values) :], values.items(), strict=True)
    ):
        _shade(ax, spans)
        if i == 0 and last - first <= LETTERS_UP_TO:
            _draw_scored_letters(ax, record.sequence[first:last], first, track, palette)
            note = ""
        else:
            note = _draw_line(ax, track, first)
        ax.set_ylabel(literal(title, 40) + note)
        if not np.isfinite(track).any():
            ax.set_yticks([])
            ax.text(0.5, 0.5, "no score", ha="center", transform=ax.transAxes, color=GREY)
    part = "" if last - first == len(record) else f", bases {first:,}–{last:,}"
    axes[0].set_title(literal(record.name) + f", {len(record):,} bp{part}")
    axes[-1].set_xlim(first, last)
    axes[-1].xaxis.set_major_locator(MaxNLocator(10, integer=True))
    axes[-1].xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes[-1].set_xlabel("position in the record (bp)")
    if len(spans):
        axes[0].legend(
            handles=[Patch(color=_SHADE, label="seqlet")],
            loc="lower right",
            bbox_to_anchor=(1, 1),
            borderaxespad=0.2,
            handlelength=1.2,
        )
    return settle(figure)


def bin_extremes(
    track: NDArray[np.float64], most: int = MOST_POINTS
) -> tuple[int, NDArray[np.float64]]:
    """A long track as the value furthest from 0 in each bin; NaN where a bin holds no value.

    Returns:
        (bases per bin, values). A track of up to ``most`` bases comes back as it is.
    """
    size = -(-len(track) // most)
    if size <= 1:
        return 1, track
    padded = np.full(-(-len(track) // size) * size, np.nan)
    padded[: len(track)] = track
    bins = padded.reshape(-1, size)
    furthest = np.argmax(np.where(np.isnan(bins), -1.0, np.abs(bins)), axis=1)
    return size, bins[np.arange(len(bins)), furthest]


def site_lanes(sites: pd.DataFrame, length: int) -> list[int]:
    """A lane for each site, so that names do not overlap in a figure two columns wide."""
    # a label of 5.5 pt needs about 1.2 mm a letter; the axes are some 165 mm wide
    bp_per_letter = 1.25 * length / 165
    spans = []
    for start, end, name in zip(sites["start"], sites["end"], sites["name"], strict=True):
        label = (len(literal(name, 18)) + 5) * bp_per_letter
        spans.append((float(start), float(end) + label))
    return lanes(spans)


def draw_sites(
    ax: Axes, sites: pd.DataFrame, lane_of: list[int], labels_at: int | None = None
) -> None:
    """Arrows, each with its name behind it; if ``labels_at`` is given, a name per lane there."""
    names = list(dict.fromkeys(sites["name"].astype(str)))
    n_lanes = max(lane_of) + 1
    for lane, start, end, name, strand in zip(
        lane_of, sites["start"], sites["end"], sites["name"], sites["strand"], strict=True
    ):
        colour = SERIES[names.index(str(name)) % len(SERIES)]
        y = n_lanes - 1 - lane
        ax.add_patch(Polygon(_arrow(start, end, y, strand), closed=True, facecolor=colour, lw=0))
        if labels_at is None:
            label = literal(name, 18) + (f" ({strand})" if strand in ("+", "-") else "")
            ax.text(end, y + 0.5, f" {label}", fontsize=5.5, va="center", clip_on=False)
    for lane, name in enumerate(names) if labels_at is not None else ():
        label = literal(name, 14) + " "
        ax.text(labels_at or 0, n_lanes - lane - 0.5, label, fontsize=5.5, va="center", ha="right")
    ax.set_ylim(0, n_lanes)
    ax.set_axis_off()


def _arrow(start: float, end: float, y: float, strand: str) -> list[tuple[float, float]]:
    """A box with a point on the side the strand runs to; without a strand, a plain box."""
    low, middle, high = y + 0.22, y + 0.5, y + 0.78
    point = (end - start) * 0.3
    if strand == "-":
        return [
            (start, middle),
            (start + point, low),
            (end, low),
            (end, high),
            (start + point, high),
        ]
    if strand == "+":
        return [(start, low), (end - point, low), (end, middle), (end - point, high), (start, high)]
    return [(start, low), (end, low), (end, high), (start, high)]


def _shade(ax: Axes, spans: pd.DataFrame) -> None:
    for start, end in zip(spans["start"], spans["end"], strict=True):
        ax.axvspan(start, end, color=_SHADE, lw=0, zorder=0)


def _draw_scored_letters(
    ax: Axes, sequence: str, first: int, track: NDArray[np.float64], palette: Palette
) -> None:
    heights = np.zeros((4, len(sequence)))
    for i, base in enumerate(sequence):
        if base in BASES and np.isfinite(track[i]):
            heights[BASES.index(base), i] = track[i]
    draw_letters(heights, ax, start=first + 0.5, palette=palette)
    drawn = track[np.isfinite(track)]
    low, high = float(min(drawn.min(initial=0), 0)), float(max(drawn.max(initial=0), 0))
    room = 0.05 * (high - low) or 1.0
    ax.set_ylim(low - (room if low < 0 else 0), high + room)


def _draw_line(ax: Axes, track: NDArray[np.float64], first: int) -> str:
    """Returns what to add to the axis label."""
    size, values = bin_extremes(track)
    x = first + (np.arange(len(values), dtype=np.float64) + 0.5) * size
    ax.axhline(0, color=GREY, lw=0.4)
    if len(values) <= MOST_POINTS // 5:  # an area over thousands of bases is only ink
        ax.fill_between(x, 0, values, color=ACCENT, alpha=0.18, lw=0)
    ax.plot(x, values, color=ACCENT, lw=0.7)
    alone = np.isfinite(values)
    alone[1:] &= ~np.isfinite(values[:-1])
    alone[:-1] &= ~np.isfinite(values[1:])
    ax.plot(x[alone], values[alone], ".", color=ACCENT, markersize=1.5)  # a line needs two points
    _mark_gaps(ax, values, size, first)
    return "" if size == 1 else f"\n(extreme per {size:,} bp)"


def _mark_gaps(ax: Axes, values: NDArray[np.float64], size: int, first: int) -> None:
    missing = np.concatenate([[False], ~np.isfinite(values), [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(missing) == 1), np.flatnonzero(np.diff(missing) == -1)
    for start, end in zip(starts, ends, strict=True):
        ax.plot(
            [first + start * size, first + end * size],
            [0, 0],
            color=LIGHT,
            lw=2.0,
            solid_capstyle="butt",
        )
