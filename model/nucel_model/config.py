"""The encoder's configuration: JSON in and out, in both dialects that ModernBERT folders use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

LayerType = Literal["full_attention", "sliding_attention"]

_COUNTS = (
    "hidden_size",
    "num_attention_heads",
    "intermediate_size",
    "local_attention",
    "max_position_embeddings",
    "vocab_size",
)
_CONSTANTS = (
    "global_rope_theta",
    "local_rope_theta",
    "norm_eps",
    "initializer_range",
    "initializer_cutoff_factor",
)


class ConfigError(ValueError):
    """A configuration that contradicts itself, or lacks something that must not be guessed."""


@dataclass(frozen=True, kw_only=True)
class NucelConfig:
    """Shape and constants of one encoder. Nothing here has a second home in the code."""

    hidden_size: int
    num_attention_heads: int
    intermediate_size: int
    layer_types: tuple[LayerType, ...]
    """One entry per layer: does it attend everywhere or within the window?"""
    local_attention: int = 128
    """Total width of the local window: 128 lets query i see keys i-64 .. i+64, both included."""
    global_rope_theta: float = 160_000.0
    local_rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    max_position_embeddings: int = 8192
    """Longest input in tokens, [CLS] included."""
    vocab_size: int = 27
    initializer_range: float = 0.02
    initializer_cutoff_factor: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what cannot be built, with the field's name, its value and the bound."""
        for name in _COUNTS:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{name} must be a whole number from 1 up; got {value!r}")
        for name in _CONSTANTS:
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
                raise ConfigError(f"{name} must be a number above 0; got {value!r}")
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"hidden_size {self.hidden_size} is not divisible by "
                f"num_attention_heads {self.num_attention_heads}"
            )
        if (self.hidden_size // self.num_attention_heads) % 2:
            raise ConfigError(
                f"rotary positions need an even head width; hidden_size {self.hidden_size} / "
                f"num_attention_heads {self.num_attention_heads} is odd"
            )
        if not self.layer_types:
            raise ConfigError("layer_types is empty: a model needs at least one layer")
        for kind in self.layer_types:
            if kind not in ("full_attention", "sliding_attention"):
                raise ConfigError(
                    f"layer_types holds {kind!r}; known are full_attention, sliding_attention"
                )
        if self.local_attention < 2:
            raise ConfigError(f"local_attention must be at least 2; got {self.local_attention}")

    @property
    def num_hidden_layers(self) -> int:
        """Number of blocks."""
        return len(self.layer_types)

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def context_bp(self) -> int:
        """Longest input in bases: one token is [CLS]."""
        return self.max_position_embeddings - 1

    @property
    def token_bp(self) -> int:
        """Bases of a token."""
        return 1

    def window(self, layer: int) -> int | None:
        """Half-width of ``layer``'s window in tokens, or None where it attends everywhere."""
        return None if self.layer_types[layer] == "full_attention" else self.local_attention // 2

    def rope_theta(self, layer: int) -> float:
        """Base of ``layer``'s rotary frequencies."""
        is_global = self.layer_types[layer] == "full_attention"
        return self.global_rope_theta if is_global else self.local_rope_theta


def every_third_global(n_layers: int) -> tuple[LayerType, ...]:
    """NucEL's pattern: layers 0, 3, 6, ... attend everywhere, the others within the window."""
    return tuple("sliding_attention" if i % 3 else "full_attention" for i in range(n_layers))


def nucel_base() -> NucelConfig:
    """The paper's shape (arXiv 2508.13191): 22 layers, 512 wide, 16 heads, 92.3 M parameters.

    The released folder's thetas and eps are read from its own config.json; these are ModernBERT's.
    """
    return NucelConfig(
        hidden_size=512,
        num_attention_heads=16,
        intermediate_size=2048,
        layer_types=every_third_global(22),
    )


def config_to_json(config: NucelConfig) -> dict[str, Any]:
    """Both dialects at once, so that transformers 4.48 and 5.x read the same file alike."""
    return {
        "architectures": ["ModernBertModel"],
        "model_type": "modernbert",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "hidden_activation": "gelu",
        "max_position_embeddings": config.max_position_embeddings,
        "norm_eps": config.norm_eps,
        "norm_bias": False,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "embedding_dropout": 0.0,
        "mlp_dropout": 0.0,
        "local_attention": config.local_attention,
        "layer_types": list(config.layer_types),
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": config.global_rope_theta},
            "sliding_attention": {"rope_type": "default", "rope_theta": config.local_rope_theta},
        },
        "global_rope_theta": config.global_rope_theta,
        "local_rope_theta": config.local_rope_theta,
        **_period_of(config.layer_types),
        "initializer_range": config.initializer_range,
        "initializer_cutoff_factor": config.initializer_cutoff_factor,
        "pad_token_id": 0,
        "cls_token_id": 2,
        "bos_token_id": 2,
        "sep_token_id": 3,
        "eos_token_id": 3,
        "mask_token_id": 4,
        "tie_word_embeddings": False,
        "reference_compile": False,
    }


