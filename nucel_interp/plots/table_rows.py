"""Where table rows lie within a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nucel_interp.types import Record

if TYPE_CHECKING:
    import pandas as pd


def local_rows(table: pd.DataFrame | None, record: Record) -> pd.DataFrame:
    """The rows of a sites or seqlets table that lie in one record, in its own coordinates.

    BED tables use genome coordinates where all records' places are known; here ``start``, ``end``
    and ``strand`` are those of the record as it reads. A missing or empty table gives an empty one.
    """
    import pandas as pd

    if table is None or not len(table):
        return pd.DataFrame({"start": [], "end": [], "name": [], "strand": []}).astype(
            {"start": int, "end": int}
        )
    return local_table(table, [record])


def inside(rows: pd.DataFrame, span: tuple[int, int]) -> pd.DataFrame:
    """Rows that share at least a base with a half-open span."""
    return rows[(rows["end"] > span[0]) & (rows["start"] < span[1])].reset_index(drop=True)


def local_table(table: pd.DataFrame, records: Sequence[Record]) -> pd.DataFrame:
    """`local_rows` for all records at once; rows of records not given are dropped."""
    places = {record.name: record.location for record in records}
    rows = table[table["record"].astype(str).isin(places)].copy()
    spans, strands = [], []
    columns = ("record", "chrom", "start", "end", "strand")
    for name, chrom, start, end, strand in zip(*(rows[c].tolist() for c in columns), strict=True):
        place = places[str(name)]
        if place is not None and str(chrom) == place.chromosome:
            start, end = place.within(start, end)
            strand = place.turn(strand)
        spans.append((start, end))
        strands.append(strand)
    rows[["start", "end"]] = np.array(spans, dtype=int).reshape(-1, 2)
    rows["strand"] = strands
    return rows.reset_index(drop=True)


def lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """A lane for each span so that none overlap within one; the lowest free lane is taken.

    Spans are half-open and are looked at from left to right.
    """
    taken: list[float] = []
    result = [0] * len(spans)
    for i in sorted(range(len(spans)), key=lambda i: spans[i]):
        start, end = spans[i]
        lane = next((k for k, until in enumerate(taken) if until <= start), len(taken))
        if lane == len(taken):
            taken.append(end)
        else:
            taken[lane] = end
        result[i] = lane
    return result
