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

    BED tables use genome coordinates where a record's place is known; here ``start`` and ``end``
    count from the record's first base. A missing or empty table gives an empty one.
    """
    import pandas as pd

    if table is None or not len(table):
        return pd.DataFrame({"start": [], "end": [], "name": [], "strand": []}).astype(
            {"start": int, "end": int}
        )
    rows = table[table["record"].astype(str) == record.name].copy()
    place = record.location
    if place is not None:
        genomic = rows["chrom"].astype(str) == place.chromosome
        shift = np.where(genomic, place.start, 0)
        rows["start"] = rows["start"] - shift
        rows["end"] = rows["end"] - shift
    return rows.reset_index(drop=True)


def inside(rows: pd.DataFrame, span: tuple[int, int]) -> pd.DataFrame:
    """Rows that share at least a base with a half-open span."""
    return rows[(rows["end"] > span[0]) & (rows["start"] < span[1])].reset_index(drop=True)


def local_table(table: pd.DataFrame, records: Sequence[Record]) -> pd.DataFrame:
    """`local_rows` for all records at once; rows of records not given are dropped."""
    by_name = {record.name: record.location for record in records}
    rows = table[table["record"].astype(str).isin(by_name)].copy()
    shifts = []
    for name, chrom in zip(rows["record"].astype(str), rows["chrom"].astype(str), strict=True):
        place = by_name[name]
        genomic = place is not None and chrom == place.chromosome
        shifts.append(place.start if place is not None and genomic else 0)
    rows["start"] = rows["start"] - np.asarray(shifts, dtype=int)
    rows["end"] = rows["end"] - np.asarray(shifts, dtype=int)
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
