"""Stretches of long sequences, read with what lies beside them.

Windows are laid out on the whole sequence, so a stretch of it gets the numbers it has when all of
the sequence is read, wherever it is cut; and a genome, or a file of any size, is read stretch by
stretch.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.scores import Progress, Strands, score_sequences
from nucel_interp.scoring.tiling import FADE, Blend, Piece, placed
from nucel_interp.types import BASES, reverse_complement
from nucel_model import Nucel
from nucel_model.sequences import as_sequence

MOST_NUMBERS = 1 << 24
"""Attention of all heads that is held at a time (heads x bases)."""


@dataclass(frozen=True, eq=False)
class LongSequence:
    """A sequence that is read in parts.

    Attributes:
        length: Length of the sequence, in bases.
        fetch: Function that gives bases start to end, 0-based half-open, in upper or lower case.
        flipped: Whether its other strand is the canonical one (`is_flipped`): windows are laid out
            on that.
    """

    length: int
    fetch: Callable[[int, int], str]
    flipped: bool


@dataclass(frozen=True, eq=False)
class Stretch:
    """Bases ``start`` to ``end`` of a sequence, 0-based half-open."""

    of: LongSequence
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Tracks:
    """Numbers of a stretch, NaN at N.

    Attributes:
        attention: (bases,) attention received, mean over all heads; 1.0 = what uniform attention
            gives.
        replaced: (bases,) log-odds in nats, high = replaced; None without the discriminator's head.
        received: (layers x heads, bases) attention received by head; None if it was not wanted.
    """

    attention: NDArray[np.float32]
    replaced: NDArray[np.float32] | None
    received: NDArray[np.float16] | None = None


def is_flipped(fetch: Callable[[int, int], str], length: int, block: int = 1 << 16) -> bool:
    """Whether the reverse complement comes first in the alphabet (`types.canonical`).

    Read from both ends inwards, as far as the strands are alike.
    """
    for start in range(0, length, block):
        end = min(start + block, length)
        forward = as_sequence(fetch(start, end))
        other = reverse_complement(fetch(length - end, length - start))
        if forward != other:
            return other < forward
    return False


def pieces_between(
    length: int, context: int, flipped: bool, token_bp: int, start: int, end: int
) -> list[Piece]:
    """The windows of a sequence (`cut_pieces`) that have a part in bases ``start`` to ``end``.

    Others are not listed: a chromosome has millions.
    """
    if start >= end:
        return []
    if length <= context:
        return [Piece(0, 0, length, 0, length)]
    step = max(token_bp, context // 2 // token_bp * token_bp)
    n = len(range(0, length - context, step)) + 1

    def first(i: int) -> int:
        return i * step if i < n - 1 else length - context

    def left(i: int) -> int:
        return 0 if i == 0 else (first(i - 1) + first(i) + context) // 2

    def right(i: int) -> int:
        return length if i == n - 1 else left(i + 1)

    low, high = (length - end, length - start) if flipped else (start, end)
    fade = context // FADE
    wanted = range(
        bisect_right(range(n), low, key=lambda i: right(i) + fade),
        bisect_left(range(n), high, key=lambda i: left(i) - fade),
    )
    pieces = [placed(0, length, context, first(i), left(i), right(i), flipped) for i in wanted]
    return pieces[::-1] if flipped else pieces


def score_stretches(
    model: Nucel,
    stretches: Sequence[Stretch],
    *,
    strands: Strands = "both",
    heads: bool = False,
    on_progress: Progress | None = None,
) -> list[Tracks]:
    """Tracks of each stretch, as `score_sequences` gives them for the whole sequence.

    Args:
        model: Model of single bases or of longer tokens. One of longer tokens reads a sequence with
            many N in shorter windows if it is given as a whole, and not if it is given in parts.
        stretches: Stretches to read, of any sequences; nothing is held of a sequence but its
            windows.
        strands: "both" averages with the flipped run of the reverse complement.
        heads: Give the attention received by every head too; default False.
        on_progress: Called with the number of bases finished since the last call.
    """
    config = model.config
    n_heads = config.num_hidden_layers * config.num_attention_heads
    has_head = model.discriminator_head is not None
    # filled window by window
    found = [
        Tracks(_nothing(s), _nothing(s) if has_head else None, _nothing_of(n_heads, s, heads))
        for s in stretches
    ]
    waiting: list[tuple[int, Piece, str]] = []
    held = 0
    blend, blend_replaced = Blend(), Blend()

    def read() -> None:
        texts = [text for _, _, text in waiting]
        kept = sum(_own(stretches[number], piece) for number, piece, _ in waiting)
        step = None if on_progress is None else _scaled(on_progress, sum(map(len, texts)), kept)
        scores = score_sequences(model, texts, strands=strands, consistency=False, on_progress=step)
        spans = zip(scores.offsets.tolist(), scores.offsets[1:].tolist(), strict=False)
        for (number, piece, _), (a, b) in zip(waiting, spans, strict=True):
            stretch, into = stretches[number], found[number]
            for start, end, values in blend.add(number, piece, scores.received[:, a:b]):
                target, source = _within(stretch, start, end)
                into.attention[target] = values[:, source].astype(np.float32).mean(axis=0)
                if into.received is not None:
                    into.received[:, target] = values[:, source]
            if into.replaced is None or scores.replaced is None:
                continue
            for start, end, values in blend_replaced.add(number, piece, scores.replaced[a:b]):
                target, source = _within(stretch, start, end)
                into.replaced[target] = values[source]
        waiting.clear()

    for number, stretch in enumerate(stretches):
        for piece, text in _windows(model, stretch):
            first, last = piece.used
            used = text[first - piece.start : last - piece.start]
            if not any(base in used for base in BASES):
                if on_progress is not None:
                    on_progress(_own(stretch, piece))
                continue  # nothing there that could be scored
            if waiting and (held + len(text)) * n_heads > MOST_NUMBERS:
                read()
                held = 0
            waiting.append((number, piece, text))
            held += len(text)
    if waiting:
        read()
    return found


def _own(stretch: Stretch, piece: Piece) -> int:
    """Bases of the stretch between the window's borders."""
    return max(0, min(piece.keep_end, stretch.end) - max(piece.keep_start, stretch.start))


