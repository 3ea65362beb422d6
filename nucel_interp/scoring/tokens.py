"""Which token of a model each base of a sequence is part of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucel_model import NTConfig, Nucel, nt_tokenizer
from nucel_model.sequences import as_sequence


def token_of_base(model: Nucel, sequence: str) -> NDArray[np.int64]:
    """(bases,) number of the token that each base is part of; [CLS] is number 0."""
    sequence = as_sequence(sequence)
    if isinstance(model.config, NTConfig):
        widths = nt_tokenizer.tokenize(sequence, model.config.version).widths
        return np.repeat(np.arange(1, len(widths) + 1), widths)
    return np.arange(1, len(sequence) + 1)
