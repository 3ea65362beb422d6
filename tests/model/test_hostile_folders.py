"""Folders that ask for too much or hold no numbers: refused by name, at once, before any memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file, save_file

from nucel_model import (
    ClassificationHead,
    ConfigError,
    FolderError,
    NTConfig,
    Nucel,
    NucelEncoder,
    NucleotideTransformer,
    from_pretrained,
    save_pretrained,
)
from nucel_model.config import MOST
from nucel_model.heads import MaskedLMHead, ReplacedTokenHead

NT = NTConfig(
    version="v1", hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=16, max_position_embeddings=40,
)  # fmt: skip
HUGE = 10**9


@pytest.fixture(params=["NucEL", "NT"])
def folder(request, tiny, tmp_path):
    if request.param == "NT":
        model = Nucel(NucleotideTransformer(NT))
        model.classifier_head = ClassificationHead(16, ["a", "b"])
        return save_pretrained(model, tmp_path / "model")
    heads = (ReplacedTokenHead(tiny), MaskedLMHead(tiny), ClassificationHead(32, ["a", "b"]))
    return save_pretrained(Nucel(NucelEncoder(tiny), *heads), tmp_path / "model")


def change(folder, **values):
    path = folder / "config.json"
    data = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in data.items() if v != "gone"}))


@contextmanager
def at_once():
    """Under a second, and hardly any memory; what torch cannot allocate is an error by itself."""
    begun = time.perf_counter()
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - begun < 3


@pytest.mark.parametrize(
    "key",
    [
        "num_hidden_layers",
        "hidden_size",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "vocab_size",
    ],
)
@pytest.mark.parametrize("value", [HUGE, 10**4000])
def test_a_huge_number_is_refused_with_its_name_and_the_bound(folder, key, value):
    change(folder, **{key: value}, layer_types="gone")
    with at_once(), pytest.raises(ConfigError) as caught:
        from_pretrained(folder)
    words = str(caught.value)
    assert key in words
    assert str(value)[:20] in words
    assert len(words) < 400
    if key != "vocab_size":
        assert f"must be {MOST[key]:,} at most" in words


def test_many_listed_layers_are_refused(folder):
    change(folder, layer_types=["full_attention"] * 100_000, num_hidden_layers=100_000)
    with at_once(), pytest.raises(ConfigError, match=r"num_hidden_layers must be 256 at most"):
        from_pretrained(folder)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("num_hidden_layers", 250, "holds . layers, and num_hidden_layers is 250"),
        ("hidden_size", MOST["hidden_size"], r"has shape .*config.json asks for .*65536"),
        ("intermediate_size", MOST["intermediate_size"], "config.json asks for"),
    ],
)
def test_what_the_weights_have_not_is_told_from_their_header(folder, key, value, words):
    change(folder, **{key: value}, layer_types="gone")
    with at_once(), pytest.raises(FolderError, match=words):
        from_pretrained(folder)


@pytest.mark.parametrize("key", ["hidden_size", "num_attention_heads", "num_hidden_layers"])
@pytest.mark.parametrize("value", [-1, 1.5, 4.0, True, "4", [4], {"a": 4}, float("nan")])
def test_what_is_no_whole_number_is_refused(folder, key, value):
    change(folder, **{key: value}, layer_types="gone")
    with pytest.raises(ConfigError, match=rf"{key} must be a whole number from 1 up; got "):
        from_pretrained(folder)


@pytest.mark.parametrize("value", [0, -1e-5, float("nan"), float("inf"), True, "1e-5", [1]])
def test_constants_are_finite_and_above_0(folder, value):
    nucel = "norm_eps" in json.loads((folder / "config.json").read_text())
    for key in (
        ("norm_eps", "global_rope_theta", "local_rope_theta") if nucel else ("layer_norm_eps",)
    ):
        saved = (folder / "config.json").read_text()
        change(folder, **{key: value}, rope_parameters="gone")
        with pytest.raises(ConfigError, match=rf"{key} must be a number above 0; got "):
            from_pretrained(folder)
        (folder / "config.json").write_text(saved)


@pytest.mark.parametrize(
    ("change_of", "words"),
    [
        ({"rope_parameters": 5}, "rope_parameters of full_attention are no object; got 5"),
        ({"rope_parameters": {"full_attention": [1]}}, "rope_parameters of full_attention are no"),
        ({"layer_types": "full_attention"}, "layer_types must be a list"),
        (
            {"layer_types": [["full_attention"]] * 4, "global_attn_every_n_layers": "gone"},
            r"layer_types holds \['full_attention'\]",
        ),
        (
            {"global_attn_every_n_layers": True, "layer_types": "gone"},
            "must be 1 or more; got True",
        ),
        ({"model_type": ["esm"]}, r"describes a \['esm'\] model"),
        ({"hidden_activation": {"a": 1}}, "hidden_activation {'a': 1} is not gelu"),
        ({"discriminator_head": "replaced"}, "which way the discriminator head points"),
        ({"classifier_head": ["a"]}, "does not say what the classes"),
        ({"classifier_head": {"labels": ["a", "b"], "task": ["x"]}}, "classifier_head.task must"),
    ],
)
def test_values_of_another_kind_are_named(tiny, tmp_path, change_of, words):
    heads = (ReplacedTokenHead(tiny), None, ClassificationHead(32, ["a", "b"]))
    folder = save_pretrained(Nucel(NucelEncoder(tiny), *heads), tmp_path / "model")
    change(folder, **change_of)
    with pytest.raises(ConfigError, match=words):
        from_pretrained(folder)


def test_a_file_of_json_that_is_far_too_long_is_not_read(folder):
    with (folder / "config.json").open("a") as file:
        file.truncate(1 << 30)  # a hole: takes no room on the disk
    with at_once(), pytest.raises(FolderError, match=r"has 1,073,741,824 bytes, more than"):
        from_pretrained(folder)


def test_a_mark_before_the_json_is_passed_over(folder):
    path = folder / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert from_pretrained(folder).config.num_hidden_layers


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused_with_its_tensor(folder, value):
    files = sorted(folder.glob("*.safetensors"))
    assert len(files) in (2, 4)  # a Nucleotide Transformer's encoder and head; all heads
    for path in files:
        tensors = load_file(path)
        key = sorted(tensors)[-1]
        kept = tensors[key].clone()
        tensors[key].view(-1)[-1] = value
        save_file(tensors, path)
        words = rf"{path.name}: 1 of .* numbers in {key} are not finite.*earlier checkpoint"
        with pytest.raises(FolderError, match=words) as caught:
            from_pretrained(folder)
        assert "\n" not in str(caught.value)
        save_file(tensors | {key: kept}, path)
    from_pretrained(folder)


def test_a_half_precision_model_with_infinities_is_refused(folder):
    path = folder / "model.safetensors"
    tensors = {k: t.half() for k, t in load_file(path).items()}
    key = sorted(tensors)[0]
    tensors[key].view(-1)[0] = 1e6  # beyond what fp16 holds
    save_file(tensors, path)
    with pytest.raises(FolderError, match=f"numbers in {key} are not finite"):
        from_pretrained(folder)


def test_quantised_weights_are_refused(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    key = sorted(tensors)[0]
    tensors[key] = (tensors[key] * 100).to(torch.int8)
    save_file(tensors, path)
    with pytest.raises(FolderError, match=rf"{key} holds whole numbers \(I8\), as quantised"):
        from_pretrained(folder)


def test_loading_leaves_the_random_numbers_as_they_were(folder):
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    from_pretrained(folder)
    assert torch.equal(torch.rand(4), wanted)
