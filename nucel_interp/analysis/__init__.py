"""The main job as one function: `find_motifs`, from records to a `MotifResult`."""

from nucel_interp.analysis.find import find_motifs
from nucel_interp.analysis.kmers import KmerResult, find_kmers
from nucel_interp.analysis.result import MotifResult
from nucel_interp.analysis.seqlets import SeqletResult, find_seqlets

__all__ = [
    "KmerResult",
    "MotifResult",
    "SeqletResult",
    "find_kmers",
    "find_motifs",
    "find_seqlets",
]
