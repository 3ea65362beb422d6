"""Comparisons: heads with motifs, a model with an untrained one, shuffled seqlets with others."""

from nucel_interp.compare.association import Association
from nucel_interp.compare.heads import HeadMotifs, head_motifs
from nucel_interp.compare.occurrences import Occurrences

__all__ = ["Association", "HeadMotifs", "Occurrences", "head_motifs"]
