"""A fine-tuned head on [CLS]: kept in its folder, named by its classes, refused when it is not."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from nucel_model import (
    ClassificationHead,
    ConfigError,
    FolderError,
    Nucel,
    NucelEncoder,
    from_pretrained,
    save_pretrained,
)


@pytest.fixture
def model(tiny):
    head = ClassificationHead(tiny.hidden_size, ["B before A", "A before B"], "fitted in a test")
    head.init_weights(3)
    encoder = NucelEncoder(tiny)
    encoder.init_weights(0)
    return Nucel(encoder, classifier_head=head).eval()


@pytest.fixture
def folder(model, tmp_path):
    return save_pretrained(model, tmp_path / "model")


def test_the_head_comes_back_with_its_classes(model, folder, random_batch):
    again = from_pretrained(folder).classifier_head
    assert again.labels == ("B before A", "A before B")
    assert again.source == "fitted in a test"
    ids, mask = random_batch(40, 30)
    hidden = model(ids, mask).last_hidden_state
    assert torch.equal(again(hidden), model.classifier_head(hidden))


def test_logits_are_a_linear_reading_of_cls_alone(model, random_batch):
    hidden = model(*random_batch(40, 30)).last_hidden_state
    linear = model.classifier_head.linear
    wanted = hidden[:, 0] @ linear.weight.T + linear.bias
    torch.testing.assert_close(model.classifier_head(hidden), wanted)
    hidden[:, 1:] = 0
    torch.testing.assert_close(model.classifier_head(hidden), wanted)


def test_the_mean_is_over_real_tokens_without_cls(tiny, random_batch):
    head = ClassificationHead(tiny.hidden_size, ["height"], task="regression", pooling="mean")
    head.init_weights(3)
    _, mask = random_batch(40, 30)
    hidden = torch.randn(2, 40, tiny.hidden_size)
    got = head(hidden, mask)
    wanted = [head.linear(hidden[i, 1:n].mean(dim=0)) for i, n in enumerate((40, 30))]
    torch.testing.assert_close(got, torch.stack(wanted))
    torch.testing.assert_close(head(hidden[:1]), got[:1])  # without a mask all are real


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_task_and_pooling_come_back(tiny, tmp_path, task):
    head = ClassificationHead(
        tiny.hidden_size, ["one"], task=task, pooling="mean", strands="forward"
    )
    save_pretrained(Nucel(NucelEncoder(tiny), classifier_head=head), tmp_path)
    again = from_pretrained(tmp_path).classifier_head
    assert (again.task, again.pooling, again.labels) == (task, "mean", ("one",))
    assert again.strands == "forward"


def test_a_folder_that_does_not_name_its_task_has_classes_on_cls(folder):
    config = json.loads((folder / "config.json").read_text())
    for name in ("task", "pooling", "strands"):
        del config["classifier_head"][name]
    (folder / "config.json").write_text(json.dumps(config))
    again = from_pretrained(folder).classifier_head
    assert (again.task, again.pooling, again.strands) == ("classes", "cls", "both")


def test_a_model_predicts_by_its_head(model, random_batch):
    ids, mask = random_batch(40, 30)
    wanted = model.classifier_head(model(ids, mask).last_hidden_state)
    torch.testing.assert_close(model.predict_logits(ids, mask), wanted)
    with pytest.raises(FolderError, match="nucel-pretrain finetune"):
        Nucel(model.encoder).predict_logits(ids, mask)


def test_the_encoder_is_saved_as_without_a_head(model, folder, tmp_path):
    bare = save_pretrained(Nucel(model.encoder), tmp_path / "bare")
    name = "model.safetensors"
    assert (folder / name).read_bytes() == (bare / name).read_bytes()


def test_a_model_without_a_head_leaves_none_behind(model, folder):
    save_pretrained(Nucel(model.encoder), folder)
    assert not (folder / "classifier.safetensors").exists()
    assert "classifier_head" not in json.loads((folder / "config.json").read_text())
    assert from_pretrained(folder).classifier_head is None


def test_a_head_that_does_not_fit_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    for said, message in (
        (None, "does not say what the classes"),
        ({"labels": "AB"}, "does not say what the classes"),
        ({"labels": ["one"]}, "two names or more"),
        ({"labels": ["same", "same"]}, "all different"),
        ({"labels": ["a", "b"], "task": "class"}, "classes, multilabel or regression; got 'class'"),
        ({"labels": ["a", "b"], "pooling": "max"}, "cls or mean; got 'max'"),
    ):
        (folder / "config.json").write_text(json.dumps({**config, "classifier_head": said}))
        with pytest.raises(ConfigError, match=message):
            from_pretrained(folder)
    (folder / "config.json").write_text(
        json.dumps({**config, "classifier_head": {"labels": ["a", "b", "c"]}})
    )
    with pytest.raises(FolderError, match=r"linear\.(bias|weight) has shape"):
        from_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    path = folder / "classifier.safetensors"
    tensors = load_file(path)
    save_file({"linear.weight": tensors["linear.weight"]}, path)
    with pytest.raises(FolderError, match=r"missing linear\.bias"):
        from_pretrained(folder)
