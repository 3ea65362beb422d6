"""Sequences in whatever form a user has them, as records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from nucel_interp.errors import InputError
from nucel_interp.io.fasta import collected, read_records
from nucel_interp.types import Record, as_records

SequenceInput = str | Path | Mapping[str, str] | Iterable[str] | Iterable[Record]
"""A FASTA file's path (``-``: standard input), sequences by name, sequences, or records."""

IN_MEMORY = "the sequences"
"""What messages call sequences that do not come from a file."""


def records_of(sequences: SequenceInput) -> list[Record]:
    """Records of sequences given as a path, a dict, a list of strings, or records.

    Sequences from memory are treated as those of a file: upper case is taken, stretches in lower
    case are kept as `Record.masked`, names such as ``chr1:100-300`` are read as places. Those of a
    list are named ``sequence_1``, ``sequence_2`` ...

    Args:
        sequences: A path, a dict, a list of strings, or records (`SequenceInput`).

    Raises:
        InputError: No file of that name, a sequence without bases, letters that are not DNA, or
            records of the same name.
        TypeError: Something else than the forms above.
    """
    if isinstance(sequences, (str, Path)):
        check_path(sequences)
        return read_records(sequences)
    if isinstance(sequences, Mapping) and sequences:
        return collected(_pairs(sequences.items()), IN_MEMORY)
    if isinstance(sequences, (bytes, bytearray)) or not isinstance(sequences, Iterable):
        raise TypeError(
            f"sequences are a {type(sequences).__name__}: give the path of a FASTA file, a list of "
            "strings or of records, or a dict of name to string"
        )
    given = list(sequences)
    if given and all(isinstance(one, str) for one in given):
        return collected(
            _pairs((f"sequence_{i}", one) for i, one in enumerate(given, start=1)), IN_MEMORY
        )
    if not given:
        raise InputError("there is no sequence to look at")
    records = as_records(given)
    _check_names(records)
    return records


def path_of(sequences: SequenceInput) -> Path | None:
    """The file that sequences were given as; None if they come from memory."""
    return Path(sequences) if isinstance(sequences, (str, Path)) else None


def _check_names(records: list[Record]) -> None:
    """Refuse a name given twice: tables and tracks tell records apart by their names."""
    twice = next((name for name, n in Counter(r.name for r in records).items() if n > 1), None)
    if twice is not None:
        raise InputError(f"several records are named {twice:.60}; give each a name of its own")


def check_path(path: str | Path) -> None:
    """Refuse a sequence that was given where a path is meant.

    Args:
        path: Path, or the text that was given in its place.

    Raises:
        InputError: It is no file, and reads like a sequence.
    """
    text = str(path)
    if len(text) >= 8 and not Path(text[:255]).exists() and set(text.upper()) <= set("ACGTN"):
        raise InputError(
            f"there is no file {text[:60]}. To give sequences, put them into a list: [sequence]"
        )


def _pairs(named: Iterable[tuple[object, object]]) -> Iterable[tuple[str, str]]:
    """Names and sequences, once both are known to be strings."""
    for name, sequence in named:
        if not isinstance(name, str) or not isinstance(sequence, str):
            raise TypeError(
                f"sequence {name!r} is a {type(sequence).__name__}: give strings by their names"
            )
        yield "_".join(name.split()) or "record", sequence
