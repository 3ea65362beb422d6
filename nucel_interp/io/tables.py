"""Tables out: TSV, BED and JSON, byte for byte the same for equal input.

A number has six significant digits, a whole number none behind the point; a missing value is an
empty field in TSV, ``.`` in BED and ``null`` in JSON. Nothing is quoted: tabs and line breaks
inside a name become a blank.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nucel_interp.io.places import quoted

_BLANKS = str.maketrans("\t\n\r\v\f", "     ")


def to_tsv(frame: pd.DataFrame) -> str:
    """One header line, then one line per row, separated by tabs; no index column."""
    header = "\t".join(str(column).translate(_BLANKS) for column in frame.columns)
    return "\n".join([header, *_rows(frame, missing="")]) + "\n"


def write_tsv(frame: pd.DataFrame, path: str | Path) -> None:
    """`to_tsv` into a file."""
    Path(path).write_text(to_tsv(frame), encoding="utf-8", newline="\n")


def to_bed(frame: pd.DataFrame) -> str:
    """The columns of ``frame`` as they stand, without a header line; names are `places.quoted`.

    Raises:
        ValueError: The first columns are not chrom, start, end, or 0 <= start <= end does not hold.
    """
    if list(frame.columns[:3]) != ["chrom", "start", "end"]:
        raise ValueError(f"BED begins with chrom, start, end; got {list(frame.columns[:3])}")
    if not ((frame["start"] >= 0) & (frame["start"] <= frame["end"])).all():
        raise ValueError("BED needs 0 <= start <= end")
    frame = frame.assign(chrom=[quoted(str(name)) for name in frame["chrom"]])
    # an empty field would shift the columns in readers that split at white space
    return "".join(f"{line}\n" for line in _rows(frame, missing="."))


def write_bed(frame: pd.DataFrame, path: str | Path) -> None:
    """`to_bed` into a file. Coordinates are 0-based, half-open."""
    Path(path).write_text(to_bed(frame), encoding="utf-8", newline="\n")


def to_json(frame: pd.DataFrame) -> str:
    """A list with one object per row; numbers keep all their digits, infinity becomes null."""
    rows = [dict(zip(map(str, frame.columns), row, strict=True)) for row in _cells(frame)]
    return _dump(rows)


def write_json(value: object, path: str | Path) -> None:
    """Any nesting of dicts, lists, numbers, NumPy values, paths and text; keys stay in order."""
    Path(path).write_text(_dump(value), encoding="utf-8", newline="\n")


def _dump(value: object) -> str:
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    """The same in types JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [_plain(item) for item in items]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if value is pd.NA or value is pd.NaT:
        return None
    return str(value)


def _rows(frame: pd.DataFrame, missing: str) -> list[str]:
    return ["\t".join(_field(value, missing) for value in row) for row in _cells(frame)]


def _cells(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    return list(zip(*columns, strict=True))


def _field(value: object, missing: str) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return missing
    if isinstance(value, float):
        if math.isnan(value):
            return missing
        # a coordinate in a column that also has gaps is a float: never write it as 1.23457e+07
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    return str(value).translate(_BLANKS) or missing
