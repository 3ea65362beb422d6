"""A run's configuration: TOML in, checked, and the resolved form written into the run folder."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from nucel_genome import GenomeError
from nucel_genome.text import read_text
from nucel_model import tokenizer
from nucel_model.config import LayerType, NucelConfig
from nucel_model.errors import ConfigError
from nucel_pretrain.data import DataConfig, EnrichConfig
from nucel_pretrain.distributed import PARALLEL
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.masking import MaskingConfig
from nucel_pretrain.objectives import OBJECTIVES, ElectraConfig
from nucel_pretrain.optim import OptimConfig
from nucel_pretrain.step import AUTOCAST
from nucel_pretrain.tokens import TokensConfig

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SizeConfig:
    """One of the two encoders.

    A constant that is left out is NucEL's, or with ``loop.start_from`` that of the model there.
    """

    hidden: int
    layers: int
    heads: int
    intermediate: int
    global_every: int | None = None
    """Layers 0, n, 2n ... attend everywhere; NucEL's 3."""
    local_attention: int | None = None
    """Total width of the other layers' window, in tokens; 128."""
    global_rope_theta: float | None = None
    """Base of the rotary frequencies where a layer attends everywhere; 160,000."""
    local_rope_theta: float | None = None
    """The same within the window; 10,000."""
    norm_eps: float | None = None
    """Of every layer norm; 1e-5."""

    def __post_init__(self) -> None:
        """Refuse a shape that no encoder can have."""
        if self.global_every is not None and self.global_every < 1:
            raise ConfigError(f"global_every must be at least 1; got {self.global_every}")
        self.encoder(1)

    def encoder(self, max_tokens: int, vocab_size: int = tokenizer.VOCAB_SIZE) -> NucelConfig:
        """The encoder's full configuration."""
        names = ("local_attention", "global_rope_theta", "local_rope_theta", "norm_eps")
        said = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return NucelConfig(
            vocab_size=vocab_size,
            hidden_size=self.hidden,
            num_attention_heads=self.heads,
            intermediate_size=self.intermediate,
            layer_types=layer_types(self.layers, self.global_every or 3),
            max_position_embeddings=max_tokens,
            **said,
        )


