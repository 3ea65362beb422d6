"""The encoder's configuration: JSON in and out, in both dialects that ModernBERT folders use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nucel_model.errors import ConfigError

LayerType = Literal["full_attention", "sliding_attention"]

MOST = {
    "num_hidden_layers": 1 << 8,
    "hidden_size": 1 << 16,
    "num_attention_heads": 1 << 12,
    "intermediate_size": 1 << 20,
    "local_attention": 1 << 25,
    "max_position_embeddings": 1 << 24,
    "vocab_size": 1 << 20,
}
"""Bounds: far above any network there is, and low enough that a wrong number is found before
anything is made of it."""
LEAST_CONTEXT = 16
"""Tokens that are read at once at least."""
_CONSTANTS = (
    "global_rope_theta",
    "local_rope_theta",
    "norm_eps",
    "initializer_range",
    "initializer_cutoff_factor",
)


def check_count(name: str, value: object) -> int:
    """``value`` if it is a whole number from 1 to the bound.

    Raises:
        ConfigError: Otherwise; with the name, the value and the bound.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{name} must be a whole number from 1 up; got {shown(value)}")
    if value > MOST[name]:
        raise ConfigError(f"{name} must be {MOST[name]:,} at most; got {shown(value)}")
    return value


def check_constant(name: str, value: object) -> None:
    """Refuse what is no finite number above 0.

    Raises:
        ConfigError: With the name and the value.
    """
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not 0 < value < math.inf:  # type: ignore[operator]
        raise ConfigError(f"{name} must be a number above 0; got {shown(value)}")


def check_context(context: object, token_bp: int, longest: int) -> None:
    """Refuse to read fewer than 16 tokens at once, or more than there are positions for.

    Raises:
        ConfigError: With the number of bases and the bounds.
    """
    least = LEAST_CONTEXT * token_bp
    whole = isinstance(context, int) and not isinstance(context, bool)
    if not whole or not least <= context <= longest:  # type: ignore[operator]
        raise ConfigError(
            f"a context of {shown(context)} bp was asked for; this model reads from {least:,} to "
            f"{longest:,} bp at once"
        )


