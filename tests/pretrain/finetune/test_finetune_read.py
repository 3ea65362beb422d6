"""Labelled sequences from every layout people have, leaks between parts, and the command."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, save_pretrained
from nucel_pretrain.cli import app
from nucel_pretrain.errors import DataError, PretrainError
from nucel_pretrain.finetune.any_data import read_any
from nucel_pretrain.finetune.classifier import reverse_complement
from nucel_pretrain.finetune.dataset import Dataset, Part
from nucel_pretrain.finetune.leaks import find_leaks
from nucel_pretrain.finetune.read import read_dataset
from tests.toy import dna


def rows(n, start=0):
    return [(dna(60, start + i), str(i % 2)) for i in range(n)]


def write_csv(path, found, header="sequence,label", delimiter=","):
    lines = [header.replace(",", delimiter), *(delimiter.join(row) for row in found)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_gue(folder):
    folder.mkdir(parents=True)
    for at, (name, n) in enumerate((("train", 20), ("dev", 8), ("test", 10))):
        write_csv(folder / f"{name}.csv", rows(n, 1000 * at))
    return folder


def sizes(data):
    return {name: len(part) for name, part in data.parts.items()}


def test_the_published_layouts_are_read_as_they_lie(tmp_path):
    gue = read_dataset(write_gue(tmp_path / "gue"))
    assert sizes(gue) == {"train": 20, "dev": 8, "test": 10}
    assert gue.task == "classes"
    assert gue.labels == ("0", "1")
    assert gue.parts["test"].sequences[1] == dna(60, 2001)
    assert gue.parts["test"].targets.tolist() == [0, 1] * 5

    for part, n in (("train", 30), ("test", 6)):
        for kind in ("negative", "positive"):
            place = tmp_path / "gb" / part / kind
            place.mkdir(parents=True)
            for i in range(n):
                (place / f"{i}.txt").write_text(dna(60, 100 * n + 2 * i + len(kind) // 9).lower())
    gb = read_dataset(tmp_path / "gb")
    assert gb.labels == ("negative", "positive")
    assert sizes(gb)["test"] == 12
    assert sizes(gb)["train"] + sizes(gb)["dev"] == 60
    assert 3 <= sizes(gb)["dev"] <= 12

    nt = tmp_path / "nt"
    nt.mkdir()
    for part, n in (("train", 40), ("test", 9)):
        text = "".join(f">chr1:{i}|{label}\n{s}\n" for i, (s, label) in enumerate(rows(n)))
        (nt / f"{part}.fna").write_text(text)
    found = read_dataset(nt)
    assert sizes(found)["test"] == 9
    assert found.parts["test"].names[3] == "chr1:3"


def test_one_table_is_split_by_its_column_or_by_us(tmp_path):
    split = [(s, y, p) for (s, y), p in zip(rows(12), ["train", "valid", "test"] * 4, strict=True)]
    told = read_dataset(write_csv(tmp_path / "a.tsv", split, "Sequence,Label,split", "\t"))
    assert sizes(told) == {"train": 4, "dev": 4, "test": 4}
    copies = [*rows(100), *((reverse_complement(s), y) for s, y in rows(100))]
    path = tmp_path / "b.csv.gz"
    text = "sequence,label\n" + "".join(f"{s},{y}\n" for s, y in copies)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    ours = read_dataset(path)
    assert sum(sizes(ours).values()) == 200
    assert 30 <= sizes(ours)["test"] <= 50
    assert not any(leak.copies for leak in find_leaks(ours))  # both strands went together
    placed = [(s, str(i // 10 % 2), f"chr{i % 10}") for i, (s, _) in enumerate(rows(100))]
    by_place = read_dataset(write_csv(tmp_path / "c.csv", placed, "sequence,label,chromosome"))
    assert sizes(by_place) == {"test": 20, "dev": 10, "train": 70}


def test_the_task_is_guessed_from_the_labels(tmp_path):
    sequences = [s for s, _ in rows(60)]
    several = [(s, ["a", "a;b", "b"][i % 3]) for i, s in enumerate(sequences)]
    found = read_dataset(write_csv(tmp_path / "m.csv", several))
    assert (found.task, found.labels) == ("multilabel", ("a", "b"))
    assert found.parts["train"].targets.shape[1] == 2
    values = [(s, f"{i / 7:.3f}") for i, s in enumerate(sequences)]
    found = read_dataset(write_csv(tmp_path / "v.csv", values))
    assert (found.task, found.labels) == ("regression", ("value",))
    assert found.parts["train"].targets.max() > 5
    columns = [(s, "1", str(i % 2)) for i, s in enumerate(sequences)]
    found = read_dataset(write_csv(tmp_path / "c.csv", columns, "sequence,label_x,label_y"))
    assert (found.task, found.labels) == ("multilabel", ("x", "y"))
    whole = [(s, str(i)) for i, s in enumerate(sequences)]
    assert len(read_dataset(write_csv(tmp_path / "w.csv", whole), task="regression").labels) == 1


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("seqence,label", ("ACGT", "1"), "no column 'sequence'.*is it 'seqence'"),
        ("sequence,target", ("ACGT", "1"), "no column 'label'.*is it 'target'"),
        ("sequence,label", ("ACGT", ""), "line 2: the label is ''.*a column label_NAME of 0 and 1"),
        ("sequence,label", ("ACGT", "NaN"), "line 2: the label is 'NaN'"),
        (
            "sequence,label",
            ("ACXT", "1"),
            "line 2: the sequence has 'X' at position 3, which is not",
        ),
        ("sequence,label", ("", "1"), "line 2: the sequence is empty"),
        ("sequence,label", ("ACGT", "1", "2"), "line 2: 3 columns, and the header has 2"),
        ("sequence,label,split", ("ACGT", "1", "exam"), "split is 'exam'"),
        ("sequence,label", ("ACGT", "1"), "all labels are '1'"),
    ],
)
def test_bad_tables_are_refused_with_their_line(tmp_path, header, row, message):
    with pytest.raises(DataError, match=message):
        read_dataset(write_csv(tmp_path / "x.csv", [row], header))


def test_damaged_files_are_refused(tmp_path):
    for name, content in (
        ("latin.csv", "sequence,label\nACGT,g\xe8ne\n".encode("latin-1")),
        ("cut.csv.gz", gzip.compress(b"sequence,label\n" + b"ACGT,1\n" * 999, mtime=0)[:40]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"cannot read .* as labelled sequences: "):
            read_dataset(tmp_path / name)
    nt = tmp_path / "nt"
    nt.mkdir()
    (nt / "train.fna").write_text("ACGT\n")
    with pytest.raises(DataError, match=r"cannot read .* as FASTA: .*Expected '>'"):
        read_dataset(nt)


def test_folders_that_are_none_of_the_layouts_say_what_was_looked_for(tmp_path):
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(DataError, match=r"none of train\.csv .* it holds notes\.md"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match="there is no"):
        read_dataset(tmp_path / "nothing")


def dataset(train, test):
    def part(sequences):
        return Part(tuple(sequences), np.arange(len(sequences)) % 2)

    parts = {"train": part(train), "dev": part([dna(60, 901), dna(60, 902)]), "test": part(test)}
    return Dataset("classes", ("a", "b"), parts, "x")


def test_a_leaky_split_is_caught_on_either_strand():
    genome = dna(4000, 5)
    train = [genome[i : i + 200] for i in range(0, 3800, 200)]
    test = [
        genome[100:300],  # half of it in one window, half in the next: 81 of 181 words in each
        genome[40:240],  # 160 bases of one window
        reverse_complement(genome[440:640]),
        train[3],
        reverse_complement(train[4]),
        dna(200, 6),
    ]
    dev, found = find_leaks(dataset(train, test))
    assert (found.copies, found.near) == (2, 4)
    assert found.serious
    assert "4 of 6 test sequences (66.7%)" in str(found)
    assert (dev.copies, dev.near) == (0, 0)


def test_dense_windows_and_many_near_copies_are_leaks_too():
    genome = dna(1500, 5)
    dense = [genome[i : i + 300] for i in range(0, 1200, 2)]  # a word stands in 140 of them
    rng = random.Random(1)
    picked = sorted(rng.sample(range(len(dense)), 100))
    train = [s for i, s in enumerate(dense) if i not in picked]
    found = find_leaks(dataset(train, [dense[i] for i in picked]))[1]
    assert found.near == 100
    assert found.copies == 0


def test_thinned_words_tell_the_same(monkeypatch):
    genome = dna(4000, 5)
    train = [genome[i : i + 200] for i in range(0, 3800, 10)]
    test = [genome[405:605], dna(200, 6), genome[1203:1403], dna(200, 7)]
    monkeypatch.setattr("nucel_pretrain.finetune.leaks.PAIRS", 2000)
    assert find_leaks(dataset(train, test))[1].near == 2


def test_random_sequences_and_shared_repeats_are_no_leak():
    clean = find_leaks(
        dataset([dna(60, i) for i in range(300)], [dna(60, 1000 + i) for i in range(100)])
    )
    assert not any(leak.near for leak in clean)
    repeat = dna(30, 7)  # a tenth of each sequence
    train = [dna(270, i) + repeat for i in range(60)]
    test = [repeat + dna(270, 100 + i) for i in range(20)]
    assert not find_leaks(dataset(train, test))[1].near


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    config = NucelConfig(
        hidden_size=16, num_attention_heads=2, intermediate_size=16,
        layer_types=every_third_global(1), max_position_embeddings=65,
    )  # fmt: skip
    return save_pretrained(Nucel(NucelEncoder(config)), tmp_path_factory.mktemp("m") / "tiny")


def run(*words):
    return CliRunner().invoke(app, ["finetune", *map(str, words)])


def test_the_command_writes_models_metrics_and_predictions(model, tmp_path):
    data, out = write_gue(tmp_path / "gue"), tmp_path / "out"
    result = run(data, "-m", model, "-o", out, "--epochs", 1, "--seeds", 0, "--seeds", 3)
    assert result.exit_code == 0, result.output
    assert "gue: classes (0, 1); train 20, dev 8, test 10 sequences of 60" in result.output
    assert "seed 3: mcc" in result.output
    assert "mean of 2 seeds: mcc" in result.output
    assert (out / "seed3" / "model.safetensors").exists()
    metrics = (out / "metrics.tsv").read_text().splitlines()
    assert metrics[0].split("\t") == ["seed", "part", "metric", "value", "low", "high", "n"]
    assert len(metrics) == 1 + 2 * 2 * 5
    predictions = (out / "predictions.tsv").read_text().splitlines()
    assert predictions[0].split("\t")[2:] == ["0_seed0", "1_seed0", "0_seed3", "1_seed3"]
    assert len(predictions) == 11
    assert json.loads((out / "run.json").read_text())["settings"]["epochs"] == 1
    again = run(data, "-m", model, "-o", out, "--epochs", 2)
    assert again.exit_code == 1
    assert "other settings" in again.output


def test_the_command_warns_of_leaks_and_refuses_in_one_line(model, tmp_path):
    data = write_gue(tmp_path / "gue")
    write_csv(data / "test.csv", rows(10))  # train's own first
    result = run(data, "-m", model, "-o", tmp_path / "out", "--epochs", 1, "--seeds", 0)
    assert "warning: 10 of 10 test sequences (100.0%)" in result.output
    short = run(data, "-m", model, "-o", tmp_path / "o", "--mode", "half")
    assert short.exit_code == 1
    assert short.output == "error: mode must be one of full, head, lora; got 'half'\n"
    write_csv(data / "dev.csv", [(dna(80, 9), "0"), (dna(80, 8), "1")])
    long = run(data, "-m", model, "-o", tmp_path / "o")
    assert "80 bases and tiny reads 64 at once" in long.output
    assert not list((tmp_path / "o").glob("seed*"))
    unknown = run(data, "-m", "nucel-maxi", "-o", tmp_path / "out", "--force")
    assert unknown.exit_code == 1
    assert unknown.output.splitlines()[-1].startswith("error: ")
    assert (tmp_path / "out" / "seed0" / "model.safetensors").exists()  # the old run is kept
    odd = run(data, "-m", model, "-o", tmp_path / "o", "--stranded")
    assert "go with a BED file" in odd.output


@pytest.mark.parametrize(("strand", "turned"), [("both", True), ("forward", False)])
def test_strand_says_whether_a_reverse_complement_is_the_same(model, tmp_path, strand, turned):
    data, out = write_gue(tmp_path / "gue"), tmp_path / "out"
    done = run(
        data, "-m", model, "-o", out, "--epochs", 1, "--seeds", 0, "--mode", "head",
        "--strand", strand,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    said = json.loads((out / "run.json").read_text())["settings"]
    assert said["reverse_complement"] is turned
    head = json.loads((out / "seed0" / "config.json").read_text())["classifier_head"]
    assert head["strands"] == strand


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("peaks.bed.gz", {}, "holds no labels; give its genome"),
        ("peaks.fna", {}, "holds no labels; give its genome"),
        ("peaks.fa", {"fasta": ["g.fa"], "train": ["chr1"]}, "go with a BED file"),
        ("table.csv", {"stranded": True}, "go with a BED file"),
        ("table.csv", {"fasta": ["g.fa"]}, "--fasta goes with a BED or FASTA file"),
        ("table.csv", {"task": "ranks"}, "--task must be one of classes, multilabel, regression"),
    ],
)
def test_what_does_not_go_with_a_kind_of_file_is_said_before_it_is_read(name, options, said):
    with pytest.raises(PretrainError, match=said):
        read_any(Path(name), **options)


def test_other_labels_in_a_file_of_the_same_size_are_another_run(model, tmp_path):
    data, out = write_gue(tmp_path / "gue"), tmp_path / "out"
    assert run(data, "-m", model, "-o", out, "--epochs", 1, "--seeds", 0).exit_code == 0
    write_csv(data / "test.csv", [(s, str(1 - int(y))) for s, y in rows(10, 2000)])
    again = run(data, "-m", model, "-o", out, "--epochs", 1, "--seeds", 0)
    assert again.exit_code == 1
    assert "other data or other settings" in again.output
