"""What appears on stderr: log lines and warnings, each in one line."""

from __future__ import annotations

import logging
import math
import shutil
import sys
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


def print_table(rows: Sequence[Mapping[str, str]], keep: Sequence[str], rest: str) -> None:
    """A table on standard output, with as many columns as the terminal is wide; no cell is cut.

    Into a file or a pipe all columns are written.

    Args:
        rows: Cells by the titles of their columns, in the order to print them in; at least one.
        keep: Titles of the columns, those to be spared first last.
        rest: File in which those left out are found.
    """
    titles = list(rows[0])
    width = {t: max(len(t), *(len(row[t]) for row in rows)) for t in titles}
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    kept: list[str] = []
    for title in keep:
        if columns is None or not kept or sum(width[t] + 2 for t in [*kept, title]) - 2 <= columns:
            kept.append(title)
        else:
            break
    shown = [t for t in titles if t in kept]
    for cells in (dict(zip(titles, titles, strict=True)), *rows):
        typer.echo("  ".join(cells[t].ljust(width[t]) for t in shown).rstrip())
    if len(shown) < len(titles):
        typer.echo(f"({len(shown)} of {len(titles)} columns fit here; all are in {rest})")


def with_interval(value: float, low: float, high: float, *, between: str = " to ") -> str:
    """As "1.21 (1.02 to 1.43)"; without what is not known, and a dash if that is all of it."""
    if math.isnan(value):
        return DASH
    return f"{value:.2f}" + ("" if math.isnan(low) else f" ({low:.2f}{between}{high:.2f})")
