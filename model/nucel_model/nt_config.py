"""The Nucleotide Transformer's configuration: the published JSON in and out, and the presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nucel_model.config import check_constant, check_context, check_count, shown
from nucel_model.errors import ConfigError
from nucel_model.nt_tokenizer import MASK, PAD, TOKEN_BP, VOCAB_SIZE, Version

_POSITIONS: dict[Version, str] = {"v1": "absolute", "v2": "rotary"}
_MAX_POSITIONS: dict[Version, int] = {"v1": 1002, "v2": 2050}
_SHAPES: dict[str, tuple[Version, int, int, int, int]] = {
    "v2-50m": ("v2", 12, 512, 16, 2048),
    "v2-100m": ("v2", 22, 512, 16, 2048),
    "v2-250m": ("v2", 24, 768, 16, 3072),
    "v2-500m": ("v2", 29, 1024, 16, 4096),
    "500m-human-ref": ("v1", 24, 1280, 20, 5120),
}


@dataclass(frozen=True, kw_only=True)
class NTConfig:
    """Shape and constants of one Nucleotide Transformer (Dalla-Torre et al., Nat Methods 2025).

    v1: learned positions, GELU with biases, embeddings rescaled for masked tokens. v2: rotary
    positions, SwiGLU without biases.
    """

    version: Version
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int = 0
    """Rows of the position table, two more than tokens; 0 stands for the version's own number."""
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    context: int | None = None
    """Bases that are read at once, if fewer than there are positions for."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, with the field's name, its value and the bound."""
        if self.version not in _POSITIONS:
            raise ConfigError(f"version must be v1 or v2; got {self.version!r}")
        if self.max_position_embeddings == 0:
            object.__setattr__(self, "max_position_embeddings", _MAX_POSITIONS[self.version])
        for name in (
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
        ):
            check_count(name, getattr(self, name))
        for name in ("layer_norm_eps", "initializer_range"):
            check_constant(name, getattr(self, name))
        if self.hidden_size % self.num_attention_heads or self.head_dim % 2:
            raise ConfigError(
                f"hidden_size {self.hidden_size} / num_attention_heads {self.num_attention_heads} "
                "must be an even whole number"
            )
        if self.max_position_embeddings < 4:
            raise ConfigError(
                f"max_position_embeddings must be at least 4; got {self.max_position_embeddings}"
            )
        if self.context is not None:
            check_context(self.context, self.token_bp, self.longest_bp)

    @property
    def vocab_size(self) -> int:
        """Rows of the token table."""
        return VOCAB_SIZE[self.version]

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def token_bp(self) -> int:
        """Bases of a whole token."""
        return TOKEN_BP

    @property
    def context_tokens(self) -> int:
        """Longest input in tokens, [CLS] included: positions are counted from 2."""
        return self.max_position_embeddings - 2

    @property
    def longest_bp(self) -> int:
        """Longest input in bases, without N, that there are positions for: one token is [CLS]."""
        return TOKEN_BP * (self.context_tokens - 1)

    @property
    def context_bp(self) -> int:
        """Bases that are read at once, in whole tokens; longer sequences are read in windows."""
        return self.longest_bp if self.context is None else self.context // TOKEN_BP * TOKEN_BP

    def window(self, layer: int) -> int | None:
        """None: every layer attends everywhere."""
        return None


def nt_config(name: str) -> NTConfig:
    """The published shapes: v2-50m, v2-100m, v2-250m, v2-500m, 500m-human-ref.

    Raises:
        ConfigError: No such preset.
    """
    if name not in _SHAPES:
        raise ConfigError(f"no preset {name!r}; there are {', '.join(_SHAPES)}")
    version, layers, hidden, heads, intermediate = _SHAPES[name]
    return NTConfig(
        version=version,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate,
    )


def nt_config_to_json(config: NTConfig) -> dict[str, Any]:
    """The published words."""
    data: dict[str, Any] = {
        "architectures": ["EsmForMaskedLM"],
        "model_type": "esm",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_position_embeddings,
        "position_embedding_type": _POSITIONS[config.version],
        "token_dropout": config.version == "v1",
        "emb_layer_norm_before": False,
        "layer_norm_eps": config.layer_norm_eps,
        "initializer_range": config.initializer_range,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": PAD,
        "mask_token_id": MASK,
        "is_folding_model": False,
        "tie_word_embeddings": False,
    }
    if config.context is not None:
        data["context_bp"] = config.context
    if config.version == "v2":
        data["add_bias_fnn"] = False
    return data


def nt_config_from_json(data: Mapping[str, Any], source: str = "config.json") -> NTConfig:
    """Read a published config.json; its position type says which version it is.

    Raises:
        ConfigError: A needed key is missing, or a value that neither version has.
    """

    def need(key: str) -> Any:
        if data.get(key) is None:
            raise ConfigError(f"{source} lacks {key!r}, which cannot be guessed")
        return data[key]

    position = need("position_embedding_type")
    versions = [v for v, kind in _POSITIONS.items() if kind == position]
    if not versions:
        raise ConfigError(
            f"{source}: position_embedding_type {shown(position)} is neither absolute (Nucleotide "
            "Transformer v1) nor rotary (v2)"
        )
    version = versions[0]
    if need("vocab_size") != VOCAB_SIZE[version]:
        raise ConfigError(
            f"{source}: vocab_size {shown(data['vocab_size'])} is not the {VOCAB_SIZE[version]} of "
            f"the Nucleotide Transformer {version}'s six-base tokens; other tokens (three bases, "
            "other species' models) are not read here"
        )
    fixed = {
        "token_dropout": version == "v1",
        "emb_layer_norm_before": False,
        "tie_word_embeddings": False,
        "is_folding_model": False,
    } | ({"add_bias_fnn": False} if version == "v2" else {"add_bias_fnn": True})
    for key, wanted in fixed.items():
        given = data.get(key)
        if given is not None and bool(given) is not wanted:
            raise ConfigError(f"{source}: {key} is {shown(given)}; in {version} it is {wanted}")
    asked = {
        "hidden_size": need("hidden_size"),
        "num_hidden_layers": need("num_hidden_layers"),
        "num_attention_heads": need("num_attention_heads"),
        "intermediate_size": need("intermediate_size"),
        "max_position_embeddings": need("max_position_embeddings"),
        "layer_norm_eps": need("layer_norm_eps"),
        "initializer_range": data.get("initializer_range", 0.02),
        "context": data.get("context_bp"),
    }
    try:
        return NTConfig(version=version, **asked)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
