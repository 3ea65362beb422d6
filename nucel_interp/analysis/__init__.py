"""The main job as one function: `find_motifs`, from records to a `MotifResult`."""

from nucel_interp.analysis.find import find_motifs
from nucel_interp.analysis.result import MotifResult
from nucel_interp.analysis.seqlets import SeqletResult, find_seqlets

__all__ = ["MotifResult", "SeqletResult", "find_motifs", "find_seqlets"]
