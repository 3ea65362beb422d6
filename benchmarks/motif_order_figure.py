"""Attention at two motifs over seeds, before and after training on their order, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from nucel_interp.plots.model_looks import cut_name, model_looks
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

if TYPE_CHECKING:
    import pandas as pd

# (resolution, layers) of a row of panels; native resolution of global layers is left to the table
ROWS = {
    ("matched", "all"): "matched resolution,\nall layers",
    ("matched", "global"): "matched resolution,\nglobal layers alone",
    ("native", "all"): "native resolution,\nall layers",
}
# definition of a column -> (title, its value without preference)
COLUMNS = {
    "mean_ratio": ("mean inside / mean outside", 1.0),
    "peak_over_median": ("peak inside / median outside", 1.0),
    "z": ("z: difference of means / sd outside", 0.0),
}
STATES = ("randomly initialised", "pre-trained", "trained")
_RATIOS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_NOTE = (
    "r: randomly initialised, p: pre-trained, t: trained; head chosen on one half of the "
    "sequences, measured on the other; bars: mean over seeds, 95 % t interval (of ratios: of "
    "their logarithms);\nof a pre-trained network and its randomly initialised control, which "
    "exist once: over sequences. A peak is above the median at random intervals too.\n"
    "With random weights attention is nearly even: z is rounding."
)
_DOT: dict[str, Any] = {"marker": "o", "ms": 1.9, "mfc": "white", "mec": INK, "mew": 0.4, "lw": 0}
_RANDOM = "#f0b429"  # seen on white, on hatching and on every bar


@style()
def motif_order_figure(table: pd.DataFrame) -> Figure:
    """A column per definition, a row per resolution and choice of layers, a group per motif.

    Within a group stand the models, each randomly initialised, pre-trained if it was, and trained.
    Ratios are on a logarithmic axis from 1, z on a linear one from 0; a column has one axis. A bar
    is the mean over seeds of the head chosen on the other half, a dot one trained seed, a stroke
    the same head at random intervals.

    Args:
        table: Columns family, state (one of `STATES`), resolution, layers, definition, heads,
            motif, snr, low, high; random and by_seed (values between blanks) if known.
    """
    rows = drawn(table)
    if not np.isfinite(rows["snr"].to_numpy(float)).any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no signal-to-noise could be measured")
        return settle(figure)
    down = [key for key in ROWS if ((rows["resolution"] + rows["layers"]) == "".join(key)).any()]
    across = [name for name in COLUMNS if (rows["definition"] == name).any()]
    motifs = list(dict.fromkeys(rows["motif"].astype(str)))
    bars = bars_of(rows)
    figure = new_figure(DOUBLE_MM, 28 * len(down) + 32)
    grid = figure.subplots(len(down), len(across), sharex=True, sharey="col", squeeze=False)
    for i, (resolution, layers) in enumerate(down):
        for ax, definition in zip(grid[i], across, strict=True):
            here = rows[
                (rows["resolution"] == resolution)
                & (rows["layers"] == layers)
                & (rows["definition"] == definition)
            ]
            _panel(ax, here, motifs, bars, COLUMNS[definition][1])
        grid[i, 0].set_ylabel(ROWS[resolution, layers])
    for ax, definition in zip(grid[0], across, strict=True):
        ax.set_title(COLUMNS[definition][0])
        _scale(ax, rows[rows["definition"] == definition], definition != "z")
    for ax in grid.ravel():
        ax.tick_params(axis="x", which="both", bottom=False)
    for ax in grid[-1]:
        _name_bars(ax, motifs, bars)
    handles = _handles(bars, "by_seed" in rows, "random" in rows)
    figure.legend(
        handles=handles, loc="outside upper left", ncols=len(handles) // 3, handlelength=1.4,
        columnspacing=1.6, labelspacing=0.3,
    )  # fmt: skip
    figure.supxlabel(_NOTE, fontsize=5, color=GREY)
    return settle(figure)


def drawn(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table that the figure shows: chosen heads, `ROWS` and `COLUMNS`."""
    panel = np.array(
        [key in ROWS for key in zip(table["resolution"], table["layers"], strict=True)]
    )
    known = table["definition"].isin(list(COLUMNS)) & (table["heads"] == "best")
    return table[known & panel]


def bars_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """(family, state) from left to right: models as in the table, their states in time's order."""
    present = set(zip(rows["family"], rows["state"], strict=True))
    families = dict.fromkeys(rows["family"])
    return [(f, state) for f in families for state in STATES if (f, state) in present]


