"""A pipe to read from, as the shell's <(...) gives one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def piped(content: bytes) -> Iterator[str]:
    """The name of a pipe into which ``content`` is written in small pieces, once."""
    read, write = os.pipe()

    def fill() -> None:
        with os.fdopen(write, "wb", buffering=0) as sink:
            try:
                for at in range(0, len(content), 1000):
                    sink.write(content[at : at + 3])
                    time.sleep(0.001)
                    sink.write(content[at + 3 : at + 1000])
            except BrokenPipeError:
                pass

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield f"/dev/fd/{read}"
    finally:
        os.close(read)
        thread.join()
