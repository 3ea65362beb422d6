"""What is trained: ELECTRA, or masked prediction on the same backbone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from nucel_model import Electra, MaskedLM, Nucel, NucelEncoder, save_pretrained, tokenizer
from nucel_model.electra import ElectraOutput, ProjectedEmbedding

OBJECTIVES = ("electra", "mlm")


@dataclass(frozen=True, kw_only=True)
class ElectraConfig:
    """The objective's constants, the paper's by default (arXiv 2508.13191)."""

    discriminator_weight: float = 50.0
    """Lambda: loss = generator's + lambda x discriminator's."""
    temperature: float = 1.0
    """Divides the generator's logits before sampling."""
    top_k: int = 0
    """Sample among the generator's k likeliest tokens; 0 = among all."""
    embeddings: str = "separate"
    """separate (NucEL) or shared (ELECTRA): the generator reads the discriminator's token table
    through a projection."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.temperature <= 0:
            raise ValueError(f"electra.temperature must be positive; got {self.temperature}")
        if self.discriminator_weight < 0:
            raise ValueError(
                f"electra.discriminator_weight must be 0 or more; got {self.discriminator_weight}"
            )
        if self.top_k < 0:
            raise ValueError(f"electra.top_k must be 0 (all) or more; got {self.top_k}")
        if self.embeddings not in ("separate", "shared"):
            raise ValueError(
                f"electra.embeddings must be separate or shared; got {self.embeddings!r}"
            )


@dataclass(frozen=True)
class Batch:
    """Windows ready for a forward pass: ids, masked, weights (n, tokens), noise (n_masked, k)."""

    input_ids: Tensor
    masked: Tensor
    noise: Tensor
    weights: Tensor | None = None

    def totals(self) -> tuple[float, float]:
        """Weight of the masked and of all sequence tokens: what the two losses are means over."""
        scored = tokenizer.is_ordinary(self.input_ids)
        if self.weights is None:
            return float(self.masked.sum()), float(scored.sum())
        return float(self.weights[self.masked].sum()), float(self.weights[scored].sum())

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        if device.type == "cpu":
            return self
        parts = (self.input_ids, self.masked, self.noise, self.weights)
        return Batch(*(None if p is None else p.to(device) for p in parts))  # type: ignore[arg-type]


def losses(
    model: nn.Module,
    batch: Batch,
    electra: ElectraConfig,
    totals: tuple[float, float] | None = None,
) -> tuple[Tensor, dict[str, Tensor], ElectraOutput | None]:
    """The loss to minimise, its parts, and for `Electra` what the discriminator said.

    Args:
        model: `Electra` or `MaskedLM`, wrapped for several processes or not.
        batch: Tokens, masks and noise to learn from.
        electra: ELECTRA's constants; not used by `MaskedLM`.
        totals: Weight totals of the whole step, where this batch is a part of it (`Batch.totals`);
            None = this batch's own.
    """
    if isinstance(unwrap(model), MaskedLM):
        found = model(
            batch.input_ids,
            batch.masked,
            weights=batch.weights,
            total=None if totals is None else totals[0],
        )
        parts = {"mlm_loss": found.loss.detach(), "mlm_accuracy": found.accuracy}
        return found.loss, parts, None
    out: ElectraOutput = model(
        batch.input_ids,
        batch.masked,
        batch.noise,
        electra.temperature,
        top_k=electra.top_k,
        weights=batch.weights,
        totals=totals,
    )
    loss = out.generator_loss + electra.discriminator_weight * out.discriminator_loss
    parts = {
        "generator_loss": out.generator_loss.detach(),
        "discriminator_loss": out.discriminator_loss.detach(),
        "generator_accuracy": out.generator_accuracy,
    }
    return loss, parts, out


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside DistributedDataParallel, or the model itself."""
    inner = getattr(model, "module", model)
    assert isinstance(inner, nn.Module)
    return inner


def save_model(model: nn.Module, folder: Path) -> Path:
    """Write a `nucel_model` folder: the discriminator with its generator inside, or the encoder."""
    if isinstance(model, MaskedLM):
        return save_pretrained(Nucel(model.encoder, mlm_head=model.head), folder)
    assert isinstance(model, Electra)
    save_pretrained(Nucel(model.discriminator, model.discriminator_head), folder)
    generator = Nucel(_plain(model.generator), mlm_head=model.generator_head)
    save_pretrained(generator, folder / "generator")
    return folder


def load_model(folder: Path, model: nn.Module) -> None:
    """Read back what `save_model` wrote, whatever the tokens were, into an equal model.

    A generator that shared its table keeps its own first weights: saved is what the table amounts
    to, not how it was made.
    """
    if isinstance(model, MaskedLM):
        parts: list[tuple[nn.Module, str]] = [
            (model.encoder, "model.safetensors"),
            (model.head, "mlm.safetensors"),
        ]
    else:
        assert isinstance(model, Electra)
        parts = [
            (model.discriminator, "model.safetensors"),
            (model.discriminator_head, "discriminator.safetensors"),
        ]
        if not isinstance(model.generator.embeddings.tok_embeddings, ProjectedEmbedding):
            parts += [
                (model.generator, "generator/model.safetensors"),
                (model.generator_head, "generator/mlm.safetensors"),
            ]
    for module, name in parts:
        module.load_state_dict(load_file(folder / name))


def _plain(encoder: NucelEncoder) -> NucelEncoder:
    """The same encoder with a token table of its own."""
    table = encoder.embeddings.tok_embeddings
    if not isinstance(table, ProjectedEmbedding):
        return encoder
    plain = NucelEncoder(encoder.config)
    kept = {k: v for k, v in encoder.state_dict().items() if "tok_embeddings" not in k}
    plain.load_state_dict({**kept, "embeddings.tok_embeddings.weight": table.weight.detach()})
    return plain
