"""Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): few weights learn, none are added.

Every linear layer of the encoder's blocks gets a product of two thin matrices beside it; when
training is over it is added to the layer's own matrix, and the folder is an ordinary one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LowRank(nn.Module):
    """``linear(x) + x A^T B^T * scale``; B starts at zero, so that nothing changes at first."""

    def __init__(self, linear: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = linear
        like = linear.weight
        a = torch.empty(rank, linear.in_features)
        nn.init.normal_(a, std=linear.in_features**-0.5, generator=generator)
        self.a = nn.Parameter(a.to(like))
        self.b = nn.Parameter(like.new_zeros(linear.out_features, rank))
        self.scale = 2.0  # alpha = 2 x rank

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return self.linear(x) + (x @ self.a.T) @ self.b.T * self.scale

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The layer with the product in its matrix."""
        self.linear.weight += (self.b @ self.a) * self.scale
        return self.linear


def add(encoder: nn.Module, rank: int, seed: int) -> None:
    """Freeze ``encoder`` and put a `LowRank` around every linear layer of it, in place."""
    encoder.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for module in list(encoder.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and not isinstance(module, LowRank):
                setattr(module, name, LowRank(child, rank, generator))


def merge(encoder: nn.Module) -> None:
    """Put every `LowRank` of ``encoder`` into its layer, in place; all weights may learn again."""
    for module in list(encoder.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, LowRank):
                setattr(module, name, child.merged())
    encoder.requires_grad_(True)
