"""FASTA in: every record checked, every complaint with the place and the remedy.

dnaio splits the file into records; what is accepted, refused and said is decided here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import dnaio

from nucel_genome import letters
from nucel_genome.records import Reader
from nucel_genome.text import MARK
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.places import parse_location, states_place, why_not
from nucel_interp.io.text import beginning, shown, unpacked
from nucel_interp.types import BASES, Record

_LOWER, _UPPER = re.compile("[a-z]+"), re.compile("[A-MO-Z]")
_MAGIC = {
    b"PK\x03\x04": "is a zip archive; unpack it first (unzip)",
    b"\x43\x27\x41\x1a": "is in 2bit format; convert it first (twoBitToFa)",
}


def read_records(path: str | Path) -> list[Record]:
    """All records of a FASTA file, in its order, upper-case, with unique names.

    The name is the first word of the header; a header without one gives ``record_7`` for the
    seventh record. A name met before gets ``_2``, ``_3`` ... and one `NucelWarning` tells how many.
    IUPAC codes are kept. Stretches in lower case (soft-masked repeats) are kept in
    `Record.masked`, unless all bases of the file are in the same case. Records without any A, C, G
    or T are kept too, with a warning: they cannot be scored.

    A place that a name states (`places.parse_location`) becomes `Record.location`. One warning
    tells of records without one among records with one, since then no file counts in the genome.

    Args:
        path: FASTA, plain or compressed (told by content); ``-`` is standard input.

    Raises:
        InputError: Nothing there, not FASTA, not DNA, cut short, or a record without sequence.
    """
    return collected(_parse(path, shown(path)), shown(path))


def collected(pairs: Iterable[tuple[str, str]], called: str) -> list[Record]:
    """What `read_records` makes of headers and sequences, wherever they come from.

    Args:
        pairs: Header and sequence of each record.
        called: Name of the source in messages.

    Raises:
        InputError: As `read_records`.
    """
    remarks = Remarks()
    records, any_upper = [], False
    for record, as_given in _records(pairs, called, {}, remarks):
        masked = tuple(run.span() for run in _LOWER.finditer(as_given))
        # an N in upper case among lower-case bases says nothing about repeats
        any_upper = any_upper or bool(_UPPER.search(as_given))
        records.append(replace(record, masked=masked))
    remarks.warn(called)
    if any_upper and any(record.masked for record in records):
        return records
    return [replace(record, masked=None) for record in records]


def iter_records(
    path: str | Path,
    *,
    called: str = "",
    names_differ: bool = False,
    remarks: Remarks | None = None,
) -> Iterator[Record]:
    """The records of `read_records`, one at a time and without `Record.masked`.

    (Whether a file marks repeats by case shows at its end only.)

    Args:
        path: FASTA file, plain or compressed; ``-`` is standard input.
        called: Name of the file in messages; its path if empty.
        names_differ: No name comes twice, as is known: names need not be kept to tell that.
        remarks: Filled; nothing is said here.

    Raises:
        InputError: As `read_records`, when the place in question is reached.
    """
    names: dict[str, int] | None = None if names_differ else {}
    remarks = Remarks() if remarks is None else remarks
    called = called or shown(path)
    for record, _ in _records(_parse(path, called), called, names, remarks):
        yield record


@dataclass
class Remarks:
    """What is worth saying of a file that was read."""

    records: int = 0
    renamed: int = 0
    first_renamed: str = ""
    unscorable: int = 0
    first_unscorable: str = ""
    unplaced: int = 0
    first_unplaced: str = ""
    misfits: int = 0
    first_misfit: str = ""

    def place(self, name: str, length: int) -> None:
        """Count a record without a place, and keep the first and what is wrong with it."""
        self.unplaced += 1
        if not self.first_unplaced:
            self.first_unplaced = f"{_short(name)}: {why_not(name, length)}"
        if states_place(name):
            self.misfits += 1
            self.first_misfit = self.first_misfit or f"{_short(name)}: {why_not(name, length)}"

    def warn(self, shown: str) -> None:
        """Say it."""
        if self.renamed:
            warnings.warn(
                f"{shown}: {self.renamed} of {self.records} names had been used before and were "
                f"made unique ({self.first_renamed})",
                NucelWarning,
                stacklevel=3,
            )
        if self.unscorable:
            warnings.warn(
                f"{shown}: {self.unscorable} of {self.records} records hold no A, C, G or T "
                f"(first: {_short(self.first_unscorable)}); they get no score",
                NucelWarning,
                stacklevel=3,
            )
        if self.misfits or 0 < self.unplaced < self.records:
            first = self.first_misfit or self.first_unplaced
            warnings.warn(
                f"{shown}: {self.unplaced} of {self.records} records have no place in a genome "
                f"({first}), so every output counts from each record's own first base, under its "
                "name",
                NucelWarning,
                stacklevel=3,
            )


def _records(
    pairs: Iterable[tuple[str, str]],
    shown: str,
    names: dict[str, int] | None,
    remarks: Remarks,
) -> Iterator[tuple[Record, str]]:
    """Each record, checked, and its letters as they were given."""
    for number, (header, given) in enumerate(pairs, start=1):
        name = header.split(maxsplit=1)[0] if header.strip() else f"record_{number}"
        given = given.replace(" ", "").replace("\t", "")
        sequence = _checked(given, shown, name, number)
        if not any(base in sequence for base in BASES):
            remarks.unscorable += 1
            remarks.first_unscorable = remarks.first_unscorable or name
        unique = name if names is None else _unique(name, names)
        if unique != name:
            remarks.renamed += 1
            remarks.first_renamed = remarks.first_renamed or f"{_short(name)} -> {_short(unique)}"
        remarks.records = number
        place = parse_location(name, len(sequence))
        if place is None:
            remarks.place(name, len(sequence))
        yield Record(unique, sequence, place), given
    if not remarks.records:
        raise InputError(f"{shown} holds no sequence; give FASTA with at least one record")


def _parse(path: str | Path, shown: str) -> Iterator[tuple[str, str]]:
    """Header and sequence of each record; what goes wrong on the way becomes an InputError."""
    try:
        with _opened(path, shown) as stream:
            pairs: Iterator[Any] = iter(Reader(stream))
            yield from pairs
    except dnaio.FastaFormatError as error:
        raise InputError(f"{shown}{_format_problem(error)}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"cannot read {shown} as FASTA: it is not UTF-8 text ({error.reason}). Save it as UTF-8"
        ) from error


@contextmanager
def _opened(path: str | Path, shown: str) -> Iterator[BinaryIO]:
    """The file as a stream of plain bytes, once its beginning looks like FASTA."""
    with unpacked(path, "FASTA") as packed:
        head, stream = beginning(packed, 4096)
        if head.startswith(MARK):
            stream.read(len(MARK))
        problem = _content_problem(head.removeprefix(MARK))
        if problem:
            raise InputError(f"{shown} {problem}")
        yield stream


def _content_problem(head: bytes) -> str:
    """What is wrong with a file that begins so, and what to do; "" if it may be FASTA."""
    if not head.strip():
        return "is empty; give FASTA with at least one record"
    for magic, problem in _MAGIC.items():
        if head.startswith(magic):
            return problem
    if head.startswith(b"BAM\x01"):
        return "is a BAM file; convert it first (samtools fasta)"
    if b"\x00" in head:
        return "is a binary file, not FASTA"
    if head.lstrip().startswith(b"@"):
        return "looks like FASTQ (it begins with '@'); convert it to FASTA first (seqtk seq -a)"
    return ""


def _format_problem(error: dnaio.FastaFormatError) -> str:
    found = re.search(r"but got '(.*)'\.", str(error), re.DOTALL)
    if found is None:
        return f" is not FASTA: {error}"
    line = f" line {error.line + 1}" if error.line is not None else ""
    text = found[1]
    if re.match(r"\S+\s+\d+\s+\d+", text):
        return (
            f"{line} looks like BED ({text!r}), not FASTA. Get the sequence first: "
            "bedtools getfasta -fi genome.fa -bed peaks.bed"
        )
    return (
        f"{line}: expected a header that begins with '>', found {text!r}. "
        "Put a line such as '>name' before it"
    )


def _checked(sequence: str, shown: str, name: str, number: int) -> str:
    """The sequence in upper case, if it is DNA."""
    sequence = letters.upper(sequence)
    where = f"{shown}: record {number} ({_short(name)})"
    if not sequence:
        raise InputError(
            f"{where} has no sequence. Take it out, or check whether the file was cut short"
        )
    fault = letters.fault(sequence, letters.FASTA_REMEDY)
    if fault:
        raise InputError(f"{where} {fault}")
    return sequence


def _unique(name: str, names: dict[str, int]) -> str:
    """A name not given before; ``names`` counts how often each was asked for."""
    if name not in names:
        names[name] = 1
        return name
    candidate = name
    while candidate in names:
        names[name] += 1
        candidate = f"{name}_{names[name]}"
    names[candidate] = 1
    return candidate


def _short(name: str) -> str:
    """A name fit for one line of a message."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return plain if len(plain) <= 60 else f"{plain[:50]}...({len(plain)} characters)"
