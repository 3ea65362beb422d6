"""Comparisons: heads with motifs, a model with an untrained one, shuffled seqlets with others."""

from nucel_interp.compare.association import Association
from nucel_interp.compare.heads import HeadMotifs, head_motifs
from nucel_interp.compare.intervention import Intervention, intervene
from nucel_interp.controls.occurrences import Occurrences

__all__ = [
    "Association",
    "HeadMotifs",
    "Intervention",
    "Occurrences",
    "head_motifs",
    "intervene",
]
