"""Which head attends to which motif: a small map of all heads for each motif."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

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

MOST_MOTIFS = 12
_ACROSS = 4


@style()
def head_motif_map(table: pd.DataFrame, *, most: int = MOST_MOTIFS) -> Figure:
    """Layers down, heads across, coloured by t; one panel per motif, smallest test p first.

    The head chosen on the discovery half is outlined; heads with a family-wise p below 0.05 have a
    dot.

    Args:
        table: Columns `types.HEAD_MOTIF_COLUMNS`.
        most: Largest number of panels.
    """
    chosen = table[table["chosen"].astype(bool)].sort_values("test_p", kind="stable")
    motifs = list(chosen["motif_id"].astype(str))[:most]
    if not motifs:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no motif could be tested")
        return settle(figure)
    n_layers, n_heads = int(table["layer"].max()) + 1, int(table["head"].max()) + 1
    across = min(_ACROSS, len(motifs))
    down = -(-len(motifs) // across)
    width = DOUBLE_MM if across > 2 else SINGLE_MM * 1.2
    panel = (width - 32) / across * n_layers / n_heads  # cells are square
    figure = new_figure(width, down * (min(panel, 90.0) + 18) + 8)
    axes = np.atleast_1d(figure.subplots(down, across)).ravel()
    limit = max(4.0, float(np.abs(table["t"].to_numpy(dtype=float)).max()))
    image = None
    for ax, motif in zip(axes, motifs, strict=False):
        rows = table[table["motif_id"].astype(str) == motif]
        grid = np.full((n_layers, n_heads), np.nan)
        grid[rows["layer"].astype(int), rows["head"].astype(int)] = rows["t"].astype(float)
        image = ax.imshow(
            grid, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="equal", interpolation="nearest"
        )
        strong = rows[rows["p_family"] < 0.05]
        ax.plot(strong["head"], strong["layer"], ".", color=INK, ms=2.5, lw=0)
        best = rows[rows["chosen"].astype(bool)].iloc[0]
        corner = (best["head"] - 0.46, best["layer"] - 0.46)
        ax.add_patch(Rectangle(corner, 0.92, 0.92, fill=False, ec=INK, lw=1.0))
        name = str(best["motif_name"])
        title = literal(f"{motif} {name}".strip(), 26)
        ax.set_title(f"{title}\ntest t = {best['test_t']:.1f}, p = {best['test_p']:.2g}")
        ax.set_xticks(range(0, n_heads, 1 if n_heads <= 8 else 4))
        ax.set_yticks(range(0, n_layers, 1 if n_layers <= 8 else 4))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    for ax in axes[len(motifs) :]:
        ax.set_axis_off()
    for i, ax in enumerate(axes[: len(motifs)]):
        if i % across == 0:
            ax.set_ylabel("layer")
        if i + across >= len(motifs):
            ax.set_xlabel("head")
    assert image is not None
    bar = figure.colorbar(image, ax=list(axes), shrink=0.8 / down + 0.1, aspect=16)
    bar.set_label("t: attention at sites\nagainst decoys")
    bar.outline.set_visible(False)
    n_left = len(chosen) - len(motifs)
    figure.supxlabel(
        "outlined: chosen on one half, t and p from the other; dot: p < 0.05 among all pairs"
        + (f"; {n_left} more motifs in the table" if n_left else ""),
        fontsize=5.5, color=GREY,
    )  # fmt: skip
    return settle(figure)
