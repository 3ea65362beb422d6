"""What a run's folder says of it: its configuration and its metrics."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from nucel_pretrain.config import PretrainConfig, as_dict, build
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.optim import learning_rate

FREE = frozenset(
    ("loop.log_every", "loop.evaluate_every", "loop.checkpoint_minutes", "loop.keep_checkpoints")
)
"""What may change between sittings of a run: none of it changes the weights."""

RATE = frozenset(("loop.steps", "optim.schedule", "optim.decay_share"))
"""What may change as long as the steps that were made would have had the same learning rates."""


def log(path: Path, numbers: dict[str, Any]) -> None:
    """Append one line of JSON; what is not finite (a skipped step's gradient norm) is null.

    Raises:
        PretrainError: It cannot be written (a full disk).
    """
    plain = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in numbers.items()
    }
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain, allow_nan=False) + "\n")
    except OSError as error:
        raise PretrainError(
            f"cannot write {path}: {error}. Free some space and give the same command to go on"
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a file under another name and rename it: a run may be killed at any moment."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def keep_metrics_up_to(step: int, path: Path) -> None:
    """Drop what a cut-off run logged after its last checkpoint: those steps are done again."""
    if path.exists():
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                numbers = json.loads(line)
            except ValueError:  # cut off as it was written
                continue
            # a checkpoint is written after its step's validation, which is run once more
            if numbers["step"] < step + ("loss" in numbers):
                kept.append(f"{line}\n")
        write_whole(path, "".join(kept))


def check_folder(out: Path) -> None:
    """See before the work that ``out`` can be a run's folder; nothing is made.

    Raises:
        PretrainError: It is a file, or cannot be made or written to.
    """
    if out.exists() and not out.is_dir():
        raise PretrainError(f"{out} is a file; give a folder for the run")
    nearest = next(p for p in (out.absolute(), *out.absolute().parents) if os.path.lexists(p))
    if not nearest.is_dir():
        raise PretrainError(f"cannot make the folder {out}: {nearest} is no folder")
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise PretrainError(f"cannot write to the folder {out}: {error.strerror}") from error


def same_config(config: PretrainConfig, path: Path, done: int = 0) -> None:
    """Write the resolved configuration, or refuse to go on with another one.

    What the first ``done`` steps did must follow from the new configuration as it did from the old:
    a run at a constant rate may be told to end, by a number of steps and a decay that lie ahead.

    Args:
        config: The run's.
        path: The folder's ``config.json``.
        done: Steps that the newest checkpoint has behind it.

    Raises:
        PretrainError: As `check_config`.
    """
    check_config(config, path, done)
    write_whole(path, json.dumps(as_dict(config), indent=2) + "\n")


def check_config(config: PretrainConfig, path: Path, done: int = 0) -> None:
    """Refuse to go on with a run of another configuration; for the arguments see `same_config`.

    Raises:
        PretrainError: The folder's configuration differs; every difference is listed.
    """
    if not path.exists():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(before, dict):
            raise ValueError("not a JSON object")
    except ValueError as error:
        raise PretrainError(f"{path} is not a run's configuration: {error}") from error
    now = as_dict(config)
    free = FREE
    try:
        first = build(PretrainConfig, before)
    except PretrainError:  # of another version, or not a run's: what differs is told below
        old = _flat(before)
    else:
        old = _flat(as_dict(first))  # keys that are newer than the folder have their defaults
        if 0 < done <= config.loop.steps and _same_rates(first, config, done):
            free = free | RATE
    changed = [
        f"{key} was {old.get(key)!r}, is {value!r}"
        for key, value in _flat(now).items()
        if old.get(key) != value and key not in free
    ]
    if changed:
        raise PretrainError(
            f"{path.parent} holds a run with another configuration: {'; '.join(changed)}. "
            "Give another --out, or the first configuration."
        )


def _same_rates(one: PretrainConfig, two: PretrainConfig, steps: int) -> bool:
    return all(
        learning_rate(step, one.loop.steps, one.optim)
        == learning_rate(step, two.loop.steps, two.optim)
        for step in range(steps)
    )


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            out |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            out[key] = value
    return out
