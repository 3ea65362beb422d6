"""Seqlets: short intervals of high score, called against the same score on shuffled copies."""

from nucel_interp.seqlets.calling import (
    Calling,
    Calls,
    Threshold,
    call_seqlets,
    choose_threshold,
    empirical_p,
    empirical_q,
    find_peaks,
)
from nucel_interp.seqlets.tags import low_complexity, masked_bases, soft_masked

__all__ = [
    "Calling",
    "Calls",
    "Threshold",
    "call_seqlets",
    "choose_threshold",
    "empirical_p",
    "empirical_q",
    "find_peaks",
    "low_complexity",
    "masked_bases",
    "soft_masked",
]
