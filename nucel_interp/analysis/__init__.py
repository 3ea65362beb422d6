"""The main job as one function: `find_motifs`, from records to a `MotifResult`."""

from nucel_interp.analysis.find import find_motifs
from nucel_interp.analysis.result import MotifResult

__all__ = ["MotifResult", "find_motifs"]
