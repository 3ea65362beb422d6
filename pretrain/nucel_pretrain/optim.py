"""AdamW's parameter groups and the learning rate as a function of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

SCHEDULES = ("linear", "cosine", "constant")


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """AdamW (Loshchilov and Hutter 2019)."""

    learning_rate: float = 1e-3
    warmup_steps: int = 200
    schedule: str = "linear"
    """After the warm-up: linear (down to zero), cosine (down to zero) or constant."""
    decay_share: float = 1.0
    """Share of the run, at its end, over which linear and cosine fall."""
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-8
    clip: float = 1.0
    """Largest gradient norm."""

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("learning_rate", "decay_share", "eps", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"optim.{name} must be above 0; got {getattr(self, name)}")
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"optim.schedule must be one of {', '.join(SCHEDULES)}; got {self.schedule!r}"
            )
        for name in ("warmup_steps", "weight_decay"):
            if getattr(self, name) < 0:
                raise ValueError(f"optim.{name} must be 0 or more; got {getattr(self, name)}")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"optim.{name} must lie in [0, 1); got {getattr(self, name)}")


def learning_rate(step: int, total: int, config: OptimConfig) -> float:
    """Linear warm-up, a plateau, then the schedule's way down to zero at ``total``."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    left = min(1.0, (total - step) / max(1.0, config.decay_share * total))
    if config.schedule == "constant":
        left = 1.0
    elif config.schedule == "cosine":
        left = 0.5 * (1 - math.cos(math.pi * left))
    return config.learning_rate * min(warm, left)


def make_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
    """Weight decay on matrices only, not on norms and biases; frozen weights are left out."""
    learned = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in learned if p.ndim >= 2]
    rest = [p for p in learned if p.ndim < 2]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        fused=True,
    )
