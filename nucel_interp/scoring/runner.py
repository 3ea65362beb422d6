"""The only place that runs a model: windows, batches, both strands, reductions laid end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.types import canonical
from nucel_model import Nucel, tokenizer

TOKENS_PER_BATCH = 8192
SAMPLED_BASES = 50_000
"""How many bases the strand-consistency figure is measured on."""

Strands = Literal["both", "forward"]
Progress = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Scores:
    """A model's numbers for many sequences, laid end to end; sequence i from ``offsets[i]`` on.

    Attributes:
        offsets: (sequences + 1,) int64.
        received: (layers x heads, bases) float16; 1.0 = what uniform attention gives; NaN at N.
            Mean of the forward run and the flipped reverse-complement run.
        replaced: (bases,) float32 log-odds in nats, high = replaced; None without that head.
        cls_share: (layers x heads,) mean mass on [CLS].
        n_share: (layers x heads,) mean mass on N.
        entropy: (layers x heads,) mean row entropy, bits.
        rc_consistency: (layers x heads,) Spearman between the strands' tracks; NaN with one strand.
    """

    offsets: NDArray[np.int64]
    received: NDArray[np.float16]
    replaced: NDArray[np.float32] | None
    cls_share: NDArray[np.float64]
    n_share: NDArray[np.float64]
    entropy: NDArray[np.float64]
    rc_consistency: NDArray[np.float64]


@dataclass(frozen=True)
class Piece:
    """A window of a sequence, and the part of it whose numbers are kept."""

    sequence: int
    start: int
    end: int
    keep_start: int
    keep_end: int


def score_sequences(
    model: Nucel,
    sequences: list[str],
    *,
    strands: Strands = "both",
    on_progress: Progress | None = None,
) -> Scores:
    """Profile every sequence; those beyond the model's context in half-overlapping windows.

    Each base of a long sequence is taken from the window in whose middle half it lies.
    ``on_progress`` is called with the number of bases finished since the last call.
    """
    lengths = np.array([len(s) for s in sequences], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    config = model.config
    n_heads = config.num_hidden_layers * config.num_attention_heads
    received = np.full((n_heads, offsets[-1]), np.nan, dtype=np.float16)
    has_head = model.discriminator_head is not None
    replaced = np.full(offsets[-1], np.nan, dtype=np.float32) if has_head else None
    sums = np.zeros((3, n_heads))
    n_rows = 0
    device = next(model.parameters()).device
    sample: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    sampled = 0
    encoded = [tokenizer.encode(s) for s in sequences]
    collapsed = [canonical(s) for s in sequences]
    turned = [a != b for a, b in zip(sequences, collapsed, strict=True)]
    for pieces in _batches(cut_pieces(lengths, config.context_bp, turned), collapsed):
        forward = [encoded[p.sequence][p.start : p.end] for p in pieces]
        other = (
            [tokenizer.reverse_complement_ids(ids) for ids in forward] if strands == "both" else []
        )
        input_ids, mask = tokenizer.batch(forward + other)
        with torch.inference_mode():
            profile = model.profile(input_ids.to(device), mask.to(device))
            tracks = profile.received.flatten(1, 2).cpu().numpy()
            logits = (
                model.replaced_logit(profile.last_hidden_state).cpu().numpy() if has_head else None
            )
        for i, share in enumerate((profile.cls_share, profile.n_share)):
            sums[i] += share.flatten(1).double().sum(0).cpu().numpy()
        sums[2] += _row_means(profile.entropy.flatten(1, 2).cpu().numpy())
        n_rows += len(input_ids)
        for i, p in enumerate(pieces):
            length = p.end - p.start
            kept = slice(p.keep_start - p.start, p.keep_end - p.start)
            target = slice(offsets[p.sequence] + p.keep_start, offsets[p.sequence] + p.keep_end)
            mine = tracks[i, :, :length]
            if strands == "both":
                flipped = tracks[len(pieces) + i, :, length - 1 :: -1] if length else mine
                if sampled < SAMPLED_BASES:
                    sample.append((mine[:, kept], flipped[:, kept]))
                    sampled += p.keep_end - p.keep_start
                mine = (mine + flipped) / 2
            received[:, target] = mine[:, kept]
            if replaced is not None and logits is not None:
                score = logits[i, :length]
                if strands == "both":
                    score = (score + logits[len(pieces) + i, :length][::-1]) / 2
                is_base = forward[i] >= tokenizer.A
                replaced[target] = np.where(is_base, score, np.nan)[kept]
        if on_progress is not None:
            on_progress(sum(p.keep_end - p.keep_start for p in pieces))
    means = sums / max(1, n_rows)
    return Scores(
        offsets, received, replaced, means[0], means[1], means[2], _consistency(sample, n_heads)
    )


def cut_pieces(lengths: NDArray[np.int64], context: int, flipped: Sequence[bool]) -> list[Piece]:
    """Whole sequences where they fit, else half-overlapping windows; of each the part to keep.

    Windows are laid out on the canonical strand, so that both strands of a record are read in the
    same ones; ``flipped`` tells which sequences are the other strand.
    """
    pieces = []
    for number, (length, turned) in enumerate(zip(lengths.tolist(), flipped, strict=True)):
        if length <= context:
            pieces.append(Piece(number, 0, length, 0, length))
            continue
        step = context // 2
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


def _batches(pieces: list[Piece], collapsed: list[str]) -> Iterator[list[Piece]]:
    """Pieces of like length together, so that little is padded.

    Ties are broken by the strand-collapsed sequence: what a piece is batched with decides its last
    digits, and must not depend on the order of the file.
    """
    batch: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: (p.end - p.start, collapsed[p.sequence], p.start)):
        length = piece.end - piece.start
        if batch and (length + 1) * (len(batch) + 1) > TOKENS_PER_BATCH // 2:
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def _row_means(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum over the batch of each row's mean over bases, NaN left out."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=2, dtype=np.float64)
    mean: NDArray[np.float64] = (total / np.maximum(1, known.sum(axis=2))).sum(axis=0)
    return mean


def _consistency(
    sample: list[tuple[NDArray[np.float32], NDArray[np.float32]]], n_heads: int
) -> NDArray[np.float64]:
    """Spearman per head between the forward and the flipped reverse-complement track."""
    from scipy.stats import rankdata

    if not sample:
        return np.full(n_heads, np.nan)
    a = np.concatenate([s[0] for s in sample], axis=1)
    b = np.concatenate([s[1] for s in sample], axis=1)
    known = ~np.isnan(a[0]) & ~np.isnan(b[0])
    if known.sum() < 3:
        return np.full(n_heads, np.nan)
    ra, rb = rankdata(a[:, known], axis=1), rankdata(b[:, known], axis=1)
    ra -= ra.mean(axis=1, keepdims=True)
    rb -= rb.mean(axis=1, keepdims=True)
    norm = np.sqrt((ra**2).sum(axis=1) * (rb**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((ra * rb).sum(axis=1) / norm)
