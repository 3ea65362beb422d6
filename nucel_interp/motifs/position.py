"""Where in its sequences, and on which strand, a motif's sites lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import Site

FEWEST = 10
"""Sequences with a site below which nothing is tested."""


@dataclass(frozen=True)
class Position:
    """Of the best site of each sequence.

    Attributes:
        centre_distance: Median distance of a site's middle from the sequence's, bp.
        centre_p: One-sided p that sites lie nearer to the middle than uniformly drawn ones.
        plus_share: Share of sites on the strand as given.
        strand_p: Two-sided p of an exact binomial test against one half.
    """

    centre_distance: float = float("nan")
    centre_p: float = float("nan")
    plus_share: float = float("nan")
    strand_p: float = float("nan")


def position(sites: Sequence[Site], lengths: NDArray[np.int64]) -> Position:
    """Test place and strand of a motif's sites, one per sequence: that of the smallest p-value.

    Under uniform places a site's distance from the middle, as a share of the largest possible, is
    uniform on 0 to 1; the test is of its mean (normal approximation; CentriMo asks the same of
    bins: Bailey and Machanick, Nucleic Acids Res 2012, 40:e128).

    Args:
        sites: Sites in any number of sequences; ``record`` is the sequence's number.
        lengths: (sequences,) bases of each.
    """
    from scipy.stats import binomtest, norm

    best: dict[int, Site] = {}
    for s in sites:
        if s.record not in best or (s.p, s.start) < (best[s.record].p, best[s.record].start):
            best[s.record] = s
    chosen = list(best.values())
    if len(chosen) < FEWEST:
        return Position()
    start, end = (np.array([getattr(s, x) for s in chosen]) for x in ("start", "end"))
    length = lengths[[s.record for s in chosen]]
    room = length - (end - start)
    off = np.abs(2 * start - room)
    share = np.where(room > 0, off / np.maximum(room, 1), 0.5)
    z = (share.mean() - 0.5) * np.sqrt(12 * len(share))
    plus = sum(s.strand == "+" for s in chosen)
    stranded = sum(s.strand in "+-" for s in chosen)
    return Position(
        centre_distance=float(np.median(off / 2)),
        centre_p=float(norm.cdf(z)),
        plus_share=plus / stranded if stranded else float("nan"),
        strand_p=float(binomtest(plus, stranded).pvalue) if stranded else float("nan"),
    )
