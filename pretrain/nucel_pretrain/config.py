"""A run's configuration: TOML in, checked, and the resolved form written into the run folder."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from nucel_model.config import NucelConfig, every_third_global
from nucel_pretrain.data import DataConfig
from nucel_pretrain.optim import OptimConfig
from nucel_pretrain.step import ElectraConfig


class PretrainError(Exception):
    """Something the user can mend; printed in one line."""


@dataclass(frozen=True, kw_only=True)
class SizeConfig:
    """Width and depth of one of the two encoders; every third layer is global, as in the paper."""

    hidden: int
    layers: int
    heads: int
    intermediate: int

    def encoder(self, max_tokens: int) -> NucelConfig:
        """The encoder's full configuration."""
        return NucelConfig(
            hidden_size=self.hidden,
            num_attention_heads=self.heads,
            intermediate_size=self.intermediate,
            layer_types=every_third_global(self.layers),
            max_position_embeddings=max_tokens,
        )


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long, and how often to look and to save."""

    steps: int
    log_every: int = 20
    evaluate_every: int = 500
    checkpoint_minutes: float = 5.0
    keep_checkpoints: int = 2
    seed: int = 0
    precision: str = "bf16"
    """bf16 (autocast; weights and optimiser stay fp32) or fp32."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.steps < 1:
            raise ValueError(f"loop.steps must be at least 1; got {self.steps}")
        if self.precision not in ("bf16", "fp32"):
            raise ValueError(f"loop.precision must be bf16 or fp32; got {self.precision!r}")


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Everything that decides a run's result."""

    data: DataConfig
    discriminator: SizeConfig
    generator: SizeConfig
    loop: LoopConfig
    electra: ElectraConfig = field(default_factory=ElectraConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)


def read_config(path: str | Path) -> PretrainConfig:
    """Read a TOML file, or a shipped one by name (``mini``).

    Raises:
        PretrainError: No such file, not TOML, an unknown key (the nearest is named), a missing
            key, or a value out of bounds.
    """
    shipped = resources.files("nucel_pretrain") / "configs" / f"{path}.toml"
    try:
        text = shipped.read_text() if shipped.is_file() else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise PretrainError(f"cannot read the configuration {path}: {error}") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PretrainError(f"{path} is not TOML: {error}") from error
    return _build(PretrainConfig, raw, "")


def as_dict(config: PretrainConfig) -> dict[str, Any]:
    """The resolved configuration as JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return plain


_SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "discriminator": SizeConfig,
    "generator": SizeConfig,
    "loop": LoopConfig,
    "electra": ElectraConfig,
    "optim": OptimConfig,
}


def _build(cls: Any, raw: dict[str, Any], where: str) -> Any:
    known = {f.name for f in dataclasses.fields(cls)}
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = (
                f"; did you mean {near[0]!r}?"
                if near
                else f"; known are {', '.join(sorted(known))}"
            )
            raise PretrainError(f"the configuration has no key {where}{key}{hint}")
    values = dict(raw)
    if cls is PretrainConfig:
        for key, section in _SECTIONS.items():
            if key in values:
                values[key] = _build(section, values[key], f"{key}.")
    try:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        absent = [
            f.name
            for f in dataclasses.fields(cls)
            if f.name not in values
            and f.default is dataclasses.MISSING
            and f.default_factory is dataclasses.MISSING
        ]
        raise PretrainError(
            f"the configuration lacks {where}{', '.join(absent)} ({error})"
        ) from error
    except ValueError as error:
        raise PretrainError(str(error)) from error
