"""Checkpoints: weights, optimiser and loop state, written whole or not at all, without pickles.

``step-000400/`` holds ``model/`` (for bases a folder that every nucel-interp command takes), one
``shard-00001-of-00002.safetensors`` a process that holds weights of its own (one in all without
FSDP) and ``state.json``, which names every file and its size. A checkpoint is written under another
name and renamed, so a run that is killed while saving leaves the previous one, and one whose files
were cut short afterwards is passed over.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from nucel_pretrain.distributed import World
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.objectives import save_model, unwrap


def export(model: nn.Module, folder: Path, blank: Callable[[], nn.Module], world: World) -> Path:
    """Write the model's folder, whole or not at all; ``blank`` makes an equal model.

    Raises:
        PretrainError: It cannot be written (a full disk).
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        if world.is_main:
            shutil.rmtree(partial, ignore_errors=True)
        _write_model(model, partial, blank, world)
        if world.is_main:
            if folder.exists():
                shutil.rmtree(folder)
            partial.replace(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise PretrainError(
            f"cannot write the model {folder}: {error}. "
            "Free some space and give the same command to go on"
        ) from error
    return folder


def _write_model(
    model: nn.Module, folder: Path, blank: Callable[[], nn.Module], world: World
) -> None:
    """From whole weights; ``blank`` makes an equal model to hold them."""
    whole = {name: _whole(p.detach()).cpu() for name, p in unwrap(model).named_parameters()}
    if world.is_main:
        copy = blank()
        copy.load_state_dict(whole)
        save_model(copy, folder)


def save_checkpoint(
    runs: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    keep: int,
    *,
    blank: Callable[[], nn.Module],
    world: World,
) -> Path:
    """Write ``step-N`` into the run folder and delete all but the newest ``keep``.

    Raises:
        PretrainError: It cannot be written (a full disk); the earlier ones are untouched.
    """
    final = runs / f"step-{state['step']:06d}"
    partial = runs / f".{final.name}.partial"
    try:
        if world.is_main:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        world.barrier()
        _write_model(model, partial / "model", blank, world)
        spread = any(isinstance(p, DTensor) for p in model.parameters())
        n_shards = world.size if spread else 1
        if spread or world.is_main:
            shard = f"shard-{world.rank + 1:05d}-of-{n_shards:05d}.safetensors"
            save_file(_tensors(model, optimizer), partial / shard)
        world.barrier()
        if world.is_main:
            _seal(partial, state)
            if final.exists():
                shutil.rmtree(final)
            partial.replace(final)
            for old in checkpoints(runs)[:-keep]:
                shutil.rmtree(old)
        world.barrier()
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        kept = checkpoints(runs)
        raise PretrainError(
            f"cannot write the checkpoint {final}: {error}. "
            + (f"{kept[-1].name} is kept; " if kept else "")
            + "free some space and give the same command to go on"
        ) from error
    return final


def checkpoints(runs: Path) -> list[Path]:
    """Complete checkpoints, oldest first: every file is there in its full size."""
    found = sorted(
        (p for p in runs.glob("step-*") if p.name.removeprefix("step-").isdigit()),
        key=lambda p: int(p.name.removeprefix("step-")),
    )
    return [p for p in found if _is_complete(p)]


def load_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Restore weights and optimiser in place, on as many processes as there are now.

    Returns:
        The loop's state.
    """
    shards = [safe_open(path, "pt") for path in sorted(folder.glob("shard-*.safetensors"))]
    keys = set(shards[0].keys())

    def read(key: str, like: Tensor) -> Tensor:
        parts = [shard.get_tensor(key) for shard in shards]
        whole = parts[0] if parts[0].ndim == 0 else torch.cat(parts)
        if isinstance(like, DTensor) and whole.ndim:
            return distribute_tensor(
                whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None
            )
        return whole.to(like.device)

    with torch.no_grad():
        for name, p in unwrap(model).named_parameters():
            p.copy_(read(f"weights/{name}", p))
            kept = {key for key in keys if key.endswith(f"/{name}")} - {f"weights/{name}"}
            if kept:
                optimizer.state[p] = {key.split("/")[0]: read(key, p) for key in sorted(kept)}
                # AdamW counts steps in a tensor of its own, on the CPU unless fused on a GPU
    state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    return state


def _tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Everything this process holds: ``weights/NAME``, ``exp_avg/NAME``, ``step/NAME`` ..."""
    out = {}
    for name, p in unwrap(model).named_parameters():
        out[f"weights/{name}"] = _mine(p.detach())
        for key, value in optimizer.state.get(p, {}).items():
            if isinstance(value, Tensor):
                out[f"{key}/{name}"] = _mine(value)
    return out


def _mine(tensor: Tensor) -> Tensor:
    local = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return local.detach().cpu().contiguous()


def _whole(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _seal(partial: Path, state: dict[str, Any]) -> None:
    """Write down how long every file is, and push all to the disk before the name changes."""
    files = sorted(p for p in partial.rglob("*") if p.is_file())
    sizes = {str(p.relative_to(partial)): p.stat().st_size for p in files}
    named = partial / "state.json"
    named.write_text(json.dumps({**state, "files": sizes}, indent=2) + "\n", encoding="utf-8")
    for path in (*files, named):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _is_complete(folder: Path) -> bool:
    try:
        files = json.loads((folder / "state.json").read_text(encoding="utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
