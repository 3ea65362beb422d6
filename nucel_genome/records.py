"""FASTA record by record, for files that are held in memory: labelled sequences, peaks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import dnaio

from nucel_genome import letters
from nucel_genome.errors import GenomeError
from nucel_genome.text import MARK, read_bytes, shown


class Reader(dnaio.FastaReader):
    """Gives (header, sequence), because dnaio's own record class refuses names beyond ASCII."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, sequence_class=_pair)
        self._file: Any
        self._file.reconfigure(encoding="utf-8")  # in place of the locale's


def _pair(name: str, sequence: str, _qualities: None) -> tuple[str, str]:
    return name, sequence


def read_records(path: str | Path) -> list[tuple[str, str]]:
    """Header, without its ``>``, and sequence in upper case of every record.

    Args:
        path: FASTA, plain or compressed, or a pipe; ``-`` is standard input.

    Raises:
        GenomeError: The file cannot be read, is no FASTA, holds no record, or one without
            sequence or with letters that are not DNA.
    """
    stream = io.BytesIO(read_bytes(path, "FASTA").removeprefix(MARK))
    found = []
    try:
        records: Iterator[Any] = iter(Reader(stream))
        for number, (header, given) in enumerate(records, start=1):
            sequence = letters.upper(given.replace(" ", "").replace("\t", ""))
            fault = letters.fault(sequence, letters.FASTA_REMEDY) if sequence else "has no sequence"
            if fault:
                name = (header.split() or [f"record_{number}"])[0]
                raise GenomeError(f"{shown(path)}: record {number} ({name:.60}) {fault}")
            found.append((header, sequence))
    except (dnaio.FileFormatError, UnicodeDecodeError) as error:
        raise GenomeError(f"cannot read {shown(path)} as FASTA: {error}") from error
    if not found:
        raise GenomeError(f"cannot read {shown(path)} as FASTA: it holds no record")
    return found
