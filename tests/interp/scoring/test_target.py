"""Which output of a fine-tuned head is explained, and as what number."""

from __future__ import annotations

import pytest
import torch

from nucel_interp.errors import InputError
from nucel_interp.scoring.target import find_target, target_logit
from nucel_model import ClassificationHead, Nucel, NucelConfig, NucelEncoder, every_third_global
from nucel_model.folder import FolderError


def make(labels, task="classes"):
    config = NucelConfig(
        hidden_size=16, num_attention_heads=2, intermediate_size=16,
        layer_types=every_third_global(1), max_position_embeddings=65,
    )  # fmt: skip
    head = ClassificationHead(16, labels, task=task)
    head.init_weights(0, std=1.0)
    return Nucel(NucelEncoder(config), classifier_head=head, name="tuned").eval()


def test_two_classes_give_the_difference_of_their_logits():
    model = make(["background", "site"])
    target = find_target(model)
    assert target.label == "site"
    outputs = torch.tensor([[1.0, 4.0], [2.0, -1.0]])
    assert target.of(outputs).tolist() == [3.0, -3.0]


def test_a_class_among_three_gives_the_log_odds_of_its_probability():
    target = find_target(make(["a", "b", "c"]), "b")
    outputs = torch.randn(5, 3)
    p = outputs.softmax(dim=1)[:, 1]
    torch.testing.assert_close(target.of(outputs), torch.log(p / (1 - p)))


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_labels_and_values_stand_as_they_are(task):
    model = make(["x", "y"], task)
    ids, mask = model.tokens(["ACGTACGT", "ACG"])
    wanted = model.predict_logits(ids, mask)[:, 0]
    got = target_logit(model, find_target(model, "x"), ids, mask)
    assert torch.equal(got, wanted)
    assert got.requires_grad


def test_what_cannot_be_chosen_is_said():
    with pytest.raises(InputError, match=r"3 outputs: a, b, c; say which .*--target"):
        find_target(make(["a", "b", "c"]))
    with pytest.raises(InputError, match=r"no output 'd'; its fine-tuned head has a, b"):
        find_target(make(["a", "b"]), "d")
    model = make(["a", "b"])
    model.classifier_head = None
    with pytest.raises(FolderError, match="nucel-pretrain finetune"):
        find_target(model)
