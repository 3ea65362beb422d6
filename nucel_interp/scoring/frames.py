"""Six readings of one sequence: where a model of six-base tokens sees no finer than its tokens.

Read once, every base of a token has the token's number, and where the tokens lie is an accident of
where the sequence begins. Frame s begins at base s and is cut to whole tokens; each base is
averaged over the frames that cover it. A sequence and its reverse complement are cut into the same
tokens by their six frames, so averaging favours no strand. What stands after an N begins a token
in every frame, so there the frames agree and average nothing out: compare models on sequence
without N.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rule = Literal["density", "mass"]


def frame_spans(length: int, token_bp: int) -> list[tuple[int, int]]:
    """(start, end) of every frame, 0-based half-open; frames without a whole token are left out.

    Args:
        length: Length of the sequence, in bases.
        token_bp: Bases of a token; 1 gives the whole sequence as its only frame.
    """
    return [
        (start, start + (length - start) // token_bp * token_bp)
        for start in range(min(token_bp, length - token_bp + 1))
    ]


def n_frames(length: int, token_bp: int) -> NDArray[np.int64]:
    """(length,) how many frames cover each base.

    1, 2, ... up to ``token_bp`` from either end: the first and the last ``token_bp`` - 1 bases
    have fewer, and all have fewer in a sequence of under 2 x ``token_bp`` - 1. Shorter than a
    token: none.
    """
    count = np.zeros(length, dtype=np.int64)
    for start, end in frame_spans(length, token_bp):
        count[start:end] += 1
    return count


def fewer_frames(offsets: NDArray[np.int64], token_bp: int) -> NDArray[np.bool_]:
    """(bases,) True where a base is averaged over fewer frames than a token has bases.

    Args:
        offsets: (sequences + 1,) where each sequence begins; they are laid end to end.
        token_bp: Bases of a token; with 1, all is False.
    """
    counts = [n_frames(length, token_bp) for length in np.diff(offsets).tolist()]
    return np.concatenate([np.zeros(0, dtype=np.int64), *counts]) < token_bp


def average_frames(
    frames: Sequence[NDArray[np.floating]], length: int, token_bp: int, rule: Rule = "density"
) -> NDArray[np.float32]:
    """One track from the frames of one sequence: each base averaged over the frames that cover it.

    Under the mass rule each frame totals its own length, and a base near an end is covered by
    fewer of them; their average totals something near the length, and is rescaled to total the
    number of its bases (N not counted) exactly.

    Args:
        frames: (heads, bases) numbers of each span of `frame_spans`, in order; NaN at N.
        length: Length of the sequence, in bases.
        token_bp: Bases of a token.
        rule: "density" or "mass": rule by which numbers were spread from tokens to bases, see
            `score_sequences`.

    Returns:
        (heads, length); NaN where no frame has a number.
    """
    spans = frame_spans(length, token_bp)
    n_heads = frames[0].shape[0] if frames else 0
    total = np.zeros((n_heads, length), dtype=np.float32)
    count = np.zeros((n_heads, length), dtype=np.float32)
    for values, (start, end) in zip(frames, spans, strict=True):
        known = ~np.isnan(values)
        total[:, start:end] += np.where(known, values, 0)
        count[:, start:end] += known
    if rule == "mass":
        mean = total / np.maximum(count, 1)
        known_bases = (count > 0).sum(axis=1, keepdims=True)
        summed = mean.sum(axis=1, keepdims=True, dtype=np.float64)
        # nothing received anywhere stays nothing
        scale = np.divide(known_bases, summed, out=np.ones_like(summed), where=summed > 0)
        total = (mean * scale).astype(np.float32)
        count = np.minimum(count, 1)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
