"""The values that flow through the toolkit, and the columns of every table it writes.

Coordinates are 0-based and half-open. Strands are ``"+"``, ``"-"`` or ``"."`` (not known).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nucel_interp.columns import agree, heads, motifs, predictions

Strand = Literal["+", "-", "."]

BASES = "ACGT"
_CODES, _OTHERS = "ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN"
_COMPLEMENT = str.maketrans(_CODES + _CODES.lower(), _OTHERS * 2)
_LOWER = re.compile("[a-z]+")
_UPPER = re.compile("[A-MO-Z]")
"""But for N, which in upper case among bases in lower case says nothing about repeats."""


def reverse_complement(sequence: str) -> str:
    """The other strand, read 5' to 3', in upper case; IUPAC codes keep their meaning."""
    return sequence.translate(_COMPLEMENT)[::-1]


def canonical(sequence: str) -> str:
    """The lexicographically smaller of a sequence and its reverse complement, in upper case."""
    return min(sequence.upper(), reverse_complement(sequence))


def as_sequences(sequences: Iterable[str], what: str = "sequences") -> list[str]:
    """A list of sequences in upper case, checked: `nucel_model.sequences.as_sequences`."""
    # not above: that package loads torch, which motifs and tables alone do not need
    from nucel_model import sequences as checked

    return checked.as_sequences(sequences, what)


@dataclass(frozen=True)
class Location:
    """A genomic interval, 0-based half-open.

    Attributes:
        chromosome: Name of the chromosome, as the genome calls it.
        start: First base on the forward strand.
        end: Base after the last.
        strand: Strand that the sequence lying here reads: "-" is the reverse complement, whose
            first base lies at ``end`` - 1.
    """

    chromosome: str
    start: int
    end: int
    strand: Literal["+", "-"] = "+"

    def part(self, start: int, end: int) -> Location:
        """Where bases ``start`` to ``end`` of the sequence lie."""
        if self.strand == "-":
            return replace(self, start=self.end - end, end=self.end - start)
        return replace(self, start=self.start + start, end=self.start + end)

    def within(self, start: int, end: int) -> tuple[int, int]:
        """The bases of the sequence that lie from ``start`` to ``end``: `part`, the way back."""
        if self.strand == "-":
            return self.end - end, self.end - start
        return start - self.start, end - self.start

    def turn(self, strand: Strand) -> Strand:
        """A strand of the sequence as one of the genome, and the other way round."""
        if self.strand == "+" or strand == ".":
            return strand
        return "+" if strand == "-" else "-"


@dataclass(frozen=True)
class Record:
    """One FASTA record.

    Attributes:
        name: Unique within a run.
        sequence: Upper case; what is given in lower case is turned into it.
        location: Genomic interval of the sequence, if known.
        masked: Stretches in lower case (start, end), sorted, as repeats are marked in genomes;
            None if the file makes no use of case. If not given, those of a sequence that mixes
            upper and lower case.
    """

    name: str
    sequence: str
    location: Location | None = None
    masked: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        """Check the letters.

        Raises:
            TypeError: The sequence is no string.
            ValueError: It holds a letter that is no nucleotide code.
        """
        from nucel_model.sequences import as_sequence

        upper = as_sequence(self.sequence, f"the sequence of record {self.name:.60}")
        if upper == self.sequence:
            return
        if self.masked is None and _UPPER.search(self.sequence):
            runs = tuple(run.span() for run in _LOWER.finditer(self.sequence))
            object.__setattr__(self, "masked", runs)
        object.__setattr__(self, "sequence", upper)

    def __len__(self) -> int:
        return len(self.sequence)


def as_records(records: Iterable[Record]) -> list[Record]:
    """A list of records.

    Raises:
        TypeError: Something else, such as a string, a path or a list of strings.
    """
    from nucel_model.sequences import listed

    found = listed(records, "records")
    for record in found:
        if not isinstance(record, Record):
            raise TypeError(
                f"records hold a value of type {type(record).__name__}: give what "
                "read_records(path) returns, or make each one: Record(name, sequence)"
            )
    return found


@dataclass(frozen=True)
class Site:
    """An occurrence of a motif in record number ``record``, with FIMO's p-value."""

    record: int
    start: int
    end: int
    strand: Strand
    score: float
    p: float


@dataclass(frozen=True)
class Variant:
    """One alternative allele of a VCF record.

    Attributes:
        chromosome: Name of the chromosome, as the genome calls it.
        start: First base of the reference allele, 0-based (the file's POS less one).
        ref: The reference allele, upper case; what the genome has there.
        alt: Bases of the alternative allele.
        id: The file's ID; "" if it has none.
    """

    chromosome: str
    start: int
    ref: str
    alt: str
    id: str = ""


@dataclass(frozen=True, eq=False)
class Motif:
    """A position weight matrix.

    Attributes:
        id: Unique within a file; no blanks.
        pwm: (4, width) probabilities, rows A, C, G, T; each column sums to 1.
        n_sites: Number of sites the matrix was built from.
        name: A readable name (JASPAR's factor name); "" if it has none.
        group: JASPAR's tax group ("vertebrates", ...); "" for our own motifs.
    """

    id: str
    pwm: NDArray[np.float64]
    n_sites: int = 20
    name: str = ""
    group: str = ""

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.pwm.shape[1])


MOTIF_COLUMNS = list(motifs.MOTIFS)
UNTESTED_COLUMNS = list(motifs.UNTESTED)
DNABERT_COLUMNS = list(motifs.DNABERT)
"""Both tables of motifs have these last with ``--method dnabert``."""
MATCH_COLUMNS = list(motifs.MATCHES)
KMER_COLUMNS = list(motifs.KMERS)
HEAD_COLUMNS = list(motifs.HEADS)
SITE_COLUMNS = list(motifs.SITES)
SEQLET_COLUMNS = list(motifs.SEQLETS)
CALIBRATE_COLUMNS = list(motifs.CALIBRATION)
INTERVENTION_COLUMNS = list(motifs.INTERVENTION)
HEAD_SITE_COLUMNS = list(motifs.HEAD_SITES)
CONTROL_COLUMNS = list(heads.CONTROLS)
HEAD_MOTIF_COLUMNS = list(heads.HEAD_MOTIFS)
SINK_COLUMNS = list(heads.SINKS)
ATTRIBUTION_COLUMNS = list(predictions.ATTRIBUTION)
SUBSTITUTION_COLUMNS = list(predictions.SUBSTITUTION)
DEPENDENCY_COLUMNS = list(predictions.DEPENDENCY)
VARIANT_COLUMNS = list(predictions.VARIANTS)
SKIPPED_VARIANT_COLUMNS = list(predictions.SKIPPED)
AGREE_COLUMNS = list(agree.AGREE)
AGREE_SITE_COLUMNS = list(agree.AGREE_SITES)
AGREE_HEAD_COLUMNS = list(agree.AGREE_HEADS)
FAITHFULNESS_COLUMNS = list(agree.DELETION)
FAITHFULNESS_AREA_COLUMNS = list(agree.DELETION_AREA)
