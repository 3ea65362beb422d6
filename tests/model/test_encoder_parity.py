"""The encoder is transformers' ModernBertModel: same weights in, same numbers out.

The reference runs eager in fp32. All lengths are in tokens, [CLS] included: 1025 tokens are 1024
bases. Only real tokens are compared: what stands at padding means nothing in either model.
"""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from safetensors.torch import save_file

from nucel_model import (
    Nucel,
    NucelConfig,
    NucelEncoder,
    every_third_global,
    from_pretrained,
    nucel_base,
    save_pretrained,
)
from nucel_model.config import config_to_json

transformers = pytest.importorskip("transformers")

TOLERANCE = 1e-5
LENGTHS = (1, 2, 63, 64, 65, 129, 1025)
SETTINGS = {
    "ModernBERT's constants": NucelConfig(
        hidden_size=64,
        num_attention_heads=4,
        intermediate_size=96,
        layer_types=every_third_global(5),
        max_position_embeddings=2048,
    ),
    "other constants": NucelConfig(
        hidden_size=48,
        num_attention_heads=6,
        intermediate_size=80,
        layer_types=(
            "sliding_attention",
            "full_attention",
            "full_attention",
            "sliding_attention",
        ),
        local_attention=32,
        global_rope_theta=10_000.0,
        local_rope_theta=1_000.0,
        norm_eps=1e-12,
        max_position_embeddings=2048,
    ),
}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    transformers.utils.logging.disable_progress_bar()
    yield
    transformers.utils.logging.enable_progress_bar()


def reference(config: NucelConfig):
    """A ModernBertModel with the initial weights that transformers draws."""
    kept = {
        key: value
        for key, value in config_to_json(config).items()
        if key not in ("architectures", "model_type")
    }
    theirs = transformers.ModernBertConfig(**kept, attn_implementation="eager")
    return transformers.ModernBertModel(theirs).eval()


def pair(config: NucelConfig, scale: float = 1.0):
    """The reference and our encoder with its weights, both with Wqkv multiplied by ``scale``."""
    theirs = reference(config)
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            if "Wqkv" in name:
                p *= scale
    ours = NucelEncoder(config).eval()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def largest_differences(theirs, ours, ids, mask) -> dict[str, float]:
    """Largest absolute difference at real tokens, and the largest probability met."""
    with torch.no_grad():
        a = theirs(ids, attention_mask=mask, output_attentions=True, output_hidden_states=True)
        b = ours(ids, mask, output_attentions=True, output_hidden_states=True)
    real = mask.bool()
    n_layers = ours.config.num_hidden_layers
    assert len(a.attentions) == len(b.attentions) == n_layers
    assert len(a.hidden_states) == len(b.hidden_states) == n_layers + 1
    rows = real[:, None, :, None]
    return {
        "hidden": max(
            (x - y)[real].abs().max().item()
            for x, y in zip(a.hidden_states, b.hidden_states, strict=True)
        ),
        "maps": max(
            ((x - y) * rows).abs().max().item()
            for x, y in zip(a.attentions, b.attentions, strict=True)
        ),
        "top": max((x * rows).max().item() for x in a.attentions),
    }


