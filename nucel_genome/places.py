"""Where in a genome a sequence lies, as its name says."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

_STRAND = re.compile(r"(\([-+.]?\)|/rc)\Z")
_NUMBERS = re.compile(r"(\d[\d,]*)-(\d[\d,]*)")
_MOST_DIGITS = 18


class Place(NamedTuple):
    """What a name says; numbers as they stand there, counted from 0 or from 1."""

    chromosome: str
    start: int
    end: int
    strand: Literal["+", "-"]


def stated_place(name: str) -> Place | None:
    """The place in a name such as ``chr20:100-300``, or None.

    With or without commas in the numbers, with what bedtools getfasta writes before it
    (``peak1::``) and behind it (``(+)``, ``(-)``, ``(.)``), and samtools' ``/rc``.
    """
    marked = _STRAND.search(name)
    front, colon, numbers = name[: marked.start() if marked else None].rpartition(":")
    match = _NUMBERS.fullmatch(numbers)
    chromosome = front.rpartition("::")[2]
    if not colon or not chromosome.strip(":") or match is None:
        return None
    start, end = (digits.replace(",", "") for digits in match.groups())
    if max(len(start), len(end)) > _MOST_DIGITS:
        return None
    strand: Literal["+", "-"] = "-" if marked is not None and marked[1] in ("(-)", "/rc") else "+"
    return Place(chromosome, int(start), int(end), strand)
