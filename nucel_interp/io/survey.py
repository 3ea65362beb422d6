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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_interp.io.fasta import Remarks, iter_records
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
    """

    path: Path
    shown: str
    lengths: NDArray[np.int64]
    names_differ: bool
    chromosomes: list[str]
    chromosome: NDArray[np.int64]
    start: NDArray[np.int64]

    @property
    def bases(self) -> int:
        """In all records."""
        return int(self.lengths.sum())

    def records(self) -> Iterator[Record]:
        """Read the file again, record by record."""
        return iter_records(self.path, shown=self.shown, names_differ=self.names_differ)


@contextmanager
def surveyed(path: str | Path) -> Iterator[Survey]:
    """Read a FASTA file once, checking every record; a pipe is put aside in a file.

    Warns as `read_records` does.

    Raises:
        InputError: As `read_records`.
    """
    shown = "standard input" if str(path) == "-" else str(path)
    piped = str(path) == "-" or (
        Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()
    )
    if not piped:
        yield _survey(Path(path), shown)
        return
    with tempfile.NamedTemporaryFile(prefix="nucel-interp-", suffix=".fa") as file:
        if str(path) == "-":
            shutil.copyfileobj(sys.stdin.buffer, file)
        else:
            with Path(path).open("rb") as stream:
                shutil.copyfileobj(stream, file)
        file.flush()
        yield _survey(Path(file.name), shown)


def _survey(path: Path, shown: str) -> Survey:
    lengths, starts, numbers, names = array("q"), array("q"), array("q"), array("Q")
    chromosomes: dict[str, int] = {}
    all_placed = True
    remarks = Remarks()
    for record in iter_records(path, shown=shown, names_differ=True, remarks=remarks):
        lengths.append(len(record))
        name = hashlib.blake2b(record.name.encode(errors="surrogateescape"), digest_size=8).digest()
        names.append(int.from_bytes(name, "little"))
        place = record.location
        all_placed = all_placed and place is not None
        if all_placed and place is not None:
            starts.append(place.start)
            numbers.append(chromosomes.setdefault(place.chromosome, len(chromosomes)))
    names_differ = len(np.unique(np.asarray(names))) == len(names)
    if not names_differ:  # seldom: read again to say which
        remarks = Remarks()
        for _ in iter_records(path, shown=shown, remarks=remarks):
            pass
    remarks.warn(shown)
    size, start = np.array(lengths), np.array(starts)
    rank = {name: i for i, name in enumerate(sorted(chromosomes))}
    chromosome = np.array([rank[name] for name in chromosomes], dtype=np.int64)[np.array(numbers)]
    if not (all_placed and _disjoint(chromosome, start, size)):
        return Survey(path, shown, size, names_differ, [], *np.zeros((2, 0), dtype=np.int64))
    return Survey(path, shown, size, names_differ, list(rank), chromosome, start)


def _disjoint(
    chromosome: NDArray[np.int64], start: NDArray[np.int64], size: NDArray[np.int64]
) -> bool:
    order = np.lexsort((start, chromosome))
    where, first, end = chromosome[order], start[order], (start + size)[order]
    return bool(((where[1:] != where[:-1]) | (end[:-1] <= first[1:])).all())
