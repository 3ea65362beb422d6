"""BED in: which stretches of a genome to read, every line checked against the genome."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nucel_genome import Genome, bed_lines, merge
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.text import shown
from nucel_interp.types import Location


def read_regions(path: str | Path, genome: Genome) -> list[Location]:
    """The regions of a BED file, plain or gzip, in the genome's order.

    Columns 1 to 3 are read; name, score and strand are not used. Lines need not be sorted. Regions
    that overlap or touch are merged into one, and one `NucelWarning` tells how many were.

    Raises:
        InputError: A line names a sequence the genome does not have, reaches beyond its end or is
            empty; or there is no line.
        GenomeError: The file cannot be read, or a line is no BED (`bed_lines`).
    """
    called = shown(path)
    known = set(genome.names)
    found: dict[str, list[tuple[int, int]]] = {}
    for number, name, start, end, _ in bed_lines(Path(path)):
        where = f"{called}, line {number}"
        if name not in known:
            raise InputError(f"{where}: {unknown_sequence(name, genome.names)}")
        if start == end:
            raise InputError(
                f"{where}: the region {name}:{start:,}-{end:,} is empty; BED counts from 0 and "
                "leaves the end out, so the end must be larger than the start"
            )
        if end > genome.length(name):
            raise InputError(
                f"{where}: the region {name}:{start:,}-{end:,} reaches beyond the end of {name}, "
                f"which has {genome.length(name):,} bases. Is it of another assembly?"
            )
        found.setdefault(name, []).append((start, end))
    if not found:
        raise InputError(f"{called} holds no region; give lines of chromosome, start and end")
    regions = [
        Location(name, int(start), int(end))
        for name in genome.names
        if name in found
        for start, end in merge(np.array(found[name], dtype=np.int64))
    ]
    lines = sum(map(len, found.values()))
    if len(regions) < lines:
        warnings.warn(
            f"{called}: {lines:,} regions were merged into {len(regions):,}, since some overlap or "
            "touch",
            NucelWarning,
            stacklevel=2,
        )
    return regions


def write_regions(path: str | Path, regions: Iterable[Location]) -> None:
    """Regions as BED of three columns."""
    lines = [f"{r.chromosome}\t{r.start}\t{r.end}\n" for r in regions]
    Path(path).write_text("".join(lines), encoding="utf-8", newline="\n")


def whole_genome(genome: Genome) -> list[Location]:
    """Every sequence from end to end."""
    return [Location(name, 0, genome.length(name)) for name in genome.names if genome.length(name)]


def unknown_sequence(name: str, names: list[str]) -> str:
    """What to say of a name the genome does not have: the nearest, or how it writes them."""
    what = f"the genome has no sequence {name:.60}"
    for other, how in ((f"chr{name}", "with"), (name.removeprefix("chr"), "without")):
        if other != name and other in names:
            return f"{what}; it writes {other}, {how} 'chr'. Write the names alike"
    for other in names:
        if other.lower() == name.lower():
            return f"{what}; it writes {other}. Write the names alike"
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"{what}; the nearest is {near[0]:.60}. Is it misspelt, or of another assembly?"
    few = ", ".join(f"{other:.60}" for other in names[:3])
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"{what}; it has {few}{more}. Is it of another assembly?"
