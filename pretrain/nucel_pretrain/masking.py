"""Which tokens are masked, and the draws that decide what replaces them.

Both are functions of (seed, window) alone, never of the process or the batch a window falls in: a
run on two machines draws what a run on one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_model import tokenizer

STRATEGIES = ("token", "span", "kmer-block")


@dataclass(frozen=True, kw_only=True)
class MaskingConfig:
    """What the generator has to fill in; the paper's by default (arXiv 2508.13191)."""

    strategy: str = "token"
    """token (each by itself), span (stretches of geometric length, as in SpanBERT, arXiv
    1907.10529) or kmer-block (aligned blocks of ``length`` tokens: what masking a 6-mer hides)."""
    ratio: float = 0.15
    """Share of a window's tokens that is masked, the same number in every window."""
    length: int = 6
    """Mean length of a span, exact length of a block, in tokens."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.strategy not in STRATEGIES:
            raise ValueError(
                f"masking.strategy must be one of {', '.join(STRATEGIES)}; got {self.strategy!r}"
            )
        if not 0 < self.ratio < 1:
            raise ValueError(f"masking.ratio must lie between 0 and 1; got {self.ratio}")
        if self.length < 1:
            raise ValueError(f"masking.length must be at least 1; got {self.length}")


def mask_and_noise(
    input_ids: NDArray[np.int64],
    seed: int,
    windows: Sequence[int],
    config: MaskingConfig,
    n_choices: int = 4,
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Draw masks and noise for rows of tokens.

    Args:
        input_ids: (n, tokens), [CLS] first, padding on the right.
        seed: Seed of the run.
        windows: Indices of the rows in the run.
        config: Share of tokens to mask, and how they are chosen.
        n_choices: Number of tokens a replacement is drawn from; default 4.

    Returns:
        ``masked`` (n, tokens), never a special token, and ``noise`` (n_masked, n_choices) uniform
        in [0, 1), in the order of ``masked``'s True.
    """
    masked = np.zeros(input_ids.shape, dtype=bool)
    noise = []
    for row, ids, window in zip(masked, input_ids, windows, strict=True):
        rng = np.random.default_rng([seed, window, 1])
        (ordinary,) = np.nonzero(ids >= tokenizer.A)
        if len(ordinary):
            row[ordinary[_choose(rng, len(ordinary), config)]] = True
        noise.append(rng.random((int(row.sum()), n_choices), dtype=np.float32))
    return masked, np.concatenate(noise)


def _choose(rng: np.random.Generator, n: int, config: MaskingConfig) -> NDArray[np.int64]:
    """Places among n tokens."""
    wanted = max(1, round(n * config.ratio))
    if config.strategy == "token":
        return rng.choice(n, wanted, replace=False)
    if config.strategy == "span":
        return _spans(rng, n, wanted, config.length)
    length = min(config.length, n)
    offset = int(rng.integers(length))
    starts = np.arange(offset, n - length + 1, length) if offset <= n - length else np.array([0])
    n_blocks = min(max(1, round(wanted / length)), len(starts))
    chosen = rng.choice(starts, n_blocks, replace=False)
    return (chosen[:, None] + np.arange(length)).ravel()


def _spans(rng: np.random.Generator, n: int, wanted: int, mean: int) -> NDArray[np.int64]:
    taken = np.zeros(n, dtype=bool)
    while (left := wanted - int(taken.sum())) > 0:
        length = min(int(rng.geometric(1 / mean)), left, n)
        start = int(rng.integers(n - length + 1))
        taken[start : start + length] = True
    return np.flatnonzero(taken)
