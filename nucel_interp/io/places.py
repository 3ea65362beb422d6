"""Records' places in a genome: read from their names, and how files count by them.

A file counts either all of its records in genome coordinates or none: see `in_genome`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from itertools import pairwise

from nucel_genome.places import stated_place
from nucel_interp.errors import NucelWarning
from nucel_interp.types import Location, Record, Strand

_MISREAD = re.compile(r"\\*(#|(track|browser)\Z)")
_QUOTED = re.compile(r"\\+(#|(track|browser)\Z)")


def parse_location(name: str, length: int) -> Location | None:
    """The genomic interval that a record's name states, if it fits ``length`` (bp).

    Read are ``chr20:100-300``, with or without commas in the numbers, with what bedtools getfasta
    writes before it (``peak1::``) and behind it (``(+)``, ``(-)``, ``(.)``), and samtools' ``/rc``.
    0-based half-open if end - start is the length, 1-based closed (samtools) if end - start + 1 is;
    otherwise the name is only a name.
    """
    stated = stated_place(name)
    if stated is None:
        return None
    chromosome, start, end, strand = stated
    if end - start == length:
        return Location(chromosome, start, end, strand)
    if end - start + 1 == length and start >= 1:
        return Location(chromosome, start - 1, end, strand)
    return None


def why_not(name: str, length: int) -> str:
    """What keeps a record without a place from having one: its name, or its length (bp)."""
    stated = stated_place(name)
    if stated is None:
        return "its name states no coordinates"
    _, start, end, _ = stated
    return f"its name states {end - start:,} bp, it has {length:,}"


def states_place(name: str) -> bool:
    """Whether a name has the form of coordinates, be the length right or wrong."""
    return stated_place(name) is not None


def in_genome(records: Sequence[Record]) -> bool:
    """Whether files about these records count in genome coordinates: all of them have a place.

    Otherwise every one is counted from its own first base, under its name.
    """
    return all(record.location is not None for record in records)


def disjoint(records: Sequence[Record]) -> bool:
    """Whether all records have a place and none overlaps another, as tracks in a genome need.

    Warns if it is overlaps alone that keep them from it.
    """
    if not in_genome(records):
        return False
    placed = [(r.location, r.name) for r in records if r.location is not None]
    placed.sort(key=lambda item: (item[0].chromosome, item[0].start))
    for (a, first), (b, second) in pairwise(placed):
        if a.chromosome == b.chromosome and a.end > b.start:
            warn_of_overlap("the sequences", f"{first:.60} and {second:.60}")
            return False
    return True


def warn_of_overlap(what: str, first: str) -> None:
    """Say why tracks of records with places name the records all the same."""
    warnings.warn(
        f"{what}: records overlap in the genome (first: {first}), and a base has one value in a "
        "track: tracks count from each record's own first base, under its name",
        NucelWarning,
        stacklevel=3,
    )


def spot(
    record: Record, start: int, end: int, strand: Strand, *, genome: bool
) -> tuple[str, int, int, Strand]:
    """Chromosome, start, end and strand of bases of a record, as a file counts them.

    Args:
        record: Record in which the bases lie.
        start: First base, from 0.
        end: Base after the last.
        strand: Strand of the interval, relative to the record.
        genome: Whether the file counts in genome coordinates (`in_genome` of all its records).
    """
    place = record.location
    if not genome or place is None:
        return record.name, start, end, strand
    part = place.part(start, end)
    return part.chromosome, part.start, part.end, place.turn(strand)


def quoted(name: str) -> str:
    r"""A name fit for the first column of BED or bedGraph.

    There ``#``, ``track`` and ``browser`` begin a line that is no data: such a name gets a ``\`` in
    front, which `unquoted` takes off.
    """
    return f"\\{name}" if _MISREAD.match(name) else name


def unquoted(name: str) -> str:
    """The name that `quoted` was given."""
    return name[1:] if _QUOTED.match(name) else name


def is_header(line: str) -> bool:
    """Whether a line of BED or bedGraph is blank, a comment, or meant for a browser."""
    first = line.split(maxsplit=1)[:1]
    return not first or line.startswith("#") or first[0] in ("track", "browser")


def other_spelling(found: Iterable[str], wanted: Iterable[str]) -> str:
    """What to say of names that differ in 'chr' or in case alone; "" if none do."""

    def bare(name: str) -> str:
        return name.lower().removeprefix("chr")

    known = {bare(name): name for name in wanted}
    for name in found:
        other = known.get(bare(name))
        if other is not None and other != name:
            return f"It writes {name:.60} where the records have {other:.60}: write the names alike"
    return ""
