"""What commands share before and after their work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nucel_interp.progress import say

if TYPE_CHECKING:
    from nucel_interp.api.result import TableResult


def say_if_cold() -> None:
    """Say before the first comparison of motifs that it is compiled, if it is."""
    from nucel_interp.motifs.similarity import notice

    text = notice()
    if text:
        say(text)


def set_threads(threads: int, *, reads: bool = True) -> None:
    """Give torch its threads; it is not even loaded where no model is read."""
    if threads and reads:
        import torch

        torch.set_num_threads(threads)


def say_of_table(result: TableResult, out: Path) -> None:
    """What a table holds, what must be known of it, and where it was written."""
    say(result.answer)
    for warning in result.warnings:
        say(f"note: {warning}")
    if str(out) != "-":
        say(f"Table: {out}")


def is_genome(sequences: Path, bed: Path | None, cluster: str) -> bool:
    """Whether SEQUENCES is read by interval, not record by record."""
    from nucel_genome.readers import is_twobit

    if str(sequences) == "-" and (bed is not None or cluster):
        raise typer.BadParameter("a genome is read from a file, not from standard input")
    return bed is not None or bool(cluster) or is_twobit(sequences)
