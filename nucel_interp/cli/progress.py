"""How far a run is, on stderr: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nucel_interp.cli.terminal import LOGGER, say

OnProgress = Callable[[int, int, str], None]
"""``on_progress(done, total, stage)``: what the lower layers are given; they know no terminal."""

EVERY_SECONDS = 10.0


@contextmanager
def reporter() -> Iterator[OnProgress]:
    """A callable to hand down; shows one bar (or line) per stage. Silent with -q."""
    if not LOGGER.isEnabledFor(logging.INFO):
        yield lambda done, total, stage: None
    elif sys.stderr.isatty():
        with _bars() as on_progress:
            yield on_progress
    else:
        yield _lines()


@contextmanager
def progress(stage: str, total: int) -> Iterator[Callable[[int], None]]:
    """A loop inside one stage, n units further at each call.

    ``with progress("scoring", total=n) as step: step(1)``
    """
    done = 0
    with reporter() as on_progress:

        def step(n: int = 1) -> None:
            nonlocal done
            done += n
            on_progress(done, total, stage)

        on_progress(0, total, stage)
        yield step


@contextmanager
def _bars() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks = {}
    with bars:

        def on_progress(done: int, total: int, stage: str) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield on_progress


def _lines(clock: Callable[[], float] = time.monotonic) -> OnProgress:
    """The first word of a stage after `EVERY_SECONDS`, so that short runs say nothing."""
    last = clock()

    def on_progress(done: int, total: int, stage: str) -> None:
        nonlocal last
        if clock() - last >= EVERY_SECONDS:
            last = clock()
            share = f" ({done / total:.0%})" if total else ""
            say(f"{stage}: {done:,} of {total:,}{share}")

    return on_progress
