"""What a model reads a sequence as: its token ids, and which bases each token stands for."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from nucel_model import Nucel, tokenizer

Model = Nucel


def encode(model: Model, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` (batch, tokens), [CLS] in front, on the CPU."""
    return tokenizer.batch([tokenizer.encode(s) for s in sequences])
