"""What appears on stderr: log lines and warnings, each in one line."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
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


def with_interval(value: float, low: float, high: float, *, between: str = " to ") -> str:
    """As "1.21 (1.02 to 1.43)"; without what is not known, and a dash if that is all of it."""
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" + ("" if math.isnan(low) else f" ({low:.2f}{between}{high:.2f})")
