"""From sequences to a number per base: shuffled copies, both strands, every head, one score."""

from nucel_interp.scoring.attention import HeadChoice, attention_score, head_table
from nucel_interp.scoring.dependency import DependencyMap, dependency_map
from nucel_interp.scoring.scores import Scores, score_sequences
from nucel_interp.scoring.shuffle import draw, shuffled
from nucel_interp.scoring.substitution import hypothetical_contributions, substitution_map
from nucel_interp.scoring.units import (
    Unit,
    copies_per_unit,
    cut_units,
    shuffle_records,
    split_units,
    unread_copies_per_unit,
)
from nucel_interp.scoring.variants import VariantScores, read_alleles

__all__ = [
    "DependencyMap",
    "HeadChoice",
    "Scores",
    "Unit",
    "VariantScores",
    "attention_score",
    "copies_per_unit",
    "cut_units",
    "dependency_map",
    "draw",
    "head_table",
    "hypothetical_contributions",
    "read_alleles",
    "score_sequences",
    "shuffle_records",
    "shuffled",
    "split_units",
    "substitution_map",
    "unread_copies_per_unit",
]