@pytest.mark.parametrize("scale", [1.0, 12.0], ids=["initial", "scaled"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_hidden_states_and_every_map_equal_the_reference(
    setting, scale, random_batch, record_property
):
    theirs, ours = pair(SETTINGS[setting], scale)
    worst = {"hidden": 0.0, "maps": 0.0}
    top = 0.0
    for length in LENGTHS:
        ids, mask = random_batch(length, max(1, length - 7))
        got = largest_differences(theirs, ours, ids, mask.long())
        worst = {key: max(worst[key], got[key]) for key in worst}
        assert got["hidden"] <= TOLERANCE, length
        assert got["maps"] <= TOLERANCE, length
        if length > 2:
            top = max(top, got["top"])
    record_property("worst", worst)
    if scale > 1:
        assert top > 0.9
    else:
        assert top < 0.9


@pytest.mark.parametrize("scale", [1.0, 12.0], ids=["initial", "scaled"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_sdpa_and_profile_give_eagers_hidden_states(setting, scale, random_batch):
    _, ours = pair(SETTINGS[setting], scale)
    for length in LENGTHS:
        ids, mask = random_batch(length, max(1, length - 7))
        with torch.no_grad():
            ours.backend = "eager"
            eager = ours(ids, mask).last_hidden_state[mask]
            ours.backend = "sdpa"
            sdpa = ours(ids, mask).last_hidden_state[mask]
        assert (eager - sdpa).abs().max() <= TOLERANCE
        profile = ours.profile(ids, mask).last_hidden_state[mask]
        assert (eager - profile).abs().max() <= TOLERANCE


@pytest.mark.parametrize(
    "change",
    [
        {"global_rope_theta": 100_000.0},
        {"local_rope_theta": 9_000.0},
        {"norm_eps": 1e-6},
        {"local_attention": 126},
        {"layer_types": (*every_third_global(4), "full_attention")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_comparison_sees_one_wrong_constant(change, random_batch):
    config = SETTINGS["ModernBERT's constants"]
    theirs, ours = pair(config, 12.0)
    wrong = NucelEncoder(dataclasses.replace(config, **change)).eval()
    wrong.load_state_dict(ours.state_dict())
    ids, mask = random_batch(129, 100)
    assert largest_differences(theirs, wrong, ids, mask.long())["hidden"] > 100 * TOLERANCE


def test_maps_are_banded_and_rows_sum_to_one(random_batch):
    config = SETTINGS["ModernBERT's constants"]
    _, ours = pair(config)
    ids, _ = random_batch(200)
    maps = ours(ids, output_attentions=True).attentions
    at = torch.arange(200)
    within = (at[:, None] - at).abs() <= 64
    for layer, probs in enumerate(maps):
        torch.testing.assert_close(probs.sum(-1), torch.ones(1, 4, 200), atol=1e-5, rtol=0)
        if config.window(layer) is not None:
            assert (probs[..., ~within] == 0).all()
            assert (probs[..., within] > 0).all()
        else:
            assert (probs > 0).all()


def test_padding_changes_nothing(random_batch):
    _, ours = pair(SETTINGS["ModernBERT's constants"], 12.0)
    ids, mask = random_batch(90, 40)
    with torch.no_grad():
        padded = ours(ids, mask).last_hidden_state[1, :40]
        alone = ours(ids[1:, :40]).last_hidden_state[0]
    assert (padded - alone).abs().max() <= TOLERANCE


def test_a_mask_of_integers_booleans_or_floats_means_the_same(random_batch):
    _, ours = pair(SETTINGS["ModernBERT's constants"], 12.0)
    ids, mask = random_batch(30, 20)
    with torch.no_grad():
        results = [ours(ids, m).last_hidden_state for m in (mask, mask.long(), mask.float())]
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_padding_on_the_left_is_refused(random_batch):
    ours = NucelEncoder(SETTINGS["ModernBERT's constants"])
    ids, mask = random_batch(30, 20)
    with pytest.raises(ValueError, match="padding goes on the right"):
        ours(ids.flip(1), mask.flip(1))


def test_a_mask_of_another_shape_is_refused(random_batch):
    ours = NucelEncoder(SETTINGS["ModernBERT's constants"])
    ids, mask = random_batch(30, 20)
    with pytest.raises(ValueError, match=r"attention_mask is \(2, 29\), input_ids \(2, 30\)"):
        ours(ids, mask[:, :-1])


def test_longer_than_the_context_is_refused_in_bases(random_batch):
    ours = NucelEncoder(SETTINGS["ModernBERT's constants"])
    with pytest.raises(ValueError, match="2,048 bases are more than the 2,047"):
        ours(random_batch(2049)[0])


def test_an_empty_batch_gives_an_empty_result():
    ours = NucelEncoder(SETTINGS["ModernBERT's constants"])
    ids = torch.zeros(0, 10, dtype=torch.long)
    assert ours(ids).last_hidden_state.shape == (0, 10, 64)
    assert ours.profile(ids).received.shape == (0, 5, 4, 9)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 12.0], ids=["initial", "scaled"])
def test_the_papers_shape_equals_the_reference(scale, random_batch):
    theirs, ours = pair(nucel_base(), scale)
    assert sum(p.numel() for p in ours.parameters()) == 92_311_552
    ids, mask = random_batch(301, 257)
    got = largest_differences(theirs, ours, ids, mask.long())
    assert got["hidden"] <= TOLERANCE
    assert got["maps"] <= TOLERANCE
    assert (got["top"] > 0.9) == (scale > 1)


def same_outputs(theirs, ours, ids, mask) -> float:
    with torch.no_grad():
        a = theirs(ids, attention_mask=mask.long()).last_hidden_state
        b = ours(ids, mask).last_hidden_state
    return (a - b)[mask].abs().max().item()


@pytest.mark.parametrize("setting", SETTINGS)
def test_our_folder_loads_in_transformers(setting, random_batch, tmp_path):
    encoder = NucelEncoder(SETTINGS[setting]).eval()
    save_pretrained(Nucel(encoder), tmp_path)
    theirs, info = transformers.ModernBertModel.from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert not any(info.values()), info
    assert same_outputs(theirs.eval(), encoder, *random_batch(129, 70)) <= TOLERANCE


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_folder_of_todays_transformers_loads_here(setting, random_batch, tmp_path):
    theirs = reference(SETTINGS[setting])
    theirs.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert "rope_parameters" in written
    assert "global_rope_theta" not in written
    ours = from_pretrained(tmp_path)
    assert ours.config == SETTINGS[setting]
    assert same_outputs(theirs, ours, *random_batch(129, 70)) <= TOLERANCE


def test_our_folder_comes_back_through_transformers_unchanged(tmp_path):
    config = SETTINGS["ModernBERT's constants"]
    save_pretrained(Nucel(NucelEncoder(config)), tmp_path / "ours")
    theirs = transformers.ModernBertModel.from_pretrained(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    before, after = from_pretrained(tmp_path / "ours"), from_pretrained(tmp_path / "theirs")
    assert after.config == config
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, after.state_dict()[name]), name


def test_a_folder_in_the_words_of_transformers_4_48_loads_in_both(random_batch, tmp_path):
    config = dataclasses.replace(
        SETTINGS["ModernBERT's constants"],
        global_rope_theta=50_000.0,
        local_rope_theta=2_000.0,
        norm_eps=1e-6,
        local_attention=64,
    )
    theirs = reference(config)
    (tmp_path / "config.json").write_text(
        """{
          "architectures": ["ModernBertModel"], "model_type": "modernbert",
          "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 2,
          "classifier_activation": "gelu", "classifier_bias": false, "classifier_dropout": 0.0,
          "classifier_pooling": "cls", "cls_token_id": 2, "decoder_bias": true,
          "deterministic_flash_attn": false, "embedding_dropout": 0.0, "eos_token_id": 3,
          "global_attn_every_n_layers": 3, "global_rope_theta": 50000.0,
          "hidden_activation": "gelu", "hidden_size": 64, "initializer_cutoff_factor": 2.0,
          "initializer_range": 0.02, "intermediate_size": 96, "layer_norm_eps": 1e-06,
          "local_attention": 64, "local_rope_theta": 2000.0, "max_position_embeddings": 2048,
          "mlp_bias": false, "mlp_dropout": 0.0, "norm_bias": false, "norm_eps": 1e-06,
          "num_attention_heads": 4, "num_hidden_layers": 5, "pad_token_id": 0,
          "position_embedding_type": "absolute", "reference_compile": false,
          "repad_logits_with_grad": false, "sep_token_id": 3, "sparse_pred_ignore_index": -100,
          "sparse_prediction": false, "tie_word_embeddings": false, "torch_dtype": "float32",
          "transformers_version": "4.48.3", "vocab_size": 27
        }"""
    )
    save_file(theirs.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    ours = from_pretrained(tmp_path)
    assert ours.config == config
    again = transformers.ModernBertModel.from_pretrained(tmp_path, attn_implementation="eager")
    batch = random_batch(129, 70)
    assert same_outputs(theirs, ours, *batch) <= TOLERANCE
    assert same_outputs(again.eval(), ours, *batch) <= TOLERANCE
