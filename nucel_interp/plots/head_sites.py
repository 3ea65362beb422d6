"""Every head at one motif's held-out sites, beside the randomly initialised control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from nucel_interp.plots.style import INK, LIGHT, SINGLE_MM, empty_axes, new_figure, settle, style

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.result import MotifAnalysis

_LEAST_REACH = 0.1
"""The colours reach at least so far from 0.5: noise looks like noise."""


def head_sites_table(result: MotifAnalysis, motif_id: str) -> pd.DataFrame:
    """The motif's rows of ``head_sites``, and which heads were chosen for it.

    Returns:
        Columns `types.HEAD_SITE_COLUMNS`, chosen and random_control_chosen (bool: on either half).
    """
    rows = result.head_sites
    rows = rows[rows["motif_id"].astype(str) == motif_id].reset_index(drop=True)
    label = rows["layer"].astype(str) + ":" + rows["head"].astype(str)
    mine = result.motifs[result.motifs["motif_id"].astype(str) == motif_id]
    chosen = str(mine["best_head"].iloc[0]).split("/") if len(mine) else []
    control = [
        name
        for motif, score, heads in zip(
            *(result.controls[c].astype(str) for c in ("motif", "score", "control_heads")),
            strict=True,
        )
        if score == "best head" and motif.split(" ")[0] == motif_id
        for name in heads.split("/")
    ]
    return rows.assign(chosen=label.isin(chosen), random_control_chosen=label.isin(control))


@style()
def head_sites_figure(table: pd.DataFrame) -> Figure:
    """Layers down, heads across: AUROC of each head at the sites, 0.5 white; chosen ones outlined.

    The randomly initialised control stands beside the model, on the same scale of colours.

    Args:
        table: What `head_sites_table` gives.
    """
    known = [c for c in ("auroc", "random_control_auroc") if table[c].notna().any()]
    if "auroc" not in known:
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no head was measured at these sites")
        return settle(figure)
    n_layers, n_heads = int(table["layer"].max()) + 1, int(table["head"].max()) + 1
    values = table[known].to_numpy(float)
    reach = max(_LEAST_REACH, float(np.nanmax(np.abs(values - 0.5))))
    cells = [min(4.2, 88 / n_layers, 44 / n_heads)]
    cells += [0.62 * cells[0]] * (len(known) - 1)
    high, wide = n_layers * cells[0], n_heads * sum(cells)
    height = max(high + 16, 34)
    figure = new_figure(max(SINGLE_MM, wide + 12 * len(known) + 24), height, (0, 0, 0, 0))

    def axes_at(left: float, width: float, tall: float) -> Axes:
        total = figure.get_figwidth() * 25.4
        box = (left / total, 1 - (7 + tall) / height, width / total, tall / height)
        return figure.add_axes(box)

    left = 11.0
    for column, mark, title, cell in zip(
        known, ("chosen", "random_control_chosen"), ("the model", "randomly initialised"), cells,
        strict=False,
    ):  # fmt: skip
        ax = axes_at(left, n_heads * cell, n_layers * cell)
        image = _map(ax, table, column, mark, (n_layers, n_heads), reach)
        ax.set_title(title)
        ax.set_ylabel("layer" if left == 11 else "")
        left += n_heads * cell + 11
    bar = figure.colorbar(image, cax=axes_at(left, 2.0, high))
    bar.set_label("AUROC at the sites")
    bar.outline.set_visible(False)
    return settle(figure)


def _map(
    ax: Axes, table: pd.DataFrame, column: str, mark: str, shape: tuple[int, int], reach: float
) -> AxesImage:
    n_layers, n_heads = shape
    layer, head = table["layer"].to_numpy(int), table["head"].to_numpy(int)
    grid = np.full(shape, np.nan)
    grid[layer, head] = table[column].to_numpy(float)
    ax.set_facecolor(LIGHT)
    image = ax.imshow(
        grid, cmap="RdBu_r", vmin=0.5 - reach, vmax=0.5 + reach, aspect="equal",
        interpolation="nearest",
    )  # fmt: skip
    for i, k in zip(layer[table[mark]], head[table[mark]], strict=True):
        ax.add_patch(Rectangle((k - 0.44, i - 0.44), 0.88, 0.88, fill=False, ec=INK, lw=1.2))
    ax.set_xticks(range(0, n_heads, 1 if n_heads <= 8 else 4))
    ax.set_yticks(range(0, n_layers, 1 if n_layers <= 8 else 4))
    ax.set_xlabel("head")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image
