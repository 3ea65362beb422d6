"""BED files, plain or compressed, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nucel_genome.errors import GenomeError
from nucel_genome.text import MARK, read_bytes, shown


def bed_lines(path: Path) -> Iterator[tuple[int, str, int, int, list[bytes]]]:
    """Line number, sequence, start, end and all fields of each interval of a BED file.

    Comments and track lines are passed over; an interval may be empty (start = end). The path may
    be a pipe, or ``-`` for standard input: it is read once.

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
            if not 0 <= start <= end:
                raise ValueError
            name = fields[0].decode()
        except (IndexError, ValueError):
            found = line[:60].decode("utf-8", "replace")
            raise GenomeError(
                f"{shown(path)}, line {number}: expected chrom, start, end with 0 <= start <= end "
                f"(0-based half-open); found {found!r}"
            ) from None
        yield number, name, start, end, fields
