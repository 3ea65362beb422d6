"""Files as bytes and as text: unpacked by content, read once, UTF-8 with or without a mark.

Every reader of text goes through here, so that a byte order mark, a locale, a pipe or a damaged
archive is met in one place.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from xopen import xopen

from nucel_genome.errors import GenomeError

_PACKED = re.compile(r"\.(gz|bgz|bz2|xz|zst)$")
MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark, as some editors write it in front of a text."""


def shown(path: str | Path) -> str:
    """What messages call a file: its path, or "standard input" for ``-``."""
    return "standard input" if str(path) == "-" else str(path)


def bare_name(path: str | Path) -> str:
    """A file's name without what its packing added: ``a.bed`` of ``x/a.bed.gz``."""
    return _PACKED.sub("", Path(path).name)


@contextmanager
def unpacked(path: str | Path, what: str) -> Iterator[BinaryIO]:
    """A file's bytes as a stream: gzip, bgzip, bzip2, xz or zstd are unpacked, told by content.

    Args:
        path: The file, which is opened once, so that a pipe can be given; ``-`` is standard input.
        what: Format that is expected ("BED", "FASTA"), for messages.

    Raises:
        GenomeError: The file is missing, or turns out to be damaged or cut short while the body of
            the ``with`` statement reads it.
    """
    if str(path) == "-":
        with _said(path, what), xopen(sys.stdin.buffer, "rb", threads=0) as stream:
            yield stream
        return
    with (
        _said(path, what),
        # by its number, since xopen believes a name's ending before the content
        open(os.open(path, os.O_RDONLY), "rb") as raw,  # noqa: PTH123
        xopen(raw, "rb", threads=0) as stream,
    ):
        yield stream


def read_bytes(path: str | Path, what: str) -> bytes:
    """The whole of `unpacked`.

    Raises:
        GenomeError: The file is missing, damaged or cut short.
    """
    with unpacked(path, what) as stream:
        return stream.read()


def read_text(path: str | Path, what: str) -> str:
    """A whole file as UTF-8 text, whatever the locale; a byte order mark in front is dropped.

    Args:
        path: File, plain or compressed; ``-`` is standard input.
        what: Format that is expected, for messages.

    Raises:
        GenomeError: The file is missing, damaged, cut short, or not UTF-8 text.
    """
    raw = read_bytes(path, what)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise not_utf8(path, what, line, raw[error.start]) from error


def not_utf8(path: str | Path, what: str, line: int, byte: int) -> GenomeError:
    """The error of a file whose line, from 1, holds a byte that is no UTF-8 text."""
    return GenomeError(
        f"cannot read {shown(path)} as {what}: line {line} holds the byte {byte:#04x}, which is no "
        "UTF-8 text. Save the file as UTF-8"
    )


@contextmanager
def _said(path: str | Path, what: str) -> Iterator[None]:
    """Turn what opening and unpacking may raise into one line."""
    try:
        yield
    except GenomeError:
        raise
    except FileNotFoundError as error:
        raise GenomeError(f"cannot read {shown(path)} as {what}: there is no such file") from error
    except OSError as error:
        if error.errno is not None:
            reason = error.strerror or str(error)
            raise GenomeError(f"cannot read {shown(path)} as {what}: {reason}") from error
        raise _damaged(path, what, error) from error
    except Exception as error:  # every decompressor has errors of its own
        if not isinstance(error, EOFError) and not _UNPACKER.match(type(error).__module__):
            raise
        raise _damaged(path, what, error) from error


_UNPACKER = re.compile(r"_?(zlib|gzip|isal|igzip_lib|bz2|lzma|zstd|backports\.zstd|compression)")
"""Modules whose errors say that an archive is damaged."""


def _damaged(path: str | Path, what: str, error: Exception) -> GenomeError:
    return GenomeError(
        f"cannot read {shown(path)} as {what}: it is cut short or damaged ({error}). "
        "Copy or download it again"
    )