def _looks(bars: Sequence[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Arguments of ``Axes.bar``: a model's colour, hollow before it learned anything, then pale."""
    import pandas as pd

    families = list(dict.fromkeys(family for family, _ in bars))
    looks = model_looks(pd.DataFrame({"model": families, "trained": "yes", "control_of": ""}))
    found = {}
    for family, state in bars:
        colour = looks[family].colour
        r, g, b = to_rgb(colour)
        pale = to_hex((0.4 * r + 0.6, 0.4 * g + 0.6, 0.4 * b + 0.6))
        found[family, state] = {
            "randomly initialised": {"color": "white", "ec": colour, "lw": 0.6, "hatch": "//////"},
            "pre-trained": {"color": pale, "ec": colour, "lw": 0.6},
            "trained": {"color": colour, "ec": colour, "lw": 0.6},
        }[state]
    return found


def _places(bars: Sequence[tuple[str, str]]) -> tuple[np.ndarray, float]:
    """Middles of a group's bars around 0, half a bar free between models; width of a bar."""
    steps = np.array([0.0] + [1.0 + 0.5 * (a[0] != b[0]) for a, b in pairwise(bars)])
    at = np.cumsum(steps)
    unit = 0.84 / (at[-1] + 1)
    return (at - at[-1] / 2) * unit, unit * 0.84


def _panel(
    ax: Axes, rows: pd.DataFrame, motifs: list[str], bars: list[tuple[str, str]], floor: float
) -> None:
    at, width = _places(bars)
    looks = _looks(bars)
    for band in range(1, len(motifs), 2):
        ax.axvspan(band - 0.5, band + 0.5, color=LIGHT, alpha=0.45, lw=0, zorder=0)
    ax.grid(axis="y", color=LIGHT, lw=0.4)
    intervals, random, dots = [], [], []  # pieces of one line each: small files
    for bar, shift in zip(bars, at, strict=True):
        mine = rows[(rows["family"] == bar[0]) & (rows["state"] == bar[1])]
        mine = mine.drop_duplicates("motif").set_index("motif").reindex(motifs)
        value = mine["snr"].to_numpy(float)
        ax.bar(
            np.arange(len(motifs)) + shift, value - floor, width, bottom=floor,
            label=", ".join(bar), clip_on=False, **looks[bar],
        )  # fmt: skip
        for x, (_, row) in enumerate(mine.iterrows()):
            middle, wing = x + shift, width * 0.5
            if not np.isfinite(row["snr"]):
                ax.annotate(
                    "no value", (middle, floor), (0, 3), textcoords="offset points", rotation=90,
                    fontsize=5, color=GREY, ha="center", va="bottom",
                )  # fmt: skip
                continue
            intervals += [(middle, row["low"]), (middle, row["high"]), (np.nan, np.nan)]
            at_random = row.get("random", np.nan)
            random += [(middle - wing, at_random), (middle + wing, at_random), (np.nan, np.nan)]
            seeds = [float(word) for word in str(row.get("by_seed", "")).split()]
            if bar[1] == "trained" and len(seeds) > 1:  # others' would hide their flat bars
                spread = np.linspace(-0.25, 0.25, len(seeds)) * width
                dots += list(zip(middle + spread, seeds, strict=True))
    ax.axhline(floor, color=INK, lw=0.5)
    for name, points, colours in (
        ("intervals", intervals, (("white", 1.6), (INK, 0.7))),
        ("random", random, ((INK, 1.5), (_RANDOM, 0.9))),
    ):
        for z, (colour, lw) in enumerate(colours):
            ax.plot(
                *_xy(points), color=colour, lw=lw, solid_capstyle="butt", clip_on=False,
                label=f"_{name}", zorder=3 + 0.1 * z + (name == "random"),
            )  # fmt: skip
    ax.plot(*_xy(dots), zorder=6, label="_seeds", clip_on=False, **_DOT)
    ax.spines["bottom"].set_visible(False)
    ax.set_xlim(-0.5, len(motifs) - 0.5)


def _xy(points: list[tuple[float, float]]) -> np.ndarray:
    return np.array(points, dtype=float).reshape(-1, 2).T


def _name_bars(ax: Axes, motifs: list[str], bars: list[tuple[str, str]]) -> None:
    """A letter for its state under each bar: bars at 1 are too flat to show their hatching."""
    at, _ = _places(bars)
    ax.xaxis.remove_overlapping_locs = False  # a middle bar keeps its letter
    middles = [x + shift for x in range(len(motifs)) for shift in at]
    ax.set_xticks(middles, [state[0] for _, state in bars] * len(motifs), minor=True)
    ax.tick_params(axis="x", which="minor", labelsize=5, pad=1)
    ax.set_xticks(range(len(motifs)), [literal(name, 24) for name in motifs])
    ax.tick_params(axis="x", which="major", pad=8)


def _scale(ax: Axes, rows: pd.DataFrame, ratio: bool) -> None:
    """The axis of a column: ratios by their logarithm, so that twice and half are equally far."""
    ends = rows[["snr", "low", "high"]].to_numpy(float)
    ends = ends[np.isfinite(ends)]
    if not ratio:
        ax.margins(y=0.08)
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        return
    ax.set_yscale("log")
    bottom, top = min(0.9, ends.min() / 1.15), max(2.0, ends.max() * 1.15)
    ax.set_ylim(bottom, top)
    ax.yaxis.set_major_locator(FixedLocator([tick for tick in _RATIOS if bottom <= tick <= top]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def _handles(bars: list[tuple[str, str]], dots: bool, random: bool) -> list[Patch | Line2D]:
    """A column of three per model and one of signs, filled up with blanks."""
    looks, pre_trained = _looks(bars), {f for f, state in bars if state == "pre-trained"}
    columns: dict[str, list[Patch | Line2D]] = {}
    for family, state in bars:
        keys = dict(looks[family, state])
        words = "fine-tuned" if state == "trained" and family in pre_trained else state
        label = f"{cut_name(family)}, {words}"
        columns.setdefault(family, []).append(Patch(label=label, fc=keys.pop("color"), **keys))
    signs: list[Patch | Line2D] = [Line2D([], [], color=INK, lw=0.7, label="95 % interval")]
    if dots:
        signs.append(Line2D([], [], label="one seed", **_DOT))
    if random:
        signs.append(Line2D([], [], color=_RANDOM, lw=1.3, label="random intervals"))
    blank = [Patch(fc="none", ec="none", label=" ")]
    return [h for part in (*columns.values(), signs) for h in (part + blank * 3)[:3]]
