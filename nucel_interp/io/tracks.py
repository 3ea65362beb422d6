"""Tracks in and out: a number per base of each record, NaN where there is none."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.bigwig import SIGNATURES, read_bigwig
from nucel_interp.io.places import disjoint, is_header, other_spelling, quoted, unquoted
from nucel_interp.io.text import beginning, lines_of, shown, unpacked
from nucel_interp.types import Record, as_records

Track: TypeAlias = NDArray[np.float64]

Tracks: TypeAlias = str | Path | Mapping[str, ArrayLike] | Sequence[ArrayLike]
"""A score per base of each record: a file that `read_tracks` reads, arrays by the records' names,
or arrays in the records' order; each as long as its record, NaN where nothing is known."""

_WHAT = "a track (bedGraph, npz or bigWig)"


def to_bedgraph(records: Sequence[Record], tracks: Sequence[ArrayLike]) -> str:
    """Chromosome, start, end (0-based, half-open), value (four digits); tabs, no header line.

    In genome coordinates, sorted, if every record has a location and no two overlap; otherwise the
    record's name stands for the chromosome and its first base is 0, with a `NucelWarning` if it is
    for an overlap. A record of the reverse strand is turned into the genome's direction. NaN is
    left out, and neighbours of a record that are written alike are joined.
    """
    by_genome = disjoint(records)
    placed = []
    for number, (record, track) in enumerate(zip(records, tracks, strict=True)):
        values = np.asarray(track, dtype=np.float64)
        if values.shape != (len(record),):
            raise ValueError(f"{record.name}: track {values.shape} for {len(record)} bases")
        if by_genome and record.location is not None:
            place = (record.location.chromosome, record.location.start, number)
            values = values[::-1] if record.location.strand == "-" else values
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
    chromosome = quoted(chromosome)
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

    ``.npz`` holds one array per record name. bedGraph names the record in its first column,
    counting from its first base, or the chromosome of records that have a location; a record of the
    reverse strand takes the chromosome's values from its end. Where intervals overlap, the later
    line holds. bigWig is read alike, if pyBigWig is installed. Records without any value are all
    NaN, with a warning.

    Args:
        path: The file; bedGraph and npz may be compressed, come from a pipe, or be ``-``, standard
            input. It is read once.
        records: Records that the track has a number for each base of.

    Raises:
        InputError: No such file, not one of these formats, or values that do not fit the records.
    """
    records = as_records(records)
    with unpacked(path, _WHAT) as packed:
        head, stream = beginning(packed, 8)
        if head.startswith(b"PK"):
            tracks = _read_npz(stream, path, records)
        elif head.startswith(SIGNATURES):
            tracks = read_bigwig(path, records)
        else:
            _refuse_single_array(path, head)
            tracks = _read_bedgraph(stream, path, records)
    empty = [r.name for r, track in zip(records, tracks, strict=True) if np.isnan(track).all()]
    if empty:
        warnings.warn(
            f"{shown(path)} has no value for {len(empty)} of {len(records)} records "
            f"(first: {empty[0]:.60})",
            NucelWarning,
            stacklevel=2,
        )
    return tracks


def tracks_of(tracks: Tracks, records: Sequence[Record]) -> list[ArrayLike]:
    """One array per record, of tracks given as a path, by record name, or in the records' order.

    Args:
        tracks: A path, arrays by record name, or arrays in the records' order (`Tracks`); of a
            mapping, records that it does not name are all NaN, with a warning.
        records: Records that the tracks are of.

    Raises:
        InputError: As `read_tracks`; or no key is the name of a record.
    """
    if isinstance(tracks, (str, Path)):
        return list(read_tracks(tracks, records))
    if not isinstance(tracks, Mapping):
        return list(tracks)
    # as names of sequences from memory are written
    named = {"_".join(str(name).split()): values for name, values in tracks.items()} | {**tracks}
    _require_match("the track", list(named), records, arrays=True)
    missing = [record.name for record in records if record.name not in named]
    if missing:
        warnings.warn(
            f"the track has no values for {len(missing)} of {len(records)} records "
            f"(first: {missing[0]:.60})",
            NucelWarning,
            stacklevel=2,
        )
    return [named.get(record.name, np.full(len(record), np.nan)) for record in records]


def _refuse_single_array(path: str | Path, head: bytes) -> None:
    if head.startswith(b"\x93NUMPY"):
        raise InputError(
            f"{shown(path)} is a single array; save one per record name: "
            "np.savez(file, **{name: array})"
        )


def _read_npz(stream: BinaryIO, path: str | Path, records: Sequence[Record]) -> list[Track]:
    called, tracks = shown(path), []
    try:
        # a zip archive is read from its end, which a pipe cannot seek
        with np.load(io.BytesIO(stream.read()), allow_pickle=False) as arrays:
            _require_match(called, list(arrays.files), records, arrays=True)
            known = set(arrays.files)
            for record in records:
                if record.name in known:
                    tracks.append(_plain_numbers(called, arrays, record))
                else:
                    tracks.append(np.full(len(record), np.nan))
    except zipfile.BadZipFile as error:
        raise InputError(f"{called} is cut short or damaged ({error})") from error
    return tracks


def _plain_numbers(called: str, arrays: Mapping[str, NDArray[Any]], record: Record) -> Track:
    """The array of one record."""
    try:
        array = arrays[record.name]
    except ValueError as error:  # a pickled array could run code
        raise InputError(f"{called}: {record.name:.60} holds no plain numbers") from error
    if array.dtype.kind not in "fiub" or array.shape != (len(record),):
        raise InputError(
            f"{called}: {record.name:.60} is {array.dtype} of shape {array.shape}; its "
            f"record has {len(record)} bases: give a number for each, NaN where none is"
        )
    track = array.astype(np.float64)
    if np.isinf(track).any():
        raise InputError(f"{called}: {record.name:.60} holds an infinite value; use NaN")
    return track


def _read_bedgraph(stream: BinaryIO, path: str | Path, records: Sequence[Record]) -> list[Track]:
    called = shown(path)
    tracks = [np.full(len(record), np.nan) for record in records]
    by_name = {record.name: number for number, record in enumerate(records)}
    by_place = _by_chromosome(records)
    seen: dict[str, None] = {}
    matched = False
    for line, chromosome, start, end, value in _bedgraph_lines(stream, path):
        number = by_name.get(chromosome)
        if number is not None:
            if end > len(records[number]):
                raise InputError(
                    f"{called} line {line}: {chromosome:.60} ends at {end}, but the record has "
                    f"{len(records[number])} bases"
                )
            tracks[number][start:end] = value
            matched = True
        elif chromosome in by_place:
            starts, numbers, longest = by_place[chromosome]
            for i in range(bisect_right(starts, start - longest), bisect_left(starts, end)):
                place, track = records[numbers[i]].location, tracks[numbers[i]]
                assert place is not None
                a, b = place.within(start, end)
                if b > 0 and a < len(track):
                    track[max(a, 0) : b] = value
                    matched = True
        seen[chromosome] = None
    if not matched:
        _require_match(called, list(seen), records)
        raise InputError(
            f"{called}: no interval overlaps a record, though chromosome names agree; the first "
            f"record is {records[0].name:.60}. Is it the same genome assembly?"
        )
    return tracks


def _bedgraph_lines(
    stream: BinaryIO, path: str | Path
) -> Iterator[tuple[int, str, int, int, float]]:
    for number, line in lines_of(stream, path, _WHAT):
        if is_header(line):
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        try:
            if not fields[0].strip():
                raise ValueError("no name")
            chromosome, start, end = unquoted(fields[0]), int(fields[1]), int(fields[2])
            value = float(fields[3])
        except (IndexError, ValueError) as error:
            raise InputError(
                f"{shown(path)} line {number}: expected chromosome, start, end and a number, "
                f"found {line.strip()[:60]!r}"
            ) from error
        if not 0 <= start <= end or math.isinf(value):
            raise InputError(
                f"{shown(path)} line {number}: needs 0 <= start <= end and a finite value, "
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
    called: str, found: list[str], records: Sequence[Record], *, arrays: bool = False
) -> None:
    """Refuse a file none of whose names is a record's, nor, unless ``arrays``, its chromosome."""
    names = [record.name for record in records]
    chromosomes = [] if arrays else [r.location.chromosome for r in records if r.location]
    if not set(found) & {*names, *chromosomes}:
        few = ", ".join(f"{name:.60}" for name in found[:3]) or "nothing"
        hint = other_spelling(found, [*chromosomes, *names]) or "Use the records' names"
        raise InputError(
            f"{called} has {'arrays' if arrays else 'intervals on'} {few}; the records are named "
            f"{', '.join(f'{name:.60}' for name in names[:3])}: nothing matches. {hint}"
        )
