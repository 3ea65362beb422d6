"""Heads that give most of their attention to one base of a sequence, whatever stands elsewhere."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import SINK_COLUMNS
from nucel_model import AnyConfig

if TYPE_CHECKING:
    import pandas as pd

SINK_SHARE = 0.5


def sink_table(
    config: AnyConfig,
    received: NDArray[np.floating],
    offsets: NDArray[np.int64],
    cls_share: NDArray[np.float64],
    *,
    both_strands: bool = True,
    width: int = 1,
) -> pd.DataFrame:
    """In how many sequences each head gives over half of its attention to one base.

    What a base receives is turned back from a multiple of uniform attention into attention (a local
    layer's bases near an end are seen by fewer). Only attention to bases is shared out; [CLS] is
    apart. Where both strands were averaged, a sink at a place, such as the first base, appears at
    that place counted from either end, so a base and its mirror image count as one.

    Args:
        config: Configuration of the model: layers, heads, kinds.
        received: (layers x heads, bases), as in `scoring.Scores`.
        offsets: (sequences + 1,).
        cls_share: (layers x heads,) mean attention to [CLS].
        both_strands: Is ``received`` the mean of both strands?
        width: Number of neighbouring bases that are counted as one position. Six frames of six-base
            tokens spread what one token receives over 11 bases.

    Returns:
        Columns `types.SINK_COLUMNS`, a row per head: ``sink_sequences`` of ``sequences``;
        ``largest_share`` is the mean over sequences of the share of the base that gets most.
    """
    import pandas as pd

    n_heads = config.num_attention_heads
    shares = []
    for begin, end in pairwise(offsets.tolist()):
        values = np.nan_to_num(received[:, begin:end].astype(np.float64))
        known = ~np.isnan(received[0, begin:end])
        if not known.any():
            continue
        seen = np.stack(
            [opportunity(known, config.window(i)) for i in range(len(values) // n_heads)]
        )
        mass = values * np.repeat(seen, n_heads, axis=0)
        total = np.maximum(mass.sum(axis=1), 1e-12)
        mass = _in_stretches(mass, min(width, mass.shape[1]))
        if both_strands:
            n = mass.shape[1]
            # a stretch that overlaps its own mirror image is one place
            apart = np.abs(2 * np.arange(n) - (n - 1)) >= min(width, n)
            mass = mass + np.where(apart, mass[:, ::-1], 0)
        shares.append(mass.max(axis=1) / total)
    table = np.stack(shares) if shares else np.zeros((0, len(received)))
    index = np.arange(len(received))
    layer = index // n_heads
    return pd.DataFrame(
        {
            "layer": layer,
            "head": index % n_heads,
            "kind": ["global" if config.window(int(i)) is None else "local" for i in layer],
            "sequences": len(table),
            "sink_sequences": (table > SINK_SHARE).sum(axis=0),
            "largest_share": table.mean(axis=0) if len(table) else np.full(len(received), np.nan),
            "cls_share": cls_share,
        }
    )[SINK_COLUMNS]


def _in_stretches(mass: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """(heads, bases - width + 1) sum over each stretch of ``width`` bases."""
    if width == 1:
        return mass
    running = np.pad(np.cumsum(mass, axis=1), ((0, 0), (1, 0)))
    return np.asarray(running[:, width:] - running[:, :-width])


def opportunity(known: NDArray[np.bool_], window: int | None) -> NDArray[np.float64]:
    """(bases,) attention each base would get from base queries that attend uniformly.

    Args:
        known: (bases,) is it A, C, G or T? N is a key, but no query.
        window: Half-width in tokens; None if every token is seen.
    """
    n = len(known)
    token = np.arange(1, n + 1)  # token 0 is [CLS]
    reach = n + 1 if window is None else window
    keys = np.minimum(n, token + reach) - np.maximum(0, token - reach) + 1
    running = np.concatenate([[0.0], np.cumsum(known / keys)])
    return np.asarray(
        running[np.minimum(n, token + reach)] - running[np.maximum(1, token - reach) - 1]
    )
