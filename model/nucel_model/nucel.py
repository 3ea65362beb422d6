"""A model: an encoder of either kind, and the heads that its folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from nucel_model.config import NucelConfig
from nucel_model.encoder import NucelEncoder
from nucel_model.errors import FolderError
from nucel_model.heads import ClassificationHead, MaskedLMHead, ReplacedTokenHead
from nucel_model.nt import NucleotideTransformer
from nucel_model.nt_bases import Rule
from nucel_model.nt_config import NTConfig
from nucel_model.outputs import EncoderOutput, Profile

AnyConfig = NucelConfig | NTConfig
"""Of whatever a folder holds."""


class Nucel(nn.Module):
    """An encoder with whatever heads its folder holds; what `from_pretrained` gives.

    Attributes:
        name: The folder's name, for tables and figures.
        path: Folder it was loaded from; None if it was made in memory.
        kept: Entries of config.json that are not read here; written again when the model is saved.
    """

    def __init__(
        self,
        encoder: NucelEncoder | NucleotideTransformer,
        discriminator_head: ReplacedTokenHead | None = None,
        mlm_head: MaskedLMHead | None = None,
        classifier_head: ClassificationHead | None = None,
        *,
        name: str = "model",
        path: Path | None = None,
        kept: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.discriminator_head = discriminator_head
        self.mlm_head = mlm_head
        self.classifier_head = classifier_head
        self.name = name
        self.path = path
        self.kept = dict(kept or {})

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path, *, context: int | None = None) -> Nucel:
        """Load a model; see `nucel_model.from_pretrained`."""
        from nucel_model.folder import from_pretrained  # which imports this module

        return from_pretrained(name_or_folder, context=context)

    def save_pretrained(
        self, folder: str | Path, *, head_source: str = "trained with the encoder"
    ) -> Path:
        """Write the model into a folder and return it; see `nucel_model.save_pretrained`."""
        from nucel_model.folder import save_pretrained  # which imports this module

        return save_pretrained(self, folder, head_source=head_source)

    def __repr__(self) -> str:
        """One line; ``print(model.encoder)`` shows the modules."""
        config = self.config
        return (
            f"Nucel({self.name!r}, {sum(p.numel() for p in self.parameters()):,} parameters, "
            f"{config.num_hidden_layers} layers x {config.num_attention_heads} heads, "
            f"context {config.context_bp:,} bp)"
        )

    @property
    def config(self) -> AnyConfig:
        """The encoder's configuration."""
        return self.encoder.config

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """The encoder's forward pass; see `NucelEncoder.forward`."""
        return self.encoder(
            input_ids,
            attention_mask,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )

    def profile(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Profile:
        """Attention reduced per base; see `NucelEncoder.profile`."""
        return self.encoder.profile(input_ids, attention_mask)

    def tokens(self, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
        """``input_ids`` and ``attention_mask`` of sequences, (batch, tokens), [CLS] in front."""
        return self.encoder.tokens(sequences)

    def profile_sequences(self, sequences: Sequence[str], rule: Rule = "density") -> Profile:
        """Attention reduced per base, of sequences of any lengths up to the context.

        The same shapes from any kind of model: bases along the last axis, padded to the longest
        sequence; NaN at N and beyond a sequence's end. ``rule`` says how a model of longer tokens
        lays a token's number on its bases (`NucleotideTransformer.profile_sequences`).
        """
        return self.encoder.profile_sequences(sequences, rule)

    def require_discriminator(self) -> ReplacedTokenHead:
        """The discriminator's head; asked for before long work, it says that there is none.

        Raises:
            FolderError: The folder holds an encoder without a discriminator head.
        """
        if isinstance(self.config, NTConfig):
            raise FolderError(
                f"{self.name} is a Nucleotide Transformer: it was not trained with a "
                "discriminator, so it has no discriminator scores. Use attention."
            )
        if self.discriminator_head is None:
            raise FolderError(
                f"{self.name} has no discriminator head (the released NucEL is the encoder alone), "
                "so it has no discriminator scores. Fit one with `nucel-pretrain fit-head`, "
                "or use attention."
            )
        return self.discriminator_head

    def replaced_logit(self, last_hidden_state: Tensor) -> Tensor:
        """Log-odds per base, nats, (batch, bases), high = replaced, from (batch, tokens, hidden).

        Raises:
            FolderError: As `require_discriminator`.
        """
        head = self.require_discriminator()
        return head(last_hidden_state).float()[:, 1:]

    def predict_logits(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """What the fine-tuned head says of each sequence: (batch, labels) fp32, gradients kept.

        The outputs' meaning is `ClassificationHead.task`'s: logits of classes or labels, or values.

        Raises:
            FolderError: The folder holds no fine-tuned head.
        """
        if self.classifier_head is None:
            raise FolderError(
                f"{self.name} has no fine-tuned head, so it predicts nothing of a whole sequence. "
                "Fine-tune it on labelled sequences with `nucel-pretrain finetune`."
            )
        hidden = self(input_ids, attention_mask).last_hidden_state
        return self.classifier_head(hidden, attention_mask).float()


def random_control(model: Nucel, seed: int) -> Nucel:
    """The randomly initialised control of a model: the same shape with fresh random weights."""
    encoder = model.encoder
    if isinstance(encoder, NucleotideTransformer):
        encoder = NucleotideTransformer(encoder.config, with_head=encoder.lm_head is not None)
    else:
        encoder = NucelEncoder(encoder.config)
    encoder.init_weights(seed)
    return (
        Nucel(encoder, name=f"{model.name}, randomly initialised")
        .eval()
        .to(next(model.parameters()).device)
    )
