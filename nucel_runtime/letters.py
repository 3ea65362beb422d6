"""The letters of nucleotide sequence, for every package above; nothing heavy is loaded here."""

from __future__ import annotations

import re

CODES = b"ACGTRYSWKMBDHVN"
"""A, C, G, T and the IUPAC codes for several of them."""
_LOWER = re.compile("[a-z]+")


def upper_case(sequence: str) -> str:
    """The same letters in upper case, one for one: lower case marks repeats and means the same."""
    # beyond ASCII, str.upper may change the length
    if sequence.isascii():
        return sequence.upper()
    return _LOWER.sub(lambda run: run[0].upper(), sequence)
