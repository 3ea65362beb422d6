"""Outputs in the making: hidden names beside the place, and what dead runs left under them."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import warnings
from contextlib import suppress
from pathlib import Path

from nucel_interp.errors import NucelWarning

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl


class Partial:
    """A hidden file or folder beside an output, locked for as long as the run lives.

    The lock goes when the process does, whatever ends it, so that a later run knows what nobody
    writes to any more.

    Attributes:
        path: Path of the hidden file or folder; there once `make_folder` or `make_file` was called.
    """

    def __init__(self, final: Path) -> None:
        self._final = final
        self.path = hidden(final, "partial")
        self._lock: int | None = None

    def make_folder(self) -> Path:
        """Make it, as a folder.

        Raises:
            OSError: It cannot be made.
        """
        return self._make(folder=True)

    def make_file(self) -> Path:
        """Make it, as an empty file.

        Raises:
            OSError: It cannot be made.
        """
        return self._make(folder=False)

    def remove(self) -> None:
        """Remove it, if it is still there, and let go of the lock."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make(self, *, folder: bool) -> Path:
        while True:
            if folder:
                self.path.mkdir()
            else:
                self.path.touch(exist_ok=False)
            self._lock, free = _lock(self.path)
            if free and self.path.exists():
                return self.path
            # another run took it for left over before it was locked
            self.remove()
            self.path = hidden(self._final, "partial")


def hidden(path: Path, what: str) -> Path:
    """A name beside ``path`` that nobody else uses, and that tells this machine from others."""
    return path.parent / f".{path.name[:100]}.{_machine()}{secrets.token_hex(4)}.{what}"


def remove_left_over(path: Path) -> None:
    """Remove what runs that were killed left beside ``path``.

    A run that lives is known by its lock. Locks of other machines may not be seen on a shared disk,
    and some disks know none: what may be of a run that lives is named, not removed.

    Warns:
        NucelWarning: Something is there that may be removed by hand.
    """
    name = re.compile(rf"\.{re.escape(path.name[:100])}\.([0-9a-f]{{8}})[0-9a-f]{{8}}\.partial")
    try:
        found = [(p, m[1]) for p in path.parent.iterdir() if (m := name.fullmatch(p.name))]
    except OSError:
        return  # may be written to, but not listed
    for left, machine in found:
        try:
            lock, free = _lock(left)
        except OSError:
            continue  # gone by now, or somebody else's
        if free and lock is not None and machine == _machine():
            _remove(left)
        elif free:
            warnings.warn(
                f"{left} is of a run that was cut off, or goes on at another machine; remove it "
                "if none goes on",
                NucelWarning,
                stacklevel=2,
            )
        if lock is not None:
            os.close(lock)


def _lock(path: Path) -> tuple[int | None, bool]:
    """The open file that holds a lock on ``path``, and whether nobody else holds one.

    No open file, and free, where the disk or the system knows no locks.
    """
    if fcntl is None:
        return None, True
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None, False
    except OSError:
        os.close(opened)
        return None, True
    return opened, True


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)
