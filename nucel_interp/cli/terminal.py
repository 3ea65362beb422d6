"""What appears on stderr: log lines and warnings, each in one line."""

from __future__ import annotations

import logging
import math
import shutil
import sys
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from nucel_interp.errors import NucelWarning
from nucel_interp.progress import LOGGER


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at the moment (a progress bar takes its place for a while)."""

    def emit(self, record: logging.LogRecord) -> None:
        typer.echo(self.format(record), err=True)


def configure(*, verbose: bool = False, quiet: bool = False) -> None:
    """Set how much is said: DEBUG with -v, INFO by default, WARNING with -q."""
    LOGGER.handlers = [_Stderr()]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)


@contextmanager
def reporting() -> Iterator[None]:
    """Warnings as one line on stderr for the time of one command; our own are never swallowed."""
    said: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        name = "" if issubclass(category, NucelWarning) else f"{category.__name__}: "
        text = f"warning: {name}{' '.join(str(message).split())}"
        if text not in said:  # of several outputs alike, say
            said.add(text)
            typer.echo(text, err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", NucelWarning)
        warnings.showwarning = show
        handlers, propagate, level = LOGGER.handlers, LOGGER.propagate, LOGGER.level
        try:
            yield
        finally:
            LOGGER.handlers, LOGGER.propagate = handlers, propagate
            LOGGER.setLevel(level)


DASH = "-"


def number(value: float, form: str) -> str:
    """A number in that form; a dash if it is not known."""
    return DASH if math.isnan(value) else format(value, form)


def width() -> int | None:
    """Columns of the terminal; None where standard output is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_text(text: str) -> None:
    """A paragraph on standard output, wrapped on a terminal, one line in a file or a pipe."""
    columns = width()
    if columns is not None:
        text = _wrapped(text, columns, "", "")
    typer.echo(text)


def print_table(rows: Sequence[Mapping[str, str]], blocks: Sequence[Sequence[str]]) -> None:
    """A table on standard output; where the terminal is too narrow for it, a block per row.

    No cell is cut and no column left out. Into a file or a pipe the table is written.

    Args:
        rows: Cells by the titles of their columns, in the order to print them in; at least one.
        blocks: The same row by row as lines, of which those after the first are indented.
    """
    titles = list(rows[0])
    wide = {t: max(len(t), *(len(row[t]) for row in rows)) for t in titles}
    columns = width()
    if columns is None or sum(wide.values()) + 2 * (len(titles) - 1) <= columns:
        for cells in (dict(zip(titles, titles, strict=True)), *rows):
            typer.echo("  ".join(cells[t].ljust(wide[t]) for t in titles).rstrip())
        return
    for first, *others in blocks:
        typer.echo(_wrapped(first, columns, "", "    "))
        for line in others:
            typer.echo(_wrapped(line, columns, "  ", "    "))


def _wrapped(text: str, columns: int, first: str, others: str) -> str:
    return textwrap.fill(
        text,
        max(columns, 20),
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
        break_long_words=False,
    )


def with_interval(value: float, low: float, high: float, *, between: str = " to ") -> str:
    """As "1.21 (1.02 to 1.43)"; without what is not known, and a dash if that is all of it."""
    if math.isnan(value):
        return DASH
    return f"{value:.2f}" + ("" if math.isnan(low) else f" ({low:.2f}{between}{high:.2f})")
