"""FASTA and UCSC .2bit files to byte-coded bases, piece by piece, in bounded memory.

One byte a base: the token id (A 11, C 12, G 13, T 14, everything else 1), plus 128 where the letter
was lower case, as soft-masked repeats are. A reader yields the name of a record, then its bases in
as many pieces as it takes, then the next name.

What is no letter of DNA (`letters`) is refused, not read as N.

A FASTA record is not read whole: a chromosome of 250 Mb would be a gigabyte of Python lines.
The 2bit reader is our own because the C library for it crashes on a file that was cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_genome import letters
from nucel_genome.errors import GenomeError
from nucel_genome.text import MARK, unpacked
from nucel_model import tokenizer

SOFT_MASK = 128
"""Bit set in the byte of a lower-case base."""
PIECE = 1 << 24
"""Bases (2bit) or bytes of file (FASTA) read at a time; a multiple of 4."""

_DNA = letters.IUPAC + letters.IUPAC.lower()
_BYTE = np.zeros(256, dtype=np.uint8)  # 0: no letter of DNA
_BYTE[list(_DNA)] = tokenizer.encode(_DNA)
_AMBIGUOUS = 2  # an IUPAC code: counted, then read as N
_BYTE[list(set(_DNA) - set(b"ACGTNacgtn"))] = _AMBIGUOUS
_BYTE[list(letters.IUPAC.lower())] |= SOFT_MASK
_CODE = _BYTE.tobytes()
_SPACE = b"\n\t "

_TWOBIT_MAGIC = 0x1A412743
_UNPACKED = np.array(  # a packed byte holds four bases, the first in the highest bits
    [[(byte >> shift) & 3 for shift in (6, 4, 2, 0)] for byte in range(256)]
)
_UNPACKED = np.array([tokenizer.T, tokenizer.C, tokenizer.A, tokenizer.G], dtype=np.uint8)[
    _UNPACKED
]


def read(path: Path) -> Iterator[str | NDArray[np.uint8]]:
    """Names and bases of a FASTA file (plain, gzip or bgzip) or a .2bit file, in file order.

    The name is the header's first word, "" where there is none.

    Raises:
        GenomeError: The file is missing, damaged, neither FASTA nor 2bit, or not DNA.
    """
    try:
        order = _twobit_order(path)
    except OSError as error:
        raise GenomeError(f"cannot read {path} as FASTA: {error}") from error
    if order:
        return _read_twobit(path, order)
    if path.suffix == ".2bit":
        raise GenomeError(f"cannot read {path} as 2bit: it does not begin with 2bit's signature")
    return _read_fasta(path)


def is_twobit(path: Path) -> bool:
    """Whether a file is to be read as .2bit: by its signature, or by its name."""
    try:  # a pipe would lose what is read of it here
        return path.suffix == ".2bit" or (path.is_file() and bool(_twobit_order(path)))
    except OSError:
        return False


def _twobit_order(path: Path) -> str:
    """Byte order of a .2bit file; "" if it is none."""
    with path.open("rb") as file:
        head = file.read(4)
    for order in "<>":
        if np.frombuffer(head.ljust(4, b"\0"), dtype=f"{order}u4")[0] == _TWOBIT_MAGIC:
            return order
    return ""


def _read_fasta(path: Path) -> Iterator[str | NDArray[np.uint8]]:
    record = _Record(path)
    at_line_start = True
    unfinished = b""  # a header or comment cut off by the end of a piece
    for chunk in _chunks(path):
        text = unfinished + chunk.replace(b"\r", b"\n")
        unfinished, at = b"", 0
        codes = np.frombuffer(text, dtype=np.uint8)
        # ">" opens a record and "#" a comment, at the start of a line only
        marks = np.flatnonzero((codes == ord(">")) | (codes == ord("#")))
        at_start = codes[marks - 1] == ord("\n")
        at_start[marks == 0] = at_line_start
        for mark in (*marks[at_start].tolist(), len(text)):
            piece = record.coded(text[at:mark])
            if len(piece):
                yield piece
            if mark == len(text):
                break
            at = text.find(b"\n", mark) + 1
            if not at:
                unfinished = text[mark:]
                break
            if text[mark : mark + 1] == b">":
                yield record.begin(text[mark:at])
        at_line_start = bool(unfinished) or text.endswith(b"\n")
    if unfinished.startswith(b">"):
        yield record.begin(unfinished)
    record.end()


class _Record:
    """The record that is being read, for its faults.

    Attributes:
        number: Number of the record, from 1; 0 before the first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.number = self._length = self._odd = 0
        self._name = ""

    def begin(self, header: bytes) -> str:
        """End the last one and begin the next; its name."""
        self.end()
        try:
            self._name = (header[1:].split() or [b""])[0].decode()
        except UnicodeDecodeError as error:
            raise self._no_fasta(f"a name is not UTF-8 text ({error})") from error
        self.number += 1
        self._length = self._odd = 0
        return self._name

    def coded(self, lines: bytes) -> NDArray[np.uint8]:
        """Letters that continue it, one byte each."""
        coded = lines.translate(_CODE, _SPACE)
        if coded and not self.number:
            found = lines.translate(None, _SPACE)[:20].decode("ascii", "replace")
            raise self._no_fasta(f"expected '>' at the beginning of a record, got {found!r}")
        at = coded.find(0)
        if at >= 0:
            raise self._foreign(lines.translate(None, _SPACE).upper(), at)
        odd = coded.count(_AMBIGUOUS) + coded.count(_AMBIGUOUS | SOFT_MASK)
        self._length += len(coded)
        self._odd += odd
        piece = np.frombuffer(coded, dtype=np.uint8)
        if not odd:
            return piece
        ambiguous = (piece & (SOFT_MASK - 1)) == _AMBIGUOUS
        return np.where(ambiguous, piece ^ np.uint8(_AMBIGUOUS ^ tokenizer.UNK), piece)

    def end(self) -> None:
        """See whether it was DNA as a whole."""
        what = letters.ambiguous(self._odd, self._length)
        if what:
            raise self._fault(what)

    def _foreign(self, raw: bytes, at: int) -> GenomeError:
        if not ord("!") <= raw[at] <= ord("~"):
            return self._no_fasta(f"the sequence holds the byte {raw[at]:#04x}, which is no letter")
        return self._fault(
            letters.foreign(
                raw, at, chr(raw[at]), before=self._length, rna_remedy=letters.FASTA_REMEDY
            )
        )

    def _fault(self, what: str) -> GenomeError:
        name = self._name or f"record_{self.number}"
        return GenomeError(f"{self._path}: record {self.number} ({name:.60}) {what}")

    def _no_fasta(self, what: str) -> GenomeError:
        return GenomeError(f"cannot read {self._path} as FASTA: {what}")


