"""What may be given as a sequence: the one place where letters are checked and put in upper case.

Lower case, as soft-masked genomes have it, counts like upper case. A, C, G, T are read; N and the
other IUPAC nucleotide codes stand for a base that is not known and are read as N. What is no
nucleotide code (U of RNA, amino acids, gaps) is refused, as in files: read as N it would give
numbers that mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nucel_runtime.letters import CODES, upper_case


def as_sequences(sequences: Iterable[str], what: str = "sequences") -> list[str]:
    """A list of sequences in upper case.

    Args:
        sequences: Strings; a single string is refused, since it would be read letter by letter.
        what: The argument's name, for messages.

    Raises:
        TypeError: No collection of strings.
        ValueError: A letter that is no nucleotide code.
    """
    return [
        as_sequence(sequence, f"{what}[{number}]")
        for number, sequence in enumerate(listed(sequences, what))
    ]


def listed(sequences: Iterable[Any], what: str = "sequences") -> list[Any]:
    """The items of a collection that is no string and no mapping, whose items would be names.

    Raises:
        TypeError: It is one.
    """
    if isinstance(sequences, str | bytes | bytearray):
        raise TypeError(f"{what} is one string, where a list is wanted: give [sequence]")
    if isinstance(sequences, Mapping):
        raise TypeError(f"{what} is a mapping: give its sequences, list(mapping.values())")
    try:
        return list(sequences)
    except TypeError:
        raise TypeError(
            f"{what} is of type {type(sequences).__name__}, where a list of strings is wanted"
        ) from None


def as_sequence(sequence: str, what: str = "sequence") -> str:
    """One sequence in upper case, of the same length.

    Raises:
        TypeError: Not a string.
        ValueError: A letter that is no nucleotide code, with its place.
    """
    if not isinstance(sequence, str):
        raise TypeError(
            f"{what} is of type {type(sequence).__name__}, where a string is wanted: give its "
            "letters as str"
        )
    upper = upper_case(sequence)
    raw = upper.encode("ascii", "replace")
    if raw.translate(None, CODES):
        raise ValueError(f"{what} {_foreign(upper, raw)}")
    return upper


def _foreign(upper: str, raw: bytes) -> str:
    """The first letter that is no nucleotide code, where, and what to do."""
    at = next(i for i, byte in enumerate(raw) if byte not in CODES)
    found = f"has {upper[at]!r} at position {at + 1}, which is not a DNA letter: "
    return found + ("write T for U" if upper[at] == "U" else "write N for bases that are not known")
