"""What [CLS] attends to in the last layer: the score of DNABERT's motif search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucel_interp.scoring.runner import TOKENS_PER_BATCH, Piece, Progress, cut_pieces
from nucel_interp.types import canonical
from nucel_model import Nucel, tokenizer
from nucel_model.backends import Mask
from nucel_model.encoder import Block
from nucel_model.rope import rotary_table


def cls_row_scores(
    model: Nucel, sequences: Sequence[str], on_progress: Progress | None = None
) -> list[NDArray[np.float32]]:
    """Attention of [CLS] to every base in the last layer, summed over heads, each of length 1.

    Ji et al. (Bioinformatics 2021, 37:2112) take this row of a *fine-tuned* model, where [CLS] is
    what the classifier reads; in a model that was only pre-trained nothing asks [CLS] to know
    anything. They average their 6-mer tokens over bases; a token is a base here, so there is
    nothing to average. The forward strand alone is read.

    **In a model whose last layer is local, [CLS] sees the window alone**: with ``local_attention``
    128 the first 64 bases; all others are exactly 0. A longer sequence than the model's context is
    read in half-overlapping windows with a [CLS] each, each base in the window in whose middle half
    it lies.

    Args:
        model: An encoder with or without heads.
        sequences: Upper case.
        on_progress: Called with the number of bases finished since the last call.

    Returns:
        One (bases,) array per sequence, 0 or more, the sum of squares 1; NaN at letters other than
        A, C, G, T.
    """
    encoded = [tokenizer.encode(s) for s in sequences]
    lengths = np.array([len(s) for s in sequences], dtype=np.int64)
    collapsed = [canonical(s) for s in sequences]
    turned = [a != b for a, b in zip(sequences, collapsed, strict=True)]
    rows = [np.full(length, np.nan, dtype=np.float64) for length in lengths.tolist()]
    pieces = cut_pieces(lengths, model.config.context_bp, turned)
    # by content: what a piece is batched with decides its last digits, not its place in the file
    pieces.sort(key=lambda p: (p.end - p.start, collapsed[p.sequence], p.start))
    for batch in _equally_long(pieces):
        input_ids, _ = tokenizer.batch([encoded[p.sequence][p.start : p.end] for p in batch])
        attention = _last_cls_row(model, input_ids).sum(dim=1).cpu().numpy()[:, 1:]
        for p, row in zip(batch, attention, strict=True):
            rows[p.sequence][p.keep_start : p.keep_end] = row[
                p.keep_start - p.start : p.keep_end - p.start
            ]
        if on_progress is not None:
            on_progress(sum(p.keep_end - p.keep_start for p in batch))
    for ids, row in zip(encoded, rows, strict=True):
        row[ids < tokenizer.A] = np.nan
        length = np.sqrt(np.nansum(row**2))
        if length > 0:
            row /= length
    return [row.astype(np.float32) for row in rows]


def _last_cls_row(model: Nucel, input_ids: Tensor) -> Tensor:
    """(batch, heads, tokens) fp32: the last layer's first query alone, never an L x L map."""
    encoder, config = model.encoder, model.config
    last = config.num_hidden_layers - 1
    device = next(model.parameters()).device
    input_ids = input_ids.to(device)
    with torch.inference_mode():
        states = encoder(input_ids, output_hidden_states=True).hidden_states
        assert states is not None
        length = input_ids.shape[1]
        table = rotary_table(length, config.head_dim, config.rope_theta(last), device)
        block = cast("Block", encoder.layers[last])
        q, k, _ = block.attn.heads(block.attn_norm(states[last]), table)
        scores = (q[:, :, :1] @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
        seen = Mask(None, config.window(last)).allowed(slice(0, 1), slice(0, length), device)
        if seen is not None:
            scores = scores.masked_fill(~seen, float("-inf"))
        return scores.softmax(dim=-1)[:, :, 0]


def _equally_long(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Batches without padding, of pieces sorted by length."""
    batch: list[Piece] = []
    for piece in pieces:
        length = piece.end - piece.start
        full = (length + 1) * (len(batch) + 1) > TOKENS_PER_BATCH
        if batch and (full or batch[0].end - batch[0].start != length):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch
