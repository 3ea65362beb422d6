"""FASTA in: every record checked, every complaint with the place and the remedy.

dnaio splits the file into records; what is accepted, refused and said is decided here.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import dnaio

from nucel_genome import letters
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.types import BASES, Location, Record

_LOWER, _UPPER = re.compile("[a-z]+"), re.compile("[A-MO-Z]")
_LOCATION = re.compile(r"(?P<chromosome>.+):(?P<start>[\d,]+)-(?P<end>[\d,]+)(?P<strand>\([+-]\))?")
_MAGIC = {
    b"BZh": "is compressed with bzip2; decompress it first (bunzip2)",
    b"\xfd7zXZ": "is compressed with xz; decompress it first (unxz)",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; decompress it first (unzstd)",
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

    Args:
        path: FASTA, plain or gzip (told by content); ``-`` is standard input.

    Raises:
        InputError: Nothing there, not FASTA, not DNA, cut short, or a record without sequence.
    """
    shown = "standard input" if str(path) == "-" else str(path)
    remarks = Remarks()
    records, any_upper = [], False
    for record, as_given in _records(path, shown, {}, remarks):
        masked = tuple(run.span() for run in _LOWER.finditer(as_given))
        # an N in upper case among lower-case bases says nothing about repeats
        any_upper = any_upper or bool(_UPPER.search(as_given))
        records.append(replace(record, masked=masked))
    remarks.warn(shown)
    if any_upper and any(record.masked for record in records):
        return records
    return [replace(record, masked=None) for record in records]


def iter_records(
    path: str | Path,
    *,
    shown: str = "",
    names_differ: bool = False,
    remarks: Remarks | None = None,
) -> Iterator[Record]:
    """The records of `read_records`, one at a time and without `Record.masked`.

    (Whether a file marks repeats by case shows at its end only.)

    Args:
        path: As `read_records`.
        shown: What messages call the file; its path if empty.
        names_differ: No name comes twice, as is known: names need not be kept to tell that.
        remarks: Filled; nothing is said here.

    Raises:
        InputError: As `read_records`, when the place in question is reached.
    """
    shown = shown or ("standard input" if str(path) == "-" else str(path))
    names: dict[str, int] | None = None if names_differ else {}
    for record, _ in _records(path, shown, names, Remarks() if remarks is None else remarks):
        yield record


@dataclass
class Remarks:
    """What is worth saying of a file that was read."""

    records: int = 0
    renamed: int = 0
    first_renamed: str = ""
    unscorable: int = 0
    first_unscorable: str = ""

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


def _records(
    path: str | Path, shown: str, names: dict[str, int] | None, remarks: Remarks
) -> Iterator[tuple[Record, str]]:
    """Each record, checked, and its letters as the file has them."""
    for number, (header, given) in enumerate(_parse(path, shown), start=1):
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
        yield Record(unique, sequence, parse_location(name, len(sequence))), given
    if not remarks.records:
        raise InputError(f"{shown} holds no sequence; give FASTA with at least one record")


def parse_location(name: str, length: int) -> Location | None:
    """The genomic interval a name such as ``chr20:100-300`` states, if it fits ``length`` (bp).

    0-based half-open if end - start is the length, 1-based closed (samtools) if end - start + 1 is;
    otherwise the name is only a name. ``(+)`` behind it and commas in the numbers are accepted.
    ``(-)`` is not: such a sequence runs against the coordinates, and `Location` cannot say so.
    """
    match = _LOCATION.fullmatch(name)
    if match is None or match["strand"] == "(-)":
        return None
    digits = match["start"].replace(",", ""), match["end"].replace(",", "")
    if not all(digits) or max(map(len, digits)) > 18:
        return None
    start, end = int(digits[0]), int(digits[1])
    if end - start == length:
        return Location(match["chromosome"], start, end)
    if end - start + 1 == length and start >= 1:
        return Location(match["chromosome"], start - 1, end)
    return None


def _parse(path: str | Path, shown: str) -> Iterator[tuple[str, str]]:
    """Header and sequence of each record; what goes wrong on the way becomes an InputError."""
    try:
        with _opened(path, shown) as stream:
            # plain pairs, because dnaio's own record class refuses names beyond ASCII
            reader: Iterable[Any] = dnaio.FastaReader(stream, sequence_class=_pair)
            yield from reader
    except dnaio.FastaFormatError as error:
        raise InputError(f"{shown}{_format_problem(error)}") from error
    except EOFError as error:
        raise InputError(
            f"{shown} is cut short: the gzip data ends early. Copy or download it again"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{shown} is damaged ({error}). Copy or download it again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shown} is not UTF-8 text, so not FASTA ({error.reason})") from error
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or error}") from error


def _pair(name: str, sequence: str, _qualities: None) -> tuple[str, str]:
    return name, sequence


@contextmanager
def _opened(path: str | Path, shown: str) -> Iterator[BinaryIO]:
    """The file as a stream of plain bytes, once its beginning looks like FASTA."""
    with ExitStack() as stack:
        raw: BinaryIO
        if str(path) == "-":
            raw = sys.stdin.buffer
        elif Path(path).is_dir():
            raise InputError(f"{shown} is a folder; give a FASTA file")
        elif not Path(path).exists():
            raise InputError(f"there is no file {shown}")
        else:
            raw = stack.enter_context(Path(path).open("rb"))
        head = raw.read(4096)
        if head.startswith(b"\x1f\x8b"):
            whole = io.BufferedReader(_Joined(head, raw))
            raw = stack.enter_context(cast(BinaryIO, gzip.GzipFile(fileobj=whole, mode="rb")))
            head = raw.read(4096)
        head = head.removeprefix(
            b"\xef\xbb\xbf"
        )  # a byte order mark, as some editors on Windows write it
        problem = _content_problem(head)
        if problem:
            raise InputError(f"{shown} {problem}")
        yield io.BufferedReader(_Joined(head, raw), buffer_size=1 << 16)


class _Joined(io.RawIOBase):
    """A stream whose beginning was read already (pipes cannot be rewound)."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer`` from the head first; 0 at the end."""
        data = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(data) :] if self._head else b""
        buffer[: len(data)] = data
        return len(data)


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
