"""bigWig in, by pyBigWig (an extra: its wheels are for Linux on x86-64; elsewhere it compiles)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.io.places import other_spelling
from nucel_interp.io.text import shown, utf8_name
from nucel_interp.types import Record

SIGNATURES = (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26")
"""What a bigWig file begins with, in either byte order."""


def read_bigwig(path: str | Path, records: Sequence[Record]) -> list[NDArray[np.float64]]:
    """One array per record, NaN where the file has no value.

    A record is found under its own name, counted from its first base, or under the chromosome of
    its location, turned if it reads the reverse strand. Beyond a chromosome's end there is no
    value.

    Raises:
        InputError: pyBigWig is not installed, the file is damaged, packed or a pipe, it names none
            of the records, or a record is longer or shorter than the file says of its name.
    """
    try:
        import pyBigWig
    except ImportError as error:
        raise InputError(
            f"{shown(path)} is bigWig: to read it, pip install 'nucel-interp[bigwig]', or convert "
            "it first: bigWigToBedGraph in.bw out.bedGraph"
        ) from error
    if not _is_plain(path):
        raise InputError(
            f"{shown(path)} is bigWig out of a pipe or an archive, and bigWig is read by jumping "
            "about in a file: save it, unpacked, and give the file"
        )
    try:
        with utf8_name(path) as name, pyBigWig.open(str(name)) as file:
            return _read(str(path), file, records)
    except RuntimeError as error:
        raise InputError(f"{path} is no bigWig that can be read, or is cut short") from error


def _is_plain(path: str | Path) -> bool:
    """Whether the bytes of a bigWig lie in a file as they are."""
    if not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return file.read(4) in SIGNATURES


def _read(path: str, file: Any, records: Sequence[Record]) -> list[NDArray[np.float64]]:
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
        if chromosome != record.name and place is not None and place.strand == "-":
            track = track[::-1].copy()
        tracks.append(track)
    if not matched:
        hint = other_spelling(lengths, [r.location.chromosome for r in records if r.location])
        raise InputError(
            f"{path} has none of the records' names or chromosomes; the first record is "
            f"{records[0].name:.60}. "
            + (hint or "bigWig counts in genome coordinates: name records like chr20:100-300")
        )
    return tracks
