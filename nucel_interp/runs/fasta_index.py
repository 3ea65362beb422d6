"""A first look at sequences: how many records, how long, where; a file's are not held."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nucel_interp.io.fasta import Remarks, iter_records
from nucel_interp.io.places import warn_of_overlap
from nucel_interp.io.provenance import file_sha256
from nucel_interp.io.sequences import IN_MEMORY, SequenceInput, check_path, records_of
from nucel_interp.io.text import shown
from nucel_interp.types import Record


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of records without their letters: some 30 bytes each.

    Attributes:
        source: The file, or the records themselves if they came from memory.
        shown: Name of the source in messages.
        lengths: (records,) bases.
        names_differ: Whether no name comes twice.
        chromosomes: Chromosomes of the records' locations, sorted; empty unless all have one and
            none overlap.
        chromosome: (records,) index into ``chromosomes``.
        start: (records,) 0-based.
        turned: (records,) whether it reads the reverse strand.
    """

    source: Path | list[Record]
    shown: str
    lengths: NDArray[np.int64]
    names_differ: bool
    chromosomes: list[str]
    chromosome: NDArray[np.int64]
    start: NDArray[np.int64]
    turned: NDArray[np.bool_]
    _copy: IO[bytes] | None = None

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """(records + 1,) first base of each record among all bases of the file."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    @property
    def bases(self) -> int:
        """In all records."""
        return int(self.lengths.sum())

    def records(self) -> Iterator[Record]:
        """Every record, from the file again if it is one."""
        if isinstance(self.source, Path):
            return iter_records(self.source, called=self.shown, names_differ=self.names_differ)
        return iter(self.source)

    def digest(self) -> str | None:
        """A fingerprint of all names and letters."""
        if isinstance(self.source, Path):
            return file_sha256(self.source)
        found = hashlib.sha256()
        for record in self.source:
            place = "" if record.location is None else str(record.location)
            found.update(json.dumps([record.name, record.sequence, place]).encode())
        return found.hexdigest()

    def close(self) -> None:
        """Remove the copy of what came through a pipe; also done when nobody holds this."""
        if self._copy is not None:
            self._copy.close()


def survey_of(sequences: SequenceInput) -> Survey:
    """Look at every record once, and check it; a pipe is put aside in a file.

    Warns as `read_records` does, and of records that overlap in the genome.

    Args:
        sequences: A path, a dict, a list of strings, or records.

    Raises:
        InputError: As `read_records`.
    """
    if not isinstance(sequences, (str, Path)):
        records = records_of(sequences)
        return _survey(records, IN_MEMORY)
    check_path(sequences)
    path = Path(sequences)
    if str(path) != "-" and (path.is_file() or path.is_dir() or not path.exists()):
        return _survey(path, shown(path))
    copy = tempfile.NamedTemporaryFile(prefix="nucel-interp-", suffix=".fa")  # noqa: SIM115
    try:
        if str(path) == "-":
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with path.open("rb") as stream:
                shutil.copyfileobj(stream, copy)
        copy.flush()
        survey = _survey(Path(copy.name), shown(path), copy)
    except BaseException:
        copy.close()
        raise
    weakref.finalize(survey, copy.close)
    return survey


def _survey(source: Path | list[Record], called: str, copy: IO[bytes] | None = None) -> Survey:
    lengths, starts, numbers, names = array("q"), array("q"), array("q"), array("Q")
    turned = array("b")
    chromosomes: dict[str, int] = {}
    all_placed = True
    remarks = Remarks()  # of records from memory they were made before
    records: Iterable[Record] = (
        iter_records(source, called=called, names_differ=True, remarks=remarks)
        if isinstance(source, Path)
        else source
    )
    for record in records:
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
    if isinstance(source, Path) and not names_differ:  # seldom: read again to say which
        remarks = Remarks()
        for _ in iter_records(source, called=called, remarks=remarks):
            pass
    remarks.warn(called)
    size, start = np.array(lengths), np.array(starts)
    rank = {name: i for i, name in enumerate(sorted(chromosomes))}
    chromosome = np.array([rank[name] for name in chromosomes], dtype=np.int64)[np.array(numbers)]
    strand = np.array(turned, dtype=bool)
    overlap = _first_overlap(chromosome, start, size) if all_placed else None
    if overlap is not None:
        warn_of_overlap(called, f"at {list(rank)[overlap[0]]}:{overlap[1]}")
    if overlap is not None or not all_placed:
        rank, chromosome, start, strand = {}, chromosome[:0], start[:0], strand[:0]
    return Survey(source, called, size, names_differ, list(rank), chromosome, start, strand, copy)


def _first_overlap(
    chromosome: NDArray[np.int64], start: NDArray[np.int64], size: NDArray[np.int64]
) -> tuple[int, int] | None:
    """Chromosome and first base of the first record that begins in another; None if none does."""
    order = np.lexsort((start, chromosome))
    where, first, end = chromosome[order], start[order], (start + size)[order]
    found = np.flatnonzero((where[1:] == where[:-1]) & (end[:-1] > first[1:]))
    return (int(where[found[0]]), int(first[found[0] + 1])) if len(found) else None
