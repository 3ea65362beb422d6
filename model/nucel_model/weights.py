"""Weights on disk: safetensors and nothing else, compared with the network before it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.overrides import TorchFunctionMode

from nucel_model.errors import FolderError

M = TypeVar("M", bound=nn.Module)
_FILLING = ("normal_", "uniform_", "trunc_normal_", "fill_", "zero_")
_WHOLE_NUMBERS = ("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64")


def tensor_names(path: Path) -> list[str]:
    """The names that a file holds, from its header.

    Raises:
        FolderError: It cannot be read.
    """
    return list(_header(path))


def load(make: Callable[[], M], path: Path, unused: frozenset[str] = frozenset()) -> M:
    """What ``make`` makes, with the weights of a file.

    The file's header is compared with the network while that is only a plan: what config.json asks
    for takes no memory before it is known to be there.

    Args:
        make: Makes the network.
        path: File of the weights; a missing, extra or misshapen tensor is refused by name.
        unused: Names that may be there and are left out.

    Raises:
        FolderError: The file cannot be read or does not fit, or holds what is no finite number.
    """
    with torch.device("meta"), _Unfilled():
        module = make()
    wanted = module.state_dict()
    header = {name: entry for name, entry in _header(path).items() if name not in unused}
    missing, extra = sorted(wanted.keys() - header.keys()), sorted(header.keys() - wanted.keys())
    if missing or extra:
        raise FolderError(
            f"{path} does not fit its config.json: "
            f"missing {_few(missing)}; not expected {_few(extra)}"
        )
    for name, tensor in wanted.items():
        shape, kind = header[name]
        if shape != tuple(tensor.shape):
            raise FolderError(
                f"{path}: {name} has shape {shape}, config.json asks for {tuple(tensor.shape)}"
            )
        if kind in _WHOLE_NUMBERS:
            raise FolderError(
                f"{path}: {name} holds whole numbers ({kind}), as quantised weights are; weights "
                "as they were trained are read here (F32, BF16, F16)"
            )
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from error
    # copied: what safetensors gives may be the file itself, which may be written over
    found = {name: tensors.pop(name).to(t.dtype, copy=True) for name, t in wanted.items()}
    for name, values in found.items():
        if odd := int((~torch.isfinite(values)).sum()):
            raise FolderError(
                f"{path}: {odd:,} of {values.numel():,} numbers in {name} are not finite (NaN or "
                "infinity), as a training run that diverged leaves them; take an earlier checkpoint"
            )
    module.load_state_dict(found, assign=True)
    return module


def save(module: nn.Module, path: Path) -> None:
    """Write a module's weights."""
    save_file(
        {k: t.detach().cpu().contiguous() for k, t in module.state_dict().items()},
        path,
        metadata={"format": "pt"},
    )


class _Unfilled(TorchFunctionMode):
    """Leaves out what fills weights: in a plan it is idle, and takes torch a second to learn."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if getattr(func, "__name__", "") in _FILLING:
            return args[0] if args else None
        return func(*args, **(kwargs or {}))


def _header(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Name to shape and kind of number; no tensor is read."""
    try:
        with safe_open(path, "pt") as file:
            entries = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {n: (tuple(e.get_shape()), str(e.get_dtype())) for n, e in entries.items()}
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FolderError:
    return FolderError(f"{path} cannot be read: {error}. Was it cut short in a download?")


def _few(names: list[str]) -> str:
    return ("nothing" if not names else ", ".join(names[:3])) + (
        f" and {len(names) - 3} more" if len(names) > 3 else ""
    )
