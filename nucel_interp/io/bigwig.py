"""bigWig in, by pyBigWig (an extra: its wheels are for Linux on x86-64; elsewhere it compiles)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.types import Record


def read_bigwig(path: Path, records: Sequence[Record]) -> list[NDArray[np.float64]] | None:
    """One array per record, NaN where the file has no value; None if it names none of them.

    A record is found under its own name, counted from its first base, or under the chromosome of
    its location. Beyond a chromosome's end there is no value.

    Raises:
        InputError: pyBigWig is not installed, the file is damaged, or a record is longer or shorter
            than the file says of its name.
    """
    try:
        import pyBigWig
    except ImportError as error:
        raise InputError(
            f"{path} is bigWig: to read it, pip install 'nucel-interp[bigwig]', or convert it "
            "first: bigWigToBedGraph in.bw out.bedGraph"
        ) from error
    try:
        with pyBigWig.open(str(path)) as file:
            return _read(path, file, records)
    except RuntimeError as error:
        raise InputError(f"{path} is no bigWig that can be read, or is cut short") from error


def _read(path: Path, file: Any, records: Sequence[Record]) -> list[NDArray[np.float64]] | None:
    lengths: dict[str, int] = file.chroms() or {}
    tracks, matched = [], False
    for record in records:
        track = np.full(len(record), np.nan)
        place = record.location
        if record.name in lengths:
            chromosome, start = record.name, 0
            if lengths[chromosome] != len(record):
                raise InputError(
                    f"{path}: {chromosome:.60} has {lengths[chromosome]} bases there, but the "
                    f"record has {len(record)}"
                )
        elif place is not None and place.chromosome in lengths:
            chromosome, start = place.chromosome, place.start
        else:
            tracks.append(track)
            continue
        matched = True
        end = min(start + len(record), lengths[chromosome])
        if start < end:
            track[: end - start] = file.values(chromosome, start, end, numpy=True)
        if np.isinf(track).any():
            raise InputError(f"{path}: {record.name:.60} holds an infinite value")
        tracks.append(track)
    return tracks if matched else None
