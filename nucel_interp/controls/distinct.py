"""Equal sequences, on either strand, count once; an order that no file decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import as_sequences, canonical


def first_of_each(sequences: Sequence[str]) -> NDArray[np.bool_]:
    """(units,) True at one unit of each strand-collapsed sequence, whatever the order."""
    sequences = as_sequences(sequences)
    chosen: dict[str, int] = {}
    for i, s in enumerate(sequences):
        key = canonical(s)
        # of two strands of one sequence, the canonical one
        if key not in chosen or (s == key and sequences[chosen[key]] != key):
            chosen[key] = i
    first = np.zeros(len(sequences), dtype=bool)
    first[list(chosen.values())] = True
    return first


def content_order(sequences: Sequence[str]) -> NDArray[np.int64]:
    """(units,) indices by strand-collapsed sequence: an order that no file decides."""
    keys = [canonical(s) for s in as_sequences(sequences)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
