"""The only place that runs a model: batches, both strands, reductions laid end to end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.scoring.device import batch_tokens
from nucel_interp.scoring.frames import Rule, average_frames, frame_spans
from nucel_interp.scoring.tiling import Blend, Piece, lay_out
from nucel_interp.types import canonical, reverse_complement
from nucel_model import Nucel, tokenizer
from nucel_model.sequences import as_sequences

TOKENS_PER_BATCH = 4096
"""Of both strands. Measured on one core: 2,048 to 8,192 differ little, 16,384 is a tenth slower."""
SAMPLED_BASES = 50_000
"""How many bases the strand-consistency figure is measured on."""

Strands = Literal["both", "forward"]
Progress = Callable[[int], None]
Reader = Callable[[Nucel, Sequence[str]], NDArray[np.float32]]
"""Gives (texts, rows, bases), a further score of texts that a model reads at once. Those of a model
of single bases are of one length. NaN at N, and behind the end of a shorter text."""


def check_strands(strands: str) -> None:
    """Refuse a word that would silently be taken for the forward strand.

    Raises:
        InputError: It is neither "both" nor "forward".
    """
    if strands not in get_args(Strands):
        raise InputError(f"strand is 'both' or 'forward', not {strands!r}")


@dataclass(frozen=True, eq=False)
class Scores:
    """A model's numbers for many sequences, laid end to end; sequence i from ``offsets[i]`` on.

    Attributes:
        offsets: (sequences + 1,) int64, where each sequence begins, and where the last one ends.
        received: (layers x heads, bases) float16, attention received; 1.0 = what uniform attention
            gives; NaN at N. Mean of the forward run and the flipped reverse-complement run. A model
            of longer tokens gives every base of a token the same number, unless its frames were
            averaged.
        replaced: (bases,) float32 log-odds in nats, high = replaced; None without a discriminator
            head.
        cls_share: (layers x heads,) mean share of attention on [CLS].
        n_share: (layers x heads,) mean share of attention on N.
        entropy: (layers x heads,) mean entropy of a base's attention, bits.
        rc_consistency: (layers x heads,) Spearman correlation between the strands' tracks; NaN with
            one strand, or if it was not wanted.
        also: (rows, bases) float32, of the further score that was asked for: a row for each of
            layers x heads, or a single one; NaN at N. None if none was.
    """

    offsets: NDArray[np.int64]
    received: NDArray[np.float16]
    replaced: NDArray[np.float32] | None
    cls_share: NDArray[np.float64]
    n_share: NDArray[np.float64]
    entropy: NDArray[np.float64]
    rc_consistency: NDArray[np.float64]
    also: NDArray[np.float32] | None = None


def score_sequences(
    model: Nucel,
    sequences: Sequence[str],
    *,
    strands: Strands = "both",
    frames: bool = False,
    rule: Rule = "density",
    consistency: bool = True,
    also: Reader | None = None,
    on_progress: Progress | None = None,
) -> Scores:
    """Profile every sequence; those beyond the model's context in half-overlapping windows.

    Each base of a long sequence is taken from the window in whose middle half it lies; at borders
    one window's numbers fade into the next one's (`pieces`).

    Args:
        model: Model of single bases or of longer tokens.
        sequences: DNA strings, in upper or lower case.
        strands: "both" averages with the flipped run of the reverse complement.
        frames: Read a model of longer tokens once in every frame and average (`frames`); six times
            the work for six-base tokens, and without effect on a model of single bases. Shares and
            entropy are means over all readings.
        rule: Rule by which a model of longer tokens spreads a token's number over its bases:
            "density" gives each base the token's fold over uniform attention; "mass" divides it by
            the token's width, and lets a sequence total its length.
        consistency: Measure how the strands' tracks agree; a shard of a long run has no use for it,
            and it takes 1.5 s of a processor for 36 heads.
        also: A further score, read in the same windows, blended and averaged over strands alike.
            Without effect on the others; not for ``frames``.
        on_progress: Called with the number of bases finished since the last call.

    Raises:
        InputError: ``frames``, and a sequence is shorter than a token; or no such ``strands``.
    """
    check_strands(strands)
    sequences = as_sequences(sequences)
    lengths = np.array([len(s) for s in sequences], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    config = model.config
    if frames:
        _require_a_token(lengths, config.token_bp, model.name)
    n_heads = config.num_hidden_layers * config.num_attention_heads
    received = np.full((n_heads, offsets[-1]), np.nan, dtype=np.float16)
    has_head = model.discriminator_head is not None
    replaced = np.full(offsets[-1], np.nan, dtype=np.float32) if has_head else None
    sums = np.zeros((3, n_heads))
    n_rows = 0
    sample: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    sampled = 0
    blend, blend_replaced, blend_also = Blend(), Blend(), Blend()
    further: NDArray[np.float32] | None = None
    collapsed = [canonical(s) for s in sequences]
    turned = [a != b for a, b in zip(sequences, collapsed, strict=True)]
    layout = lay_out(sequences, turned, config.context_bp, config.token_bp, frames)
    at_once = batch_tokens(model, TOKENS_PER_BATCH) // 2
    for pieces in _batches(layout, collapsed, config.token_bp, at_once):
        forward = [sequences[p.sequence][p.start : p.end] for p in pieces]
        other = [reverse_complement(t) for t in forward] if strands == "both" else []
        reading = _read(model, forward + other, frames and config.token_bp > 1, rule)
        sums += reading.sums
        n_rows += reading.n_rows
        for i, p in enumerate(pieces):
            length = p.end - p.start
            kept = slice(p.keep_start - p.start, p.keep_end - p.start)
            base = int(offsets[p.sequence])
            mine = reading.tracks[i][:, :length]
            if strands == "both":
                flipped = reading.tracks[len(pieces) + i][:, :length][:, ::-1]
                if consistency and sampled < SAMPLED_BASES:
                    sample.append((mine[:, kept], flipped[:, kept]))
                    sampled += p.keep_end - p.keep_start
                mine = (mine + flipped) / np.float32(2)
            for start, end, values in blend.add(p.sequence, p, mine.astype(np.float16)):
                received[:, base + start : base + end] = values
            if replaced is not None and reading.logits is not None:
                score = reading.logits[i, :length]
                if strands == "both":
                    score = (score + reading.logits[len(pieces) + i, :length][::-1]) / np.float32(2)
                is_base = tokenizer.encode(forward[i]) >= tokenizer.A
                score = np.where(is_base, score, np.float32(np.nan))
                for start, end, values in blend_replaced.add(p.sequence, p, score):
                    replaced[base + start : base + end] = values
        if also is not None:
            read = also(model, forward + other)
            if further is None:
                further = np.full((read.shape[1], offsets[-1]), np.nan, dtype=np.float32)
            for i, p in enumerate(pieces):
                length, base = p.end - p.start, int(offsets[p.sequence])
                mine = read[i, :, :length]
                if strands == "both":
                    mine = (mine + read[len(pieces) + i, :, :length][:, ::-1]) / np.float32(2)
                for start, end, values in blend_also.add(p.sequence, p, mine):
                    further[:, base + start : base + end] = values
        if on_progress is not None:
            on_progress(sum(p.keep_end - p.keep_start for p in pieces))
    means = sums / max(1, n_rows)
    return Scores(
        offsets, received, replaced, means[0], means[1], means[2], _consistency(sample, n_heads),
        further,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Reading:
    """Of a batch of texts.

    Attributes:
        tracks: Per text (heads, bases or more).
        logits: (texts, bases), None without the discriminator's head.
        sums: (3, heads) [CLS] share, N share and entropy, summed over rows.
        n_rows: Number of rows the model read.
    """

    tracks: Sequence[NDArray[np.float32]]
    logits: NDArray[np.float32] | None
    sums: NDArray[np.float64]
    n_rows: int


def _read(model: Nucel, texts: list[str], frames: bool, rule: Rule) -> _Reading:
    """One batch, as it stands or in every frame."""
    if not frames:
        return _read_once(model, texts, rule)
    token_bp = model.config.token_bp
    spans = [frame_spans(len(t), token_bp) for t in texts]
    tracks: list[list[NDArray[np.float32]]] = [[] for _ in texts]
    parts = []
    # frame by frame: texts of like length together, and a sixth of the memory
    for frame in range(token_bp):
        number = [i for i, found in enumerate(spans) if frame < len(found)]
        if not number:
            continue
        cut = [texts[i][slice(*spans[i][frame])] for i in number]
        parts.append(_read_once(model, cut, rule))
        for i, text, track in zip(number, cut, parts[-1].tracks, strict=True):
            tracks[i].append(track[:, : len(text)])
    n_heads = model.config.num_hidden_layers * model.config.num_attention_heads
    nothing = np.zeros((n_heads, 0), dtype=np.float32)
    return _Reading(
        [
            average_frames(found, len(text), token_bp, rule) if found else nothing
            for found, text in zip(tracks, texts, strict=True)
        ],
        None,
        sum((p.sums for p in parts), np.zeros((3, n_heads))),
        sum(p.n_rows for p in parts),
    )


def _read_once(model: Nucel, texts: list[str], rule: Rule) -> _Reading:
    has_head = model.discriminator_head is not None
    with torch.inference_mode():
        profile = model.profile_sequences(texts, rule)
        tracks = profile.received.flatten(1, 2).cpu().numpy()
        logits = model.replaced_logit(profile.last_hidden_state).cpu().numpy() if has_head else None
    shares = (profile.cls_share, profile.n_share)
    sums = [s.flatten(1).double().sum(0).cpu().numpy() for s in shares]
    sums.append(_row_means(profile.entropy.flatten(1, 2).cpu().numpy()))
    return _Reading(list(tracks), logits, np.stack(sums), len(texts))


def _require_a_token(lengths: NDArray[np.int64], token_bp: int, name: str) -> None:
    short = int(((lengths > 0) & (lengths < token_bp)).sum())
    if short:
        raise InputError(
            f"{short:,} of {len(lengths):,} sequences are shorter than the {token_bp} bases that "
            f"{name} reads as one token, so there is no frame to read them in; leave them out"
        )


def _batches(
    pieces: list[Piece], collapsed: list[str], token_bp: int, at_once: int
) -> Iterator[list[Piece]]:
    """Pieces of one length together, so that nothing is padded; of like length for longer tokens.

    Ties are broken by the strand-collapsed sequence: what a piece is batched with decides its last
    digits, and must not depend on the order of the file.
    """
    batch: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: (p.end - p.start, collapsed[p.sequence], p.start)):
        length = piece.end - piece.start
        tokens = math.ceil(length / token_bp) + 1
        full = tokens * (len(batch) + 1) > at_once
        if batch and (full or (token_bp == 1 and length != batch[0].end - batch[0].start)):
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