def layer_types(layers: int, global_every: int) -> tuple[LayerType, ...]:
    """Which layers attend everywhere: 0, n, 2n ..."""
    kinds: tuple[LayerType, LayerType] = ("full_attention", "sliding_attention")
    return tuple(kinds[i % global_every > 0] for i in range(layers))


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long, how wide, and how often to look and to save."""

    steps: int
    accumulate: int = 1
    """Batches whose gradients are summed before an update; ``data.batch`` counts all of them."""
    log_every: int = 20
    evaluate_every: int = 500
    checkpoint_minutes: float = 5.0
    keep_checkpoints: int = 2
    seed: int = 0
    precision: str = "bf16"
    """bf16 or fp16 (autocast; weights and optimiser stay fp32), or fp32."""
    parallel: str = "ddp"
    """With several processes: ddp (each holds everything) or fsdp (weights and optimiser split)."""
    start_from: str = ""
    """A model folder with its generator inside, or a shipped name: a warm start from its weights
    and constants, with a fresh optimiser. What [discriminator] and [generator] say must be so
    there. Empty: weights are drawn from ``seed``."""

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("steps", "accumulate", "log_every", "evaluate_every", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise ValueError(f"loop.{name} must be at least 1; got {getattr(self, name)}")
        if self.seed < 0:
            raise ValueError(f"loop.seed must be 0 or more; got {self.seed}")
        for name, known in (("precision", tuple(AUTOCAST)), ("parallel", PARALLEL)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"loop.{name} must be {' or '.join(known)}; got {getattr(self, name)!r}"
                )


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """Everything that decides a run's result."""

    objective: str = "electra"
    """electra, or mlm: masked prediction by the discriminator's encoder, without a generator."""
    data: DataConfig
    discriminator: SizeConfig
    generator: SizeConfig
    loop: LoopConfig
    tokens: TokensConfig = field(default_factory=TokensConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    electra: ElectraConfig = field(default_factory=ElectraConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)

    def __post_init__(self) -> None:
        """Check what no section can check alone."""
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective must be {' or '.join(OBJECTIVES)}; got {self.objective!r}")
        if self.electra.embeddings == "shared" and self.loop.parallel == "fsdp":
            raise ValueError(
                'electra.embeddings = "shared" does not go with loop.parallel = "fsdp": a table '
                "that two networks read cannot be split between them; use ddp"
            )


def read_toml(path: str | Path) -> dict[str, Any]:
    """A TOML file as a dictionary, or a shipped one by name.

    Raises:
        PretrainError: No such file, or not TOML.
    """
    shipped = resources.files("nucel_pretrain") / "configs" / f"{path}.toml"
    try:
        if shipped.is_file():
            text = shipped.read_text(encoding="utf-8")
        else:
            text = read_text(path, "a configuration (TOML)")
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PretrainError(f"{path} is not TOML: {error}") from error
    except GenomeError as error:
        raise PretrainError(str(error)) from error


def read_config(path: str | Path) -> PretrainConfig:
    """Read a TOML file, or a shipped one by name (``mini``).

    Raises:
        PretrainError: No such file, not TOML, an unknown key (the nearest is named), a missing
            key, or a value out of bounds.
    """
    return build(PretrainConfig, read_toml(path))


def build(cls: type[T], raw: dict[str, Any], sections: dict[str, type] | None = None) -> T:
    """A checked configuration from TOML's dictionary.

    Args:
        cls: A keyword-only dataclass.
        raw: Keys and values; those of ``sections`` are dictionaries in turn.
        sections: Section name -> its dataclass; None = those of a training run.

    Raises:
        PretrainError: As `read_config`.
    """
    built: T = _build(cls, raw, "", _SECTIONS if sections is None else sections)
    return built


def as_dict(config: Any) -> dict[str, Any]:
    """The resolved configuration as JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return plain


_SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "discriminator": SizeConfig,
    "generator": SizeConfig,
    "loop": LoopConfig,
    "tokens": TokensConfig,
    "masking": MaskingConfig,
    "electra": ElectraConfig,
    "optim": OptimConfig,
}

_TABLES: dict[str, type] = {"data.enrich": EnrichConfig}
"""Keys whose value is any number of tables, ``[[data.enrich]]``."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "int": (_is_whole, "a whole number"),
    "float": (_is_number, "a number"),
    # None is said by leaving the key out; a run's config.json says null
    "int | None": (lambda v: v is None or _is_whole(v), "a whole number"),
    "float | None": (lambda v: v is None or _is_number(v), "a number"),
    "bool": (lambda v: isinstance(v, bool), "true or false"),
    "str": (lambda v: isinstance(v, str), "text in quotes"),
    "tuple[str, ...]": (
        lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v),
        "a list of texts in quotes",
    ),
    "tuple[int, ...]": (
        lambda v: isinstance(v, list) and all(_is_number(x) and x == int(x) for x in v),
        "a list of whole numbers",
    ),
    "tuple[float, ...]": (
        lambda v: isinstance(v, list) and all(_is_number(x) for x in v),
        "a list of numbers",
    ),
}


def _build(cls: Any, raw: dict[str, Any], where: str, sections: dict[str, type]) -> Any:
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
    for key, section in sections.items():
        if not isinstance(values.get(key, {}), dict):
            raise PretrainError(f"{key} must be a section, [{key}]; got {values[key]!r}")
        if key in values:
            values[key] = _build(section, values[key], f"{key}.", {})
    for key in values:
        if f"{where}{key}" in _TABLES:
            values[key] = _tables(f"{where}{key}", values[key])
    for f in dataclasses.fields(cls):
        wanted = _KINDS.get(str(f.type))
        if f.name in values and wanted is not None and not wanted[0](values[f.name]):
            raise PretrainError(f"{where}{f.name} must be {wanted[1]}; got {values[f.name]!r}")
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
    except ConfigError as error:  # an encoder's, which does not know its section
        raise PretrainError(f"{where.rstrip('.')}: {error}") from error
    except ValueError as error:
        raise PretrainError(str(error)) from error


def _tables(key: str, tables: object) -> list[Any]:
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise PretrainError(f"{key} must be tables, one [[{key}]] each; got {tables!r}")
    built = []
    for number, table in enumerate(tables, start=1):
        try:
            built.append(_build(_TABLES[key], table, f"{key}.", {}))
        except PretrainError as error:
            raise PretrainError(f"[[{key}]] number {number}: {error}") from error
    return built
