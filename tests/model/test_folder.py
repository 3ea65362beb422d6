"""Folders on disk: what is written comes back, and what cannot be trusted is refused by name."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from nucel_model import (
    ConfigError,
    FolderError,
    Nucel,
    NucelEncoder,
    from_pretrained,
    random_control,
    save_pretrained,
)
from nucel_model.heads import MaskedLMHead, ReplacedTokenHead


@pytest.fixture
def model(tiny):
    return Nucel(NucelEncoder(tiny), ReplacedTokenHead(tiny), MaskedLMHead(tiny)).eval()


@pytest.fixture
def folder(model, tmp_path):
    return save_pretrained(model, tmp_path / "model")


def change_config(folder, **values):
    path = folder / "config.json"
    data = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in data.items() if v is not None}))


def change_weights(folder, change, name="model.safetensors"):
    tensors = load_file(folder / name)
    change(tensors)
    save_file(tensors, folder / name)


def test_a_model_comes_back_with_its_heads(model, folder, random_batch):
    again = from_pretrained(folder)
    assert again.config == model.config
    assert again.name == "model"
    assert again.path == folder
    assert not again.training
    wanted = model.state_dict()
    assert again.state_dict().keys() == wanted.keys()
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name
    ids, mask = random_batch(40, 30)
    hidden = again(ids, mask).last_hidden_state
    assert again.replaced_logit(hidden).shape == (2, 39)
    torch.testing.assert_close(hidden, model(ids, mask).last_hidden_state, atol=0, rtol=0)


def test_methods_write_and_read_what_the_functions_do(model, folder, tmp_path):
    again = Nucel.from_pretrained(folder, context=20)
    assert (again.name, again.config.context_bp) == ("model", 20)
    written = again.save_pretrained(tmp_path / "again", head_source="elsewhere")
    assert written == tmp_path / "again"
    for name in ("model", "discriminator", "mlm"):
        path = f"{name}.safetensors"
        assert (written / path).read_bytes() == (folder / path).read_bytes()
    said = json.loads((written / "config.json").read_text())
    assert said["discriminator_head"]["source"] == "elsewhere"


def test_a_model_is_shown_in_one_line(model):
    n = sum(p.numel() for p in model.parameters())
    config = model.config
    assert repr(model) == (
        f"Nucel('model', {n:,} parameters, {config.num_hidden_layers} layers x "
        f"{config.num_attention_heads} heads, context {config.context_bp:,} bp)"
    )
    assert len(repr(model.encoder).splitlines()) > 10


def test_the_encoder_alone_stands_in_model_safetensors(folder):
    names = load_file(folder / "model.safetensors").keys()
    assert "embeddings.tok_embeddings.weight" in names
    assert "layers.1.attn_norm.weight" in names
    assert "layers.0.attn_norm.weight" not in names
    assert not any("discriminator" in name or "decoder" in name for name in names)


def test_without_a_discriminator_the_remedy_is_named(tiny, tmp_path, random_batch):
    save_pretrained(Nucel(NucelEncoder(tiny)), tmp_path / "released")
    model = from_pretrained(tmp_path / "released")
    hidden = model(random_batch(10)[0]).last_hidden_state
    with pytest.raises(FolderError, match=r"released has no discriminator head.*fit-head"):
        model.replaced_logit(hidden)
    with pytest.raises(FolderError, match=r"released has no discriminator head.*fit-head"):
        model.require_discriminator()


def test_where_there_is_a_discriminator_it_is_given(model):
    assert model.require_discriminator() is model.discriminator_head


def test_polarity_original_flips_the_sign(folder, random_batch):
    ids, mask = random_batch(30, 20)
    plain = from_pretrained(folder)
    hidden = plain(ids, mask).last_hidden_state
    with torch.no_grad():
        change_weights(
            folder,
            lambda t: t["discriminator_predictions.bias"].fill_(0.5),
            "discriminator.safetensors",
        )
    high_is_replaced = from_pretrained(folder).replaced_logit(hidden)
    change_config(folder, discriminator_head={"positive": "original"})
    high_is_original = from_pretrained(folder).replaced_logit(hidden)
    assert (high_is_replaced != 0).all()
    assert torch.equal(high_is_original, -high_is_replaced)


def test_polarity_survives_saving(tiny, tmp_path):
    head = ReplacedTokenHead(tiny, positive="original")
    save_pretrained(Nucel(NucelEncoder(tiny), head), tmp_path, head_source="fitted")
    written = json.loads((tmp_path / "config.json").read_text())["discriminator_head"]
    assert written == {"source": "fitted", "positive": "original"}
    again = from_pretrained(tmp_path).discriminator_head
    assert again is not None
    assert again.positive == "original"


@pytest.mark.parametrize("value", [None, {}, {"positive": "yes"}, {"source": "somewhere"}])
def test_a_head_of_unknown_polarity_is_refused(folder, value):
    change_config(folder, discriminator_head=value)
    with pytest.raises(ConfigError, match="which way the discriminator head points"):
        from_pretrained(folder)


def test_saving_over_a_model_leaves_no_head_of_the_old_one(tiny, folder):
    save_pretrained(Nucel(NucelEncoder(tiny)), folder)
    again = from_pretrained(folder)
    assert again.discriminator_head is None
    assert again.mlm_head is None


def test_no_such_folder(tmp_path):
    with pytest.raises(FolderError, match=r"there is no model folder .*nucel-mini"):
        from_pretrained(tmp_path / "nowhere")


def test_a_folder_without_config_or_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(FolderError, match=r"has no model\.safetensors"):
        from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(FolderError, match=r"has no config\.json"):
        from_pretrained(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_refused_unopened_with_how_to_convert(folder, name):
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"this would run code")
    with pytest.raises(FolderError, match=r"can run code.*Convert.*save_pretrained"):
        from_pretrained(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ("\xff\xfe", "is not UTF-8 text"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_config_that_is_not_json(folder, text, words):
    (folder / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(FolderError, match=words):
        from_pretrained(folder)


@pytest.mark.parametrize("name", ["model", "discriminator", "mlm"])
@pytest.mark.parametrize("kept", [0, 5, -10])
def test_weights_cut_short(folder, name, kept):
    path = folder / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FolderError, match=rf"{name}\.safetensors cannot be read.*cut short"):
        from_pretrained(folder)


def test_a_missing_and_an_extra_tensor_are_named(folder):
    change_weights(folder, lambda t: t.update(stray=t.pop("layers.2.mlp.Wi.weight")))
    with pytest.raises(
        FolderError, match=r"missing layers\.2\.mlp\.Wi\.weight; not expected stray"
    ):
        from_pretrained(folder)


def test_many_missing_tensors_are_counted(folder):
    change_weights(folder, lambda t: [t.pop(k) for k in list(t) if k.endswith("mlp.Wi.weight")])
    with pytest.raises(FolderError, match=r"and \d+ more; not expected nothing"):
        from_pretrained(folder)


@pytest.mark.parametrize("n", [3, 7])
def test_another_number_of_layers_is_told(folder, n):
    change_config(folder, num_hidden_layers=n, layer_types=None, global_attn_every_n_layers=3)
    with pytest.raises(FolderError, match=rf"holds 4 layers, and num_hidden_layers is {n}"):
        from_pretrained(folder)


def test_a_tensor_of_another_shape_is_named(folder):
    change_config(folder, intermediate_size=50)
    with pytest.raises(
        FolderError, match=r"layers\.0\.mlp\.Wi\.weight has shape \(96, 32\).*\(100, 32\)"
    ):
        from_pretrained(folder)


def test_another_vocabulary_is_refused(folder):
    change_config(folder, vocab_size=50368)
    with pytest.raises(ConfigError, match="vocab_size 50368 is not NucEL's 27"):
        from_pretrained(folder)


def test_half_precision_weights_are_read_as_fp32(model, folder):
    change_weights(folder, lambda t: t.update({k: v.half() for k, v in t.items()}))
    again = from_pretrained(folder)
    for name, tensor in again.encoder.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, model.encoder.state_dict()[name].half().float()), name


def test_a_random_control_has_the_shape_and_other_weights(model):
    control, same, other = (random_control(model, seed) for seed in (1, 1, 2))
    assert control.config == model.config
    weight = "layers.1.attn.Wqkv.weight"
    weights = [m.encoder.state_dict()[weight] for m in (model, control, same, other)]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[1], weights[0])
    assert not torch.equal(weights[1], weights[3])
    assert control.discriminator_head is None
