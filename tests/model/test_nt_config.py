"""The Nucleotide Transformer's shapes: published counts, limits, and its JSON in and out."""

from __future__ import annotations

import pytest
import torch

from nucel_model import ConfigError, NTConfig, NucleotideTransformer, nt_config
from nucel_model.config import config_from_json
from nucel_model.nt_config import nt_config_from_json, nt_config_to_json

PUBLISHED_V2_50M = {
    "add_bias_fnn": False, "architectures": ["EsmForMaskedLM"], "attention_probs_dropout_prob": 0.0,
    "emb_layer_norm_before": False, "esmfold_config": None, "hidden_dropout_prob": 0.0,
    "hidden_size": 512, "initializer_range": 0.02, "intermediate_size": 2048,
    "is_folding_model": False, "layer_norm_eps": 1e-12, "mask_token_id": 2,
    "max_position_embeddings": 2050, "model_type": "esm", "num_attention_heads": 16,
    "num_hidden_layers": 12, "pad_token_id": 1, "position_embedding_type": "rotary",
    "tie_word_embeddings": False, "token_dropout": False, "use_cache": False, "vocab_list": None,
    "vocab_size": 4107,
}  # fmt: skip
ALL_PRESETS = ("v2-50m", "v2-100m", "v2-250m", "v2-500m", "500m-human-ref")


def n_parameters(config: NTConfig, *, with_head: bool = True) -> int:
    with torch.device("meta"):
        model = NucleotideTransformer(config, with_head=with_head)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "with_head", "without"),
    [
        ("v2-50m", 55_904_972, 53_534_401),
        ("v2-100m", 97_889_132, 95_518_561),
        ("v2-250m", 235_120_780, 231_370_369),
        ("v2-500m", 498_345_436, 493_084_113),
    ],
)
def test_v2_has_the_published_number_of_parameters(name, with_head, without):
    assert n_parameters(nt_config(name)) == with_head
    assert n_parameters(nt_config(name), with_head=False) == without


def test_v1_has_the_published_number_of_parameters():
    largest = NTConfig(
        version="v1",
        hidden_size=2560,
        num_hidden_layers=32,
        num_attention_heads=20,
        intermediate_size=10_240,
    )
    contact_head = 32 * 20 + 1  # not in the original network, whose number is published
    assert n_parameters(largest) - contact_head == 2_547_800_585
    assert round(n_parameters(nt_config("500m-human-ref")) / 1e6, 1) == 485.7


@pytest.mark.parametrize(
    ("name", "tokens", "bases"), [("v2-100m", 2048, 12_282), ("500m-human-ref", 1000, 5_994)]
)
def test_context_counts_cls_and_six_bases_a_token(name, tokens, bases):
    config = nt_config(name)
    assert (config.context_tokens, config.context_bp, config.token_bp) == (tokens, bases, 6)
    assert {config.window(layer) for layer in range(config.num_hidden_layers)} == {None}


def test_the_100m_preset_has_nucels_depth_width_and_heads():
    from nucel_model import nucel_base

    ours, theirs = nucel_base(), nt_config("v2-100m")
    for name in ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size"):
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize("name", ALL_PRESETS)
def test_a_configuration_comes_back_from_its_json(name):
    config = nt_config(name)
    assert nt_config_from_json(nt_config_to_json(config)) == config


def test_the_published_json_is_the_50m_preset():
    assert nt_config_from_json(PUBLISHED_V2_50M) == nt_config("v2-50m")


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no preset 'v2-1b'.*v2-50m.*500m-human-ref"):
        nt_config("v2-1b")


@pytest.mark.parametrize(
    "key",
    [
        "position_embedding_type", "vocab_size", "hidden_size", "num_hidden_layers",
        "num_attention_heads", "intermediate_size", "max_position_embeddings", "layer_norm_eps",
    ],
)  # fmt: skip
def test_what_cannot_be_guessed_is_asked_for_by_name(key):
    data = {k: v for k, v in PUBLISHED_V2_50M.items() if k != key}
    with pytest.raises(ConfigError, match=f"here.json lacks '{key}'"):
        nt_config_from_json(data, "here.json")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("vocab_size", 4105, "vocab_size 4105 is not the 4107"),
        ("vocab_size", 70, "vocab_size 70 is not the 4107.*three bases"),
        ("vocab_size", 33, "vocab_size 33"),
        ("position_embedding_type", "relative_key", "'relative_key' is neither absolute .* rotary"),
        ("token_dropout", True, "token_dropout is True; in v2 it is False"),
        ("add_bias_fnn", True, "add_bias_fnn is True"),
        ("emb_layer_norm_before", True, "emb_layer_norm_before is True"),
        ("tie_word_embeddings", True, "tie_word_embeddings is True"),
        ("is_folding_model", True, "is_folding_model is True"),
        ("num_attention_heads", 7, "hidden_size 512 / num_attention_heads 7"),
        ("num_hidden_layers", "12", "num_hidden_layers must be a whole number"),
        ("max_position_embeddings", 3, "max_position_embeddings must be at least 4"),
    ],
)
def test_what_neither_version_has_is_refused_by_name(key, value, words):
    with pytest.raises(ConfigError, match=words):
        nt_config_from_json(PUBLISHED_V2_50M | {key: value})


def test_nucels_reader_does_not_take_an_esm_configuration():
    with pytest.raises(ConfigError, match="'esm' model"):
        config_from_json(PUBLISHED_V2_50M)
