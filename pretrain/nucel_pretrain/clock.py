"""How long a run has taken, over all its sittings, and how fast its steps are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Started when a sitting begins, at ``step``, after ``before`` seconds of earlier sittings."""

    def __init__(self, step: int, before: float = 0.0) -> None:
        now = time.monotonic()
        self._began, self._last_save = now - before, now
        self._mark, self._marked_step = now, step

    def total(self) -> float:
        """Seconds of the whole run."""
        return time.monotonic() - self._began

    def saved(self) -> None:
        """A checkpoint was written."""
        self._last_save = time.monotonic()

    def since_save(self) -> float:
        """Seconds since a checkpoint was written, or since the sitting began."""
        return time.monotonic() - self._last_save

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that the pace does not count: validating, saving."""
        began = time.monotonic()
        yield
        self._mark += time.monotonic() - began

    def pace(self, step: int) -> float:
        """Steps per second since this was last asked."""
        now = time.monotonic()
        pace = (step - self._marked_step) / max(now - self._mark, 1e-9)
        self._mark, self._marked_step = now, step
        return pace
