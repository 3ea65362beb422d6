"""Files as bytes and text for every reader here: `nucel_genome.text`, whose errors are ours."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from nucel_genome import text
from nucel_genome.errors import GenomeError
from nucel_genome.text import shown
from nucel_interp.errors import InputError

__all__ = ["beginning", "gzip_text", "lines_of", "read_text", "shown", "unpacked", "utf8_name"]


@contextmanager
def unpacked(path: str | Path, what: str) -> Iterator[BinaryIO]:
    """`nucel_genome.text.unpacked`: bytes of a file, a pipe or ``-``, opened once and unpacked.

    Raises:
        InputError: The file is missing, damaged or cut short.
    """
    try:
        with text.unpacked(path, what) as stream:
            yield stream
    except GenomeError as error:
        raise InputError(str(error)) from error


def read_text(path: str | Path, what: str) -> str:
    """`nucel_genome.text.read_text`: a whole file as UTF-8 text, without its byte order mark.

    Raises:
        InputError: The file is missing, damaged, cut short, or not UTF-8 text.
    """
    try:
        return text.read_text(path, what)
    except GenomeError as error:
        raise InputError(str(error)) from error


def lines_of(stream: BinaryIO, path: str | Path, what: str) -> Iterator[tuple[int, str]]:
    """Lines of UTF-8 text, with or without a byte order mark, and their numbers from 1.

    Args:
        stream: Binary stream of the unpacked bytes, from `unpacked`.
        path: Path of the file, for messages.
        what: Format that is expected, for messages.

    Raises:
        InputError: A line is not UTF-8 text.
    """
    # so that the line can be named: decoding goes ahead of the lines by a buffer
    decoded = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape")
    try:
        for number, line in enumerate(decoded, start=1):
            if not line.isascii():
                _require_utf8(line, number, path, what)
            yield number, line
    finally:
        if not stream.closed:  # whoever gave up reading may have closed it
            decoded.detach()


def _require_utf8(line: str, number: int, path: str | Path, what: str) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        byte = line[error.start].encode(errors="surrogateescape")[0]
        raise InputError(
            f"cannot read {shown(path)} as {what}: line {number} holds the byte {byte:#04x}, which "
            "is no UTF-8 text. Save the file as UTF-8"
        ) from error


def beginning(stream: BinaryIO, size: int) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and a stream that still has them: pipes cannot be rewound."""
    head = stream.read(size)
    return head, io.BufferedReader(_Joined(head, stream), buffer_size=1 << 16)


class _Joined(io.RawIOBase):
    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(data) :] if self._head else b""
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def utf8_name(path: str | Path, suffix: str | None = None) -> Iterator[Path]:
    """A name for a file, there or not, for libraries that take names as UTF-8 in any locale.

    Args:
        path: File.
        suffix: Ending that the library tells by what to write; that of ``path`` if not given.
    """
    try:
        same = str(path).encode() == os.fsencode(path)
    except UnicodeEncodeError:  # bytes that are no letters in the locale
        same = False
    wanted = Path(path).suffix if suffix is None else suffix
    if same and Path(path).suffix == wanted:
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="nucel-interp-") as folder:
        link = Path(folder) / f"link{wanted if wanted.isascii() else ''}"
        link.symlink_to(Path(path).absolute())
        yield link


@contextmanager
def gzip_text(path: Path) -> Iterator[TextIO]:
    """A text file to write, packed by gzip: equal text gives equal bytes."""
    with (
        path.open("wb") as raw,
        # neither a name nor a date, which would differ from run to run
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(cast(BinaryIO, packed), encoding="utf-8", newline="\n") as stream,
    ):
        yield stream
