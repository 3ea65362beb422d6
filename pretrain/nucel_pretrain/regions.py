"""Regions of a genome: how they are written, and which intervals they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from nucel_genome import Genome, Intervals, bed_lines, merge
from nucel_genome.text import bare_name
from nucel_pretrain.errors import DataError


def is_bed(text: str) -> bool:
    """Whether a region is written as the path of a BED file."""
    return bare_name(text).endswith(".bed")


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
            "regions want chrom:start-end (0-based half-open), the name of a sequence, or a .bed "
            f"file; got {text!r}"
        )
    return text, None, None


def resolve(
    genome: Genome, regions: Sequence[str], option: str
) -> tuple[dict[str, Intervals], list[str]]:
    """Intervals by sequence, and the names in BED files that the genome does not have.

    Args:
        genome: Gives names and lengths.
        regions: "chrom:start-end", names of sequences, and paths of BED files.
        option: Name of the option or key the regions come from, for error messages.

    Raises:
        DataError: A region, or all of a BED file, is of sequences the genome does not have; an
            interval starts beyond its sequence's end.
        GenomeError: A BED file cannot be read.
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


def check_places(
    genome: Genome, places: Iterable[tuple[str, str, int]], source: str, what: str
) -> str:
    """See that the places in a file are of this genome; those on sequences it lacks are counted.

    Args:
        genome: Gives names and lengths.
        places: Tuples of the line a place is written in ("peaks.bed, line 3"), the name of its
            sequence and its end.
        source: Name of the file, for messages.
        what: Noun for one place in messages ("site"), in the singular.

    Returns:
        What to say of places on sequences that the genome does not have, "" if there are none.

    Raises:
        DataError: A place ends beyond its sequence, or its sequence's name is in the genome with
            another spelling, or no place at all is of a sequence of the genome.
    """
    lengths = {name: genome.length(name) for name in genome.names}
    lacking: Counter[str] = Counter()
    first: dict[str, str] = {}
    total = 0
    for where, name, end in places:
        total += 1
        if name not in lengths:
            lacking[name] += 1
            first.setdefault(name, where)
        elif end > lengths[name]:
            raise DataError(
                f"{where}: the {what} ends at {end:,}, beyond {name}, which has "
                f"{lengths[name]:,} bases. Is it of another assembly?"
            )
    respelt = [name for name in lacking if _other_spelling(genome, name)]
    if respelt or lacking.total() == total > 0:
        name = (respelt or list(lacking))[0]
        raise _unknown(genome, name, f"{first[name]} has a {what}")
    if not lacking:
        return ""
    names = ", ".join(f"{name:.60}" for name in list(lacking)[:3])
    more = f" and {len(lacking) - 3:,} more" if len(lacking) > 3 else ""
    return (
        f"{lacking.total():,} of {total:,} {what}s in {source} are on sequences that the genome "
        f"does not have ({names}{more})"
    )


def _other_spelling(genome: Genome, name: str) -> str:
    """How the genome writes a name with 'chr' or without, or in another case; "" if it does not."""
    bare = name.lower().removeprefix("chr")
    return next((n for n in genome.names if n.lower().removeprefix("chr") == bare), "")


def _unknown(genome: Genome, name: str, who: str) -> DataError:
    hint = "Is a 'chr' missing or too many?"
    for other, what in ((f"chr{name}", "missing"), (name.removeprefix("chr"), "too many")):
        if other in genome.names and other != name:
            hint = f"Is a 'chr' {what}? The FASTA writes '{other}', the region '{name}'."
            break
    else:
        if other := _other_spelling(genome, name):
            hint = f"The FASTA writes '{other}', the region '{name}': write the names alike."
    return DataError(
        f"{who} of {name}, which is not in the FASTA; it has {', '.join(genome.names[:5])}. {hint}"
    )


def read_bed(path: Path) -> dict[str, Intervals]:
    """Columns 1 to 3 of a BED file, plain or compressed, by sequence, as they come.

    Raises:
        GenomeError: A line cannot be read (`bed_lines`).
        DataError: There is no interval.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for _, name, start, end, _ in bed_lines(path):
        if start < end:
            found.setdefault(name, []).append((start, end))
    if not found:
        raise DataError(f"{path} holds no interval")
    return {name: np.array(pairs, dtype=np.int64) for name, pairs in found.items()}
