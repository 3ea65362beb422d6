"""One training step: a batch in, an update and its metrics out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nucel_model import Electra, ElectraOutput
from nucel_pretrain.masking import mask_and_noise
from nucel_pretrain.optim import OptimConfig


class NonFiniteError(Exception):
    """Loss or gradient is not a number; the optimiser has not moved."""


@dataclass(frozen=True, kw_only=True)
class ElectraConfig:
    """The objective's constants, the paper's by default (arXiv 2508.13191)."""

    mask_ratio: float = 0.15
    discriminator_weight: float = 50.0
    """Lambda: loss = generator's + lambda x discriminator's."""
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"electra.mask_ratio must lie between 0 and 1; got {self.mask_ratio}")
        if self.temperature <= 0:
            raise ValueError(f"electra.temperature must be positive; got {self.temperature}")


def electra_step(
    model: Electra,
    optimizer: torch.optim.Optimizer,
    input_ids: Tensor,
    *,
    electra: ElectraConfig,
    optim: OptimConfig,
    learning_rate: float,
    seed: int,
    step: int,
    bf16: bool,
) -> dict[str, float]:
    """Mask, replace, judge, update. Everything random is drawn from (seed, step).

    Raises:
        NonFiniteError: The loss or the gradient norm is not finite; nothing was updated.
    """
    out = electra_forward(model, input_ids, electra, seed=seed, step=step, bf16=bf16)
    loss = out.generator_loss + electra.discriminator_weight * out.discriminator_loss
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), optim.clip)
    if not (torch.isfinite(loss) and torch.isfinite(norm)):
        raise NonFiniteError(f"loss {loss.item()}, gradient norm {norm.item()} at step {step}")
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    return {
        "loss": loss.item(),
        "generator_loss": out.generator_loss.item(),
        "discriminator_loss": out.discriminator_loss.item(),
        "generator_accuracy": out.generator_accuracy.item(),
        "gradient_norm": norm.item(),
        "learning_rate": learning_rate,
    }


def electra_forward(
    model: Electra, input_ids: Tensor, electra: ElectraConfig, *, seed: int, step: int, bf16: bool
) -> ElectraOutput:
    """The forward pass of a step, also used for validation."""
    masked, noise = mask_and_noise(input_ids, electra.mask_ratio, seed, step)
    with torch.autocast(input_ids.device.type, dtype=torch.bfloat16, enabled=bf16):
        output: ElectraOutput = model(input_ids, masked, noise, electra.temperature)
    return output
