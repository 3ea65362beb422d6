"""Tracks in and out: a number per base of each record, NaN where there is none."""

from __future__ import annotations

import gzip
import math
import warnings
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.bigwig import read_bigwig
from nucel_interp.types import Record, as_records

Track: TypeAlias = NDArray[np.float64]

_HEADERS = ("track", "browser")
_BIGWIG = (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26")


def to_bedgraph(records: Sequence[Record], tracks: Sequence[ArrayLike]) -> str:
    """Chromosome, start, end (0-based, half-open), value (four digits); tabs, no header line.

    In genome coordinates, sorted, if every record has a location and no two overlap; otherwise the
    record's name stands for the chromosome and its first base is 0. NaN is left out, and neighbours
    of a record that are written alike are joined.
    """
    by_genome = _disjoint(records)
    placed = []
    for number, (record, track) in enumerate(zip(records, tracks, strict=True)):
        values = np.asarray(track, dtype=np.float64)
        if values.shape != (len(record),):
            raise ValueError(f"{record.name}: track {values.shape} for {len(record)} bases")
        if by_genome and record.location is not None:
            place = (record.location.chromosome, record.location.start, number)
        else:
            place = (record.name, 0, number)
        placed.append((place, values))
    if by_genome:
        placed.sort(key=lambda item: item[0])
    return "".join(
        line
        for (chromosome, offset, _), values in placed
        for line in bedgraph_lines(chromosome, offset, [values])
    )


def bedgraph_lines(
    chromosome: str, start: int, blocks: Iterable[NDArray[np.floating[Any]]]
) -> Iterator[str]:
    """Lines of one record whose values come in blocks; ``start`` is its first base."""
    first, held = start, ""
    at = start
    for block in blocks:
        for value in block.tolist():
            text = "" if math.isnan(value) else f"{value:.4g}"
            if text != held:
                if held:
                    yield f"{chromosome}\t{first}\t{at}\t{held}\n"
                first, held = at, text
            at += 1
    if held:
        yield f"{chromosome}\t{first}\t{at}\t{held}\n"


def write_bedgraph(
    path: str | Path, records: Sequence[Record], tracks: Sequence[ArrayLike]
) -> None:
    """`to_bedgraph` into a file."""
    Path(path).write_text(to_bedgraph(records, tracks), encoding="utf-8", newline="\n")


def read_tracks(path: str | Path, records: Sequence[Record]) -> list[Track]:
    """A user's own track: one array per record, as long as the record, NaN where nothing is given.

    ``.npz`` holds one array per record name. bedGraph (plain or gzip) names the record in its first
    column, counting from its first base, or the chromosome of records that have a location. Where
    intervals overlap, the later line holds. bigWig is read alike, if pyBigWig is installed. Records
    without any value are all NaN, with a warning.

    Raises:
        InputError: No such file, not one of these formats, or values that do not fit the records.
    """
    path, records = Path(path), as_records(records)
    if path.is_dir() or not path.exists():
        raise InputError(f"there is no track file {path}")
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
        if head.startswith(b"PK"):
            tracks = _read_npz(path, records)
        elif head.startswith(_BIGWIG):
            tracks = _read_bigwig(path, records)
        else:
            _refuse_single_array(path, head)
            tracks = _read_bedgraph(path, records)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is cut short or damaged ({error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is neither npz nor bedGraph text") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    empty = [r.name for r, track in zip(records, tracks, strict=True) if np.isnan(track).all()]
    if empty:
        warnings.warn(
            f"{path} has no value for {len(empty)} of {len(records)} records "
            f"(first: {empty[0]:.60})",
            NucelWarning,
            stacklevel=2,
        )
    return tracks


def _refuse_single_array(path: Path, head: bytes) -> None:
    if head.startswith(b"\x93NUMPY"):
        raise InputError(
            f"{path} is a single array; save one per record name: np.savez(file, **{{name: array}})"
        )


def _read_bigwig(path: Path, records: Sequence[Record]) -> list[Track]:
    tracks = read_bigwig(path, records)
    if tracks is None:
        raise InputError(
            f"{path} has none of the records' names or chromosomes; the first record is "
            f"{records[0].name:.60}. bigWig counts in genome coordinates: name records like "
            "chr20:100-300"
        )
    return tracks


def _read_npz(path: Path, records: Sequence[Record]) -> list[Track]:
    tracks = []
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        _require_match(path, list(arrays.files), records, [r.name for r in records], "arrays")
        known = set(arrays.files)
        for record in records:
            if record.name not in known:
                tracks.append(np.full(len(record), np.nan))
                continue
            try:
                array = arrays[record.name]
            except ValueError as error:  # a pickled array could run code
                raise InputError(f"{path}: {record.name:.60} holds no plain numbers") from error
            if array.dtype.kind not in "fiub" or array.shape != (len(record),):
                raise InputError(
                    f"{path}: {record.name:.60} is {array.dtype} of shape {array.shape}; its "
                    f"record has {len(record)} bases: give a number for each, NaN where none is"
                )
            track = array.astype(np.float64)
            if np.isinf(track).any():
                raise InputError(f"{path}: {record.name:.60} holds an infinite value; use NaN")
            tracks.append(track)
    return tracks


def _read_bedgraph(path: Path, records: Sequence[Record]) -> list[Track]:
    tracks = [np.full(len(record), np.nan) for record in records]
    by_name = {record.name: number for number, record in enumerate(records)}
    by_place = _by_chromosome(records)
    seen: dict[str, None] = {}
    matched = False
    for line, chromosome, start, end, value in _bedgraph_lines(path):
        number = by_name.get(chromosome)
        if number is not None:
            if end > len(records[number]):
                raise InputError(
                    f"{path} line {line}: {chromosome:.60} ends at {end}, but the record has "
                    f"{len(records[number])} bases"
                )
            tracks[number][start:end] = value
            matched = True
        elif chromosome in by_place:
            starts, numbers, longest = by_place[chromosome]
            for i in range(bisect_right(starts, start - longest), bisect_left(starts, end)):
                a, b = start - starts[i], end - starts[i]
                track = tracks[numbers[i]]
                if b > 0 and a < len(track):
                    track[max(a, 0) : b] = value
                    matched = True
        seen[chromosome] = None
    if not matched:
        wanted = [r.name for r in records] + [r.location.chromosome for r in records if r.location]
        _require_match(path, list(seen), records, wanted, "intervals on")
        raise InputError(
            f"{path}: no interval overlaps a record, though chromosome names agree; the first "
            f"record is {records[0].name:.60}. Is it the same genome assembly?"
        )
    return tracks


def _bedgraph_lines(path: Path) -> Iterator[tuple[int, str, int, int, float]]:
    with path.open("rb") as probe:
        packed = probe.read(2) == b"\x1f\x8b"
    with (
        gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as stream
    ):
        for number, line in enumerate(stream, start=1):
            fields = line.split("\t") if "\t" in line else line.split()
            first = line.split(maxsplit=1)[:1]
            if not first or line.startswith("#") or first[0] in _HEADERS:
                continue
            try:
                if not fields[0].strip():
                    raise ValueError("no name")
                chromosome, start, end = fields[0], int(fields[1]), int(fields[2])
                value = float(fields[3])
            except (IndexError, ValueError) as error:
                raise InputError(
                    f"{path} line {number}: expected chromosome, start, end and a number, "
                    f"found {line.strip()[:60]!r}"
                ) from error
            if not 0 <= start <= end or math.isinf(value):
                raise InputError(
                    f"{path} line {number}: needs 0 <= start <= end and a finite value, "
                    f"found {line.strip()[:60]!r}"
                )
            yield number, chromosome, start, end, value


def _by_chromosome(records: Sequence[Record]) -> dict[str, tuple[list[int], list[int], int]]:
    """Per chromosome: record starts in order, the records' numbers, and the longest record."""
    places = defaultdict(list)
    for number, record in enumerate(records):
        if record.location is not None:
            places[record.location.chromosome].append((record.location.start, number))
    return {
        chromosome: (
            [start for start, _ in sorted(items)],
            [number for _, number in sorted(items)],
            max(len(records[number]) for _, number in items),
        )
        for chromosome, items in places.items()
    }


def _require_match(
    path: Path, found: list[str], records: Sequence[Record], wanted: Sequence[str], what: str
) -> None:
    if not set(found) & set(wanted):
        few = ", ".join(f"{name:.60}" for name in found[:3]) or "nothing"
        names = ", ".join(f"{record.name:.60}" for record in records[:3])
        raise InputError(
            f"{path} has {what} {few}; the records are named {names}: nothing matches. "
            "Use the records' names"
        )


def _disjoint(records: Sequence[Record]) -> bool:
    """Whether all records have a location and none overlaps another."""
    places = [r.location for r in records if r.location is not None]
    if len(places) < len(records):
        return False
    places.sort(key=lambda place: (place.chromosome, place.start))
    return all(a.chromosome != b.chromosome or a.end <= b.start for a, b in pairwise(places))
