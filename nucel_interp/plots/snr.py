"""Attention signal-to-noise at motif sites: bars with intervals, controls beside their models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from nucel_interp.plots.model_looks import (
    ModelLook,
    bar_handles,
    filled,
    legend_columns,
    model_looks,
)
from nucel_interp.plots.style import (
    DOUBLE_MM,
    GREY,
    INK,
    SINGLE_MM,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)

if TYPE_CHECKING:
    import pandas as pd

# definition -> (axis label, what a head without preference gives; None if no such value exists)
DEFINITIONS: dict[str, tuple[str, float | None]] = {
    "mean_ratio": ("signal-to-noise\n(mean inside / mean outside)", 1.0),
    "z": ("signal-to-noise, z\n(difference of means / sd outside)", 0.0),
    "peak_over_median": ("signal-to-noise\n(peak inside / median outside)", None),
}
RESOLUTIONS = {"native": "native resolution", "matched": "matched resolution"}
MOST_MOTIFS = 12
BARS_IN_SINGLE = 14
MEANS_UP_TO = 48  # bars; beyond, a mean over heads would be wider than its bar


@style()
def snr_figure(
    snr: pd.DataFrame,
    models: pd.DataFrame,
    *,
    definition: str = "mean_ratio",
    layers: str = "all",
    most: int = MOST_MOTIFS,
) -> Figure:
    """Bars from what no preference gives, one panel per resolution, one group per motif.

    A bar is the head chosen on one half and measured on the other, with its 95 % interval; a
    white diamond is the mean over heads (left out over 48 bars). Randomly initialised controls are
    hatched, beside their model. A grey stroke is the same statistic at random intervals, where
    given.

    Args:
        snr: Columns model, resolution, layers, definition, motif, heads, snr, low, high,
            n_sequences.
        models: Columns model, trained, control_of; gives the order.
        definition: Key of `DEFINITIONS`; default "mean_ratio".
        layers: ``all`` or ``global``.
        most: Largest number of motifs; further ones are counted below the figure.
    """
    rows = snr[(snr["definition"] == definition) & (snr["layers"] == layers)]
    motifs = list(dict.fromkeys(rows["motif"].astype(str)))
    shown, looks = motifs[:most], list(model_looks(models).values())
    panels = resolutions_of(rows, "snr")
    if not shown or not panels or not np.isfinite(rows["snr"].to_numpy(float)).any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no signal-to-noise could be measured")
        return settle(figure)
    n_bars = len(shown) * len(looks)
    wide = n_bars > BARS_IN_SINGLE
    rows_down = legend_columns(len(looks) + 2, 3 if wide else 1)[1]
    slanted = len(shown) > (6 if wide else 2) or max(map(len, shown)) > 60 // len(shown)
    figure = new_figure(
        DOUBLE_MM if wide else SINGLE_MM,
        len(panels) * 34 + (12 if slanted else 0) + rows_down * 3.2 + 14,
    )
    axes = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    label, chance = DEFINITIONS.get(definition, (definition, None))
    for ax, resolution in zip(axes, panels, strict=True):
        here = rows[(rows["resolution"] == resolution) & rows["motif"].astype(str).isin(shown)]
        _bars(ax, here, shown, looks, 0.0 if chance is None else chance, n_bars <= MEANS_UP_TO)
        ax.set_title(RESOLUTIONS[resolution])
        ax.set_yticks(_ticks(ax.get_ylim(), chance))
    figure.supylabel(label, fontsize=6)
    axes[-1].set_xticks(
        range(len(shown)),
        [literal(name, 18 if slanted else 24) for name in shown],
        rotation=35 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor",
    )
    for ax in axes:
        ax.tick_params(axis="x", length=0)
    means = [Line2D([], [], label="mean over heads", **_MEAN)] if n_bars <= MEANS_UP_TO else []
    if "random" in rows and rows["random"].notna().any():
        means.append(Line2D([], [], label="random intervals", **_RANDOM))
    figure.legend(
        **filled([*bar_handles(looks), *means], 3 if wide else 1),
        loc="outside upper left",
        handlelength=1.4,
        columnspacing=1.2,
        labelspacing=0.3,
    )
    scope = "global layers" if layers == "global" else "all layers"
    notes = (
        f"head chosen on one half of the sequences, measured on the other; {scope}; 95 % intervals"
    )
    if len(motifs) > len(shown):
        notes += f"; {len(motifs) - len(shown)} more motifs in the table"
    if chance is None:
        notes += "\na peak is above the median by chance too: compare with random intervals"
    figure.supxlabel(_wrapped(notes, 170 if wide else 82), fontsize=5, color=GREY)
    return settle(figure)


_RANDOM: dict[str, Any] = {"marker": "_", "ms": 6, "mec": GREY, "mew": 1.2, "lw": 0}
_MEAN: dict[str, Any] = {"marker": "D", "ms": 2.4, "mfc": "white", "mec": INK, "mew": 0.5, "lw": 0}


def resolutions_of(rows: pd.DataFrame, value: str) -> list[str]:
    """Resolutions worth a panel: only the native one if the matched one is the same throughout."""
    parts = {name: rows.loc[rows["resolution"] == name, value] for name in RESOLUTIONS}
    native, matched = (part.to_numpy(dtype=float) for part in parts.values())
    if len(native) and np.array_equal(native, matched, equal_nan=True):
        return ["native"]
    return [name for name, part in parts.items() if len(part)]


def _ticks(span: tuple[float, float], chance: float | None) -> list[float]:
    """Round values within the axis, and the one without preference, from which the bars rise."""
    low, high = span
    found = list(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    step = found[1] - found[0]
    inside = [t for t in found if low <= t <= high]
    if chance is None:
        return inside
    return sorted([chance, *(t for t in inside if abs(t - chance) > 0.45 * step)])


def _bars(
    ax: Axes,
    rows: pd.DataFrame,
    motifs: list[str],
    looks: list[ModelLook],
    floor: float,
    means: bool,
) -> None:
    width = 0.8 / max(len(looks), 1)
    for k, look in enumerate(looks):
        mine = rows[rows["model"].astype(str) == look.name]
        best = mine[mine["heads"] == "best"].drop_duplicates("motif").set_index("motif")
        mean = mine[mine["heads"] == "mean"].drop_duplicates("motif").set_index("motif")
        x = np.arange(len(motifs)) + (k - (len(looks) - 1) / 2) * width
        value = best["snr"].reindex(motifs).to_numpy(float)
        low = best["low"].reindex(motifs).to_numpy(float)
        high = best["high"].reindex(motifs).to_numpy(float)
        ax.bar(x, value - floor, width * 0.86, bottom=floor, label=look.label, **look.bars())
        known = np.isfinite(low) & np.isfinite(high) & np.isfinite(value)
        ax.vlines(x[known], low[known], high[known], color="white", lw=1.5, zorder=3)
        ax.vlines(x[known], low[known], high[known], color=INK, lw=0.7, zorder=4)
        if means:
            ax.plot(x, mean["snr"].reindex(motifs).to_numpy(float), zorder=5, **_MEAN)
        if "random" in best:
            points = 0.75 * ax.figure.bbox.width * 72 / ax.figure.dpi * width / len(motifs)
            stroke = _RANDOM | {"ms": min(6.0, 0.8 * points)}
            ax.plot(x, best["random"].reindex(motifs).to_numpy(float), zorder=6, **stroke)
        for missing in x[~np.isfinite(value)]:
            ax.annotate(
                "no value", (missing, floor), (0, 3), textcoords="offset points", rotation=90,
                fontsize=5, color=GREY, ha="center", va="bottom",
            )  # fmt: skip
    ax.axhline(floor, color=INK, lw=0.5)
    ax.spines["bottom"].set_visible(False)
    ax.set_xlim(-0.5, len(motifs) - 0.5)
    ax.margins(y=0.08)


def _wrapped(text: str, longest: int) -> str:
    import textwrap

    return "\n".join(
        line for part in text.split("\n") for line in textwrap.wrap(part, longest) or [""]
    )
