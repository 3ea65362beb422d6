"""Masked prediction on the same backbone: what ELECTRA is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from nucel_model import tokenizer
from nucel_model.config import NucelConfig
from nucel_model.encoder import NucelEncoder
from nucel_model.heads import MaskedLMHead
from nucel_model.losses import weighted_mean


@dataclass(frozen=True)
class MaskedLMOutput:
    """One step's numbers.

    Attributes:
        loss: Cross-entropy at masked positions, nats per token.
        accuracy: Share of masked tokens whose likeliest token is the true one.
    """

    loss: Tensor
    accuracy: Tensor


class MaskedLM(nn.Module):
    """An encoder and a head that names the token behind each [MASK]."""

    def __init__(self, config: NucelConfig) -> None:
        super().__init__()
        self.encoder = NucelEncoder(config)
        self.head = MaskedLMHead(config)

    def forward(
        self,
        input_ids: Tensor,
        masked: Tensor,
        *,
        weights: Tensor | None = None,
        total: float | None = None,
    ) -> MaskedLMOutput:
        """Mask and predict; arguments as `Electra.forward`'s."""
        truth = input_ids[masked]
        logits = self.logits(input_ids, masked)
        return MaskedLMOutput(
            loss=weighted_mean(
                F.cross_entropy(logits, truth, reduction="none"),
                None if weights is None else weights[masked],
                total,
            ),
            accuracy=(logits.argmax(dim=-1) == truth).float().mean(),
        )

    def logits(self, input_ids: Tensor, masked: Tensor) -> Tensor:
        """What stands behind each [MASK]: (n_masked, vocabulary)."""
        real = None if bool((input_ids != tokenizer.PAD).all()) else input_ids != tokenizer.PAD
        hidden = self.encoder(input_ids.masked_fill(masked, tokenizer.MASK), real)
        return self.head(hidden.last_hidden_state[masked]).float()
