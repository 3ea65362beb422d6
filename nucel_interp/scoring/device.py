"""Where models run: on a GPU where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nucel_interp.errors import InputError
from nucel_interp.io.provenance import file_sha256
from nucel_model import Nucel, from_pretrained
from nucel_model.backends import choose_backend
from nucel_model.profile_gpu import available

CUDA_BATCHES = 16
"""How many times as many tokens a GPU is given at once: below that it waits for its orders."""


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_model(
    model: str | Path | Nucel, context: int | None = None, *, device: str | None = None
) -> Nucel:
    """A model by its name or folder, on the best device; one that is loaded already as it is.

    Args:
        model: A shipped name, a model folder, or a loaded model.
        context: Bases the model reads at once; by default what its folder says (`from_pretrained`).
        device: Device of torch, such as "cpu"; the best there is if not given.

    Raises:
        InputError: Another context than that of a model that is loaded already.
        FolderError, ConfigError: The model cannot be loaded.
    """
    if isinstance(model, (str, Path)):
        return from_pretrained(model, context=context).to(device or best_device())
    config = model.config
    if context is not None and context // config.token_bp * config.token_bp != config.context_bp:
        raise InputError(
            f"{model.name} is loaded already and reads {config.context_bp:,} bp at once: for "
            f"another context give its name or folder, or load it with context={context}"
        )
    return model


def model_facts(model: Nucel, *, profile: bool) -> dict[str, Any]:
    """What run.json says of a model: which, from where, how much at once, and by which kernel.

    Args:
        model: Model that read the sequences.
        profile: True if its attention was reduced as it was computed; False if only its output was
            used.
    """
    device = best_device()  # where every command reads
    if profile:
        backend, reason = (
            "profile",
            f"attention is reduced as it is computed: {available(device)[1]}",
        )
    else:
        backend, reason = choose_backend(device, next(model.parameters()).dtype)
    return {
        "model": model.name,
        "model_path": None if model.path is None else str(model.path),
        "model_sha256": None
        if model.path is None
        else file_sha256(model.path / "model.safetensors"),
        "context_bp": model.config.context_bp,
        "backend": backend,
        "backend_reason": reason,
    }


def facts_of_several(models: dict[str, Nucel]) -> dict[str, Any]:
    """`model_facts` of models whose attention was read, by name; where they agree, once."""
    found = {name: model_facts(model, profile=True) for name, model in models.items()}
    paths = {name: one["model_path"] for name, one in found.items()}
    contexts = {name: one["context_bp"] for name, one in found.items()}
    first = next(iter(found.values()))
    return {
        "model_path": paths,
        "context_bp": contexts,
        "backend": first["backend"],
        "backend_reason": first["backend_reason"],
    }


def batch_tokens(model: Nucel, on_cpu: int) -> int:
    """Tokens to read at once where a CPU is given ``on_cpu``."""
    device = next(model.parameters()).device
    return on_cpu * CUDA_BATCHES if device.type == "cuda" else on_cpu
