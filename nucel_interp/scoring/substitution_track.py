"""The substitution range as a score: how unlike the four bases are to the discriminator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.substitution import read_substitutions
from nucel_interp.scoring.substitution_tables import substitution_range
from nucel_model import Nucel, tokenizer


def substitution(model: Nucel, texts: Sequence[str]) -> NDArray[np.float32]:
    """Range of the substitution map at every base; three forward passes per base.

    Args:
        model: A loaded model with a discriminator head.
        texts: DNA strings of one length within the model's context, as they are read.

    Returns:
        (texts, 1, bases) largest less smallest of the four log-odds, nats; NaN at N.

    Raises:
        FolderError: The model has no discriminator head.
    """
    found = [
        substitution_range(read_substitutions(model, tokenizer.encode(text), 0, len(text)))
        for text in texts
    ]
    return np.stack(found)[:, None].astype(np.float32)
