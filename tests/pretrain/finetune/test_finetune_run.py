"""Fine-tuning from labelled sequences: every task, mode and option, and what a folder keeps."""

from __future__ import annotations

import copy
import dataclasses
import json

import numpy as np
import pytest
import torch

from nucel_model import (
    NTConfig,
    Nucel,
    NucelEncoder,
    NucleotideTransformer,
    from_pretrained,
)
from nucel_pretrain.errors import DataError, PretrainError
from nucel_pretrain.finetune import lora
from nucel_pretrain.finetune.classifier import give_head, outputs_of, reverse_complement
from nucel_pretrain.finetune.dataset import Dataset, Part
from nucel_pretrain.finetune.run import FinetuneSettings, finetune
from tests.toy import nucel, shape

CONFIG = shape(intermediate_size=24, initializer_range=0.1, reach=128)
QUICK = FinetuneSettings(learning_rates=(5e-3,), epochs=4, batch=16, seeds=(0,))


def tiny():
    return nucel(CONFIG, head=False)


def sequences_of(gc):
    rng = np.random.default_rng(len(gc))
    return tuple(
        "".join(rng.choice(list("ACGT"), 24, p=[(1 - x) / 2, x / 2, x / 2, (1 - x) / 2]))
        for x in gc
    )


def dataset(task="classes"):
    """GC content, as classes, as two labels, or as a value far from 0."""
    parts = {}
    for name, n in (("train", 200), ("dev", 60), ("test", 101)):
        gc = np.random.default_rng(n).choice([0.2, 0.8], n)
        sequences = sequences_of(gc)
        rich = gc > 0.5
        seen = np.array([(s.count("G") + s.count("C")) / len(s) for s in sequences])
        targets = {
            "classes": rich.astype(np.int64),
            "multilabel": np.stack([rich, ~rich], axis=1).astype(np.float64),
            "regression": (300 + 100 * seen)[:, None],
        }[task]
        parts[name] = Part(sequences, targets)
    labels = {"classes": ("poor", "rich"), "multilabel": ("gc", "at"), "regression": ("percent",)}
    return Dataset(task, labels[task], parts, "GC content")


@pytest.mark.parametrize("mode", ["full", "lora", "head"])
def test_classes_are_learned_in_every_mode(mode, tmp_path):
    settings = FinetuneSettings(**{**vars(QUICK), "mode": mode, "learning_rates": (2e-2,)})
    found = finetune(tiny, dataset(), settings, tmp_path)
    (one,) = found.seeds
    assert one.metrics["test"]["auroc"].low > (0.8 if mode == "head" else 0.95)
    model, before = from_pretrained(tmp_path / "seed0"), tiny()
    same = torch.equal(
        model.encoder.layers[1].attn.Wqkv.weight, before.encoder.layers[1].attn.Wqkv.weight
    )
    assert same == (mode == "head")
    assert not any(isinstance(m, lora.LowRank) for m in model.modules())
    # the folder says what the run measured, merged weights included
    test = dataset().parts["test"]
    logits = torch.from_numpy(outputs_of(model, test.sequences, both_strands=True))
    np.testing.assert_allclose(logits.softmax(1), one.predicted, atol=1e-5)


def test_labels_and_values_are_learned_in_their_own_units():
    several = finetune(tiny, dataset("multilabel"), QUICK).best
    assert several.metrics["test"]["auroc"].low > 0.9
    value = finetune(tiny, dataset("regression"), QUICK).best
    assert value.metrics["test"]["pearson"].low > 0.8
    assert 310 < value.predicted.mean() < 390
    assert value.metrics["test"]["r2"].value > 0.5


def test_shuffled_labels_teach_nothing():
    settings = FinetuneSettings(**{**vars(QUICK), "shuffle_labels": True, "epochs": 2})
    found = finetune(tiny, dataset(), settings).best
    assert abs(found.metrics["test"]["mcc"].value) < 0.5
    assert found.dev_loss > 0.6  # ln 2 is 0.69


def test_a_start_from_random_weights_has_fresh_weights_in_every_seed(tmp_path):
    settings = FinetuneSettings(
        **{**vars(QUICK), "random_weights": True, "mode": "head", "epochs": 1, "seeds": (0, 1)}
    )
    finetune(tiny, dataset(), settings, tmp_path)
    weights = [
        tiny(),
        *(from_pretrained(tmp_path / f"seed{seed}") for seed in (0, 1)),
    ]
    first = [m.encoder.layers[0].attn.Wqkv.weight for m in weights]
    assert not torch.equal(first[0], first[2])
    assert not torch.equal(first[1], first[2])


