"""Intervals of a genome: how they are written, read from BED files, and combined.

A set of intervals on one sequence is an array (n, 2) of starts and ends, 0-based half-open,
sorted and without overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xopen import xopen

from nucel_pretrain.errors import DataError
from nucel_pretrain.genome import Genome

Intervals = NDArray[np.int64]


def is_bed(text: str) -> bool:
    """Whether a region is written as the path of a BED file."""
    return text.endswith((".bed", ".bed.gz"))


def check_region(text: str) -> None:
    """Find fault with a region that cannot be meant, without looking at a genome.

    Raises:
        ValueError: It is no "chrom:start-end", name of a sequence or BED file, or it is empty.
    """
    if not is_bed(text):
        _parse(text)


def _parse(text: str) -> tuple[str, int | None, int | None]:
    match = re.fullmatch(r"(\S+):([\d,_]+)-([\d,_]+)", text)
    if match:
        start, end = (int(re.sub("[,_]", "", g)) for g in match.groups()[1:])
        if start >= end:
            raise ValueError(f"the region {text!r} is empty: its end must be larger than its start")
        return match[1], start, end
    if not re.fullmatch(r"\S+", text) or re.search(r":([\d,_]*-[\d,_]*)?$", text):
        raise ValueError(
            "data.include, data.exclude and data.validation want chrom:start-end (0-based "
            f"half-open), the name of a sequence, or a .bed file; got {text!r}"
        )
    return text, None, None


def resolve(
    genome: Genome, regions: Sequence[str], option: str
) -> tuple[dict[str, Intervals], list[str]]:
    """Intervals by sequence, and the names in BED files that the genome does not have.

    Args:
        genome: Gives names and lengths.
        regions: "chrom:start-end", names of sequences, and paths of BED files.
        option: Where the regions come from, for error messages.

    Raises:
        DataError: A region, or all of a BED file, is of sequences the genome does not have; an
            interval starts beyond its sequence's end; a BED file cannot be read.
    """
    known = set(genome.names)
    pieces: dict[str, list[Intervals]] = {}
    unmatched: list[str] = []
    for region in regions:
        if region in known:
            found = {region: np.array([[0, genome.length(region)]], dtype=np.int64)}
        elif is_bed(region):
            found = read_bed(Path(region))
            missing = [name for name in found if name not in known]
            if len(missing) == len(found):
                raise _unknown(genome, missing[0], f"{region} ({option}) has intervals")
            unmatched += missing
            found = {name: found[name] for name in found if name in known}
        else:
            name, start, end = _parse(region)
            if name not in known:
                raise _unknown(genome, name, f"the configuration ({option}) names a region")
            found = {name: np.array([[start, end]], dtype=np.int64)}
        for name, intervals in found.items():
            beyond = intervals[intervals[:, 0] >= genome.length(name)]
            if len(beyond) and genome.length(name):
                where = f"{region} ({option})" if is_bed(region) else "the configuration"
                raise DataError(
                    f"{where} names {name}:{beyond[0, 0]}-{beyond[0, 1]}, but {name} has "
                    f"{genome.length(name)} bases. Is it of another assembly?"
                )
            pieces.setdefault(name, []).append(np.minimum(intervals, genome.length(name)))
    merged = {name: merge(np.concatenate(parts)) for name, parts in pieces.items()}
    return merged, unmatched


def _unknown(genome: Genome, name: str, who: str) -> DataError:
    hint = "Is a 'chr' missing or too many?"
    for other, what in ((f"chr{name}", "missing"), (name.removeprefix("chr"), "too many")):
        if other in genome.names and other != name:
            hint = f"Is a 'chr' {what}? The FASTA writes '{other}', the region '{name}'."
    return DataError(
        f"{who} of {name}, which is not in the FASTA; it has {', '.join(genome.names[:5])}. {hint}"
    )


def bed_lines(path: Path) -> Iterator[tuple[int, str, int, int, list[bytes]]]:
    """Line number, sequence, start, end and all fields of each interval of a BED file.

    Empty intervals, comments and track lines are passed over.

    Raises:
        DataError: The file cannot be read, or a line is malformed.
    """
    try:
        with xopen(path, "rb", threads=0) as file:
            lines = file.read().splitlines()
    except Exception as error:  # every decompressor has errors of its own
        raise DataError(f"cannot read {path} as BED: {error}") from error
    for number, line in enumerate(lines, start=1):
        fields = line.split(b"\t") if b"\t" in line else line.split()
        if (
            not line.strip()
            or line[:1] == b"#"
            or fields[0].split()[:1] in ([b"track"], [b"browser"])
        ):
            continue
        try:
            start, end = int(fields[1]), int(fields[2])
            if not 0 <= start <= end:
                raise ValueError
            name = fields[0].decode()
        except (IndexError, ValueError):
            shown = line[:60].decode("utf-8", "replace")
            raise DataError(
                f"{path}, line {number}: expected chrom, start, end with 0 <= start <= end "
                f"(0-based half-open); found {shown!r}"
            ) from None
        if start < end:
            yield number, name, start, end, fields


def read_bed(path: Path) -> dict[str, Intervals]:
    """Columns 1 to 3 of a BED file, plain or gzip, by sequence, as they come.

    Raises:
        DataError: As `bed_lines`, or there is no interval.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for _, name, start, end, _ in bed_lines(path):
        found.setdefault(name, []).append((start, end))
    if not found:
        raise DataError(f"{path} holds no interval")
    return {name: np.array(pairs, dtype=np.int64) for name, pairs in found.items()}


def merge(intervals: Intervals) -> Intervals:
    """Sorted, with those that overlap or touch joined; any (n, 2) goes in."""
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    starts, ends = intervals[:, 0], np.maximum.accumulate(intervals[:, 1])
    first = np.ones(len(starts), dtype=bool)
    first[1:] = starts[1:] > ends[:-1]
    last = np.append(first[1:], True)[: len(starts)]
    return np.stack([starts[first], ends[last]], axis=1)


def intersect(one: Intervals, two: Intervals) -> Intervals:
    """What lies in both."""
    low = np.searchsorted(two[:, 1], one[:, 0], side="right")
    high = np.searchsorted(two[:, 0], one[:, 1], side="left")
    n = np.maximum(high - low, 0)  # how many of two overlap each of one
    left = np.repeat(np.arange(len(one)), n)
    right = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(low, n)
    return np.stack(
        [np.maximum(one[left, 0], two[right, 0]), np.minimum(one[left, 1], two[right, 1])], axis=1
    )


def subtract(one: Intervals, two: Intervals) -> Intervals:
    """What lies in the first and not in the second."""
    edges = np.concatenate([[0], two.ravel(), [np.iinfo(np.int64).max]])
    return intersect(one, edges.reshape(-1, 2))
