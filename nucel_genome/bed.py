"""BED files, plain or compressed, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from nucel_genome.errors import GenomeError
from nucel_genome.text import MARK, not_utf8, read_bytes, shown


class BedLine(NamedTuple):
    """One interval of a BED file.

    Attributes:
        number: Line number in the file, from 1.
        chrom: Column 1, the sequence.
        start: First base, 0-based.
        end: Base after the last; an interval may be empty (start = end).
        fields: All columns as bytes.
    """

    number: int
    chrom: str
    start: int
    end: int
    fields: list[bytes]

    def name(self, path: Path) -> str:
        """Column 4, "" where there is none or a dot.

        Raises:
            GenomeError: It is not UTF-8 text; the message names the file ``path``.
        """
        raw = self.fields[3].strip() if len(self.fields) > 3 else b"."
        try:
            return "" if raw == b"." else raw.decode()
        except UnicodeDecodeError as error:
            raise not_utf8(path, "BED", self.number, raw[error.start]) from error

    @property
    def strand(self) -> Literal["+", "-", "."]:
        """Column 6, a dot where there is none or something else."""
        raw = self.fields[5].strip() if len(self.fields) > 5 else b"."
        return "+" if raw == b"+" else "-" if raw == b"-" else "."


def bed_lines(path: Path) -> Iterator[BedLine]:
    """Each interval of a BED file; columns are separated by tabs, or by blanks without a tab.

    Comments and track lines are passed over. The path may be a pipe, or ``-`` for standard input:
    it is read once.

    Raises:
        GenomeError: The file cannot be read or is damaged, or a line is malformed.
    """
    lines = read_bytes(path, "BED").removeprefix(MARK).splitlines()
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
            chrom = fields[0].strip().decode()
            if not 0 <= start <= end or not chrom:
                raise ValueError
        except (IndexError, ValueError):
            found = line[:60].decode("utf-8", "replace")
            raise GenomeError(
                f"{shown(path)}, line {number}: expected chrom, start, end with 0 <= start <= end "
                f"(0-based half-open); found {found!r}"
            ) from None
        yield BedLine(number, chrom, start, end, fields)
