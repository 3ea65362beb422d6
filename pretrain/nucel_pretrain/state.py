"""Checkpoints: weights, optimiser and loop state, written whole or not at all, without pickles.

``step-000400/`` holds ``discriminator/`` (with its generator inside, a folder every nucel-interp
command takes), ``optimizer.safetensors`` and ``state.json``. A checkpoint is written under another
name and renamed, so a run that is killed while saving leaves the previous one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from nucel_model import Electra, Nucel, save_pretrained


def save_model(model: Electra, folder: Path) -> Path:
    """Write the discriminator and, inside it, the generator as `nucel_model` folders."""
    save_pretrained(Nucel(model.discriminator, model.discriminator_head), folder)
    save_pretrained(Nucel(model.generator, mlm_head=model.generator_head), folder / "generator")
    return folder


def save_checkpoint(
    runs: Path, model: Electra, optimizer: torch.optim.Optimizer, state: dict[str, Any], keep: int
) -> Path:
    """Write ``step-N`` into the run folder and delete all but the newest ``keep``."""
    final = runs / f"step-{state['step']:06d}"
    partial = runs / f".{final.name}.partial"
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    save_model(model, partial / "discriminator")
    names: dict[torch.Tensor, str] = {p: n for n, p in model.named_parameters()}
    moments = {
        f"{names[p]}.{key}": value
        for p, values in optimizer.state.items()
        for key, value in values.items()
        if isinstance(value, torch.Tensor)
    }
    save_file(moments, partial / "optimizer.safetensors")
    (partial / "state.json").write_text(json.dumps(state, indent=2) + "\n")
    if final.exists():
        shutil.rmtree(final)
    partial.replace(final)
    for old in checkpoints(runs)[:-keep]:
        shutil.rmtree(old)
    return final


def checkpoints(runs: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    complete = (p for p in runs.glob("step-*") if (p / "state.json").exists())
    return sorted(complete, key=lambda p: int(p.name.removeprefix("step-")))


def load_checkpoint(
    folder: Path, model: Electra, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Restore weights and optimiser in place; returns the loop's state."""
    inner = folder / "discriminator"
    model.discriminator.load_state_dict(load_file(inner / "model.safetensors"))
    model.discriminator_head.load_state_dict(load_file(inner / "discriminator.safetensors"))
    model.generator.load_state_dict(load_file(inner / "generator" / "model.safetensors"))
    model.generator_head.load_state_dict(load_file(inner / "generator" / "mlm.safetensors"))
    moments = load_file(folder / "optimizer.safetensors")
    for name, p in model.named_parameters():
        kept = {k.rsplit(".", 1)[1]: v for k, v in moments.items() if k.rsplit(".", 1)[0] == name}
        if kept:
            optimizer.state[p] = kept
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return state
