"""Outputs appear whole or not at all, and never in place of something we did not write."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

from nucel_interp.errors import OutputError
from nucel_interp.io.text import gzip_text

RUN_FILE = "run.json"
_ARCHIVES = (".bz2", ".xz", ".zst", ".zip")


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
        if str(path) == "-":
            raise OutputError("this command writes several files: give a folder with -o, not '-'")
        self.path = Path(path).expanduser().resolve()
        self.force = force
        self._parents: list[Path] = []
        self._partial = _hidden(self.path, "partial")

    def __enter__(self) -> Path:
        self._check()
        try:
            self._parents = _make_parents(self.path)
            self._partial.mkdir()
        except OSError as error:
            self._clean()
            raise _cannot_write(self.path, error) from error
        return self._partial

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
        old = _hidden(self.path, "old")
        replaces = self.path.is_dir()
        if replaces:
            self.path.rename(old)
        try:
            self._partial.rename(self.path)
        except OSError:
            if replaces:
                old.rename(self.path)
            raise
        if replaces:
            shutil.rmtree(old, ignore_errors=True)

    def _clean(self) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)
        for parent in self._parents:
            try:
                parent.rmdir()
            except OSError:
                break  # holds our output, or somebody else's by now

    def _is_ours_to_explain(self, error: OSError) -> bool:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        here = isinstance(error.filename, str) and error.filename.startswith(str(self._partial))
        return full or here


def write_atomic(path: str | Path, content: str | bytes, *, force: bool = False) -> None:
    """Write one file, or nothing; ``-`` is standard output. Parents are made.

    Raises:
        OutputError: It exists and ``force`` is not given, is a folder, or cannot be written.
    """
    if isinstance(content, str):
        with open_atomic(path, force=force) as stream:
            stream.write(content)
        return
    if str(path) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    path = check_free(path, force=force)
    if is_stream(path):
        path.write_bytes(content)
        return
    with atomic_file(path, force=force) as partial:
        partial.write_bytes(content)


@contextmanager
def open_atomic(path: str | Path, *, force: bool = False) -> Iterator[TextIO]:
    """A text file to write to line by line, that is there when the block ends well, or not at all.

    A name that ends in ``.gz`` is packed by gzip, equal text to equal bytes.

    Raises:
        OutputError: As `write_atomic`.
    """
    if str(path) == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    path = check_free(path, force=force)
    if is_stream(path):
        with _text(path, path.suffix) as stream:
            yield stream
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
    partial = _hidden(path, "partial")
    parents: list[Path] = []
    try:
        parents = _make_parents(path)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        if partial.parent.is_dir():
            partial.unlink(missing_ok=True)
        if not path.exists():
            for parent in parents:
                try:
                    parent.rmdir()
                except OSError:
                    break  # something else lies there by now


def check_free(path: str | Path, *, force: bool) -> Path:
    """The file that ``path`` stands for, once it is known that it may be written.

    Raises:
        OutputError: It exists and ``force`` is not given, is a folder, or is named like an archive
            that is not written.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in _ARCHIVES:
        raise OutputError(f"{path}: files are written plain or, as .gz, packed by gzip")
    if path.suffix.lower() == ".gz" and Path(path.stem).suffix.lower() in (".bw", ".bigwig"):
        raise OutputError(f"{path}: bigWig is packed within; leave .gz out of the name")
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file")
    if path.exists() and not force:
        raise OutputError(f"{path} exists already; give --force to replace it")
    return path.resolve()  # through a symbolic link to the file it stands for


def is_stream(path: Path) -> bool:
    """Whether ``path`` is /dev/stdout or a named pipe: nothing to rename over."""
    return path.exists() and not path.is_file()


def _hidden(path: Path, what: str) -> Path:
    """A name beside ``path`` that nobody else uses."""
    return path.parent / f".{path.name[:100]}.{secrets.token_hex(4)}.{what}"


def _make_parents(path: Path) -> list[Path]:
    """Make the missing parents of ``path``; returns those made, innermost first."""
    missing = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return missing


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
