"""`motif-order`: one folder with data, models before and after, results; and what it refuses."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from scipy.stats import binom
from typer.testing import CliRunner

from nucel_model import (
    ClassificationHead,
    Nucel,
    NucelConfig,
    NucelEncoder,
    every_third_global,
    from_pretrained,
    random_control,
    save_pretrained,
)
from nucel_pretrain.cli import app
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.classifier import predict
from nucel_pretrain.motif_order.matrices import SHIPPED, read_two
from nucel_pretrain.motif_order.outputs import mean_interval, over_seeds, share_interval
from nucel_pretrain.motif_order.run import motif_order
from nucel_pretrain.motif_order.settings import read_settings
from nucel_pretrain.motif_order.shapes import SHAPES

TOML = """
seeds = [0, 1]
[sampling]
length = {length}
validation = 8
held_out = 12
[finetune]
steps = {steps}
batch = 4
evaluate_every = 2
"""


def quiet(line):
    pass


@pytest.fixture
def toml(tmp_path):
    def write(length=48, steps=4, more=""):
        path = tmp_path / "settings.toml"
        path.write_text(more + TOML.format(length=length, steps=steps))
        return path

    return write


@pytest.fixture
def trained(tmp_path):
    """A folder such as pre-training leaves; what it has learned does not matter here."""
    config = NucelConfig(
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=24,
        layer_types=every_third_global(2),
        max_position_embeddings=61,
    )
    encoder = NucelEncoder(config)
    encoder.init_weights(7)
    return save_pretrained(Nucel(encoder), tmp_path / "mine")


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture
def finished(trained, toml, tmp_path):
    settings = read_settings(toml(), models=(str(trained),), shapes=("nt-small",))
    return motif_order(settings, tmp_path / "out", say=quiet), tmp_path / "out"


def test_sites_in_the_bed_hold_the_motifs_and_labels_their_order(finished):
    _, out = finished
    lines = (out / "held_out.fa").read_text().split()
    sequences = dict(zip((n[1:] for n in lines[::2]), lines[1::2], strict=True))
    bed = [line.split("\t") for line in (out / "held_out.bed").read_text().splitlines()]
    labels = {row["name"]: row for row in table(out / "held_out.tsv")}
    assert len(sequences) == len(labels) == 12
    assert len(bed) == 24
    motifs = {m.name: m for m in read_two(SHIPPED)}
    for name, start, end, motif, _, strand in bed:
        matrix = motifs[motif] if strand == "+" else motifs[motif].reverse_complement()
        site = sequences[name][int(start) : int(end)]
        picked = [matrix.columns[i]["ACGT".index(base)] for i, base in enumerate(site)]
        assert len(picked) == matrix.width
        assert np.log(np.maximum(picked, 1e-4) / 0.25).sum() > 0
    for name, row in labels.items():
        order = [m for _, m in sorted((int(s), m) for n, s, _, m, *_ in bed if n == name)]
        assert row["first"] == order[0]
        assert (row["label"] == "1") == (order == ["RFX1", "IRF3"])


def test_the_folder_holds_models_before_and_after(finished, trained):
    result, out = finished
    names = sorted(p.name for p in (out / "models").iterdir())
    assert names == [
        "mine-before",
        "mine-random-weights",
        "mine-seed0",
        "mine-seed1",
        "nt-small-random-weights-seed0",
        "nt-small-random-weights-seed1",
        "nt-small-seed0",
        "nt-small-seed1",
    ]
    before = out / "models" / "mine-before" / "model.safetensors"
    assert before.read_bytes() == (trained / "model.safetensors").read_bytes()
    tuned = from_pretrained(out / "models" / "nt-small-seed0")
    assert tuned.classifier_head.labels == ("IRF3 before RFX1", "RFX1 before IRF3")
    assert from_pretrained(out / "models" / "nt-small-random-weights-seed0").classifier_head is None
    rows = table(out / "results.tsv")
    assert [(r["model"], r["start"], r["seed"]) for r in rows] == [
        ("mine", "pre-trained", "0"),
        ("mine", "pre-trained", "1"),
        ("nt-small", "random weights", "0"),
        ("nt-small", "random weights", "1"),
    ]
    # the accuracy in the table is that of the model in the folder, on the sequences in the FASTA
    lines = (out / "held_out.fa").read_text().split()
    labels = np.array([int(r["label"]) for r in table(out / "held_out.tsv")])
    correct = predict(tuned, lines[1::2]).argmax(axis=1) == labels
    assert float(rows[2]["accuracy"]) == pytest.approx(correct.mean(), abs=1e-5)
    assert rows[2]["learned"] == "no"
    run = json.loads((out / "run.json").read_text())
    assert run["models"] == result["models"]
    assert set(run["model_sha256"]) == set(names)


def test_the_paragraph_says_what_was_done_and_what_failed(finished):
    _, out = finished
    text = (out / "methods.md").read_text()
    for said in (
        "Sequences of 48 bases",
        "A = RFX1 (MA0509.3, 16 bases, 23.1 bits, CGTTGCCATGGCAACG)",
        "each of the four with probability 1/4",
        "either strand with probability 1/2",
        "learning rate 0.001",
        "over 4 steps of 4 sequences",
        "Pre-trained: mine.",
        "they are not the published models",
        "their attention should not be read: mine seed 0, mine seed 1, nt-small seed 0",
    ):
        assert said in text, said


def test_a_run_that_was_cut_off_goes_on_and_other_settings_are_refused(
    finished, trained, toml, tmp_path
):
    _, out = finished
    whole = {p.name: (p / "model.safetensors").read_bytes() for p in (out / "models").iterdir()}
    kept = (out / "models" / "mine-seed0" / "model.safetensors").stat().st_mtime_ns
    results = (out / "results.tsv").read_text()
    shutil.rmtree(out / "models" / "nt-small-seed0")
    (out / "models" / ".nt-small-seed0.partial").mkdir()  # as a killed run leaves it
    settings = read_settings(toml(), models=(str(trained),), shapes=("nt-small",))
    motif_order(settings, out, say=quiet)
    again = {p.name: (p / "model.safetensors").read_bytes() for p in (out / "models").iterdir()}
    assert again == whole
    assert (out / "models" / "mine-seed0" / "model.safetensors").stat().st_mtime_ns == kept
    drop = ("seconds", "cpu_seconds")
    first = [{k: v for k, v in r.items() if k not in drop} for r in table(out / "results.tsv")]
    (tmp_path / "first.tsv").write_text(results)
    second = [{k: v for k, v in r.items() if k not in drop} for r in table(tmp_path / "first.tsv")]
    assert first == second
    other = read_settings(toml(steps=6), models=(str(trained),), shapes=("nt-small",))
    with pytest.raises(PretrainError, match=r"other settings \(finetune differ\)"):
        motif_order(other, out, say=quiet)
    elsewhere = tmp_path / "elsewhere" / trained.name
    save_pretrained(random_control(from_pretrained(trained), 8), elsewhere)
    namesake = read_settings(toml(), models=(str(elsewhere),), shapes=("nt-small",))
    with pytest.raises(PretrainError, match=r"mine-before is of another model than mine is now"):
        motif_order(namesake, out, say=quiet)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(PretrainError, match="holds other files"):
        motif_order(settings, tmp_path / "full", say=quiet)


def test_shapes_are_alike_and_differ_by_seed():
    nucel, nt = (SHAPES[name](0) for name in ("nucel-small", "nt-small"))
    for key in ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size"):
        assert getattr(nucel.config, key) == getattr(nt.config, key), key
    for name, make in SHAPES.items():
        one, again, other = (dict(make(seed).named_parameters()) for seed in (0, 0, 1))
        same = [key for key in one if torch.equal(one[key], again[key])]
        assert same == list(one), name
        moved = [key for key in one if one[key].ndim > 1 and not torch.equal(one[key], other[key])]
        assert len(moved) >= 4 * 4, name


def test_the_two_kinds_of_folder_carry_the_same_head(tmp_path):
    sequences = ["ACGTACGTACGTACGTACGTAC", "TTTTTTGGGGGG"]
    for name, make in SHAPES.items():
        model = make(0)
        head = ClassificationHead(model.config.hidden_size, ("no", "yes"), "a test")
        head.init_weights(1)
        model.classifier_head = head
        folder = save_pretrained(model, tmp_path / name)
        again = from_pretrained(folder)
        assert type(again.encoder) is type(model.encoder)
        assert again.classifier_head.labels == ("no", "yes")
        np.testing.assert_array_equal(predict(again, sequences), predict(model, sequences))


def test_intervals_are_those_of_the_textbook():
    assert mean_interval([0.9, 0.95, 1.0])[0] == pytest.approx(0.95)
    assert mean_interval([0.9, 0.95, 1.0])[1] == pytest.approx(0.95 - 4.302653 * 0.05 / 3**0.5)
    assert mean_interval([0.9, 0.95, 1.0])[2] == 1.0  # a share
    assert mean_interval([0.9]) == (0.9, None, None)
    low, high = share_interval(950, 1000)  # where either tail has 2.5 %
    assert binom.sf(949, 1000, low) == pytest.approx(0.025)
    assert binom.cdf(950, 1000, high) == pytest.approx(0.025)
    assert share_interval(12, 12) == pytest.approx((0.025 ** (1 / 12), 1.0))
    rows = [
        {"model": "m", "start": "s", "learned": y, "accuracy": a, "auroc": a, "steps": 4}
        | {"cpu_seconds": 1.0, "parameters": 10}
        for y, a in (("yes", 0.96), ("no", 0.9))
    ]
    (summary,) = over_seeds(rows)
    assert (summary["seeds"], summary["learned"]) == (2, 1)
    assert summary["accuracy"] == pytest.approx(0.93)


def fails(*arguments):
    result = CliRunner().invoke(app, ["motif-order", *map(str, arguments)])
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_the_command_takes_several_models_after_one_option(trained, toml, tmp_path):
    other = shutil.copytree(trained, tmp_path / "other")
    out = tmp_path / "out"
    arguments = ("--models", trained, other, "-o", out, "--settings", toml(steps=2), "-t", "1")
    result = CliRunner().invoke(app, ["motif-order", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    assert {r["model"] for r in table(out / "results.tsv")} == {"mine", "other"}
    assert "mine (pre-trained): held-out accuracy 0." in result.stdout
    assert "0 of 2 seeds learned the task" in result.stdout


def test_what_makes_no_sense_is_one_line(trained, toml, tmp_path):
    out = tmp_path / "out"
    rest = ("-o", out, "--settings", toml())
    assert "no model was given: pass --models" in fails(*rest)
    assert "there is no shape 'nt'; there is nucel-small, nt-small" in fails(
        "--shapes", "nt", *rest
    )
    assert "there is no model folder" in fails("--models", tmp_path / "nowhere", *rest)
    copy = shutil.copytree(trained, tmp_path / "deeper" / "mine")
    assert "two models are called mine" in fails("--models", trained, copy, *rest)
    assert "x.meme as MEME: there is no such file" in fails(
        "--models", trained, "--pair", tmp_path / "x.meme", *rest
    )
    gpu = fails("--models", trained, *rest, "--device", "tpu")
    assert "--device must be cpu or cuda; got 'tpu'" in gpu
    long = ("-o", out, "--settings", toml(length=66))
    assert "examples of 66 bases were asked for; mine reads 60" in fails("--models", trained, *long)
    odd = ("-o", out, "--settings", toml(length=50))
    assert "sampling.length must be a multiple of 6" in fails("--models", trained, *odd)
    chain = toml()
    chain.write_text(chain.read_text().replace("length = 48", 'length = 48\nbackground = "markov"'))
    assert "pass --fasta" in fails("--models", trained, "-o", out, "--settings", chain)
    chain.write_text("sampling = 3")
    assert "sampling must be a section" in fails(
        "--models", trained, "-o", out, "--settings", chain
    )
    assert not out.exists()


def test_the_shipped_settings_read_and_fit_the_shipped_model():
    settings = read_settings("motif-order", models=("nucel-mini",))
    assert settings.sampling.length == 252
    assert settings.sampling.length <= from_pretrained("nucel-mini").config.context_bp
    assert len(settings.seeds) >= 3
