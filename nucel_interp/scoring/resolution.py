"""The same sharpness for every model: single-base tracks blurred as six-base tokens blur by nature.

A model of six-base tokens read in six frames gives each base the mean of the six tokens that cover
it: a track of single bases, averaged over boxes of six, averaged over the six frames. Away from
the ends that is a triangle of width 11, with weights 1 2 3 4 5 6 5 4 3 2 1 over 36.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TOKEN_BP = 6


def blur(
    values: NDArray[np.floating], offsets: NDArray[np.int64], token_bp: int = TOKEN_BP
) -> NDArray[np.floating]:
    """A single-base track at the resolution of frame-averaged tokens.

    In every frame (`frames.frame_spans`) each token takes the mean of its known bases and each base
    its token's mean; then each base is averaged over the frames that cover it. Ends are treated as
    there: fewer frames cover them. A missing base takes no part and stays missing.

    Args:
        values: (..., bases) numbers of sequences laid end to end; NaN = missing.
        offsets: (sequences + 1,) where each sequence begins, and where the last one ends.
        token_bp: Bases of a token.

    Returns:
        The same shape and dtype; NaN in a sequence shorter than a token.
    """
    out = np.empty_like(values)
    if not values.size:
        return out
    flat, result = values.reshape(-1, values.shape[-1]), out.reshape(-1, values.shape[-1])
    inside = _fits(offsets, token_bp)
    for row, track in enumerate(flat):  # one head at a time: all in fp64 would be four times it
        result[row] = _blur_one(track.astype(np.float64), inside, token_bp)
    return out


def _fits(offsets: NDArray[np.int64], token_bp: int) -> NDArray[np.bool_]:
    """(bases,) does a token that begins at this base end within its sequence?"""
    lengths = np.diff(offsets)
    left = np.repeat(offsets[1:], lengths) - np.arange(offsets[-1])
    return np.asarray(left >= token_bp)


def _blur_one(
    track: NDArray[np.float64], fits: NDArray[np.bool_], token_bp: int
) -> NDArray[np.float64]:
    # the tokens of all frames together are the boxes that begin at each base and still fit
    n = len(track)
    known = ~np.isnan(track)
    filled = np.where(known, track, 0.0)
    box, held = np.zeros(n), np.zeros(n)
    for shift in range(min(token_bp, n)):
        box[: n - shift] += filled[shift:]
        held[: n - shift] += known[shift:]
    used = fits & (held > 0)
    mean = np.divide(box, held, out=np.zeros(n), where=used)
    total, count = np.zeros(n), np.zeros(n)
    for shift in range(min(token_bp, n)):
        total[shift:] += mean[: n - shift]
        count[shift:] += used[: n - shift]
    return np.divide(total, count, out=np.full(n, np.nan), where=known & (count > 0))


def to_bins(
    values: NDArray[np.floating], offsets: NDArray[np.int64], token_bp: int = TOKEN_BP
) -> NDArray[np.floating]:
    """A single-base track averaged into the bins that a model of longer tokens reads: one frame.

    Bins are laid as the Nucleotide Transformer's tokens are: from the left end of each stretch of
    known bases; what is left over before a gap or the end stays single.

    Args:
        values: (..., bases) numbers of sequences laid end to end; NaN = missing, at the same bases
            in every row.
        offsets: (sequences + 1,) where each sequence begins, and where the last one ends.
        token_bp: Bases of a bin.

    Returns:
        The same shape and dtype; each base has its bin's mean.
    """
    if not values.size:
        return values.copy()
    flat = values.reshape(-1, values.shape[-1])
    n = flat.shape[-1]
    known = ~np.isnan(flat[0])
    begins = np.ones(n, dtype=bool)  # of a stretch: of known bases, or of unknown ones
    begins[1:] = known[1:] != known[:-1]
    begins[offsets[:-1][offsets[:-1] < n]] = True
    first = np.flatnonzero(begins)
    lengths = np.diff(np.append(first, n))
    at = np.arange(n) - np.repeat(first, lengths)
    whole = known & (at < np.repeat(lengths // token_bp * token_bp, lengths))
    starts = np.flatnonzero(~whole | (at % token_bp == 0))
    widths = np.diff(np.append(starts, n))
    out = np.empty_like(flat)
    for row, track in enumerate(flat):
        means = np.add.reduceat(track.astype(np.float64), starts) / widths
        out[row] = np.repeat(means, widths)
    return out.reshape(values.shape)