def _chunks(path: Path) -> Iterator[bytes]:
    """The decompressed file in pieces, without a byte order mark."""
    with unpacked(path, "FASTA") as file:
        chunk = file.read(PIECE).removeprefix(MARK)
        while chunk:
            yield chunk
            chunk = file.read(PIECE)


Blocks = tuple[NDArray[np.integer], NDArray[np.integer]]
"""Starts and ends of runs of N, or of lower case."""


def _read_twobit(path: Path, order: str) -> Iterator[str | NDArray[np.uint8]]:
    """The format is at genome.ucsc.edu/FAQ/FAQformat.html#format7; versions 0 and 1."""
    with path.open("rb") as file:
        size = path.stat().st_size

        def numbers(count: int, kind: str = "u4") -> NDArray[np.integer]:
            wanted = count * np.dtype(kind).itemsize
            if wanted > size - file.tell():
                raise GenomeError(
                    f"cannot read {path} as 2bit: it ends early, {wanted:,} bytes are missing "
                    f"after byte {file.tell():,}. Was the download cut off?"
                )
            found = np.frombuffer(file.read(wanted), dtype=order + kind)
            return found if kind == "u1" else found.astype(np.int64)

        def blocks() -> Blocks:
            starts = numbers(int(numbers(1)[0]))
            return starts, starts + numbers(len(starts))

        _, version, count, _ = numbers(4)
        if version not in (0, 1):
            raise GenomeError(f"cannot read {path} as 2bit: its version is {version}, not 0 or 1")
        places = []
        for _ in range(count):
            name = numbers(int(numbers(1, "u1")[0]), "u1").tobytes().decode("utf-8", "replace")
            places.append((name, int(numbers(1, "u8" if version else "u4")[0])))
        for name, place in places:
            file.seek(place)
            length = int(numbers(1)[0])
            unknown, masked = blocks(), blocks()
            numbers(1)
            yield name
            yield from _unpack(numbers, length, unknown, masked)


def _unpack(
    numbers: Callable[[int, str], NDArray[np.integer]], length: int, unknown: Blocks, masked: Blocks
) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, length, PIECE):
        end = min(start + PIECE, length)
        packed = numbers((end - start + 3) // 4, "u1")
        piece = _UNPACKED.take(packed, axis=0).reshape(-1)[: end - start]
        piece[_covered(*unknown, start, end)] = tokenizer.UNK
        piece[_covered(*masked, start, end)] |= SOFT_MASK
        yield piece


def _covered(
    starts: NDArray[np.integer], ends: NDArray[np.integer], low: int, high: int
) -> NDArray[np.bool_]:
    """Which of the positions low .. high lie in a block; blocks may come in any order."""
    near = np.flatnonzero((starts < high) & (ends > low))
    near = near[np.argsort(starts[near], kind="stable")]
    stop = np.maximum.accumulate(np.minimum(ends[near], high))
    start = np.maximum(starts[near], np.append(low, stop)[:-1])  # overlapping blocks follow on
    edges = np.stack([start, np.maximum(start, stop)], axis=1).ravel()
    lengths = np.diff(edges, prepend=low, append=high)
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
