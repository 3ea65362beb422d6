"""Heads on the encoder: masked bases, replaced tokens, and what a whole sequence is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucel_model.config import NucelConfig

Task = Literal["classes", "multilabel", "regression"]
Pooling = Literal["cls", "mean"]
Reads = Literal["both", "forward"]
TASKS: tuple[str, ...] = get_args(Task)
POOLINGS: tuple[str, ...] = get_args(Pooling)
READS: tuple[str, ...] = get_args(Reads)


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
    """What fine-tuning adds: one linear layer on a summary of the sequence, for any encoder.

    ===========  ===========================================================  ==============
    task         an output is                                                 labels
    ===========  ===========================================================  ==============
    classes      a logit; softmax over all outputs gives probabilities        two or more
    multilabel   a logit; each label has a probability of its own, a sigmoid  one or more
    regression   a number in the unit of the values it was fitted to          one or more
    ===========  ===========================================================  ==============

    Attributes:
        labels: Names of the outputs, in their order.
        source: Sentence on the head's training, written into the folder.
        task: "classes", "multilabel" or "regression", as in the table above.
        pooling: "cls" reads the state of [CLS], "mean" the mean over all real tokens but [CLS].
        strands: "both" if a sequence and its reverse complement mean the same to it, and their mean
            is its answer; "forward" if it was fitted to one reading direction.
    """

    def __init__(
        self,
        hidden_size: int,
        labels: Sequence[str],
        source: str = "",
        *,
        task: Task = "classes",
        pooling: Pooling = "cls",
        strands: Reads = "both",
    ) -> None:
        super().__init__()
        for what, value, allowed in (
            ("task", task, TASKS),
            ("pooling", pooling, POOLINGS),
            ("strands", strands, READS),
        ):
            if value not in allowed:
                raise ValueError(
                    f"classifier_head.{what} must be {', '.join(allowed[:-1])} or {allowed[-1]}; "
                    f"got {value!r}"
                )
        least = 2 if task == "classes" else 1
        if len(labels) < least or len(set(labels)) < len(labels):
            number = "two names or more" if least == 2 else "a name or more"
            raise ValueError(
                f"classifier_head.labels must be {number}, all different; got {labels!r}"
            )
        self.labels = tuple(labels)
        self.source = source
        self.task = task
        self.pooling = pooling
        self.strands = strands
        self.linear = nn.Linear(hidden_size, len(labels))

    @torch.no_grad()
    def init_weights(self, seed: int, std: float = 0.02) -> None:
        """Truncated normals of the given spread; biases zero."""
        nn.init.trunc_normal_(
            self.linear.weight, std=std, generator=torch.Generator().manual_seed(seed)
        )
        self.linear.bias.zero_()

    def forward(self, last_hidden_state: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(batch, tokens, hidden), and which tokens are real, to outputs (batch, labels)."""
        if self.pooling == "cls":
            return self.linear(last_hidden_state[:, 0])
        states = last_hidden_state[:, 1:]
        if attention_mask is None:
            return self.linear(states.mean(dim=1))
        real = (attention_mask[:, 1:] != 0).to(states.dtype)[..., None]
        return self.linear((states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1))


@torch.no_grad()
def _initialise(head: nn.Module, config: NucelConfig) -> None:
    if next(head.parameters()).is_meta:
        return
    for name, p in head.named_parameters():
        if name.endswith("norm.weight"):
            p.fill_(1.0)
        elif name.endswith("bias"):
            p.zero_()
        else:
            nn.init.trunc_normal_(p, std=config.initializer_range)
