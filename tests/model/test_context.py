"""How many bases are read at once, and what else of a folder is kept when it is saved again."""

from __future__ import annotations

import json

import pytest
import torch

from nucel_model import (
    ConfigError,
    NTConfig,
    Nucel,
    NucelEncoder,
    NucleotideTransformer,
    from_pretrained,
    random_control,
    save_pretrained,
)


@pytest.fixture
def folder(tiny, tmp_path):
    return save_pretrained(Nucel(NucelEncoder(tiny)), tmp_path / "nucel")


@pytest.fixture
def six(tmp_path):
    config = NTConfig(
        version="v2", hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=102,
    )  # fmt: skip
    return save_pretrained(Nucel(NucleotideTransformer(config)), tmp_path / "six")


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_by_default_as_many_as_there_are_positions_for(folder, six):
    assert from_pretrained(folder).config.context_bp == 2047
    assert from_pretrained(six).config.context_bp == 594
    assert from_pretrained("nucel-mini").config.context_bp == 256


def test_a_context_is_what_is_read_at_once_and_its_control_reads_alike(folder, six):
    for place, asked, got in ((folder, 100, 100), (six, 200, 198), (folder, 2047, 2047)):
        model = from_pretrained(place, context=asked)
        assert model.config.context_bp == got
        assert random_control(model, 0).config.context_bp == got
    # the network itself stays as it is
    assert model.config.max_position_embeddings == 2048


@pytest.mark.parametrize("context", [15, 0, -1, 2048, 10**9, 100.0, True, "100"])
def test_a_context_out_of_bounds_is_refused_with_them(folder, context):
    with pytest.raises(ConfigError, match=r"nucel: a context of .* bp .* from 16 to 2,047 bp"):
        from_pretrained(folder, context=context)


@pytest.mark.parametrize("context", [95, 595])
def test_the_bounds_of_longer_tokens(six, context):
    with pytest.raises(ConfigError, match=r"from 96 to 594 bp"):
        from_pretrained(six, context=context)


@pytest.mark.parametrize(
    ("said", "bases"),
    [(512, 511), (2048, 2047), (1e30, 2047), (float("inf"), 2047), (float("nan"), 2047), (5, 2047),
     (None, 2047), ("512", 2047), (True, 2047)],
)  # fmt: skip
def test_a_tokenizers_longest_input_bounds_it(folder, said, bases):
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": said}))
    assert from_pretrained(folder).config.context_bp == bases
    assert from_pretrained(folder, context=1000).config.context_bp == 1000


def test_a_tokenizers_longest_input_counts_tokens(six):
    (six / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 51}))
    assert from_pretrained(six).config.context_bp == 300


@pytest.mark.parametrize("context", [None, 300])
def test_a_saved_model_goes_on_reading_as_many(folder, six, tmp_path, context):
    for place in (folder, six):
        saved = save_pretrained(from_pretrained(place, context=context), tmp_path / "again")
        again = from_pretrained(saved)
        assert again.config == from_pretrained(place, context=context).config
        said = json.loads((saved / "config.json").read_text())
        assert said.get("context_bp") == context


def test_more_than_the_positions_is_refused_by_the_network(folder):
    model = from_pretrained(folder, context=100)
    ids = torch.full((1, 2049), 11)
    with pytest.raises(ValueError, match=r"2,048 bases are more than the 2,047"):
        model(ids)
    assert model(ids[:, :200]).last_hidden_state.shape[1] == 200


def test_dropout_and_unknown_keys_are_kept(folder, tmp_path):
    change(
        folder,
        attention_dropout=0.1,
        classifier_dropout=0.2,
        id2label={"0": "no"},
        note="kept",
        torch_dtype="bfloat16",
        auto_map={"AutoModel": "code.py"},
        norm_eps=1e-6,
    )
    again = save_pretrained(from_pretrained(folder), tmp_path / "again")
    said = json.loads((again / "config.json").read_text())
    assert said["attention_dropout"] == 0.1
    assert said["classifier_dropout"] == 0.2
    assert said["id2label"] == {"0": "no"}
    assert said["note"] == "kept"
    assert said["norm_eps"] == 1e-6
    # of weights in another precision, and of code that is not written
    assert "torch_dtype" not in said
    assert "auto_map" not in said


def test_dropout_of_six_base_models_is_kept(six, tmp_path):
    change(six, hidden_dropout_prob=0.1)
    again = save_pretrained(from_pretrained(six), tmp_path / "again")
    assert json.loads((again / "config.json").read_text())["hidden_dropout_prob"] == 0.1


def test_a_head_that_is_gone_is_not_kept(folder, tmp_path):
    change(folder, discriminator_head={"positive": "replaced"}, classifier_head={"labels": ["a"]})
    again = save_pretrained(from_pretrained(folder), tmp_path / "again")
    said = json.loads((again / "config.json").read_text())
    assert "discriminator_head" not in said
    assert "classifier_head" not in said


@pytest.mark.parametrize(
    ("kind", "reader"), [("modernbert", "AutoModel"), ("esm", "AutoModelForMaskedLM")]
)
def test_how_to_convert_is_told_for_each_family(folder, six, kind, reader):
    place = folder if kind == "modernbert" else six
    (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(ValueError, match=rf"transformers: {reader}\.from_pretrained\("):
        from_pretrained(place)


def test_a_local_theta_of_null_is_the_global_one(folder):
    change(folder, local_rope_theta=None, rope_parameters=None, global_rope_theta=5e4)
    config = from_pretrained(folder).config
    assert config.local_rope_theta == config.global_rope_theta == 5e4


def test_a_local_theta_of_the_newer_words_holds_beside_null(folder):
    change(folder, local_rope_theta=None)
    assert from_pretrained(folder).config.local_rope_theta == 10_000.0
