"""ELECTRA on bases (Clark et al. 2020, arXiv 2003.10555): one network replaces, one finds.

Label polarity is stated here and nowhere else: **1 = replaced**. A sampled base that equals the
true one was not replaced. Gradients do not flow through sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucel_model import tokenizer
from nucel_model.config import NucelConfig
from nucel_model.encoder import NucelEncoder
from nucel_model.heads import MaskedLMHead, ReplacedTokenHead


@dataclass(frozen=True)
class ElectraOutput:
    """One step's numbers.

    Attributes:
        generator_loss: Cross-entropy at masked positions, nats per base.
        discriminator_loss: Binary cross-entropy over all base positions, nats per base.
        replaced_logits: (batch, tokens) log-odds, high = replaced.
        is_replaced: (batch, tokens) bool.
        generator_accuracy: Share of masked bases whose sample was right.
    """

    generator_loss: Tensor
    discriminator_loss: Tensor
    replaced_logits: Tensor
    is_replaced: Tensor
    generator_accuracy: Tensor


class Electra(nn.Module):
    """Two encoders that share nothing: the generator is the smaller, the discriminator is NucEL."""

    def __init__(self, generator: NucelConfig, discriminator: NucelConfig) -> None:
        super().__init__()
        self.generator = NucelEncoder(generator)
        self.generator_head = MaskedLMHead(generator)
        self.discriminator = NucelEncoder(discriminator)
        self.discriminator_head = ReplacedTokenHead(discriminator)

    def forward(
        self, input_ids: Tensor, masked: Tensor, noise: Tensor, temperature: float = 1.0
    ) -> ElectraOutput:
        """Mask, replace, judge.

        Args:
            input_ids: (batch, tokens) true ids beginning with [CLS], without padding.
            masked: (batch, tokens) bool, the positions the generator must fill; bases only.
            noise: (n_masked, 4) uniform draws in (0, 1) that decide the samples, so that a step
                depends on its arguments alone and can be repeated exactly.
            temperature: Divides the generator's logits before sampling.
        """
        truth = input_ids[masked]
        hidden = self.generator(input_ids.masked_fill(masked, tokenizer.MASK)).last_hidden_state
        logits = self.generator_head(hidden[masked]).float()
        generator_loss = F.cross_entropy(logits, truth)
        sampled = sample_bases(logits.detach(), noise, temperature)
        corrupted = input_ids.masked_scatter(masked, sampled)
        is_replaced = corrupted != input_ids
        judged = self.discriminator(corrupted).last_hidden_state
        replaced_logits = self.discriminator_head(judged).float()
        scored = tokenizer.is_base(input_ids)
        discriminator_loss = F.binary_cross_entropy_with_logits(
            replaced_logits[scored], is_replaced[scored].float()
        )
        return ElectraOutput(
            generator_loss=generator_loss,
            discriminator_loss=discriminator_loss,
            replaced_logits=replaced_logits.detach(),
            is_replaced=is_replaced,
            generator_accuracy=(sampled == truth).float().mean(),
        )


def sample_bases(logits: Tensor, noise: Tensor, temperature: float = 1.0) -> Tensor:
    """Sample A, C, G or T from (n, vocabulary) logits by the Gumbel-max rule; returns ids (n,).

    Special tokens are never sampled: the discriminator would find them without learning anything.
    """
    bases = torch.tensor(tokenizer.BASE_IDS, device=logits.device)
    gumbel = -torch.log(-torch.log(noise.clamp(1e-9, 1 - 1e-7)))
    return bases[(logits[:, bases] / temperature + gumbel).argmax(dim=-1)]
