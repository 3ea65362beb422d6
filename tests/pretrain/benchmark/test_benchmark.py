"""Suites over models and seeds: published layouts, resuming, baselines, tables, errors."""

from __future__ import annotations

import csv
import json
import random

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_genome import Genome
from nucel_model import (
    Nucel,
    NucelConfig,
    NucelEncoder,
    every_third_global,
    save_pretrained,
    tokenizer,
)
from nucel_pretrain.benchmark import cells, hg19_mini
from nucel_pretrain.benchmark.baselines import convolution, positions, words
from nucel_pretrain.benchmark.suite import SHIPPED, read_suite
from nucel_pretrain.benchmark.table import BENCHMARK_COLUMNS
from nucel_pretrain.cli import app
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.dataset import Dataset, Part
from nucel_pretrain.finetune.read import read_dataset
from nucel_pretrain.finetune.scores import measure
from tests.toy import dna, plant

SUITE = """
name = "small"
metric = "mcc"
tasks = [
  { name = "table", path = "gue/prom/core" },
  { name = "folders", metric = "accuracy" },
  { name = "not_there" },
]
"""


def examples(n, seed):
    rng = random.Random(seed)
    return [(dna(40, rng, "ACGCGCGT" if i % 2 else "ACGTATAT"), i % 2) for i in range(n)]


@pytest.fixture
def data(tmp_path):
    """One task as GUE lays it, one as Genomic Benchmarks does."""
    table = tmp_path / "data" / "gue" / "prom" / "core"
    table.mkdir(parents=True)
    for seed, (name, n) in enumerate((("train", 40), ("dev", 12), ("test", 20))):
        lines = ["sequence,label", *(f"{s},{y}" for s, y in examples(n, seed))]
        (table / f"{name}.csv").write_text("\n".join(lines) + "\n")
    for seed, (part, n) in enumerate((("train", 60), ("test", 20))):
        for i, (sequence, y) in enumerate(examples(n, 10 + seed)):
            place = tmp_path / "data" / "folders" / part / ("negative", "positive")[y]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i}.txt").write_text(sequence)
    (tmp_path / "small.toml").write_text(SUITE)
    return tmp_path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    config = NucelConfig(
        hidden_size=16, num_attention_heads=2, intermediate_size=16,
        layer_types=every_third_global(1), max_position_embeddings=65,
    )  # fmt: skip
    return save_pretrained(Nucel(NucelEncoder(config)), tmp_path_factory.mktemp("m") / "tiny")


def run(data, model, *words):
    fixed = (data / "small.toml", "--data", data / "data", "--models", model, "-o", data / "out")
    seeds = ("--epochs", 2, "--patience", 3, "--seeds", 0, "--seeds", 1)
    return CliRunner().invoke(app, ["benchmark", *map(str, (*fixed, *seeds, *words))])


def test_published_layouts_run_and_what_is_done_stays(data, model, monkeypatch):
    monkeypatch.setattr("nucel_pretrain.benchmark.baselines.EPOCHS", 2)
    result = run(data, model)
    assert result.exit_code == 0, result.output
    assert "not there, and left out: not_there" in result.output
    out = data / "out"
    table = pd.read_csv(out / "benchmark.tsv", sep="\t").set_index(["task", "model"])
    assert tuple(table.reset_index()) == BENCHMARK_COLUMNS
    readers = {"tiny", "tiny, randomly initialised", "6-mers", "positions", "convolution"}
    assert set(table.loc["folders"].index) == readers
    assert table.loc[("folders", "tiny"), "metric"] == "accuracy"
    assert table.loc[("table", "tiny"), "seeds"] == 2
    assert table.loc[("table", "6-mers"), "seeds"] == 1
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    assert "**" in (out / "benchmark.md").read_text()
    assert r"\begin{tabular}{lrrrrr}" in (out / "benchmark.tex").read_text()
    assert (out / "benchmark.svg").stat().st_size > 1000
    assert (out / "models" / "table" / "tiny" / "seed0" / "model.safetensors").exists()

    one = out / "cells" / "table" / "tiny" / "seed1.json"
    settings = json.loads(one.read_text())["about"]["settings"]
    assert (settings["patience"], settings["epochs"]) == (3, 2)
    one.unlink()
    done = []
    real = cells.run_cell
    monkeypatch.setattr(
        "nucel_pretrain.benchmark.run.run_cell",
        lambda cell, *rest, **more: done.append(cell.path) or real(cell, *rest, **more),
    )
    before = (out / "benchmark.md").read_text()
    assert run(data, model).exit_code == 0
    assert [str(path) for path in done] == ["cells/table/tiny/seed1.json"]
    assert (out / "benchmark.md").read_text() == before
    other = run(data, model, "--pooling", "mean")
    assert other.exit_code == 1
    assert "was done with other data or settings" in other.output


def test_a_leaky_task_is_said(data):
    core = data / "data" / "gue" / "prom" / "core"
    (core / "test.csv").write_text((core / "train.csv").read_text())
    suite = data / "one.toml"
    suite.write_text('tasks = [{ name = "table", path = "gue/prom/core" }]')
    words = (suite, "--data", data / "data", "-o", data / "leaky", "--seeds", 0)
    result = CliRunner().invoke(app, ["benchmark", *map(str, words)])
    assert result.exit_code == 0, result.output
    assert "warning: table: 40 of 40 test sequences (100.0%) share at least half" in result.output


