"""The copy of a sequence file that later starts open: one byte a base, beside a small index.

Bases are read with `pread` and not through a memory map: the pages a map has touched count as the
process's memory, and a training run touches all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat as stat_module
import tempfile
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_genome.errors import GenomeError
from nucel_genome.readers import SOFT_MASK, read
from nucel_genome.text import shown
from nucel_model import tokenizer

Say = Callable[[str], None]

FORMAT = 2
"""Of the copy; after a change older copies are no longer used. 2: letters are checked."""


@dataclass(frozen=True)
class Copy:
    """A complete copy of one file: its index, and its bases behind an open file."""

    names: list[str]
    lengths: list[int]
    n_runs: list[int]
    upper: bool
    lower: bool
    runs: NDArray[np.int64]
    """Of all sequences, one after the other (n, 2); positions within their sequence."""
    bases: _Bases

    def reader(self, offset: int) -> Callable[[int, int], NDArray[np.uint8]]:
        """Reads bytes ``start`` to ``end`` of the sequence that begins at ``offset``."""
        return lambda start, end: self.bases.read(offset + start, offset + end)


class _Bases:
    """The file of bases, open as long as something reads from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.descriptor)

    def read(self, start: int, end: int) -> NDArray[np.uint8]:
        """Bytes (end - start,), read-only."""
        parts = []
        while start < end:
            part = os.pread(self.descriptor, min(end - start, 1 << 30), start)
            if not part:
                raise GenomeError(f"{self.path} was cut short; delete its folder and start again")
            parts.append(part)
            start += len(part)
        return np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), dtype=np.uint8)


class Tally:
    """What is noted of bases as they pass: the runs of A, C, G, T, and which case was seen."""

    def __init__(self) -> None:
        self.upper = self.lower = False

    def begin(self) -> None:
        """A record begins."""
        self.length = 0
        self._edges: list[NDArray[np.int64]] = []
        self._inside = False

    def add(self, piece: NDArray[np.uint8]) -> None:
        """Bases that continue the record."""
        usable = (piece & (SOFT_MASK - 1)) >= tokenizer.A
        changes = np.flatnonzero(np.diff(usable, prepend=self._inside))
        self._edges.append(changes + self.length)
        self.length += len(piece)
        self._inside = bool(usable[-1]) if len(piece) else self._inside
        self.upper = self.upper or bool((usable & (piece < SOFT_MASK)).any())
        self.lower = self.lower or bool((usable & (piece >= SOFT_MASK)).any())

    def end(self) -> NDArray[np.int64]:
        """The record's runs (n, 2)."""
        last = [self.length] if self._inside else []
        return np.concatenate([*self._edges, np.array(last, dtype=np.int64)]).reshape(-1, 2)


def repeated(path: Path, name: str) -> GenomeError:
    """The error for a name that occurs twice."""
    return GenomeError(f"{path} repeats the sequence name {name}; names must differ")


def default_cache() -> Path:
    """Where genomes are kept unless told otherwise."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if Path(given).is_absolute() else Path("~/.cache").expanduser()
    return base / "nucel-interp" / "genomes"


def _load(folder: Path) -> Copy | None:
    """A complete copy; None where there is none."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        runs = np.load(folder / "runs.npy", allow_pickle=False)
        bases = _Bases(folder / "bases.u8")
        copy = Copy(**index, runs=runs, bases=bases)
        whole = os.fstat(bases.descriptor).st_size == sum(copy.lengths)
        return copy if whole and len(runs) == sum(copy.n_runs) else None
    except (OSError, EOFError, ValueError, TypeError):
        return None


def cached(path: Path, cache: Path | None, say: Say) -> Copy:
    """The copy of ``path``, made if need be.

    Raises:
        GenomeError: The file cannot be read, or the copy cannot be written.
    """
    try:
        kind = stat_module.S_IFIFO if str(path) == "-" else stat_module.S_IFMT(path.stat().st_mode)
        if kind != stat_module.S_IFREG:
            raise GenomeError(f"cannot read {shown(path)} as FASTA: {_no_file(kind)}")
        found = path.resolve(strict=True)
        stat = found.stat()
    except OSError as error:
        raise GenomeError(f"cannot read {path} as FASTA: {error.strerror or error}") from error
    identity = f"{found}\0{stat.st_size}\0{stat.st_mtime_ns}\0{FORMAT}"
    key = f"{path.name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    try:
        folder = (cache or default_cache()) / key
        copy = _load(folder)
        if copy is None:
            copy = _convert(path, folder, say)
            after = found.stat()
            if (after.st_size, after.st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
                shutil.rmtree(folder)
                raise GenomeError(f"{path} was changed while it was read; start again")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        other = "set XDG_CACHE_HOME to another folder" if cache is None else "give another folder"
        raise GenomeError(
            f"cannot keep the bases of {path} in {cache or 'the default cache'}: {error}. "
            f"They need a byte a base; {other}"
        ) from error
    return copy


def _no_file(kind: int) -> str:
    if kind == stat_module.S_IFDIR:
        return "it is no file but a folder; give the FASTA or .2bit file in it"
    return (
        "it is no file but a pipe, and a genome is read by interval, again and again. Write it to "
        "a file first (gzip and bgzip are read as they are)"
    )


def _convert(path: Path, folder: Path, say: Say) -> Copy:
    """Write ``folder``: bases.u8, runs.npy, index.json. It appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write(path, unfinished, say)
        if folder.exists() and _load(folder) is None:
            shutil.rmtree(folder)  # damaged after it was made
        try:
            unfinished.rename(folder)
        except OSError:
            if _load(folder) is None:  # otherwise another process was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    copy = _load(folder)
    if copy is None:
        raise GenomeError(f"{folder} was deleted while it was made; start again")
    return copy


def _remove_abandoned(folder: Path) -> None:
    """Delete what a killed process left: copies that nobody has written to for an hour."""
    for old in folder.parent.glob(f".{folder.name}.*"):
        touched = max((f.stat().st_mtime for f in old.iterdir()), default=old.stat().st_mtime)
        if time.time() - touched > 3600:
            shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, folder: Path, say: Say) -> None:
    names: list[str] = []
    lengths: list[int] = []
    runs: list[NDArray[np.int64]] = []
    tally = Tally()
    told = time.monotonic() - 8  # the first message after 2 s, then every 10 s

    def end_record() -> None:
        if names:
            runs.append(tally.end())
            lengths.append(tally.length)

    seen: set[str] = set()
    with (folder / "bases.u8").open("wb") as file:
        for item in read(path):
            if isinstance(item, str):
                if item and item in seen:
                    raise repeated(path, item)
                end_record()
                seen.add(item)
                names.append(item)
                tally.begin()
            else:
                tally.add(item)
                file.write(item.data)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                say(f"reading {names[-1]} of {path} (once; later starts use a copy) ...")
        end_record()
        file.flush()
        os.fsync(file.fileno())
    all_runs = np.concatenate([np.empty((0, 2), dtype=np.int64), *runs])
    np.save(folder / "runs.npy", all_runs, allow_pickle=False)
    index = {
        "names": names,
        "lengths": lengths,
        "n_runs": [len(r) for r in runs],
        "upper": tally.upper,
        "lower": tally.lower,
    }
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
