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
        chromosome: As the genome calls it.
        start: First base on the forward strand.
        end: Base after the last.
        strand: Which one the sequence that lies here reads: "-" is the reverse complement, whose
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
        location: Its place in a genome, if known.
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
class Seqlet:
    """A short high-scoring interval of record number ``record``; ``p`` is empirical."""

    record: int
    start: int
    end: int
    score: float
    p: float


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
        chromosome: As the genome calls it.
        start: Of the reference allele, 0-based (the file's POS less one).
        ref: The reference allele, upper case; what the genome has there.
        alt: What stands there instead.
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
        n_sites: How many sites the matrix was built from.
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


MOTIF_COLUMNS = [
    "motif_id", "consensus", "width", "information_bits", "n_seqlets",
    "low_complexity", "soft_masked", "halves_found", "halves_passed",
    "best_match", "archetype", "identity", "E_value", "q_global",
    "test_sequences", "n_sites", "hits", "hits_shuffled", "held_out_p", "held_out_q",
    "enrichment_p", "enrichment_q", "enrichment_3mer_p", "enrichment_3mer_q",
    "found_in", "found_in_shuffled",
    "centre_distance", "centre_p", "plus_share", "strand_p", "looked_at", "best_head",
    "attention_fold", "attention_fold_low", "attention_fold_high",
    "untrained_fold", "untrained_fold_low", "untrained_fold_high",
    "other_offsets_fold", "uniform_fold",
]  # fmt: skip
UNTESTED_COLUMNS = [*MOTIF_COLUMNS, "reason"]
DNABERT_COLUMNS = ["dnabert_string", "dnabert_p", "dnabert_q"]
"""Both tables of motifs have these last with ``--method dnabert``."""
MATCH_COLUMNS = [
    "Query_ID", "Target_ID", "Optimal_offset", "p-value", "E-value", "q-value", "Overlap",
    "Query_consensus", "Target_consensus", "Orientation",
    "Target_name", "Target_group", "archetype", "archetype_members", "q_global",
    "Query_ends", "Target_ends",
]  # fmt: skip
KMER_COLUMNS = [
    "kmer", "reverse_complement", "gap", "halves_found", "mean_score", "score_elsewhere",
    "discovery_sequences", "discovery_shuffled", "discovery_p",
    "test_sequences", "test_shuffled", "test_p", "test_q",
    "test_by_chance", "contrast_p", "contrast_q", "motif_id",
]  # fmt: skip
HEAD_COLUMNS = [
    "layer", "head", "kind", "chosen", "chosen_in", "exceedance", "exceedance_test",
    "rc_consistency", "cls_share", "n_share", "entropy_bits",
]  # fmt: skip
SITE_COLUMNS = [
    "chrom", "start", "end", "name", "score", "strand",
    "p_value", "record", "in_seqlet", "half",
]  # fmt: skip
SEQLET_COLUMNS = [
    "chrom", "start", "end", "name", "score", "strand",
    "z", "p_value", "q_value", "record", "half", "low_complexity", "soft_masked",
]  # fmt: skip
CALIBRATE_COLUMNS = [
    "run", "seqlets", "seqlet_fdr", "candidates", "motifs",
    "names_E", "names_q_global", "names_p",
]  # fmt: skip
INTERVENTION_COLUMNS = [
    "input", "unit", "seqlet_start", "seqlet_end", "control_start", "control_end", "changed_bases",
    "seqlet_score", "control_score", "seqlet_gc", "control_gc",
    "seqlet_entropy_bits", "control_entropy_bits", "seqlet_edge_bp", "control_edge_bp",
    "seqlet_discriminator", "control_discriminator", "seqlet_embedding", "control_embedding",
    "seqlet_untrained_discriminator", "control_untrained_discriminator",
    "seqlet_untrained_embedding", "control_untrained_embedding",
]  # fmt: skip
CONTROL_COLUMNS = [
    "motif", "model", "score", "heads", "control_heads", "n_sequences", "looked_at",
    "auroc", "auroc_low", "auroc_high",
    "beyond_place", "beyond_place_low", "beyond_place_high",
    "beyond_composition", "beyond_composition_low", "beyond_composition_high",
    "beyond_random_weights", "beyond_random_weights_low", "beyond_random_weights_high",
    "beyond_shuffled_sequence", "beyond_shuffled_sequence_low", "beyond_shuffled_sequence_high",
    "reason",
]  # fmt: skip
HEAD_MOTIF_COLUMNS = [
    "motif_id", "motif_name", "layer", "head", "kind",
    "auroc", "auroc_decoys", "expected_difference", "standard_error", "t", "p_family", "p_shift",
    "discovery_t", "chosen", "test_t", "test_p",
    "random_control_t", "random_control_p_family",
]  # fmt: skip
SINK_COLUMNS = [
    "layer", "head", "kind", "sequences", "sink_sequences", "largest_share", "cls_share",
]  # fmt: skip
ATTRIBUTION_COLUMNS = [
    "record", "length", "prediction", "baseline", "delta", "steps", "kept",
    "largest_at", "largest",
]  # fmt: skip
SUBSTITUTION_COLUMNS = [
    "record", "length", "bases_read", "own_base_best", "mean_range", "largest_range",
    "largest_range_at",
]  # fmt: skip
DEPENDENCY_COLUMNS = [
    "record", "first", "second", "distance", "dependency", "shuffled_mean", "fold",
    "p_pair", "p_record",
]  # fmt: skip
VARIANT_COLUMNS = [
    "chrom", "pos", "id", "ref", "alt",
    "site_change", "flank_change", "flank_largest", "flank_largest_pos", "moved",
]  # fmt: skip
SKIPPED_VARIANT_COLUMNS = ["chrom", "pos", "id", "ref", "alt", "reason"]
AGREE_COLUMNS = [
    "model_a", "score_a", "heads_a", "model_b", "score_b", "heads_b",
    "spearman", "low", "high", "expected_by_position",
    "excess_over_position", "excess_over_position_low", "excess_over_position_high",
    "p_permutation", "n_sequences",
]  # fmt: skip
AGREE_SITE_COLUMNS = [
    "model", "score", "heads", "site",
    "auroc", "low", "high", "expected_by_position",
    "excess_over_position", "excess_over_position_low", "excess_over_position_high",
    "p_permutation", "n_sequences",
    "less_random_control", "less_random_control_low", "less_random_control_high",
    "less_permuted_labels", "less_permuted_labels_low", "less_permuted_labels_high",
]  # fmt: skip
AGREE_HEAD_COLUMNS = [
    "model", "layer", "head", "kind", "measure", "against_model", "against",
    "value", "low", "high", "expected_by_position",
]  # fmt: skip
FAITHFULNESS_COLUMNS = [
    "model", "score", "edit", "share", "prediction", "low", "high",
    "random", "permuted", "n_sequences",
]  # fmt: skip
FAITHFULNESS_AREA_COLUMNS = [
    "model", "score", "edit", "area", "low", "high",
    "excess_over_permuted", "excess_over_permuted_low", "excess_over_permuted_high", "n_sequences",
]  # fmt: skip
