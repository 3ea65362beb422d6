"""How far a run is, on stderr: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nucel_interp.progress import LOGGER, OnProgress, say

EVERY_SECONDS = 10.0
IN_BASES = "reading"
"""How the stages begin that count bases; of those the speed is shown."""


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
def progress(stage: str, total: int, *, done: int = 0) -> Iterator[Callable[[int], None]]:
    """A loop inside one stage, n units further at each call.

    ``with progress("scoring", total=n) as step: step(1)``

    Args:
        stage: Name of the stage, beside the bar.
        total: Units in all.
        done: Units of an earlier run, which say nothing of this one's speed.
    """
    with reporter() as on_progress:

        def step(n: int = 1) -> None:
            nonlocal done
            done += n
            on_progress(done, total, stage)

        on_progress(done, total, stage)
        yield step


@dataclass
class Pace:
    """Speed since a stage began.

    Attributes:
        began: Seconds of the clock.
        first: Units that were done by then.
    """

    began: float
    first: int

    def rate(self, done: int, now: float) -> float:
        """Units per second; 0 as long as that cannot be said."""
        return (done - self.first) / (now - self.began) if now > self.began else 0.0

    def left(self, done: int, total: int, now: float) -> float | None:
        """Seconds to the end, if the rest goes as what was done; None if it cannot be said."""
        rate = self.rate(done, now)
        return (total - done) / rate if rate > 0 else None


@contextmanager
def _bars() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        console=Console(stderr=True),
    )
    tasks, paces = {}, {}
    with bars:

        def on_progress(done: int, total: int, stage: str) -> None:
            now = time.monotonic()
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, pace="")
                paces[stage] = Pace(now, done)
            pace = _pace(paces[stage], done, total, now, stage)
            bars.update(tasks[stage], completed=done, total=total, pace=pace)

        yield on_progress


def _lines(clock: Callable[[], float] = time.monotonic) -> OnProgress:
    """The first word of a stage after `EVERY_SECONDS`, so that short runs say nothing."""
    last = clock()
    paces: dict[str, Pace] = {}

    def on_progress(done: int, total: int, stage: str) -> None:
        nonlocal last
        now = clock()
        pace = paces.setdefault(stage, Pace(now, done))
        if now - last >= EVERY_SECONDS:
            last = now
            share = f" ({done / total:.0%})" if total else ""
            more = _pace(pace, done, total, now, stage)
            say(f"{stage}: {done:,} of {total:,}{share}" + (f", {more}" if more else ""))

    return on_progress


def _pace(pace: Pace, done: int, total: int, now: float, stage: str) -> str:
    """As "9,800 bases/s, 1:40 left"."""
    words = []
    if stage.startswith(IN_BASES) and (rate := pace.rate(done, now)) > 0:
        words.append(f"{rate:,.0f} bases/s")
    left = pace.left(done, total, now)
    if left is not None and done < total:
        words.append(f"{_clock_time(left)} left")
    return ", ".join(words)


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
