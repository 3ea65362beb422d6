"""Sites in: BED with the motif's name in column 4."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nucel_genome.bed import BedLine, bed_lines
from nucel_genome.errors import GenomeError
from nucel_interp.errors import InputError
from nucel_interp.io.places import unquoted
from nucel_interp.io.text import shown
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
    try:
        sites = [_site(line, Path(path)) for line in bed_lines(Path(path))]
    except GenomeError as error:
        raise InputError(str(error)) from error
    if not sites:
        raise InputError(f"{shown(path)} holds no site; give BED with at least one line")
    return sites


def _site(line: BedLine, path: Path) -> BedSite:
    if line.start == line.end:
        raise InputError(
            f"{shown(path)}, line {line.number}: 0 <= start < end does not hold for {line.start} "
            f"and {line.end} (BED counts from 0, the end is not included)"
        )
    name = line.name(path) or UNNAMED
    return BedSite(line.number, unquoted(line.chrom), line.start, line.end, name, line.strand)