def shown(value: object) -> str:
    """A value fit for one line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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
    context: int | None = None
    """Bases that are read at once, if fewer than there are positions for."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, with the field's name, its value and the bound."""
        for name in MOST:
            if name != "num_hidden_layers":
                check_count(name, getattr(self, name))
        for name in _CONSTANTS:
            check_constant(name, getattr(self, name))
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
        check_count("num_hidden_layers", len(self.layer_types))
        for kind in self.layer_types:
            if kind not in ("full_attention", "sliding_attention"):
                raise ConfigError(
                    f"layer_types holds {shown(kind)}; known are full_attention, sliding_attention"
                )
        if self.local_attention < 2:
            raise ConfigError(f"local_attention must be at least 2; got {self.local_attention}")
        if self.context is not None:
            check_context(self.context, self.token_bp, self.longest_bp)

    @property
    def num_hidden_layers(self) -> int:
        """Number of blocks."""
        return len(self.layer_types)

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def longest_bp(self) -> int:
        """Longest input in bases that there are positions for: one token is [CLS]."""
        return self.max_position_embeddings - 1

    @property
    def context_bp(self) -> int:
        """Bases that are read at once; longer sequences are read in windows."""
        return self.context or self.longest_bp

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
        **({} if config.context is None else {"context_bp": config.context}),
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
            f"{source} describes a {shown(kind)} model; read here are 'modernbert' (NucEL) and "
            "'esm' (Nucleotide Transformer)"
        )
    for key in ("norm_bias", "attention_bias", "mlp_bias"):
        if data.get(key):
            raise ConfigError(f"{source} sets {key}; NucEL's encoder has no biases")
    if data.get("hidden_activation", "gelu") != "gelu":
        said = shown(data["hidden_activation"])
        raise ConfigError(f"{source}: hidden_activation {said} is not gelu")
    if data.get("rope_scaling"):
        raise ConfigError(f"{source} sets rope_scaling, which is not known here")

    def need(key: str) -> Any:
        if data.get(key) is None:
            raise ConfigError(f"{source} lacks {key!r}, which cannot be guessed")
        return data[key]

    global_theta = _theta(data, "full_attention", "global_rope_theta", source)
    local_theta = _theta(data, "sliding_attention", "local_rope_theta", source)
    if global_theta is None:
        raise ConfigError(_no_theta("global_rope_theta", "full_attention", source))
    if local_theta is None:
        # null, as transformers 4.48 has it: the global layers' serves
        if "local_rope_theta" not in data:
            raise ConfigError(_no_theta("local_rope_theta", "sliding_attention", source))
        local_theta = global_theta
    asked = {
        "vocab_size": need("vocab_size"),
        "hidden_size": need("hidden_size"),
        "num_attention_heads": need("num_attention_heads"),
        "intermediate_size": need("intermediate_size"),
        "layer_types": _layer_types(data, source),
        "local_attention": need("local_attention"),
        "global_rope_theta": global_theta,
        "local_rope_theta": local_theta,
        "norm_eps": need("norm_eps"),
        "max_position_embeddings": data.get("max_position_embeddings", 8192),
        "initializer_range": data.get("initializer_range", 0.02),
        "initializer_cutoff_factor": data.get("initializer_cutoff_factor", 2.0),
        "context": data.get("context_bp"),
    }
    try:
        return NucelConfig(**asked)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


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
    if period is not None and (
        not isinstance(period, int) or isinstance(period, bool) or period < 1
    ):
        raise ConfigError(
            f"{source}: global_attn_every_n_layers must be 1 or more; got {shown(period)}"
        )
    if n is not None and n != 0:  # of none, the empty pattern says it
        try:
            check_count("num_hidden_layers", n)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None
    by_period: tuple[LayerType, ...] | None = None
    if period is not None and n is not None:
        by_period = tuple("sliding_attention" if i % period else "full_attention" for i in range(n))
    if listed is None:
        assert by_period is not None
        return by_period
    if not isinstance(listed, list | tuple):
        raise ConfigError(f"{source}: layer_types must be a list; got {shown(listed)}")
    types: tuple[LayerType, ...] = tuple(listed)
    if by_period is not None and types != by_period:
        raise ConfigError(f"{source}: layer_types and global_attn_every_n_layers={period} disagree")
    if n is not None and len(types) != n:
        raise ConfigError(f"{source}: {len(types)} layer_types for num_hidden_layers={n}")
    return types


def _theta(data: Mapping[str, Any], kind: str, old_key: str, source: str) -> Any:
    """What either dialect says, which may be no number; None if neither says anything."""
    new: Any = data.get("rope_parameters") or {}
    new = (new.get(kind) or {}) if isinstance(new, Mapping) else new
    if not isinstance(new, Mapping):
        raise ConfigError(f"{source}: rope_parameters of {kind} are no object; got {shown(new)}")
    if new.get("rope_type", "default") != "default":
        said = shown(new["rope_type"])
        raise ConfigError(f"{source}: rope_type {said} of {kind} is not known here")
    unknown = sorted(new.keys() - {"rope_type", "rope_theta"})
    if unknown:
        raise ConfigError(f"{source}: rope_parameters.{kind} sets {unknown[0]}, not known here")
    found = [v for v in (new.get("rope_theta"), data.get(old_key)) if v is not None]
    if len(found) > 1 and found[0] != found[1]:
        values = " and ".join(sorted(map(shown, found)))
        raise ConfigError(f"{source}: rope_parameters and {old_key} disagree: {values}")
    return found[0] if found else None


def _no_theta(old_key: str, kind: str, source: str) -> str:
    return f"{source} lacks {old_key!r} (or rope_parameters.{kind}.rope_theta)"
