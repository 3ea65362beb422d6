"""How well attention finds motif sites among all bases: AUROC with decoys, recall curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nucel_interp.plots.model_looks import (
    filled,
    legend_columns,
    line_handles,
    model_looks,
    point_handles,
)
from nucel_interp.plots.snr import RESOLUTIONS, resolutions_of
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

MOST_MOTIFS = 12
MOST_CURVES = 4  # motifs with a recall curve; the others' stand in the table


@style()
def auroc_figure(
    recovery: pd.DataFrame, models: pd.DataFrame, *, most: int = MOST_MOTIFS
) -> Figure:
    """AUROC per motif with its 95 % interval, a panel per resolution; decoys are grey strokes.

    Args:
        recovery: Columns model, resolution, motif, auroc, auroc_low, auroc_high, decoy_auroc.
        models: Columns model, trained, control_of; gives the order.
        most: Largest number of motifs; further ones are counted below the figure.
    """
    motifs = list(dict.fromkeys(recovery["motif"].astype(str)))
    shown, looks = motifs[:most], list(model_looks(models).values())
    panels = resolutions_of(recovery, "auroc")
    if not shown or not panels or not np.isfinite(recovery["auroc"].to_numpy(float)).any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no AUROC could be measured")
        return settle(figure)
    wide = len(looks) > 4 or len(shown) > 4
    legend_rows = legend_columns(len(looks) + 1, 3 if wide else 1)[1]
    lane = max((1.7 if len(looks) * len(shown) > 24 else 2.6) * len(looks), 5.0)  # mm per motif
    figure = new_figure(
        DOUBLE_MM if wide else SINGLE_MM, lane * len(shown) + 3.2 * legend_rows + 17
    )
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    step = 0.8 / len(looks)
    for ax, resolution in zip(axes, panels, strict=True):
        here = recovery[recovery["resolution"] == resolution]
        for band in range(1, len(shown), 2):
            ax.axhspan(band - 0.5, band + 0.5, color=LIGHT, alpha=0.45, lw=0, zorder=0)
        ax.axvline(0.5, color=INK, lw=0.5, ls=(0, (2, 2)), zorder=1)
        for k, look in enumerate(looks):
            mine = here[here["model"].astype(str) == look.name]
            mine = mine.drop_duplicates("motif").set_index("motif").reindex(shown)
            y = np.arange(len(shown)) + (k - (len(looks) - 1) / 2) * step
            value, low, high, decoy = (
                mine[column].to_numpy(float)
                for column in ("auroc", "auroc_low", "auroc_high", "decoy_auroc")
            )
            ax.plot(decoy, y, zorder=2, **_DECOY)
            known = np.isfinite(low) & np.isfinite(high)
            ax.hlines(y[known], low[known], high[known], color=look.colour, lw=0.8, zorder=3)
            ax.plot(value, y, label=look.label, zorder=4, **look.points())
        ax.set_title(RESOLUTIONS[resolution])
        ax.tick_params(axis="y", length=0)
    axes[0].set_ylim(len(shown) - 0.5, -0.5)
    axes[0].set_yticks(range(len(shown)), [literal(name, 22) for name in shown])
    decoys = Line2D([], [], label="decoys, median", **_DECOY)
    figure.supxlabel(
        "AUROC, bases of motif sites against all other bases (0.5: chance)", fontsize=6
    )
    figure.legend(
        **filled([*point_handles(looks), decoys], 3 if wide else 1),
        loc="outside upper left",
        columnspacing=1.2,
        labelspacing=0.3,
    )
    if len(motifs) > len(shown):
        note = f"{len(motifs) - len(shown)} more motifs in the table"
        axes[-1].annotate(
            note, (1, 0), (0, 2), xycoords="axes fraction", textcoords="offset points",
            ha="right", va="bottom", fontsize=5, color=GREY,
        )  # fmt: skip
    return settle(figure)


_DECOY: dict[str, Any] = {"marker": "|", "ms": 4.5, "mew": 1.1, "mec": GREY, "lw": 0}


@style()
def recall_figure(recall: pd.DataFrame, models: pd.DataFrame, *, most: int = MOST_CURVES) -> Figure:
    """Share of site bases found among the highest-scoring share of all bases.

    A column per motif, a row per resolution. The dotted grey line is what random order gives.

    Args:
        recall: Columns model, resolution, motif, share_of_bases, recall.
        models: Columns model, trained, control_of; gives the order.
        most: Largest number of motifs.
    """
    motifs = list(dict.fromkeys(recall["motif"].astype(str)))
    shown, looks = motifs[:most], list(model_looks(models).values())
    panels = resolutions_of(recall, "recall")
    if not shown or not panels:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no recall could be measured")
        return settle(figure)
    # one motif: its two resolutions side by side in one column of a journal
    across, down = (len(panels), 1) if len(shown) == 1 else (len(shown), len(panels))
    wide = across > 2
    side = (DOUBLE_MM - 14) / max(across, 3) if wide else (SINGLE_MM - 12) / 2
    legend_rows = legend_columns(len(looks) + 1, 3 if wide else 1)[1]
    figure = new_figure(
        DOUBLE_MM if wide else SINGLE_MM, down * (side + 6) + 3.2 * legend_rows + 10
    )
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for i, resolution in enumerate(panels):
        for j, motif in enumerate(shown):
            ax = axes[0, i] if len(shown) == 1 else axes[i, j]
            here = recall[
                (recall["resolution"] == resolution) & (recall["motif"].astype(str) == motif)
            ]
            ax.plot([0, 1], [0, 1], color=GREY, lw=0.6, ls=(0, (1, 1)), zorder=1)
            for look in reversed(looks):  # trained ones on top
                mine = here[here["model"].astype(str) == look.name].sort_values("share_of_bases")
                ax.plot(
                    mine["share_of_bases"], mine["recall"], label=look.label,
                    zorder=3 if look.trained else 2, **look.lines(),
                )  # fmt: skip
            name = literal(motif, 14 if across > 2 else 20)
            ax.set_title(f"{name}, {resolution}" if across < 3 else name, fontsize=6)
            ax.set_aspect("equal")
    for ax in axes.flat:
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    if across > 2:
        for ax, resolution in zip(axes[:, 0], panels, strict=True):
            ax.set_ylabel(resolution)
    figure.supxlabel("share of all bases, highest attention first", fontsize=6)
    figure.supylabel("recall: share of site bases", fontsize=6)
    handles = line_handles(looks)
    handles.append(Line2D([], [], color=GREY, lw=0.6, ls=(0, (1, 1)), label="random order"))
    figure.legend(
        **filled(handles, 3 if wide else 1),
        loc="outside upper left",
        columnspacing=1.2,
        labelspacing=0.3,
        handlelength=2.4,
    )
    return settle(figure)
