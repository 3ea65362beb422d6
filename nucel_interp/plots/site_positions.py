"""Where in their sequences, and on which strand, one motif's sites lie."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from nucel_interp.plots.style import (
    ACCENT,
    INK,
    SINGLE_MM,
    empty_axes,
    new_figure,
    settle,
    style,
)
from nucel_interp.plots.table_rows import local_table

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.result import MotifAnalysis

_BINS = 20
_MINUS = "#9dbbe0"


def best_sites(result: MotifAnalysis, motif_id: str) -> pd.DataFrame:
    """One row per record with a site: the site of the smallest p-value, in the record's own bases.

    Columns `types.SITE_COLUMNS`, in the order of the records.
    """
    rows = result.sites[result.sites["name"].astype(str) == motif_id]
    rows = rows.sort_values(["p_value", "start"], kind="stable").drop_duplicates("record")
    order = {record.name: i for i, record in enumerate(result.records)}
    rows = local_table(rows, result.records)
    return rows.sort_values("record", key=lambda names: names.map(order), kind="stable")


def position_table(result: MotifAnalysis, motif_id: str) -> pd.DataFrame:
    """Share of records whose best site has its middle at each distance from the record's centre.

    If more than half the records have one length, only those are counted, in base pairs; otherwise
    positions are fractions of the record, from -0.5 to 0.5.

    Returns:
        Columns position (middle of the bin), unit ("bp" or "fraction"), n_sites, plus and minus
        (share of sites, by strand as the record reads; one without a strand counts as plus), and
        uniform (share expected if a site were as likely at any place that holds it). No rows
        without a site.
    """
    import pandas as pd

    columns = ["position", "unit", "n_sites", "plus", "minus", "uniform"]
    length, count = Counter(len(r) for r in result.records if len(r)).most_common(1)[0]
    one_length = 2 * count > len(result.records)
    size = {r.name: len(r) for r in result.records if not one_length or len(r) == length}
    sites = best_sites(result, motif_id)
    sites = sites[sites["record"].astype(str).isin(size)]
    if not len(sites):
        return pd.DataFrame(columns=columns)
    bases = sites["record"].astype(str).map(size).to_numpy(float)
    width = (sites["end"] - sites["start"]).to_numpy(float)
    scale = np.ones_like(bases) if one_length else bases
    middle = ((sites["start"] + sites["end"]).to_numpy(float) / 2 - bases / 2) / scale
    end = length / 2 if one_length else 0.5
    edges = np.linspace(-end, end, _BINS + 1)
    minus = (sites["strand"].astype(str) == "-").to_numpy()
    reach = np.maximum((bases - width) / 2 / scale, 1e-9)[:, None]
    below = np.clip((edges[None] + reach) / (2 * reach), 0, 1)
    frame = pd.DataFrame({"position": (edges[:-1] + edges[1:]) / 2})
    frame["unit"] = "bp" if one_length else "fraction"
    frame["n_sites"] = len(sites)
    frame["plus"] = np.histogram(middle[~minus], edges)[0] / len(sites)
    frame["minus"] = np.histogram(middle[minus], edges)[0] / len(sites)
    frame["uniform"] = np.diff(below, axis=1).mean(axis=0)
    return frame


@style()
def position_figure(table: pd.DataFrame) -> Figure:
    """Draw `position_table`: bars by strand, and a dashed line for uniform places."""
    if not len(table):
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no sites")
        return settle(figure)
    figure = new_figure(SINGLE_MM, 46, (10, 7, 3, 9))
    ax = figure.subplots()
    x = table["position"].to_numpy(float)
    step = x[1] - x[0]
    plus, minus = (100 * table[name].to_numpy(float) for name in ("plus", "minus"))
    bars = ax.bar(x, plus, 0.92 * step, color=ACCENT, lw=0, label="+ strand")
    more = ax.bar(x, minus, 0.92 * step, bottom=plus, color=_MINUS, lw=0, label="− strand")
    edges = np.append(x - step / 2, x[-1] + step / 2)
    uniform = ax.stairs(
        100 * table["uniform"], edges, baseline=None, color=INK, lw=0.6, ls=(0, (3, 2)),
        label="uniform places",
    )  # fmt: skip
    in_bp = table["unit"].iloc[0] == "bp"
    ax.set_xlabel(f"site from the centre ({'bp' if in_bp else 'fraction of the length'})")
    ax.set_ylabel(f"best sites (%), n = {int(table['n_sites'].iloc[0]):,}")
    ax.set_xlim(edges[0], edges[-1])
    figure.legend(
        handles=[bars, more, uniform],
        loc="upper left",
        ncols=3,
        handlelength=1.4,
        columnspacing=1.2,
    )
    return settle(figure)
