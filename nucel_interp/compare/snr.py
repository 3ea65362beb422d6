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

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.shuffle import draw
from nucel_interp.types import Site, canonical

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


def covered_by(sites: Sequence[Site], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(bases,) is the base under a site?"""
    step = np.zeros(int(offsets[-1]) + 1, dtype=np.int64)
    for s in sites:
        step[offsets[s.record] + s.start] += 1
        step[offsets[s.record] + s.end] -= 1
    return np.asarray(np.cumsum(step[:-1]) > 0)


def random_sites(
    sites: Sequence[Site],
    texts: Sequence[str],
    offsets: NDArray[np.int64],
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
        texts: One sequence per record.
        offsets: (records + 1,) where each begins.
        window_of: (bases,) number of the window each lies in.
        allowed: (bases,) where an interval may lie; places under ``sites`` are taken off.
        seed: With the sequence and the purpose, decides the places.
        purpose: What they are drawn for.
    """
    free_everywhere = allowed & ~covered_by(sites, offsets)
    lengths: dict[int, list[int]] = {}
    for s in sites:
        lengths.setdefault(s.record, []).append(s.end - s.start)
    made = []
    for record in sorted(lengths):
        a, b = int(offsets[record]), int(offsets[record + 1])
        text = texts[record]
        turned = text != canonical(text)
        free, window = free_everywhere[a:b].copy(), window_of[a:b]
        if turned:
            free, window = free[::-1], window[::-1]
        rng = draw(seed, text, "random intervals", purpose)
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
            if turned:
                start = len(free) - start - width
            made.append(Site(record, start, start + width, ".", 0.0, 1.0))
    return made
