"""What of a sequence is read at once: whole where it fits, else windows that overlap by half.

Where one window's numbers give way to the next one's, over an eighth of a window, they are the mean
of both, weighted linearly from the one to the other: a global layer's softmax runs over its window,
so a hard border would be a step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.frames import frame_spans
from nucel_model.sequences import as_sequence, as_sequences

_STRETCH = re.compile("[ACGT]+")
FADE = 16
"""Of a window, the part on either side of a border where its numbers and its neighbour's meet."""


@dataclass(frozen=True)
class Piece:
    """A window of a sequence, and the part of it whose numbers are kept.

    Attributes:
        sequence: Number of the sequence, from 0.
        start: First base of the window, 0-based in the sequence.
        end: One past the last base of the window.
        keep_start: The border with the window before: from here on this one's numbers weigh more.
        keep_end: The border with the window behind: from here on that one's numbers weigh more.
        fade_start: Bases on either side of ``keep_start`` where both windows' numbers count.
        fade_end: Bases on either side of ``keep_end`` where both windows' numbers count.
    """

    sequence: int
    start: int
    end: int
    keep_start: int
    keep_end: int
    fade_start: int = 0
    fade_end: int = 0

    @property
    def used(self) -> tuple[int, int]:
        """First base that it has a part in, and one past the last."""
        return self.keep_start - self.fade_start, self.keep_end + self.fade_end


class Blend:
    """Joins the numbers of neighbouring windows of one table.

    A sum of two is the same in either order, so that the order of windows does not show.
    """

    def __init__(self) -> None:
        self._half: dict[tuple[int, int], NDArray[Any]] = {}

    def add(
        self, of: int, piece: Piece, values: NDArray[Any]
    ) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Take a window; give first base, one past the last and numbers of what is done with it.

        Args:
            of: Number that tells apart the sequences, or stretches, read in pieces.
            piece: Window that was read.
            values: (..., bases of the window) its numbers.
        """

        def part(start: int, end: int) -> NDArray[Any]:
            return values[..., start - piece.start : end - piece.start]

        first, last = piece.keep_start + piece.fade_start, piece.keep_end - piece.fade_end
        if first < last:
            yield first, last, part(first, last)
        for border, width, rises in (
            (piece.keep_start, piece.fade_start, True),
            (piece.keep_end, piece.fade_end, False),
        ):
            if not width:
                continue
            share = (np.arange(2 * width, dtype=np.float32) + np.float32(0.5)) / (2 * width)
            mine = part(border - width, border + width) * (share if rises else share[::-1])
            other = self._half.pop((of, border), None)
            if other is None:
                self._half[of, border] = mine
            else:
                yield border - width, border + width, (mine + other).astype(values.dtype)


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
    sequences = as_sequences(sequences)
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
    sequence = as_sequence(sequence)
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
            pieces.append(placed(number, length, context, start, left, right, turned))
    return pieces


def placed(
    number: int, length: int, context: int, start: int, left: int, right: int, turned: bool
) -> Piece:
    """A window from its borders on the canonical strand; 0 and the length are no borders."""
    fades = [context // FADE if 0 < border < length else 0 for border in (left, right)]
    if turned:
        start, left, right = length - start - context, length - right, length - left
        fades.reverse()
    return Piece(number, start, start + context, left, right, *fades)
