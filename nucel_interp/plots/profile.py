"""Where seqlets and motif sites lie within the records."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nucel_interp.plots.style import (
    GREY,
    INK,
    SERIES,
    SINGLE_MM,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)
from nucel_interp.plots.table_rows import local_table

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.result import MotifAnalysis

MOST_MOTIFS = 5
_BINS = 60


def coverage_table(result: MotifAnalysis, *, most: int = MOST_MOTIFS) -> pd.DataFrame:
    """Share of records covered at each distance from their centre, by seqlets and by motif sites.

    If more than half the records have one length, only those are counted, in base pairs; otherwise
    positions are fractions of the record, from -0.5 to 0.5. Long records are counted in bins.

    Returns:
        Columns position, unit ("bp" or "fraction"), n_records, seqlets, then one per motif, from
        the main table or, if that is empty, from the untested; no rows if there are no records.
    """
    import pandas as pd

    records = [record for record in result.records if len(record)]
    lengths = Counter(len(record) for record in records)
    table = result.motifs if len(result.motifs) else result.untested
    names = [str(name) for name in table["motif_id"][:most]]
    if not records:
        return pd.DataFrame(columns=["position", "unit", "n_records", "seqlets", *names])
    length, count = lengths.most_common(1)[0]
    one_length = 2 * count > len(records)
    if one_length:
        records = [record for record in records if len(record) == length]
    size = {record.name: len(record) for record in records}
    n_bins = length if one_length and length <= 400 else _BINS
    seqlets = local_table(result.seqlets, records)
    sites = local_table(result.sites, records)
    columns = {"seqlets": _covered(seqlets, size, n_bins)}
    for name in names:
        columns[name] = _covered(sites[sites["name"].astype(str) == name], size, n_bins)
    centres = (np.arange(n_bins) + 0.5) / n_bins - 0.5
    frame = pd.DataFrame({"position": centres * length if one_length else centres})
    frame["unit"] = "bp" if one_length else "fraction"
    frame["n_records"] = len(records)
    for name, counts in columns.items():
        frame[name] = counts / len(records)
    return frame


@style()
def coverage_figure(result: MotifAnalysis, *, most: int = MOST_MOTIFS) -> Figure:
    """Draw `coverage_table`: seqlets as a grey area, motif sites as lines."""
    table = coverage_table(result, most=most)
    if not len(table):
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no records")
        return settle(figure)
    counted = [name for name in table.columns if name not in _FIXED or name == "seqlets"]
    if not table[counted].to_numpy().any():
        figure = new_figure(SINGLE_MM, 25)
        empty_axes(figure.subplots(), "no seqlets and no sites")
        return settle(figure)
    figure = new_figure(SINGLE_MM * 1.4, 62)
    ax = figure.subplots()
    x = table["position"].to_numpy(dtype=float)
    ax.fill_between(x, 0, 100 * table["seqlets"], color=GREY, alpha=0.35, lw=0, label="seqlets")
    names = [name for name in table.columns if name not in _FIXED]
    for name, colour in zip(names, SERIES, strict=False):
        ax.plot(x, 100 * table[name], color=colour, lw=0.9, label=literal(name, 24))
    ax.axvline(0, color=INK, lw=0.4, linestyle=(0, (2, 2)))
    in_bp = table["unit"].iloc[0] == "bp"
    ax.set_xlabel(
        "distance from the record's centre " + ("(bp)" if in_bp else "(fraction of its length)")
    )
    ax.set_ylabel(f"records covered (%), n = {int(table['n_records'].iloc[0]):,}")
    step = x[1] - x[0] if len(x) > 1 else 1.0
    ax.set_xlim(-0.5 * (x[-1] - x[0] + step), 0.5 * (x[-1] - x[0] + step))
    ax.set_ylim(bottom=0)
    figure.legend(loc="outside right upper")
    return settle(figure)


_FIXED = ("position", "unit", "n_records", "seqlets")


def _covered(rows: pd.DataFrame, size: dict[str, int], n_bins: int) -> NDArray[np.float64]:
    """In how many records each bin is covered; overlapping rows of one record count once."""
    counts = np.zeros(n_bins)
    for name, group in rows.groupby(rows["record"].astype(str), sort=False):
        covered = np.zeros(n_bins, dtype=bool)
        length = size[str(name)]
        for start, end in zip(group["start"], group["end"], strict=True):
            first = int(start) * n_bins // length
            last = -(-int(end) * n_bins // length)
            covered[max(first, 0) : max(last, 0)] = True
        counts += covered
    return counts