def test_shipped_suites_name_their_tasks():
    assert [len(read_suite(name).tasks) for name in SHIPPED] == [7, 28, 8, 18]
    for name in SHIPPED:
        assert all(task.metric in ("mcc", "accuracy", "f1") for task in read_suite(name).tasks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks = [{ nam = 'a' }]", "needs a name"),
        ("tasks = [{ name = 'a', metric = 'mmc' }]", "asks for the metric 'mmc'"),
        ("metrics = 'mcc'\ntasks = [{ name = 'a' }]", "unknown key 'metrics'"),
        ("name = 'x'", r"names no \[\[tasks\]\]"),
        ("tasks = [{ name = 'a' }, { name = 'a' }]", "two tasks of one name"),
        ("tasks = ", "is not TOML"),
    ],
)
def test_bad_suites_are_refused(tmp_path, text, message):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(PretrainError, match=message):
        read_suite(str(path))


def test_a_folder_without_the_files_says_what_was_looked_for(data, model, tmp_path):
    result = CliRunner().invoke(
        app, ["benchmark", "gue", "--data", str(tmp_path), "-o", str(tmp_path / "o")]
    )
    assert result.exit_code == 1
    assert "holds none of the 28 tasks of gue: looked for prom/prom_core_all" in result.output
    assert "no suite 'glue'" in CliRunner().invoke(app, ["benchmark", "glue", "-o", "x"]).output


def planted(at, n=200, seed=0):
    """A word in half of the sequences, at one place or anywhere."""
    rng = random.Random(seed)
    sequences, labels = [], []
    for i in range(n):
        sequence = dna(60, rng)
        place = at if at is not None else rng.randrange(50)
        if i % 2:
            sequence = plant(sequence, "GATTACA", place)
        sequences.append(sequence)
        labels.append(i % 2)
    return Part(tuple(sequences), np.array(labels))


def test_positions_need_a_fixed_place_and_words_do_not():
    def auroc(baseline, at):
        named = enumerate(("train", "dev", "test"))
        parts = {name: planted(at, 600, seed=i) for i, name in named}
        data = Dataset("classes", ("no", "yes"), parts, "planted")
        return measure(baseline(data, 0).test, parts["test"].targets, "classes")["auroc"].value

    assert auroc(positions, 28) > 0.95
    assert auroc(positions, None) < 0.75
    assert auroc(words, None) > 0.9


@pytest.mark.slow
def test_a_convolution_finds_a_word_anywhere():
    parts = {name: planted(None, 600, seed=i) for i, name in enumerate(("train", "dev", "test"))}
    data = Dataset("classes", ("no", "yes"), parts, "planted")
    found = convolution(data, 0)
    assert measure(found.test, parts["test"].targets, "classes")["auroc"].value > 0.95


def test_hg19_mini_cuts_windows_around_sites(tmp_path, monkeypatch):
    """A made-up genome in which every donor is CAGGTAAG on either strand."""
    rng = np.random.default_rng(0)
    chromosomes, lines = {}, []
    for name, length in (("chr20", 300_000), ("chrX", 200_000)):
        ids = rng.choice(list(tokenizer.BASE_IDS), length).astype(np.uint8)
        for at in range(3_000, length - 3_000, 4_000):
            strand = "+" if at % 8_000 else "-"
            site = tokenizer.encode("CAGGTAAG")
            if strand == "-":
                site = tokenizer.reverse_complement_ids(site)
            ids[at - 3 : at + 5] = site
            first = at if strand == "+" else at + 1  # the first base of the intron
            lines.append(f"{name}\t{first}\t{first + 1}\td\t0\t{strand}")
        chromosomes[name] = ids
    (tmp_path / "splice_donors.bed").write_text("\n".join(lines) + "\n")
    genome = Genome.from_arrays(chromosomes)
    monkeypatch.setattr(hg19_mini.Genome, "open", lambda *_, **__: genome)
    split = {"train": ("chrX",), "choose": ("chr20:0-150000",), "test": ("chr20:150000-300000",)}
    monkeypatch.setattr(
        hg19_mini, "SPLIT", hg19_mini.SplitConfig(window=240, gc_tolerance=0.1, **split)
    )
    tasks = {name: hg19_mini.TASKS[name] for name in ("donor", "donor_decoy")}
    monkeypatch.setattr(hg19_mini, "TASKS", tasks)
    hg19_mini.build([], tmp_path, tmp_path / "out")
    for name in tasks:
        with (tmp_path / "out" / name / "test.csv").open() as file:
            rows = list(csv.DictReader(file))
        yes = [row for row in rows if row["label"] == "1"]
        assert len(yes) == len(rows) / 2 > 20
        sites = {int(row["site"]) for row in yes}
        assert sites == {100} if name == "donor_decoy" else len(sites) > 5
        assert all(80 <= site <= 120 for site in sites)
        for row in rows:
            at = int(row["site"]) if row["label"] == "1" else 100
            around = row["sequence"][at - 3 : at + 5]
            if row["label"] == "1":
                assert around == "CAGGTAAG"
            elif name == "donor_decoy":
                assert around[3:5] == "GT"
            ids = chromosomes[row["chromosome"]][int(row["start"]) : int(row["end"])]
            there = tokenizer.reverse_complement_ids(ids) if row["strand"] == "-" else ids
            assert tokenizer.decode(there) == row["sequence"]
    assert read_dataset(tmp_path / "out" / "donor").labels == ("0", "1")
