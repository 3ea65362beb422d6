"""Attention over one locus, for several models one under the other, with motif sites and logos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from nucel_interp.motifs.pwm import reverse_complement
from nucel_interp.plots.logos import draw_letters, letter_heights
from nucel_interp.plots.model_looks import model_looks
from nucel_interp.plots.style import (
    DOUBLE_MM,
    GREY,
    INK,
    LIGHT,
    OTHER_BASE,
    Palette,
    base_colour,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)
from nucel_interp.plots.table_rows import inside, lanes, local_rows
from nucel_interp.plots.tracks import draw_sites, site_lanes
from nucel_interp.types import Motif, Record

if TYPE_CHECKING:
    import pandas as pd

LOCUS_BP = 200  # shown of a longer record; logo columns are then 0.8 mm wide
LETTERS_UP_TO = 130  # bp; longer loci show no sequence
_LOGO_MM = 7.0
_MOST_LOGO_LANES = 3
_MOST_SITE_LANES = 6


def locus_window(record: Record, sites: pd.DataFrame, most: int = LOCUS_BP) -> tuple[int, int]:
    """The part of a record to draw: all of it, or ``most`` bp that hold most motifs, then sites."""
    if len(record) <= most:
        return 0, len(record)
    rows = local_rows(sites, record)
    best, found = (0, 0, 0), ((len(record) - most) // 2)
    for start in rows["start"].to_numpy(int):
        whole = rows[(rows["start"] >= start) & (rows["end"] <= start + most)]
        rank = (whole["name"].nunique(), len(whole), -int(start))
        if len(whole) and rank > best:
            best = rank
            middle = (int(whole["start"].min()) + int(whole["end"].max())) // 2
            found = middle - most // 2
    first = min(max(found, 0), len(record) - most)
    return first, first + most


@style()
def locus_figure(
    record: Record,
    sites: pd.DataFrame,
    motifs: Mapping[str, Motif],
    models: pd.DataFrame,
    native: Mapping[str, ArrayLike],
    matched: Mapping[str, ArrayLike],
    heads: Mapping[str, str],
    tracks: Mapping[str, ArrayLike] | None = None,
    *,
    span: tuple[int, int] | None = None,
    palette: Palette = "colourblind",
) -> Figure:
    """Sites as arrows, their logos in place and orientation, below them one track per model.

    Tracks are attention over uniform attention: 1.0 (dashed) is no preference. Each has its own
    scale. The filled step line is the native resolution, the dark line the matched one; the
    dotted line in a model's panel is its randomly initialised control. Sites are shaded through all
    panels.

    Args:
        record: Record whose bases are the x axis.
        sites: Columns record, chrom, start, end, name, strand; of any record.
        motifs: Matrix of each motif by its name in ``sites``, where there is one.
        models: Columns model, trained, control_of; gives the order of the tracks.
        native: Model -> (bases,) track.
        matched: Model -> (bases,) track at matched resolution.
        heads: Model -> ``layer:head`` shown.
        tracks: Name -> (bases,) of the user's own, drawn below the models in their own units.
        span: The part to draw, 0-based half-open; `locus_window` if not given.
        palette: Base colours.

    Raises:
        ValueError: A track is not as long as its record.
    """
    given = dict(tracks or {})
    for name, track in [*native.items(), *matched.items(), *given.items()]:
        if np.shape(track) != (len(record),):
            raise ValueError(
                f"the track of {name!r} has shape {np.shape(track)}, "
                f"but {record.name} has {len(record)} bases"
            )
    looks = [look for name, look in model_looks(models).items() if name in native]
    panels = [look for look in looks if look.trained] or looks
    if not len(record) or not panels:
        figure = new_figure(DOUBLE_MM, 25)
        empty_axes(figure.subplots(), "no bases" if not len(record) else "no tracks")
        return settle(figure)
    first, last = span or locus_window(record, sites)
    here = inside(local_rows(sites, record), (first, last))
    lane_of = [min(lane, _MOST_SITE_LANES - 1) for lane in site_lanes(here, last - first)]
    logo_lane = _logo_lanes(here, motifs)
    heights = [4.0 * (max(lane_of) + 1)] if lane_of else []
    heights += [_LOGO_MM * (max(logo_lane.values()) + 1)] if logo_lane else []
    n_above = len(heights)
    heights += [17.0] * (len(panels) + len(given))
    figure = new_figure(DOUBLE_MM, sum(heights) + 17)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    if lane_of:
        draw_sites(axes[0], here, lane_of)
    if logo_lane:
        _draw_logos(axes[1], here, motifs, logo_lane, palette)
    for ax in axes[n_above:]:
        for start, end in zip(here["start"], here["end"], strict=True):
            ax.axvspan(start, end, color=LIGHT, alpha=0.6, lw=0, zorder=0)
        ax.yaxis.set_major_locator(MaxNLocator(3))
    for ax, look in zip(axes[n_above:], panels, strict=False):
        ax.axhline(1.0, color=INK, lw=0.4, ls=(0, (2, 2)), zorder=1)
        x = np.arange(first, last + 1, dtype=float)
        y = np.asarray(native[look.name], dtype=float)[first:last]
        ax.stairs(y, x, baseline=0, fill=True, color=look.colour, alpha=0.35, lw=0, zorder=2)
        ax.stairs(y, x, baseline=None, color=look.colour, lw=0.5, zorder=3)
        if look.name in matched:
            smooth = np.asarray(matched[look.name], dtype=float)[first:last]
            ax.plot(x[:-1] + 0.5, smooth, color=INK, lw=0.8, zorder=4)
        for control in looks:
            if not control.trained and control.family == look.family and control not in panels:
                track = np.asarray(native[control.name], dtype=float)[first:last]
                ax.plot(x[:-1] + 0.5, track, color=INK, lw=0.6, ls=(0, (0.8, 1.4)), zorder=4)
        ax.set_ylim(bottom=0)
        ax.set_title(f"{look.label}, head {heads.get(look.name, '?')}", fontsize=6, pad=2)
        if not np.isfinite(y).any():
            ax.text(0.5, 0.5, "no score", ha="center", transform=ax.transAxes, color=GREY)
    for ax, (name, track) in zip(axes[n_above + len(panels) :], given.items(), strict=True):
        _draw_own(ax, name, np.asarray(track, dtype=float)[first:last], first)
    _finish(figure, axes, record, (first, last), palette)
    return settle(figure)


def _draw_own(ax: Axes, name: str, values: NDArray[np.float64], first: int) -> None:
    x = np.arange(first, first + len(values) + 1, dtype=float)
    shown = np.nan_to_num(values)
    ax.stairs(shown, x, baseline=0, fill=True, color=GREY, alpha=0.5, lw=0, zorder=2)
    ax.stairs(shown, x, baseline=None, color=INK, lw=0.5, zorder=3)
    ax.axhline(0.0, color=INK, lw=0.4, zorder=1)
    ax.set_title(f"{literal(name)}, as given", fontsize=6, pad=2)
    if not np.isfinite(values).any():
        ax.text(0.5, 0.5, "no score", ha="center", transform=ax.transAxes, color=GREY)


def _finish(
    figure: Figure,
    axes: NDArray[np.object_],
    record: Record,
    span: tuple[int, int],
    palette: Palette,
) -> None:
    first, last = span
    part = "" if last - first == len(record) else f", bases {first:,}–{last:,}"
    figure.suptitle(f"{literal(record.name)}, {len(record):,} bp{part}", x=0.005, ha="left")
    bottom = axes[-1]
    bottom.set_xlim(first, last)
    bottom.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    bottom.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    bottom.set_xlabel("position in the record (bp)")
    if last - first <= LETTERS_UP_TO:
        bottom.tick_params(axis="x", pad=8)
        for i, base in enumerate(record.sequence[first:last]):
            colour = base_colour(base, palette) if base in "ACGT" else OTHER_BASE
            bottom.annotate(
                base, (first + i + 0.5, 0), (0, -2), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", va="top", fontsize=5, color=colour,
                weight="bold",
            )  # fmt: skip
    figure.supylabel("attention over uniform", fontsize=6)
    figure.legend(
        handles=[
            Line2D([], [], color=GREY, lw=3, alpha=0.5, label="native resolution"),
            Line2D([], [], color=INK, lw=0.8, label="matched resolution"),
            Line2D(
                [], [], color=INK, lw=0.6, ls=(0, (0.8, 1.4)), label="randomly initialised, native"
            ),
        ],
        loc="outside upper right",
        ncols=3,
        handlelength=2.0,
    )


def _logo_lanes(sites: pd.DataFrame, motifs: Mapping[str, Motif]) -> dict[int, int]:
    """Row of ``sites`` -> lane of its logo; sites without a fitting matrix or lane have none."""
    rows = [
        i
        for i, (start, end, name) in enumerate(
            zip(sites["start"], sites["end"], sites["name"].astype(str), strict=True)
        )
        if name in motifs and motifs[name].width == end - start
    ]
    spans = [(float(sites["start"].iloc[i]), float(sites["end"].iloc[i]) + 1) for i in rows]
    placed = zip(rows, lanes(spans), strict=True)
    return {row: lane for row, lane in placed if lane < _MOST_LOGO_LANES}


def _draw_logos(
    ax: Axes,
    sites: pd.DataFrame,
    motifs: Mapping[str, Motif],
    lane_of: Mapping[int, int],
    palette: Palette,
) -> None:
    top = max(lane_of.values())
    for row, lane in lane_of.items():
        motif = motifs[str(sites["name"].iloc[row])]
        turned = str(sites["strand"].iloc[row]) == "-"
        heights = letter_heights(reverse_complement(motif.pwm) if turned else motif.pwm)
        start = float(sites["start"].iloc[row]) + 0.5
        draw_letters(heights, ax, start=start, lane=2.1 * (top - lane), palette=palette)
    ax.set_ylim(0, 2.1 * (top + 1))
    ax.set_axis_off()
