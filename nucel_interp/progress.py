"""How far a run is and what it says on the way: callbacks and a log, for rooms without a screen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

OnProgress = Callable[[int, int, str], None]
"""``on_progress(done, total, stage)``: units done, units in all, and the name of the stage."""

LOGGER = logging.getLogger("nucel_interp")
"""The package's log. The programs print it; in Python it is silent until a handler is added."""


def say(text: str) -> None:
    """Log a line for the reader, at level INFO."""
    LOGGER.info(text)


@dataclass
class Stages:
    """The stages of one run: reports how far each is, and remembers how long each took.

    Attributes:
        on_progress: Called at every step; None for silence.
        seconds: Seconds of each stage that has ended, by its name.
    """

    on_progress: OnProgress | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """``with stages.stage("scoring", total=n) as step: step(k)``."""
        started = perf_counter()
        with counted(self.on_progress, name, total) as step:
            yield step
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - started


@contextmanager
def counted(
    on_progress: OnProgress | None, stage: str, total: int, *, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """The steps of one stage, counted.

    As in ``with counted(on_progress, "scoring", total=n) as step: step(1)``.

    Args:
        on_progress: Called at the start, at every step and at the end; None for silence.
        stage: Name of the stage.
        total: Units of work in all.
        done: Units of work done by an earlier run.
    """
    at = done

    def step(n: int = 1) -> None:
        nonlocal at
        at += n
        if on_progress is not None:
            on_progress(at, total, stage)

    step(0)
    yield step
    step(total - at)
