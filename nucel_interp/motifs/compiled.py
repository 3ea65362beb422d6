"""memelite, whose functions numba compiles, and where what is compiled is kept.

numba keeps it beside memelite, in the user's cache, or where NUMBA_CACHE_DIR says, and refuses to
load memelite where none of them can be written (a cluster, a container). Then a folder below the
temporary one takes their place, and if that cannot be had, nothing is kept.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

VARIABLE = "NUMBA_CACHE_DIR"
_PREFIX = "nucel-interp-numba-"


def tomtom() -> Callable[..., Any]:
    """Tomtom of memelite."""
    function: Callable[..., Any] = _memelite().tomtom
    return function


def fimo() -> Callable[..., Any]:
    """FIMO of memelite."""
    function: Callable[..., Any] = _memelite().fimo
    return function


def kept_in() -> Path | None:
    """The folder in which numba keeps compiled code; None if nothing can be kept."""
    path = _dispatcher().stats.cache_path
    return None if path is None else Path(path)


def is_compiled() -> bool:
    """Whether Tomtom's compiled code is kept, for these versions and this processor."""
    dispatcher = _dispatcher()
    path = kept_in()
    if path is None:
        return bool(dispatcher.signatures)
    try:  # numba has no public way to ask
        machine = dispatcher.targetctx.codegen().magic_tuple()
        return any(machine in key for key in dispatcher._cache._cache_file._load_index())
    except AttributeError:
        return any(path.glob(f"tomtom.{dispatcher.__name__}-*.nbi"))


def is_temporary(folder: Path) -> bool:
    """Whether ``folder`` was taken for want of a better one, below the temporary folder."""
    return folder.parent.name.startswith(_PREFIX)


def private_folder() -> Path | None:
    """A folder for compiled code below the temporary one, which nobody else can write to.

    It is read as code: one that another user made, or may change, is not taken.
    """
    if not hasattr(os, "geteuid"):
        return None
    try:
        parent = Path(tempfile.gettempdir())
        others = parent.stat().st_mode
        if others & stat.S_IWOTH and not others & stat.S_ISVTX:
            return None  # anybody may put another folder in its place
        folder = parent / f"{_PREFIX}{os.geteuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return folder if mine and not found.st_mode & 0o077 else None


def _dispatcher() -> Any:
    _memelite()
    return sys.modules["memelite.tomtom"]._tomtom  # the package's own name is the function


def _memelite() -> Any:
    """memelite, loaded in whatever way it can be."""
    try:
        return import_module("memelite")
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
    if folder := private_folder():
        # in the environment, which numba reads again, and processes started from here inherit
        os.environ[VARIABLE] = str(folder)
        import_module("numba").config.reload_config()
        try:
            return import_module("memelite")
        except RuntimeError:
            del os.environ[VARIABLE]
    with _nothing_kept():
        return import_module("memelite")


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """Functions that ask numba to keep what it compiles of them are not heard."""
    dispatcher = import_module("numba.core.dispatcher").Dispatcher
    heard = dispatcher.enable_caching
    dispatcher.enable_caching = lambda self: None
    try:
        yield
    finally:
        dispatcher.enable_caching = heard
