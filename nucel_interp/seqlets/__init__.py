"""Seqlets: short intervals of high score, called against the same score on shuffled copies."""

from nucel_interp.seqlets.calling import (
    Calls,
    Threshold,
    call_seqlets,
    choose_threshold,
    find_peaks,
)

__all__ = ["Calls", "Threshold", "call_seqlets", "choose_threshold", "find_peaks"]