def test_a_finished_seed_is_read_and_other_settings_are_refused(tmp_path):
    lines = []
    first = finetune(tiny, dataset(), QUICK, tmp_path, say=lines.append)
    n_lines = len(lines)
    more = FinetuneSettings(**{**vars(QUICK), "seeds": (0, 1)})
    again = finetune(tiny, dataset(), more, tmp_path, say=lines.append)
    assert not any("seed 0" in line for line in lines[n_lines:])
    assert again.seeds[0].metrics == first.seeds[0].metrics
    np.testing.assert_array_equal(again.seeds[0].predicted, first.seeds[0].predicted)
    other = FinetuneSettings(**{**vars(QUICK), "epochs": 5})
    with pytest.raises(PretrainError, match="other settings"):
        finetune(tiny, dataset(), other, tmp_path)


@pytest.mark.parametrize("how", ["weights", "constants"])
def test_another_model_of_the_same_name_is_refused_and_an_older_folder_is_read(tmp_path, how):
    def namesake():
        changes = {"norm_eps": 1e-12} if how == "constants" else {}
        encoder = NucelEncoder(dataclasses.replace(CONFIG, **changes))
        encoder.init_weights(1 if how == "weights" else 0)
        return Nucel(encoder, name="tiny").eval()

    finetune(tiny, dataset(), QUICK, tmp_path)
    with pytest.raises(PretrainError, match="another model"):
        finetune(namesake, dataset(), QUICK, tmp_path)
    path = tmp_path / "seed0" / "finetune.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    del said["about"]["weights"]  # as folders were written before
    path.write_text(json.dumps(said), encoding="utf-8")
    lines: list[str] = []
    finetune(tiny, dataset(), QUICK, tmp_path, say=lines.append)
    assert not lines


def test_the_rate_with_the_lowest_dev_loss_is_taken(tmp_path):
    settings = FinetuneSettings(**{**vars(QUICK), "learning_rates": (1e-7, 5e-3), "epochs": 2})
    found = finetune(tiny, dataset(), settings, tmp_path)
    losses = dict(found.sweep)
    assert losses[5e-3] < losses[1e-7]
    assert found.seeds[0].learning_rate == 5e-3
    assert json.loads((tmp_path / "sweep.json").read_text())["dev_loss"].keys() == {
        "1e-07",
        "0.005",
    }


def test_both_strands_are_one_prediction():
    model = tiny()
    give_head(model, ("a", "b"), "a test", 0)
    forward = outputs_of(model, ["ACGGTTAC", "AAC"], both_strands=True)
    other = outputs_of(
        model, [reverse_complement(s) for s in ("ACGGTTAC", "AAC")], both_strands=True
    )
    np.testing.assert_allclose(forward, other, atol=1e-6)


def test_what_cannot_be_learned_is_said():
    good = dataset().parts
    with pytest.raises(DataError, match="the dev part holds no sequence"):
        Dataset("classes", ("a", "b"), {"train": good["train"], "test": good["test"]}, "x.csv")
    one = Part(good["train"].sequences, np.ones(200, dtype=np.int64))
    with pytest.raises(DataError, match=r"x\.csv: the train part holds one class alone, 'b'"):
        Dataset("classes", ("a", "b"), {**good, "train": one}, "x.csv")
    long = Part(("A" * 65,), np.zeros(1, dtype=np.int64))
    with pytest.raises(PretrainError, match="65 bases and tiny reads 64 at once"):
        finetune(tiny, Dataset("classes", ("a", "b"), {**good, "test": long}, "x"), QUICK)
    with pytest.raises(PretrainError, match="mode must be one of full, head, lora"):
        FinetuneSettings(mode="half")


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_nucleotide_transformer_learns_alike(mode, tmp_path):
    config = NTConfig(
        version="v1", hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=20, initializer_range=0.3,
    )  # fmt: skip
    encoder = NucleotideTransformer(config)
    encoder.init_weights(0)
    settings = FinetuneSettings(**{**vars(QUICK), "mode": mode, "pooling": "mean", "epochs": 12})
    words = (("AAATTT", "TATATA"), ("GGGCCC", "CGCGCG"))  # the same on either strand
    parts = {}
    for name, n in (("train", 200), ("dev", 60), ("test", 60)):
        draw = np.random.default_rng(n + len(name))
        targets = np.arange(n) % 2
        parts[name] = Part(tuple("".join(draw.choice(words[y], 4)) for y in targets), targets)
    data = Dataset("classes", ("a", "b"), parts, "words")
    found = finetune(lambda: Nucel(copy.deepcopy(encoder), name="nt"), data, settings, tmp_path)
    assert found.best.metrics["test"]["auroc"].value > 0.9
    again = from_pretrained(tmp_path / "seed0")
    assert again.config.token_bp == 6
    outputs = outputs_of(again, data.parts["test"].sequences, both_strands=True)
    p = torch.from_numpy(outputs).softmax(1).numpy()
    np.testing.assert_allclose(p, found.best.predicted, atol=1e-5)
