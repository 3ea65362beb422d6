"""Local layers by blocks of queries: each block with the keys in its reach, nothing outside.

A block of 32 queries and the 160 keys within +-64 of them are a fifth more pairs than the band
itself; at 1,025 tokens, all pairs are six times as many.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 32
"""Queries of a block: fewer make the matrix products small, more do work outside the band."""


@dataclass(frozen=True)
class Bands:
    """How ``length`` queries and keys fall into blocks; |i - j| <= ``window`` may see each other.

    Attributes:
        length: Tokens.
        window: Half-width of the band, in tokens.
    """

    length: int
    window: int

    @property
    def worthwhile(self) -> bool:
        """Whether blocks are clearly less work than all pairs."""
        return 2 * self.n_keys <= self.length

    @property
    def n_blocks(self) -> int:
        """Blocks, the last filled up."""
        return -(-self.length // BLOCK)

    @property
    def n_keys(self) -> int:
        """Keys that a block is given."""
        return BLOCK + 2 * self.window

    def queries(self, x: Tensor) -> Tensor:
        """(n, tokens, ...) to (n, blocks, BLOCK, ...), zeros behind the end."""
        behind = self.n_blocks * BLOCK - self.length
        padded = F.pad(x, (0, 0) * (x.dim() - 2) + (0, behind)) if behind else x
        return padded.unflatten(1, (self.n_blocks, BLOCK))

    def keys(self, x: Tensor) -> Tensor:
        """(n, tokens, dim) to a view (n, blocks, n_keys, dim) of a copy; zeros beyond the ends."""
        behind = self.n_blocks * BLOCK - self.length + self.window
        padded = F.pad(x, (0, 0, self.window, behind))
        return padded.unfold(1, self.n_keys, BLOCK).transpose(2, 3)

    def tokens(self, x: Tensor) -> Tensor:
        """(n, blocks, BLOCK, ...) back to (n, tokens, ...)."""
        return x.flatten(1, 2)[:, : self.length]

    def summed(self, x: Tensor) -> Tensor:
        """(n, blocks, n_keys), each block's own sum for a key, to (n, tokens)."""
        per_block = -(-self.n_keys // BLOCK)
        total = x.new_zeros(len(x), self.n_blocks + per_block, BLOCK)
        for at in range(per_block):
            part = x[..., at * BLOCK : (at + 1) * BLOCK]
            total[:, at : at + self.n_blocks, : part.shape[-1]] += part
        return total.flatten(1)[:, self.window : self.window + self.length]

    def bias(self, like: Tensor) -> Tensor:
        """(blocks, BLOCK, n_keys): 0 within the band and -inf elsewhere.

        Queries behind the end see everything: a row without any key would be NaN.
        """
        i = torch.arange(BLOCK, device=like.device)[:, None]
        j = torch.arange(self.n_keys, device=like.device)[None, :] - self.window
        outside = (i - j).abs() > self.window
        band = like.new_zeros(BLOCK, self.n_keys).masked_fill_(outside, float("-inf"))
        bias = band.repeat(self.n_blocks, 1, 1)
        per_side = min(self.n_blocks, -(-self.window // BLOCK) + 1)
        for block in {*range(per_side), *range(self.n_blocks - per_side, self.n_blocks)}:
            at = BLOCK * block
            bias[block].masked_fill_((at + j < 0) | (at + j >= self.length), float("-inf"))
            bias[block].masked_fill_(at + i >= self.length, 0.0)
        return bias


def banded_sdpa(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """Torch's scaled dot-product attention in a local layer without padding.

    q, k, v and the result are (batch, heads, tokens, dim). torch's kernel takes the blocks of a
    sequence and head for its heads, and the keys of neighbouring blocks overlap in memory.
    """
    bands = Bands(q.shape[2], window)
    flat = [x.flatten(0, 1) for x in (q, k, v)]
    out = F.scaled_dot_product_attention(
        bands.queries(flat[0]),
        bands.keys(flat[1]),
        bands.keys(flat[2]),
        attn_mask=bands.bias(q)[None],
    )
    return bands.tokens(out).unflatten(0, q.shape[:2])
