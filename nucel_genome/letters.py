"""Which letters are DNA, and what to say of those that are not.

One decision for records, genomes and tables: A, C, G, T, N and the IUPAC codes in either case are
DNA; U, the letters of proteins, gaps and everything else are refused with their place.
"""

from __future__ import annotations

from collections.abc import Sequence

from nucel_runtime.letters import CODES
from nucel_runtime.letters import upper_case as upper

__all__ = ["FASTA_REMEDY", "IUPAC", "PLAIN", "ambiguous", "fault", "foreign", "upper", "upper_all"]

PLAIN = b"ACGTN"
IUPAC = CODES
_PROTEIN_ONLY = b"EFIJLOPQXZ*"
_MAX_AMBIGUOUS = (
    0.5  # proteins spelt with IUPAC letters alone exceed it, degenerate consensus rarely does
)
FASTA_REMEDY = " (sed '/^>/!y/Uu/Tt/' rna.fa > dna.fa)"
"""How a FASTA file of RNA becomes one of DNA."""


def fault(sequence: str, rna_remedy: str = "") -> str:
    """What is wrong with a sequence that should be DNA, or "" if nothing is.

    Args:
        sequence: Sequence in upper case.
        rna_remedy: Said behind "Write T for U": the command that does it to such a file.

    Returns:
        Words to stand behind the sequence's name: "has 'U' at position 5, which is not ...".
        Positions count from 1.
    """
    raw = sequence.encode("ascii", "replace")
    odd = raw.translate(None, PLAIN)
    if not odd:
        return ""
    if odd.translate(None, IUPAC):
        at = next(i for i, byte in enumerate(raw) if byte not in IUPAC)
        return foreign(raw, at, sequence[at], rna_remedy=rna_remedy)
    return ambiguous(len(odd), len(raw))


def foreign(raw: bytes, at: int, letter: str, *, before: int = 0, rna_remedy: str = "") -> str:
    """What to say of the first letter that is no nucleotide code, with the likely reason.

    Args:
        raw: The sequence in upper case, or a piece of it.
        at: Position of the letter in ``raw``, from 0.
        letter: The letter that is no nucleotide code.
        before: Bases of the sequence before ``raw``.
        rna_remedy: Advice to give where the letter is U, as in `fault`.
    """
    letters = raw.translate(None, IUPAC)
    what = f"has {letter!r} at position {before + at + 1}, which is not a DNA letter"
    if set(letters) == {ord("U")}:
        if b"T" not in raw:
            return f"{what}: this is RNA. Write T for U{rna_remedy}"
        return f"{what}: it mixes U and T. Write T for U"
    protein = sum(letters.count(code) for code in _PROTEIN_ONLY)
    if protein > 0.02 * len(raw) and len(set(letters) & set(_PROTEIN_ONLY)) > 1:
        return f"{what}: this looks like protein. Give the DNA sequence"
    if set(letters) <= set(b"-."):
        return f"{what}: alignment gaps are not read. Take them out"
    return f"{what}. Write N for bases that are not known"


def ambiguous(odd: int, length: int) -> str:
    """What to say where ``odd`` of ``length`` letters are codes other than A, C, G, T and N."""
    if odd <= _MAX_AMBIGUOUS * length:
        return ""
    return (
        f"is {odd / length:.0%} ambiguity codes (letters other than A, C, G, T and N), so it does "
        "not look like DNA: is it protein? Write N for unknown bases"
    )


def upper_all(sequences: Sequence[str]) -> list[str]:
    """`upper` (`nucel_runtime.letters.upper_case`) of each.

    Raises:
        TypeError: One string was given, which would be read as many sequences of one base.
    """
    if isinstance(sequences, str):
        raise TypeError("expected a list of sequences, found one string; give [sequence]")
    return [upper(sequence) for sequence in sequences]
