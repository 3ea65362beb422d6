"""Means over tokens that a batch cut into parts gives just as the whole one does."""

from __future__ import annotations

from torch import Tensor


def weighted_mean(values: Tensor, weights: Tensor | None, total: float | None = None) -> Tensor:
    """Sum of weights x values over ``total``, (n,) to a scalar.

    Args:
        values: (n,) losses of tokens.
        weights: (n,) weights of tokens; None = 1 each.
        total: The weights' sum over the whole batch; None = over these values. A total of 0, a
            batch of repeats of weight 0, gives 0 and no gradient.
    """
    if weights is not None:
        values = values * weights
    if total is None:
        total = float(values.numel()) if weights is None else float(weights.sum())
    return values.sum() / (total or 1.0)
