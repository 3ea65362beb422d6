"""Outputs appear whole or not at all, and never in place of something we did not write."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TextIO

from nucel_interp.errors import OutputError
from nucel_interp.io.partial import Partial, hidden, remove_left_over
from nucel_interp.io.text import gzip_text

RUN_FILE = "run.json"
_ARCHIVES = (".bz2", ".xz", ".zst", ".zip")
_DESCRIPTOR = re.compile(r"/(?:dev|proc/(self|thread-self|\d+))/fd/(\d+)")
_STANDARD = {"-": 1, "/dev/stdout": 1, "/dev/stderr": 2}


class OutputFolder:
    """A folder that comes into being when the ``with`` block ends well.

    Inside the block one writes into a hidden folder beside the final place; it is renamed at the
    end, and removed, together with parents made for it, after any exception or interruption::

        with OutputFolder("out", force=False) as folder:
            write_tsv(motifs, folder / "motifs.tsv")
            write_json(run_info(command), folder / "run.json")

    ``force`` replaces an earlier output, at the end and not before. A folder that holds no run.json
    of ours is never replaced.

    Raises:
        OutputError: The place is taken or cannot be written to, or the disk is full.
    """

    def __init__(self, path: str | Path, *, force: bool = False) -> None:
        if is_stream(path):
            raise OutputError(
                f"this command writes several files: give a folder with -o, not '{path}'"
            )
        self.path = Path(path).expanduser().resolve()
        self.force = force
        self._parents: list[Path] = []
        self._partial = Partial(self.path)

    def __enter__(self) -> Path:
        self._check()
        try:
            self._parents = make_parents(self.path)
            remove_left_over(self.path)
            return self._partial.make_folder()
        except BaseException as error:
            self._clean()
            if isinstance(error, OSError):
                raise _cannot_write(self.path, error) from error
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._check()  # again: another run may have finished in the meantime
                self._publish()
        except OSError as problem:
            raise _cannot_write(self.path, problem) from problem
        finally:
            self._clean()
        if isinstance(error, OSError) and self._is_ours_to_explain(error):
            raise _cannot_write(self.path, error) from error

    def _check(self) -> None:
        if os.path.lexists(self.path) and not self.path.is_dir():
            raise OutputError(f"{self.path} is a file; give the name of a folder with -o")
        if not self.path.is_dir():
            return
        try:
            taken = next(self.path.iterdir(), None) is not None
        except OSError as error:
            raise _cannot_write(self.path, error) from error
        if self.path.is_mount() or Path.cwd().is_relative_to(self.path):
            raise OutputError(f"{self.path} cannot be replaced as a whole; give a folder inside it")
        if not taken:
            return
        if not _is_our_folder(self.path):
            raise OutputError(
                f"{self.path} is not empty and holds no {RUN_FILE} of nucel-interp, so it is not "
                "replaced, even with --force; give another folder"
            )
        if not self.force:
            raise OutputError(f"{self.path} holds an earlier output; give --force to replace it")

    def _publish(self) -> None:
        old = hidden(self.path, "old")
        replaces = self.path.is_dir()
        try:
            if replaces:
                self.path.rename(old)
            self._partial.path.rename(self.path)
        except BaseException:  # a signal too: the earlier output is never lost
            if old.exists() and not self.path.exists():
                old.rename(self.path)
            raise
        if replaces:
            shutil.rmtree(old, ignore_errors=True)

    def _clean(self) -> None:
        self._partial.remove()
        remove_empty(self._parents)

    def _is_ours_to_explain(self, error: OSError) -> bool:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        place = str(self._partial.path)
        here = isinstance(error.filename, str) and error.filename.startswith(place)
        return full or here


def check_folder(path: str | Path, *, force: bool) -> None:
    """Refuse before any work what `OutputFolder` would refuse after it.

    Raises:
        OutputError: As `OutputFolder`.
    """
    folder = OutputFolder(path, force=force)
    folder.__enter__()
    folder._clean()


def write_atomic(path: str | Path, content: str | bytes, *, force: bool = False) -> None:
    """Write one file, or nothing; into a stream (`is_stream`) what there is. Parents are made.

    Raises:
        OutputError: It exists and ``force`` is not given, is a folder, or cannot be written.
    """
    if isinstance(content, str):
        with open_atomic(path, force=force) as text:
            text.write(content)
        return
    path = check_free(path, force=force)
    if is_stream(path):
        with _open_stream(path) as stream:
            stream.write(content)
        return
    with atomic_file(path, force=force) as partial:
        partial.write_bytes(content)


@contextmanager
def open_atomic(path: str | Path, *, force: bool = False) -> Iterator[TextIO]:
    """A text file to write to line by line, that is there when the block ends well, or not at all.

    Streams (`is_stream`) are written to as the lines come. A name that ends in ``.gz`` is packed by
    gzip, equal text to equal bytes.

    Raises:
        OutputError: As `write_atomic`.
    """
    path = check_free(path, force=force)
    if _descriptor(path) == 1:
        yield sys.stdout
        sys.stdout.flush()
        return
    if is_stream(path):
        with _open_stream(path) as binary:
            text = io.TextIOWrapper(binary, encoding="utf-8", newline="\n")
            yield text
            text.detach()
        return
    with atomic_file(path, force=force) as partial, _text(partial, path.suffix) as stream:
        yield stream


def _text(path: Path, suffix: str) -> AbstractContextManager[TextIO]:
    if suffix.lower() == ".gz":
        return gzip_text(path)
    return path.open("w", encoding="utf-8", newline="\n")


@contextmanager
def atomic_file(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """A name to write to, which becomes ``path`` when the block ends well; parents are made.

    Raises:
        OutputError: As `write_atomic`.
    """
    path = check_free(path, force=force)
    partial = Partial(path)
    parents: list[Path] = []
    try:
        parents = make_parents(path)
        remove_left_over(path)
        yield partial.make_file()
        partial.path.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        partial.remove()
        if not path.exists():
            remove_empty(parents)


def check_free(path: str | Path, *, force: bool) -> Path:
    """The file that ``path`` stands for, once it is known that it may be written.

    A stream (`is_stream`) is given back as it is: there is nothing that could be lost.

    Raises:
        OutputError: It exists and ``force`` is not given, or is a folder, or is named like an
            archive that is not written, or no file can be made there.
    """
    given = Path(path)
    if is_stream(given):
        return given
    path = given.expanduser()
    if path.suffix.lower() in _ARCHIVES:
        raise OutputError(f"{path}: files are written plain or, as .gz, packed by gzip")
    if path.suffix.lower() == ".gz" and Path(path.stem).suffix.lower() in (".bw", ".bigwig"):
        raise OutputError(f"{path}: bigWig is packed within; leave .gz out of the name")
    if os.path.isdir(path):  # noqa: PTH112, which raises nothing where a folder may not be read
        raise OutputError(f"{path} is a folder; give the name of a file")
    there = os.path.exists(path)  # noqa: PTH110, as above
    if there and not path.is_file():
        raise OutputError(f"{path} is a device; give the name of a file")
    if there and not force:
        raise OutputError(f"{path} exists already; give --force to replace it")
    path = path.resolve()  # through a symbolic link to the file it stands for
    parent = next(parent for parent in path.parents if os.path.lexists(parent))
    if not parent.is_dir():
        raise _cannot_write(path, NotADirectoryError(errno.ENOTDIR, f"{parent} is no folder"))
    try:
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise _cannot_write(path, error) from error
    return path


def is_stream(path: str | Path) -> bool:
    """Whether ``path`` is written to as it comes: nothing to rename over, nothing to replace.

    ``-`` and /dev/stdout, another open file by its number (/dev/fd/3, as a shell's ``>(...)``
    gives), a named pipe, a terminal, /dev/null.
    """
    if _descriptor(path) is not None:
        return True
    try:
        mode = Path(path).expanduser().stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _descriptor(path: str | Path) -> int | None:
    """The number of the open file that ``path`` names, through links, as /dev/stdout does.

    Decided by the name: what it stands for may be a file, which opened anew would be emptied,
    though the shell was told to append to it.
    """
    name = str(path)
    for _ in range(40):  # as many links as Linux follows
        if name in _STANDARD:
            return _STANDARD[name]
        match = _DESCRIPTOR.fullmatch(name)
        if match and match[1] in (None, "self", "thread-self", str(os.getpid())):
            return int(match[2])
        try:
            name = os.path.join(os.path.dirname(name), os.readlink(name))  # noqa: PTH115, PTH118, PTH120
        except (OSError, ValueError):
            return None
    return None


@contextmanager
def _open_stream(path: Path) -> Iterator[BinaryIO]:
    """Bytes go to ``path`` from wherever it stands.

    Raises:
        OutputError: It cannot be written.
    """
    number = _descriptor(path)
    try:
        if number == 1:
            sys.stdout.flush()
            yield sys.stdout.buffer
            sys.stdout.flush()
            return
        # a copy of the open file keeps its place in it; opened anew it would begin at 0
        target = path.expanduser() if number is None else os.dup(number)
        with open(target, "wb") as stream:  # noqa: PTH123, a number too
            yield stream
    except BrokenPipeError:
        raise  # the reader has had enough: how a command ends well
    except OSError as error:
        raise _cannot_write(path, error) from error


def make_parents(path: Path) -> list[Path]:
    """Make the missing parents of ``path``; returns those made, innermost first."""
    missing = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return missing


def remove_empty(parents: list[Path]) -> None:
    """Remove these folders, the first that holds something and those after it excepted.

    Args:
        parents: Folders, innermost first.
    """
    for parent in parents:
        try:
            parent.rmdir()
        except OSError:
            break  # holds our output, or somebody else's by now


def _is_our_folder(path: Path) -> bool:
    try:
        run = json.loads((path / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(run, dict) and "nucel-interp" in run.get("versions", {})


def _cannot_write(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason += ": make room, or give another place with -o"
    return OutputError(f"{path} cannot be written: {reason}")
