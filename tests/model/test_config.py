"""config.json in both dialects; what must not be guessed is asked for by name."""

from __future__ import annotations

import pytest

from nucel_model import ConfigError, NucelConfig, every_third_global, nucel_base
from nucel_model.config import config_from_json, config_to_json

OLD = {
    "model_type": "modernbert",
    "vocab_size": 27,
    "hidden_size": 64,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "local_attention": 64,
    "global_attn_every_n_layers": 2,
    "global_rope_theta": 50000.0,
    "local_rope_theta": 2000.0,
    "norm_eps": 1e-6,
    "max_position_embeddings": 512,
}
G, L = "full_attention", "sliding_attention"
NEW = {key: value for key, value in OLD.items() if "theta" not in key and "every" not in key} | {
    "layer_types": [G, L, G, L, G],
    "rope_parameters": {
        G: {"rope_type": "default", "rope_theta": 50000.0},
        L: {"rope_type": "default", "rope_theta": 2000.0},
    },
}


@pytest.mark.parametrize("data", [OLD, NEW, OLD | NEW], ids=["4.48", "5", "both"])
def test_both_dialects_say_the_same(data):
    assert config_from_json(data) == NucelConfig(
        hidden_size=64,
        num_attention_heads=4,
        intermediate_size=96,
        layer_types=(G, L, G, L, G),
        local_attention=64,
        global_rope_theta=50000.0,
        local_rope_theta=2000.0,
        norm_eps=1e-6,
        max_position_embeddings=512,
    )


@pytest.mark.parametrize("types", [every_third_global(7), (L, G, G), (G,), (L, L), (G, L)])
def test_what_is_written_reads_back(types):
    config = NucelConfig(
        hidden_size=64,
        num_attention_heads=4,
        intermediate_size=96,
        layer_types=types,
        local_attention=32,
        global_rope_theta=1.5,
        local_rope_theta=2.5,
        norm_eps=1e-12,
        max_position_embeddings=99,
    )
    written = config_to_json(config)
    assert config_from_json(written) == config
    old_words = {k: v for k, v in written.items() if k not in ("layer_types", "rope_parameters")}
    if "global_attn_every_n_layers" in written:
        assert config_from_json(old_words) == config
    else:
        with pytest.raises(ConfigError, match="layer pattern"):
            config_from_json(old_words)


def test_windows_and_thetas_follow_the_layer_types():
    config = config_from_json(OLD)
    assert [config.window(i) for i in range(5)] == [None, 32, None, 32, None]
    assert [config.rope_theta(i) for i in range(2)] == [50000.0, 2000.0]
    assert (config.num_hidden_layers, config.head_dim, config.context_bp) == (5, 16, 511)


def test_the_papers_shape():
    config = nucel_base()
    assert [i for i in range(22) if config.window(i) is None] == [0, 3, 6, 9, 12, 15, 18, 21]
    assert config.window(1) == 64


def without(data, key):
    return {k: v for k, v in data.items() if k != key}


@pytest.mark.parametrize(
    "key",
    [
        "vocab_size",
        "hidden_size",
        "num_attention_heads",
        "intermediate_size",
        "local_attention",
        "global_rope_theta",
        "local_rope_theta",
        "norm_eps",
    ],
)
def test_a_missing_or_null_key_is_named(key):
    given = [without(OLD, key)]
    if key != "local_rope_theta":  # null has a meaning there
        given.append(OLD | {key: None})
    for data in given:
        with pytest.raises(ConfigError, match=key) as caught:
            config_from_json(data, source="folder/config.json")
        assert "folder/config.json" in str(caught.value)


@pytest.mark.parametrize("key", ["global_attn_every_n_layers", "num_hidden_layers"])
def test_a_missing_pattern_is_refused(key):
    with pytest.raises(ConfigError, match="layer pattern"):
        config_from_json(without(OLD, key))


@pytest.mark.parametrize(("kind", "old_key"), [(G, "global_rope_theta"), (L, "local_rope_theta")])
def test_a_theta_missing_from_the_new_dialect_is_refused(kind, old_key):
    rope = {k: v for k, v in NEW["rope_parameters"].items() if k != kind}
    with pytest.raises(ConfigError, match=old_key):
        config_from_json(NEW | {"rope_parameters": rope})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"global_rope_theta": 10000.0}, "global_rope_theta disagree: 10000.0 and 50000.0"),
        ({"local_rope_theta": 10000.0}, "local_rope_theta disagree"),
        ({"global_attn_every_n_layers": 3}, "global_attn_every_n_layers=3 disagree"),
        ({"num_hidden_layers": 4, "global_attn_every_n_layers": None}, "5 layer_types"),
    ],
)
def test_dialects_that_disagree_are_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        config_from_json(OLD | NEW | change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "bert"}, "'bert' model"),
        ({"norm_bias": True}, "sets norm_bias"),
        ({"attention_bias": True}, "sets attention_bias"),
        ({"mlp_bias": True}, "sets mlp_bias"),
        ({"hidden_activation": "relu"}, "'relu' is not gelu"),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0}}, "rope_scaling"),
        ({"hidden_size": 62}, "62 is not divisible by num_attention_heads 4"),
        ({"hidden_size": 60}, "even head width"),
        ({"hidden_size": "64"}, "hidden_size must be a whole number from 1 up; got '64'"),
        ({"num_attention_heads": 0}, "num_attention_heads must be .*; got 0"),
        ({"norm_eps": "small"}, "norm_eps must be a number above 0; got 'small'"),
        ({"global_rope_theta": -1.0}, "global_rope_theta must be a number above 0; got -1.0"),
        ({"local_attention": 1}, "local_attention must be at least 2"),
        ({"num_hidden_layers": 0}, "at least one layer"),
        ({"global_attn_every_n_layers": 0}, "must be 1 or more; got 0"),
    ],
)
def test_what_cannot_be_built_or_is_not_nucel_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        config_from_json(OLD | change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rope_type": "linear", "factor": 2.0}, "rope_type 'linear'"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
    ],
)
def test_other_kinds_of_rotary_positions_are_refused(change, words):
    rope = {G: NEW["rope_parameters"][G] | change, L: NEW["rope_parameters"][L]}
    with pytest.raises(ConfigError, match=words):
        config_from_json(NEW | {"rope_parameters": rope})


def test_an_unknown_layer_type_is_refused():
    with pytest.raises(ConfigError, match="'linear_attention'"):
        config_from_json(NEW | {"layer_types": [G, L, G, L, "linear_attention"]})
