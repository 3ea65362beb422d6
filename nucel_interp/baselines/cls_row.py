"""What [CLS] attends to in the last layer: the score of DNABERT's motif search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nucel_interp.scoring.scores import TOKENS_PER_BATCH, Progress
from nucel_interp.scoring.tiling import Piece, lay_out
from nucel_interp.scoring.tokens import token_of_base
from nucel_interp.types import BASES, canonical
from nucel_model import Nucel, NucleotideTransformer
from nucel_model.backends import Mask
from nucel_model.encoder import Block
from nucel_model.nt import Block as NTBlock
from nucel_model.rope import rotary_table
from nucel_model.sequences import as_sequences

_Text = tuple[Piece, str, NDArray[np.int64]]
"""A piece, its letters, and which token each of its bases is part of."""


def cls_row_scores(
    model: Nucel, sequences: Sequence[str], on_progress: Progress | None = None
) -> list[NDArray[np.float32]]:
    """Attention of [CLS] to every base in the last layer, summed over heads, each of length 1.

    Ji et al. (Bioinformatics 2021, 37:2112) take this row of a *fine-tuned* model, where [CLS] is
    what the classifier reads; in a model that was only pre-trained nothing asks [CLS] to know
    anything. They average their overlapping 6-mers over bases; tokens do not overlap here, so a
    base has the value of the one token it is part of. The forward strand alone is read.

    **In a model whose last layer is local, [CLS] sees the window alone**: with ``local_attention``
    128 the first 64 bases; all others are exactly 0. A longer sequence than the model's context is
    read in half-overlapping windows with a [CLS] each, each base in the window in whose middle half
    it lies.

    Args:
        model: Model of single bases or of longer tokens, with or without heads.
        sequences: DNA strings, in upper or lower case.
        on_progress: Called with the number of bases finished since the last call.

    Returns:
        One (bases,) array per sequence, 0 or more, the sum of squares 1; NaN at letters other than
        A, C, G, T.
    """
    sequences = as_sequences(sequences)
    collapsed = [canonical(s) for s in sequences]
    turned = [a != b for a, b in zip(sequences, collapsed, strict=True)]
    rows = [np.full(len(s), np.nan, dtype=np.float64) for s in sequences]
    config = model.config
    pieces = []
    for p in lay_out(sequences, turned, config.context_bp, config.token_bp):
        text = sequences[p.sequence][p.start : p.end]
        pieces.append((p, text, token_of_base(model, text)))
    # by content: what a piece is batched with decides its last digits, not its place in the file
    pieces.sort(key=lambda x: (x[2].max(initial=0), collapsed[x[0].sequence], x[0].start))
    for batch in _equally_long(pieces):
        input_ids, _ = model.tokens([text for _, text, _ in batch])
        attention = _last_cls_row(model, input_ids).sum(dim=1).cpu().numpy()
        for (p, _, token), row in zip(batch, attention, strict=True):
            rows[p.sequence][p.keep_start : p.keep_end] = row[token][
                p.keep_start - p.start : p.keep_end - p.start
            ]
        if on_progress is not None:
            on_progress(sum(p.keep_end - p.keep_start for p, _, _ in batch))
    for sequence, row in zip(sequences, rows, strict=True):
        row[[c not in BASES for c in sequence]] = np.nan
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
        if isinstance(encoder, NucleotideTransformer):
            attention = cast("NTBlock", encoder.esm.encoder.layer[last]).attention
            q, k, _ = attention.self(attention.LayerNorm(states[last]))
        else:
            table = rotary_table(length, config.head_dim, encoder.config.rope_theta(last), device)
            block = cast("Block", encoder.layers[last])
            q, k, _ = block.attn.heads(block.attn_norm(states[last]), table)
        scores = (q[:, :, :1] @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
        seen = Mask(None, config.window(last)).allowed(slice(0, 1), slice(0, length), device)
        if seen is not None:
            scores = scores.masked_fill(~seen, float("-inf"))
        return scores.softmax(dim=-1)[:, :, 0]


def _equally_long(pieces: list[_Text]) -> Iterator[list[_Text]]:
    """Batches without padding, of pieces sorted by their number of tokens."""
    batch: list[_Text] = []
    for piece in pieces:
        length = piece[2].max(initial=0)
        full = (length + 1) * (len(batch) + 1) > TOKENS_PER_BATCH
        if batch and (full or batch[0][2].max(initial=0) != length):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch
