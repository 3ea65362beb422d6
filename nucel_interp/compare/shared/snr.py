"""Attention signal-to-noise at sites, sequence by sequence, under three stated definitions.

The published comparison of NucEL with the Nucleotide Transformer gives no definition, so each of
these is reported. All are of one sequence's track, bases of the motif's sites (inside) against all
its other bases (outside):

- mean_ratio: mean inside / mean outside; 1 without preference.
- z: (mean inside - mean outside) / standard deviation outside; 0 without preference.
- peak_over_median: maximum inside / median outside. A maximum is above the median anywhere, so it
  is read beside the same at random intervals of the same lengths.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

DEFINITIONS = ("mean_ratio", "z", "peak_over_median")
Array = NDArray[np.float64]


def signal_to_noise(
    tracks: NDArray[np.floating],
    offsets: NDArray[np.int64],
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
) -> dict[str, Array]:
    """Every definition for every head and sequence.

    Args:
        tracks: (heads, bases); NaN is left out.
        offsets: (sequences + 1,) where each begins among the bases.
        inside: (bases,) under a site.
        outside: (bases,) what they are compared with.

    Returns:
        Definition -> (heads, sequences); NaN where a sequence has nothing inside or outside, or
        the denominator is not above 0.
    """
    shape = (len(tracks), len(offsets) - 1)
    found = {definition: np.full(shape, np.nan) for definition in DEFINITIONS}
    known = ~np.isnan(tracks[0])
    inside, outside = inside & known, outside & known
    for i, (a, b) in enumerate(pairwise(offsets.tolist())):
        within, without = inside[a:b], outside[a:b]
        if not within.any() or not without.any():
            continue
        x = tracks[:, a:b].astype(np.float64)
        signal, noise = x[:, within], x[:, without]
        mean_in, mean_out = signal.mean(axis=1), noise.mean(axis=1)
        found["mean_ratio"][:, i] = _over(mean_in, mean_out)
        found["z"][:, i] = _over(mean_in - mean_out, noise.std(axis=1))
        found["peak_over_median"][:, i] = _over(signal.max(axis=1), np.median(noise, axis=1))
    return found


def _over(a: Array, b: Array) -> Array:
    positive = b > 1e-9
    return np.where(positive, a / np.where(positive, b, 1), np.nan)
