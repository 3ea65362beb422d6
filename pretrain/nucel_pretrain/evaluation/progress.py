"""A bar for what takes longer than a glance."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import Progress

PATIENCE_S = 2.0


def slices(n: int, size: int, what: str) -> Iterator[slice]:
    """Slices of at most ``size`` that cover ``n`` items; a bar on a terminal after 2 seconds."""
    started = time.monotonic()
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = None
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))
            if task is None and time.monotonic() - started > PATIENCE_S:
                task = bar.add_task(what, total=n)
            if task is not None:
                bar.update(task, completed=min(start + size, n))
