"""Does the model look at the motif: attention_fold beside what controls give."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from nucel_interp.plots.style import (
    ACCENT,
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

MOST_MOTIFS = 12
FOLD_COLUMNS = [
    "motif_id", "best_match",
    "attention_fold", "attention_fold_low", "attention_fold_high",
    "random_control_fold", "random_control_fold_low", "random_control_fold_high",
    "other_offsets_fold", "uniform_fold",
]  # fmt: skip
_INTERVALS = [
    ("attention_fold", "model", "o", ACCENT, ACCENT, -0.2),
    ("random_control_fold", "randomly initialised", "o", INK, "white", 0.06),
]
_POINTS = [
    ("other_offsets_fold", "random seqlets, another sequence's offsets", "D", "#b5651d", 0.3),
    ("uniform_fold", "random seqlets, anywhere", "x", GREY, 0.3),
]


@style()
def fold_figure(motifs: pd.DataFrame, *, most: int = MOST_MOTIFS) -> Figure:
    """attention_fold of each motif with its interval, beside its controls; a line at 1.0.

    Args:
        motifs: Columns `types.MOTIF_COLUMNS`, best first; values that are missing are not drawn.
        most: Largest number of motifs to draw.
    """
    rows = motifs.head(most)
    drawn = [column for column, *_ in (*_INTERVALS, *_POINTS)]
    if not np.isfinite(rows[drawn].to_numpy(dtype=float)).any():
        figure = new_figure(SINGLE_MM, 25)
        why = "no attention_fold is known: no motif has a site" if len(rows) else "no motifs"
        empty_axes(figure.subplots(), why)
        return settle(figure)
    figure = new_figure(SINGLE_MM * 1.4, 27 + 8.5 * len(rows))
    ax = figure.subplots()
    places = np.arange(len(rows), dtype=float)
    for y in places[1::2]:
        ax.axhspan(y - 0.5, y + 0.5, color="#f4f6f8", lw=0, zorder=0)
    ax.axvline(1.0, color=INK, lw=0.6, linestyle=(0, (3, 2)), zorder=1)
    for column, label, marker, colour, face, shift in _INTERVALS:
        centre = rows[column].to_numpy(dtype=float)
        low = rows[f"{column}_low"].to_numpy(dtype=float)
        high = rows[f"{column}_high"].to_numpy(dtype=float)
        if not np.isfinite(centre).any():
            continue
        ax.hlines(places + shift, low, high, color=colour, lw=1.0, zorder=2)
        ax.plot(
            centre, places + shift, marker, ms=4, color=colour, mfc=face, mew=0.8,
            ls="none", label=f"{label} (95 % interval)", zorder=3,
        )  # fmt: skip
    for column, label, marker, colour, shift in _POINTS:
        centre = rows[column].to_numpy(dtype=float)
        if np.isfinite(centre).any():
            ax.plot(
                centre, places + shift, marker, ms=3, color=colour, mew=0.8, ls="none", label=label,
                zorder=3,
            )  # fmt: skip
    ax.set_yticks(places, [_name(row) for row in rows.to_dict("records")])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(0, max(ax.get_xlim()[1], 1.5))
    ax.set_xlabel("attention_fold: share of site bases inside seqlets / share of all bases inside")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    figure.legend(loc="outside upper left", ncols=2, columnspacing=1.0, handletextpad=0.4)
    return settle(figure)


def _name(row: Mapping[Hashable, object]) -> str:
    match = row.get("best_match")
    known = isinstance(match, str) and match not in ("", "nan")
    return literal(row["motif_id"], 22) + (f"\n{literal(match, 24)}" if known else "")
