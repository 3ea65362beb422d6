"""Intervals at random places of the same sequences, as many and as long as given ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.motifs.testing import site_bases
from nucel_interp.scoring.shuffle import draw
from nucel_interp.sequences import Sequences
from nucel_interp.types import Site


def random_sites(
    sites: Sequence[Site],
    sequences: Sequences,
    window_of: NDArray[np.int64],
    allowed: NDArray[np.bool_],
    seed: int,
    purpose: str,
) -> list[Site]:
    """As many intervals of the same lengths, at random places of the same sequences.

    They overlap neither the sites nor each other, and lie within one window. Draws are keyed by
    the strand-collapsed sequence. An interval for which there is no room is left out.

    Args:
        sites: Sites of one motif.
        sequences: Sequences, one per record.
        window_of: (bases,) number of the window each lies in.
        allowed: (bases,) where an interval may lie; places under ``sites`` are taken off.
        seed: Seed of the places, used together with the sequence and the purpose.
        purpose: Name of the draw, so that draws of different purpose differ.
    """
    free_everywhere = allowed & ~site_bases(sites, sequences.offsets)
    lengths: dict[int, list[int]] = {}
    for s in sites:
        lengths.setdefault(s.record, []).append(s.end - s.start)
    made = []
    for record in sorted(lengths):
        span, flipped = sequences.span(record), bool(sequences.flipped[record])
        free, window = free_everywhere[span].copy(), window_of[span]
        if flipped:
            free, window = free[::-1], window[::-1]
        rng = draw(seed, sequences[record], "random intervals", purpose)
        for width in sorted(lengths[record], reverse=True):
            if width > len(free):
                continue
            taken = np.concatenate([[0], np.cumsum(~free)])
            fits = taken[width:] == taken[:-width]
            fits &= window[width - 1 :] == window[: len(window) - width + 1]
            places = np.flatnonzero(fits)
            if not len(places):
                continue
            start = int(places[int(rng.random() * len(places))])
            free[start : start + width] = False
            if flipped:
                start = len(free) - start - width
            made.append(Site(record, start, start + width, ".", 0.0, 1.0))
    return made
