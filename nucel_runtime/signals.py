"""What is told to end, or loses its terminal, clears up like what was interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def unwind_when_ended() -> None:
    """Let SIGTERM and SIGHUP raise SystemExit (143, 129), so that what is half written goes.

    What ignores them (nohup) goes on ignoring them. Of no effect outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    # a closed terminal sends more than one; the second must not stop the clearing up
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)
