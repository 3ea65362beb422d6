"""A grid of runs: TOML in, one checked configuration per arm and seed out."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucel_pretrain.config import PretrainConfig, build, read_toml
from nucel_pretrain.errors import PretrainError


@dataclass(frozen=True, kw_only=True)
class GridConfig:
    """What is the same for all arms."""

    base: str
    """The configuration the arms change: a TOML file or a shipped name."""
    flops: float
    """What every arm may spend on training: its steps follow from what one of them costs."""
    milestones: tuple[float, ...] = (0.25, 0.5, 1.0)
    """Shares of the budget at which the arms are compared."""
    seeds: tuple[int, ...] = (0,)
    windows: int = 500
    """Windows with planted changes, drawn from the validation regions."""

    def __post_init__(self) -> None:
        """Check the values."""
        if not self.flops > 0:
            raise ValueError(f"flops must be above 0; got {self.flops}")
        if not self.milestones or not all(0 < m <= 1 for m in self.milestones):
            raise ValueError(f"milestones must lie in (0, 1]; got {list(self.milestones)}")
        if 1.0 not in self.milestones:
            raise ValueError("milestones must hold 1.0, the end of the budget")
        if not self.seeds or self.windows < 1:
            raise ValueError("give at least one seed and one window")


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes:
        name: Name in tables and figures.
        config: The run's configuration; ``loop.steps`` is still to be set from the budget.
    """

    name: str
    config: PretrainConfig


def read_grid(path: str | Path, fasta: tuple[str, ...] = ()) -> tuple[GridConfig, list[Arm]]:
    """Read a grid: keys of `GridConfig`, then one ``[[arm]]`` per way to train.

    An arm has a ``name`` and, in sections named as in a run's configuration, what it changes.

    Args:
        path: A TOML file or a shipped name.
        fasta: Replaces the base's ``data.fasta``.

    Raises:
        PretrainError: As `read_config`; arms that are missing, nameless or of one name.
    """
    raw = read_toml(path)
    arms = raw.pop("arm", None)
    if not isinstance(arms, list) or not arms:
        raise PretrainError(f"{path} has no [[arm]]: an ablation needs at least one")
    grid = build(GridConfig, raw, {})
    base = read_toml(grid.base)
    if fasta:
        base.setdefault("data", {})["fasta"] = list(fasta)
    found: list[Arm] = []
    for i, changes in enumerate(arms):
        name = changes.pop("name", None)
        if not isinstance(name, str) or not name or not set(name) <= _SAFE:
            raise PretrainError(
                f"arm {i + 1} of {path} needs a name of letters, digits, -, _ and .; got {name!r}"
            )
        if name in (a.name for a in found):
            raise PretrainError(f"two arms of {path} have the name {name!r}")
        try:
            found.append(Arm(name, build(PretrainConfig, _merged(base, changes))))
        except PretrainError as error:
            raise PretrainError(f"arm {name}: {error}") from error
        if not found[-1].config.data.validation:
            raise PretrainError(
                f"arm {name}: data.validation is empty, and arms are compared on what is held out"
            )
    return grid, found


_SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    out = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(out.get(key, {}), dict):
            out[key] = {**out.get(key, {}), **value}
        else:
            out[key] = value
    return out