def _within(stretch: Stretch, start: int, end: int) -> tuple[slice, slice]:
    """Where bases start to end lie in a stretch, and which of them do."""
    first, last = max(start, stretch.start), min(end, stretch.end)
    last = max(first, last)
    return slice(first - stretch.start, last - stretch.start), slice(first - start, last - start)


def _scaled(on_progress: Progress, total: int, kept: int) -> Progress:
    """Tells of bases that are kept, told of bases that are read."""
    read = 0

    def step(n: int) -> None:
        nonlocal read
        before, read = kept * read // total, read + n
        on_progress(kept * read // total - before)

    return step


def _nothing(stretch: Stretch) -> NDArray[np.float32]:
    return np.full(stretch.end - stretch.start, np.nan, dtype=np.float32)


def _nothing_of(n_heads: int, stretch: Stretch, wanted: bool) -> NDArray[np.float16] | None:
    shape = (n_heads, stretch.end - stretch.start)
    return np.full(shape, np.nan, dtype=np.float16) if wanted else None


def _windows(model: Nucel, stretch: Stretch) -> Iterator[tuple[Piece, str]]:
    """Pieces and their letters; the sequence is fetched once."""
    config, of = model.config, stretch.of
    if config.token_bp > 1 and _is_whole(stretch):
        # its N and ends decide the windows: those are `score_sequences`' to lay out
        yield Piece(0, 0, of.length, 0, of.length), as_sequence(of.fetch(0, of.length))
        return
    pieces = pieces_between(
        of.length, config.context_bp, of.flipped, config.token_bp, stretch.start, stretch.end
    )
    if not pieces:
        return
    offset = pieces[0].start
    text = as_sequence(of.fetch(offset, pieces[-1].end))
    for piece in pieces:
        yield piece, text[piece.start - offset : piece.end - offset]


def _is_whole(stretch: Stretch) -> bool:
    return stretch.end - stretch.start == stretch.of.length


def cut_shards(
    stretches: Iterable[Stretch], context: int, token_bp: int, size: int
) -> Iterator[list[Stretch]]:
    """Stretches to shards of about ``size`` bases: short ones together, a long one in parts.

    Parts end where a window begins to fade, so that only that one is read again. A whole
    sequence that fits into a shard is not cut.

    Args:
        stretches: Stretches, in the order they are wanted in; taken one at a time.
        context: Bases of a window.
        token_bp: Bases of a token.
        size: Bases of a shard, at least those of one window.
    """
    shard: list[Stretch] = []
    held = 0
    for stretch in stretches:
        of, start, end = stretch.of, stretch.start, stretch.end
        if shard and _is_whole(stretch) and held + of.length > size >= of.length:
            yield shard
            shard, held = [], 0
        while start < end:
            cut = start + size - held
            if cut < end:
                near = min(end, cut + context)
                pieces = pieces_between(of.length, context, of.flipped, token_bp, cut - 1, near)
                ends = (p.keep_end - p.fade_end for p in pieces)
                cut = next(last for last in ends if last >= cut)
            cut = min(cut, end)
            shard.append(Stretch(of, start, cut))
            held += cut - start
            start = cut
            if held >= size:
                yield shard
                shard, held = [], 0
    if shard:
        yield shard


def cut_stretches(
    sequences: Sequence[LongSequence],
    regions: Sequence[tuple[int, int, int]],
    context: int,
    token_bp: int,
    size: int,
) -> list[list[tuple[int, int, int]]]:
    """`cut_shards` of regions: number of the sequence, start and end of each."""
    number = {id(sequence): i for i, sequence in enumerate(sequences)}
    stretches = (Stretch(sequences[i], start, end) for i, start, end in regions)
    return [
        [(number[id(s.of)], s.start, s.end) for s in shard]
        for shard in cut_shards(stretches, context, token_bp, size)
    ]
