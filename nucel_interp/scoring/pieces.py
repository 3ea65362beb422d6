"""What of a sequence is read at once: whole where it fits, else windows that overlap by half."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.frames import frame_spans

_STRETCH = re.compile("[ACGT]+")


@dataclass(frozen=True)
class Piece:
    """A window of a sequence, and the part of it whose numbers are kept."""

    sequence: int
    start: int
    end: int
    keep_start: int
    keep_end: int


def lay_out(
    sequences: Sequence[str],
    flipped: Sequence[bool],
    context: int,
    token_bp: int,
    frames: bool = False,
) -> list[Piece]:
    """The pieces to read: no more bases than the context, and no more tokens than fit.

    A model of longer tokens reads what is left over at an end or before an N base by base, so a
    sequence may be short enough and still have too many tokens. It is then cut into windows of
    whole tokens; if N crowd even those, into windows short enough for any sequence.
    """
    lengths = np.array([len(s) for s in sequences], dtype=np.int64)
    pieces = cut_pieces(lengths, context, flipped, token_bp)
    if token_bp == 1:
        return pieces
    most = context // token_bp

    def crowded(piece: Piece) -> bool:
        text = sequences[piece.sequence][piece.start : piece.end]
        if len(text) <= most:
            return False
        spans = frame_spans(len(text), token_bp) if frames else [(0, len(text))]
        return any(n_tokens(text[start:end], token_bp) > most for start, end in spans)

    safe = most // token_bp * token_bp
    by_sequence: list[list[Piece]] = [[] for _ in sequences]
    for piece in pieces:
        by_sequence[piece.sequence].append(piece)
    for number, length in enumerate(lengths.tolist()):
        whole = min(context, length // token_bp * token_bp)
        for size in (whole, safe):
            if not any(crowded(p) for p in by_sequence[number]):
                break
            one = cut_pieces(lengths[[number]], size, [flipped[number]], token_bp)
            by_sequence[number] = [replace(p, sequence=number) for p in one]
    return [p for found in by_sequence for p in found]


def n_tokens(sequence: str, token_bp: int) -> int:
    """Tokens of a sequence without [CLS]: whole words, and left-over bases and N one by one."""
    words = [len(stretch) for stretch in _STRETCH.findall(sequence)]
    return sum(w // token_bp + w % token_bp - w for w in words) + len(sequence)


def cut_pieces(
    lengths: NDArray[np.int64], context: int, flipped: Sequence[bool], token_bp: int = 1
) -> list[Piece]:
    """Whole sequences where they fit, else half-overlapping windows; of each the part to keep.

    Windows are laid out on the canonical strand, so that both strands of a record are read in the
    same ones; ``flipped`` tells which sequences are the other strand. They have ``context`` bases,
    a multiple of ``token_bp``, and all but the last begin a multiple of it apart.
    """
    pieces = []
    for number, (length, turned) in enumerate(zip(lengths.tolist(), flipped, strict=True)):
        if length <= context:
            pieces.append(Piece(number, 0, length, 0, length))
            continue
        step = max(token_bp, context // 2 // token_bp * token_bp)
        starts = [*range(0, length - context, step), length - context]
        for i, start in enumerate(starts):
            # borders lie midway between neighbouring centres, in the middle half of both
            left = 0 if i == 0 else (starts[i - 1] + start + context) // 2
            right = length if i == len(starts) - 1 else (start + starts[i + 1] + context) // 2
            if turned:
                first, left, right = length - start - context, length - right, length - left
            else:
                first = start
            pieces.append(Piece(number, first, first + context, left, right))
    return pieces
