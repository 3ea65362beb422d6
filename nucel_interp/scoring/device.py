"""Where models run: on a GPU where there is one."""

from __future__ import annotations

import torch

from nucel_model import Nucel, from_pretrained

CUDA_BATCHES = 16
"""How many times as many tokens a GPU is given at once: below that it waits for its orders."""


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_model(model: str | Nucel) -> Nucel:
    """A model by its name or folder, on the best device; one that is loaded already as it is."""
    return from_pretrained(model).to(best_device()) if isinstance(model, str) else model


def batch_tokens(model: Nucel, on_cpu: int) -> int:
    """Tokens to read at once where a CPU is given ``on_cpu``."""
    device = next(model.parameters()).device
    return on_cpu * CUDA_BATCHES if device.type == "cuda" else on_cpu
