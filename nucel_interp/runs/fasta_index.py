"""A first look at a FASTA file that is too large to be held: how many records, how long, where."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_interp.io.fasta import Remarks, iter_records
from nucel_interp.io.places import warn_of_overlap
from nucel_interp.io.text import shown
from nucel_interp.types import Record


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a file's records without any of them: some 30 bytes each.

    Attributes:
        path: The file.
        shown: What messages call it.
        lengths: (records,) bases.
        names_differ: Whether no name comes twice.
        chromosomes: Of the records' locations, sorted; empty unless all have one and none overlap.
        chromosome: (records,) index into ``chromosomes``.
        start: (records,) 0-based.
        turned: (records,) whether it reads the reverse strand.
    """

    path: Path
    shown: str
    lengths: NDArray[np.int64]
    names_differ: bool
    chromosomes: list[str]
    chromosome: NDArray[np.int64]
    start: NDArray[np.int64]
    turned: NDArray[np.bool_]

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """(records + 1,) first base of each record among all bases of the file."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    @property
    def bases(self) -> int:
        """In all records."""
        return int(self.lengths.sum())

    def records(self) -> Iterator[Record]:
        """Read the file again, record by record."""
        return iter_records(self.path, called=self.shown, names_differ=self.names_differ)


@contextmanager
def surveyed(path: str | Path) -> Iterator[Survey]:
    """Read a FASTA file once, checking every record; a pipe is put aside in a file.

    Warns as `read_records` does, and of records that overlap in the genome.

    Raises:
        InputError: As `read_records`.
    """
    piped = str(path) == "-" or (
        Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()
    )
    if not piped:
        yield survey_of(Path(path), shown(path))
        return
    with tempfile.NamedTemporaryFile(prefix="nucel-interp-", suffix=".fa") as file:
        if str(path) == "-":
            shutil.copyfileobj(sys.stdin.buffer, file)
        else:
            with Path(path).open("rb") as stream:
                shutil.copyfileobj(stream, file)
        file.flush()
        yield survey_of(Path(file.name), shown(path))


def survey_of(path: Path, called: str) -> Survey:
    """The index of a FASTA file that is no pipe.

    Args:
        path: File, plain or compressed.
        called: Name of the file in messages.

    Raises:
        InputError: As `read_records`.
    """
    lengths, starts, numbers, names = array("q"), array("q"), array("q"), array("Q")
    turned = array("b")
    chromosomes: dict[str, int] = {}
    all_placed = True
    remarks = Remarks()
    for record in iter_records(path, called=called, names_differ=True, remarks=remarks):
        lengths.append(len(record))
        name = hashlib.blake2b(record.name.encode(errors="surrogateescape"), digest_size=8).digest()
        names.append(int.from_bytes(name, "little"))
        place = record.location
        all_placed = all_placed and place is not None
        if all_placed and place is not None:
            starts.append(place.start)
            turned.append(place.strand == "-")
            numbers.append(chromosomes.setdefault(place.chromosome, len(chromosomes)))
    names_differ = len(np.unique(np.asarray(names))) == len(names)
    if not names_differ:  # seldom: read again to say which
        remarks = Remarks()
        for _ in iter_records(path, called=called, remarks=remarks):
            pass
    remarks.warn(called)
    size, start = np.array(lengths), np.array(starts)
    rank = {name: i for i, name in enumerate(sorted(chromosomes))}
    chromosome = np.array([rank[name] for name in chromosomes], dtype=np.int64)[np.array(numbers)]
    if all_placed:
        overlap = _first_overlap(chromosome, start, size)
        if overlap is None:
            strand = np.array(turned, dtype=bool)
            return Survey(path, called, size, names_differ, list(rank), chromosome, start, strand)
        where, at = overlap
        warn_of_overlap(called, f"at {list(rank)[where]}:{at}")
    nowhere = np.zeros(0, dtype=np.int64)
    return Survey(
        path, called, size, names_differ, [], nowhere, nowhere, np.zeros(0, dtype=np.bool_)
    )


def _first_overlap(
    chromosome: NDArray[np.int64], start: NDArray[np.int64], size: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Chromosome and first base of the first record that begins in another; None if none does."""
    order = np.lexsort((start, chromosome))
    where, first, end = chromosome[order], start[order], (start + size)[order]
    found = np.flatnonzero((where[1:] == where[:-1]) & (end[:-1] > first[1:]))
    return (int(where[found[0]]), int(first[found[0] + 1])) if len(found) else None