def config_from_json(data: Mapping[str, Any], source: str = "config.json") -> NucelConfig:
    """Read either dialect; where both are present they must agree.

    Raises:
        ConfigError: A needed key is missing, the dialects disagree, or the folder holds another
            kind of model. Thetas, eps, window and layer pattern are never guessed: a wrong value
            loads without complaint and gives plausible nonsense.
    """
    kind = data.get("model_type", "modernbert")
    if kind != "modernbert":
        raise ConfigError(
            f"{source} describes a {kind!r} model; read here are 'modernbert' (NucEL) and 'esm' "
            "(Nucleotide Transformer)"
        )
    for key in ("norm_bias", "attention_bias", "mlp_bias"):
        if data.get(key):
            raise ConfigError(f"{source} sets {key}; NucEL's encoder has no biases")
    if data.get("hidden_activation", "gelu") != "gelu":
        raise ConfigError(f"{source}: hidden_activation {data['hidden_activation']!r} is not gelu")

    if data.get("rope_scaling"):
        raise ConfigError(f"{source} sets rope_scaling, which is not known here")

    def need(key: str) -> Any:
        if data.get(key) is None:
            raise ConfigError(f"{source} lacks {key!r}, which cannot be guessed")
        return data[key]

    return NucelConfig(
        vocab_size=need("vocab_size"),
        hidden_size=need("hidden_size"),
        num_attention_heads=need("num_attention_heads"),
        intermediate_size=need("intermediate_size"),
        layer_types=_layer_types(data, source),
        local_attention=need("local_attention"),
        global_rope_theta=_theta(data, "full_attention", "global_rope_theta", source),
        local_rope_theta=_theta(data, "sliding_attention", "local_rope_theta", source),
        norm_eps=need("norm_eps"),
        max_position_embeddings=data.get("max_position_embeddings", 8192),
        initializer_range=data.get("initializer_range", 0.02),
        initializer_cutoff_factor=data.get("initializer_cutoff_factor", 2.0),
    )


def _period_of(layer_types: tuple[LayerType, ...]) -> dict[str, int]:
    """The older dialect's key, where the pattern is one it can say."""
    n = len(layer_types)
    for period in range(1, n + 1):
        wanted = tuple("sliding_attention" if i % period else "full_attention" for i in range(n))
        if wanted == layer_types:
            return {"global_attn_every_n_layers": period}
    return {}


def _layer_types(data: Mapping[str, Any], source: str) -> tuple[LayerType, ...]:
    listed, period = data.get("layer_types"), data.get("global_attn_every_n_layers")
    n = data.get("num_hidden_layers")
    if listed is None and (period is None or n is None):
        raise ConfigError(
            f"{source} lacks the layer pattern: give layer_types, or num_hidden_layers with "
            "global_attn_every_n_layers"
        )
    if period is not None and (not isinstance(period, int) or period < 1):
        raise ConfigError(f"{source}: global_attn_every_n_layers must be 1 or more; got {period!r}")
    by_period: tuple[LayerType, ...] | None = None
    if period is not None and n is not None:
        by_period = tuple("sliding_attention" if i % period else "full_attention" for i in range(n))
    if listed is None:
        assert by_period is not None
        return by_period
    types: tuple[LayerType, ...] = tuple(listed)
    if by_period is not None and types != by_period:
        raise ConfigError(f"{source}: layer_types and global_attn_every_n_layers={period} disagree")
    if n is not None and len(types) != n:
        raise ConfigError(f"{source}: {len(types)} layer_types for num_hidden_layers={n}")
    return types


def _theta(data: Mapping[str, Any], kind: str, old_key: str, source: str) -> float:
    new = (data.get("rope_parameters") or {}).get(kind) or {}
    if new.get("rope_type", "default") != "default":
        raise ConfigError(f"{source}: rope_type {new['rope_type']!r} of {kind} is not known here")
    unknown = sorted(new.keys() - {"rope_type", "rope_theta"})
    if unknown:
        raise ConfigError(f"{source}: rope_parameters.{kind} sets {unknown[0]}, not known here")
    found = {v for v in (new.get("rope_theta"), data.get(old_key)) if v is not None}
    if len(found) > 1:
        values = " and ".join(sorted(map(str, found)))
        raise ConfigError(f"{source}: rope_parameters and {old_key} disagree: {values}")
    if not found:
        raise ConfigError(f"{source} lacks {old_key!r} (or rope_parameters.{kind}.rope_theta)")
    return found.pop()
