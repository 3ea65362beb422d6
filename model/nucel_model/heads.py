"""Heads on the encoder: masked bases, replaced tokens, and a class for the whole sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucel_model.config import NucelConfig


class MaskedLMHead(nn.Module):
    """Dense, GELU, norm, decoder: ModernBERT's prediction head, untied from the embedding."""

    def __init__(self, config: NucelConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=False)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        _initialise(self, config)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., hidden) to logits (..., vocabulary)."""
        return self.decoder(self.norm(F.gelu(self.dense(hidden))))


class ReplacedTokenHead(nn.Module):
    """One linear layer; ``positive`` says what its raw output means when it is high."""

    def __init__(self, config: NucelConfig, positive: str = "replaced") -> None:
        super().__init__()
        if positive not in ("replaced", "original"):
            raise ValueError(
                f"discriminator_head.positive must be replaced or original; got {positive!r}"
            )
        self.positive = positive
        self.discriminator_predictions = nn.Linear(config.hidden_size, 1)
        _initialise(self, config)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., hidden) to log-odds (...), nats, that the base was replaced: high = replaced."""
        raw = self.discriminator_predictions(hidden).squeeze(-1)
        return raw if self.positive == "replaced" else -raw


class ClassificationHead(nn.Module):
    """One linear layer on [CLS]: a logit per class, for the encoders of every folder.

    Attributes:
        labels: What each class is called, in the order of the logits.
        source: How the head came to be, for the folder.
    """

    def __init__(self, hidden_size: int, labels: Sequence[str], source: str = "") -> None:
        super().__init__()
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise ValueError(
                f"classifier_head.labels must be two names or more, all different; got {labels!r}"
            )
        self.labels = tuple(labels)
        self.source = source
        self.linear = nn.Linear(hidden_size, len(labels))

    @torch.no_grad()
    def init_weights(self, seed: int, std: float = 0.02) -> None:
        """Truncated normals of the given spread; biases zero."""
        nn.init.trunc_normal_(
            self.linear.weight, std=std, generator=torch.Generator().manual_seed(seed)
        )
        self.linear.bias.zero_()

    def forward(self, last_hidden_state: Tensor) -> Tensor:
        """(batch, tokens, hidden) to logits (batch, classes)."""
        return self.linear(last_hidden_state[:, 0])


@torch.no_grad()
def _initialise(head: nn.Module, config: NucelConfig) -> None:
    for name, p in head.named_parameters():
        if name.endswith("norm.weight"):
            p.fill_(1.0)
        elif name.endswith("bias"):
            p.zero_()
        else:
            nn.init.trunc_normal_(p, std=config.initializer_range)
