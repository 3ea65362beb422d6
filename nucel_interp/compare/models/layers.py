"""Layer by layer: how sharp attention is, how much goes to [CLS], and how far it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nucel_interp.columns import compare as columns
from nucel_interp.compare.models.measure import Measured
from nucel_interp.compare.shared.windows import SharedWindows

if TYPE_CHECKING:
    import pandas as pd

LAYER_COLUMNS = list(columns.LAYERS)


def layer_table(
    measured: Measured, windows: SharedWindows, distance: dict[int, float]
) -> pd.DataFrame:
    """A row per layer (columns `LAYER_COLUMNS`); means over heads and windows.

    Args:
        measured: Numbers of one model.
        windows: Windows that the model read.
        distance: Layer -> mean distance in bp.
    """
    import pandas as pd

    reader = measured.reader
    config = reader.model.config
    shape = config.num_hidden_layers, config.num_attention_heads
    entropy = measured.scores.entropy.reshape(shape).mean(axis=1)
    cls_share = measured.scores.cls_share.reshape(shape).mean(axis=1)
    lengths = windows.sequences.lengths.tolist()
    rows = []
    for layer in range(shape[0]):
        half_width = config.window(layer)
        most = most_entropy(lengths, config.token_bp, half_width)
        rows.append(
            {
                "model": reader.name,
                "layer": layer,
                "kind": "global" if half_width is None else "local",
                "entropy_bits": entropy[layer],
                "entropy_share": entropy[layer] / most if most > 0 else np.nan,
                "cls_share": cls_share[layer],
                "mean_distance_bp": distance.get(layer, np.nan),
            }
        )
    return pd.DataFrame(rows, columns=LAYER_COLUMNS)


def most_entropy(lengths: list[int], token_bp: int, half_width: int | None) -> float:
    """Mean over windows of the mean over base queries of log2(keys a query may see), bits.

    [CLS] is a key. A model of longer tokens reads a window in as many frames as a token has bases;
    all but the first have one token less.

    Args:
        lengths: Bases of each window, multiples of ``token_bp``.
        token_bp: Bases of a token.
        half_width: Keys that a local layer sees to either side, in tokens; None if everything is
            seen.
    """
    of_length: dict[int, float] = {}
    for length in set(lengths):
        frames = [length // token_bp] + (token_bp - 1) * [length // token_bp - 1]
        means = []
        for tokens in frames:
            if tokens < 1:
                continue
            query = np.arange(1, tokens + 1)
            reach = tokens if half_width is None else half_width
            keys = np.minimum(tokens, query + reach) - np.maximum(0, query - reach) + 1
            means.append(np.log2(keys).mean())
        of_length[length] = float(np.mean(means))
    return float(np.mean([of_length[length] for length in lengths]))
