"""ELECTRA on bases (Clark et al. 2020, arXiv 2003.10555): one network replaces, one finds.

Label polarity is stated here and nowhere else: **1 = replaced**. A sampled token that equals the
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
from nucel_model.losses import weighted_mean


@dataclass(frozen=True)
class ElectraOutput:
    """One step's numbers.

    Attributes:
        generator_loss: Cross-entropy at masked positions, nats per token.
        discriminator_loss: Binary cross-entropy over all sequence tokens, nats per token.
        replaced_logits: (batch, tokens) log-odds, high = replaced.
        is_replaced: (batch, tokens) bool.
        generator_accuracy: Share of masked tokens whose sample was right.
    """

    generator_loss: Tensor
    discriminator_loss: Tensor
    replaced_logits: Tensor
    is_replaced: Tensor
    generator_accuracy: Tensor


class Electra(nn.Module):
    """Two encoders: the generator is the smaller, the discriminator is NucEL.

    They share nothing, as in NucEL, or with ``shared_embeddings`` the discriminator's token table,
    which the generator reads through a projection to its own width (as ELECTRA does).
    """

    def __init__(
        self,
        generator: NucelConfig,
        discriminator: NucelConfig,
        *,
        shared_embeddings: bool = False,
    ) -> None:
        super().__init__()
        self.generator = NucelEncoder(generator)
        self.generator_head = MaskedLMHead(generator)
        self.discriminator = NucelEncoder(discriminator)
        self.discriminator_head = ReplacedTokenHead(discriminator)
        if shared_embeddings:
            self.generator.embeddings.tok_embeddings = ProjectedEmbedding(
                self.discriminator.embeddings.tok_embeddings, generator.hidden_size
            )

    def forward(
        self,
        input_ids: Tensor,
        masked: Tensor,
        noise: Tensor,
        temperature: float = 1.0,
        *,
        top_k: int = 0,
        weights: Tensor | None = None,
        totals: tuple[float, float] | None = None,
    ) -> ElectraOutput:
        """Mask, replace, judge.

        Args:
            input_ids: (batch, tokens) true ids beginning with [CLS]; padding, if any, on the right.
            masked: (batch, tokens) bool, the positions the generator must fill; bases only.
            noise: (n_masked, n) uniform draws in (0, 1) that decide the samples among the first n
                sequence tokens (4 for bases), so that a step depends on its arguments alone and can
                be repeated exactly.
            temperature: Divides the generator's logits before sampling.
            top_k: Sample among the generator's k likeliest tokens; 0 = among all.
            weights: (batch, tokens) weight of each token in both losses; None = 1 everywhere.
            totals: Weight totals that the generator's and the discriminator's sums are divided by,
                those of the whole batch where this is a part of it. None = this input's own totals.
        """
        truth = input_ids[masked]
        real = None if bool((input_ids != tokenizer.PAD).all()) else input_ids != tokenizer.PAD
        hidden = self.generator(input_ids.masked_fill(masked, tokenizer.MASK), real)
        logits = self.generator_head(hidden.last_hidden_state[masked]).float()
        sampled = sample_tokens(logits.detach(), noise, temperature, top_k)
        corrupted = input_ids.masked_scatter(masked, sampled)
        is_replaced = corrupted != input_ids
        judged = self.discriminator(corrupted, real).last_hidden_state
        replaced_logits = self.discriminator_head(judged).float()
        scored = tokenizer.is_ordinary(input_ids)
        generator_total, discriminator_total = totals or (None, None)
        return ElectraOutput(
            generator_loss=weighted_mean(
                F.cross_entropy(logits, truth, reduction="none"),
                None if weights is None else weights[masked],
                generator_total,
            ),
            discriminator_loss=weighted_mean(
                F.binary_cross_entropy_with_logits(
                    replaced_logits[scored], is_replaced[scored].float(), reduction="none"
                ),
                None if weights is None else weights[scored],
                discriminator_total,
            ),
            replaced_logits=replaced_logits.detach(),
            is_replaced=is_replaced,
            generator_accuracy=(sampled == truth).float().mean(),
        )


class ProjectedEmbedding(nn.Module):
    """Another encoder's token table seen through a linear map to a smaller width."""

    def __init__(self, table: nn.Module, width: int) -> None:
        super().__init__()
        assert isinstance(table, nn.Embedding)
        self._table = (table,)  # in a tuple: its parameters are registered where they belong
        self.projection = nn.Linear(table.embedding_dim, width, bias=False)

    @property
    def weight(self) -> Tensor:
        """The table this amounts to, (vocabulary, width): what a saved generator holds."""
        return self.projection(self._table[0].weight)

    def forward(self, input_ids: Tensor) -> Tensor:
        """(batch, tokens) to (batch, tokens, width)."""
        return self.projection(self._table[0](input_ids))


def sample_tokens(
    logits: Tensor, noise: Tensor, temperature: float = 1.0, top_k: int = 0
) -> Tensor:
    """Sample from (n, vocabulary) logits by the Gumbel-max rule; returns ids (n,).

    Only the first ``noise.shape[1]`` sequence tokens are sampled (A, C, G, T where that is 4), and
    never a special token: the discriminator would find those without learning anything.
    """
    choices = logits[:, tokenizer.A : tokenizer.A + noise.shape[1]] / temperature
    if 0 < top_k < choices.shape[1]:
        kept = choices.topk(top_k, dim=-1)  # by place, not by value: logits may tie in bf16
        choices = torch.full_like(choices, float("-inf")).scatter(-1, kept.indices, kept.values)
    gumbel = -torch.log(-torch.log(noise.clamp(1e-9, 1 - 1e-7)))
    return tokenizer.A + (choices + gumbel).argmax(dim=-1)
