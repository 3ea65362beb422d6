"""Sites in: BED with the motif's name in column 4."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nucel_interp.errors import InputError
from nucel_interp.io.places import is_header, unquoted
from nucel_interp.io.text import lines_of, shown, unpacked
from nucel_interp.types import Strand

UNNAMED = "site"
"""The motif of a line without a name."""


@dataclass(frozen=True)
class BedSite:
    """One line of a BED file: 0-based, half-open; ``line`` counts from 1."""

    line: int
    chrom: str
    start: int
    end: int
    name: str
    strand: Strand

    def __str__(self) -> str:
        return f"line {self.line} ({self.name:.40}, {self.chrom:.60}:{self.start}-{self.end})"


def read_sites(path: str | Path) -> list[BedSite]:
    """Every site of a BED file, plain or compressed, in its order; ``-`` is standard input.

    Columns are chrom (a record's name or a chromosome), start, end, then optionally name, score
    and strand, separated by tabs, or by blanks where a line has no tab.

    Raises:
        InputError: The file is missing or damaged, holds no site, or a line is not BED.
    """
    with unpacked(path, "BED") as stream:
        sites = [
            _site(number, line, shown(path))
            for number, line in lines_of(stream, path, "BED")
            if not is_header(line)
        ]
    if not sites:
        raise InputError(f"{shown(path)} holds no site; give BED with at least one line")
    return sites


def _site(number: int, line: str, path: str) -> BedSite:
    cells = line.split("\t") if "\t" in line else line.split()
    cells = [cell.strip() for cell in cells]
    try:
        start, end = int(cells[1]), int(cells[2])
    except (IndexError, ValueError):
        raise InputError(
            f"{path}, line {number}: BED needs chrom, start and end, but this is "
            f"{line.strip()[:60]!r}"
        ) from None
    if not 0 <= start < end:
        raise InputError(
            f"{path}, line {number}: 0 <= start < end does not hold for {start} and {end} "
            "(BED counts from 0, the end is not included)"
        )
    name = cells[3] if len(cells) > 3 and cells[3] not in ("", ".") else UNNAMED
    strand: Strand = "."
    if len(cells) > 5 and cells[5] in ("+", "-"):
        strand = "+" if cells[5] == "+" else "-"
    return BedSite(number, unquoted(cells[0]), start, end, name, strand)
