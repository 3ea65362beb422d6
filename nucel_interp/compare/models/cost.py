"""What reading the sequences costs: seconds, and memory of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Cost:
    """Attributes: seconds of wall time; the peak of resident memory in MB, NaN if not told."""

    seconds: float = float("nan")
    peak_mb: float = float("nan")


@contextmanager
def measured() -> Iterator[Cost]:
    """Time and peak memory of the block; the whole process's, on Linux alone.

    The peak is of all that the process holds, interpreter and libraries included, so models are
    compared by it only within one run. Memory of an accelerator is not counted.
    """
    cost = Cost()
    resets = True
    try:
        _CLEAR.write_text("5")  # makes the kernel's high-water mark start anew
    except OSError:
        resets = False
    started = perf_counter()
    yield cost
    cost.seconds = perf_counter() - started
    if resets:
        lines = _STATUS.read_text().splitlines()
        kilobytes = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        cost.peak_mb = int(kilobytes[0]) / 1024 if kilobytes else float("nan")
