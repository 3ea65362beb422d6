"""`evaluate` end to end on a tiny model: what it writes, refuses, and how its numbers arise."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest
import torch

from nucel_genome import Genome
from nucel_model import Electra, Nucel, tokenizer
from nucel_pretrain.config import SizeConfig
from nucel_pretrain.data import DataConfig, Windows
from nucel_pretrain.errors import DataError, PretrainError
from nucel_pretrain.evaluation import replaced, report
from nucel_pretrain.evaluation.run import evaluate, own_settings
from nucel_pretrain.evaluation.settings import read_evaluation, with_files
from nucel_pretrain.masking import MaskingConfig, mask_and_noise
from nucel_pretrain.objectives import ElectraConfig, save_model

TOML = """
draws = 5
[held_out]
regions = ["chr1:0-20000"]
windows = 30
window = 32
[electra]
temperature = 2.0
[split]
train = ["chr1:20000-60000"]
choose = ["chr1:60000-80000"]
test = ["chr1:80000-100000"]
window = 32
distance = 50
[[sites]]
name = "motif"
bed = "sites.bed"
stranded = true
"""


def tiny_electra() -> Electra:
    torch.manual_seed(0)
    small = SizeConfig(hidden=8, layers=1, heads=2, intermediate=12).encoder(33)
    large = SizeConfig(hidden=16, layers=2, heads=2, intermediate=24).encoder(33)
    return Electra(small, large).eval()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A FASTA of 100 kb, half of it lower case, with sites; settings; a model; no shared cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    bases = rng.choice(list("ACGT"), 100_000)
    lines = []
    for position in range(300, 99_700, 400):
        bases[position : position + 6] = list("GTAAGT")
        lines.append(f"chr1\t{position}\t{position + 1}\tx\t0\t+\n")
    text = "".join(bases)
    soft = "".join(
        text[i : i + 100].lower() + text[i + 100 : i + 200] for i in range(0, 10**5, 200)
    )
    (tmp_path / "soft.fa").write_text(f">chr1\n{soft}\n")
    (tmp_path / "upper.fa").write_text(f">chr1\n{text}\n")
    (tmp_path / "sites.bed").write_text("".join(lines))
    (tmp_path / "settings.toml").write_text(TOML)
    save_model(tiny_electra(), tmp_path / "model")
    return tmp_path


def settings(world, fasta="soft.fa", sites_dir=True):
    return with_files(
        read_evaluation(world / "settings.toml"),
        fasta=(str(world / fasta),),
        sites_dir=str(world) if sites_dir else "",
    )


def test_an_evaluation_is_written_whole(world):
    out = world / "out"
    results = evaluate(world / "model", settings(world), out, say=lambda line: None)
    assert sorted(p.name for p in out.iterdir()) == sorted(report.FILES)
    assert not list(world.glob(".out-*"))
    with (out / "evaluation.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert list(rows[0]) == ["metric", "subset", "value", "low", "high", "n"]
    found = {(r["metric"], r["subset"]): float(r["value"]) for r in rows}
    for metric in ("generator_loss", "replaced_auroc", "replaced_auprc", "calibration_error"):
        assert np.isfinite(found[metric, "all"])
        assert np.isfinite(found[metric, "repeats"])
    assert sum(metric == "replaced_auroc" and "GC fifth" in s for metric, s in found) == 5
    assert {
        ("planted_auroc", "one strand"),
        ("probe_auroc", "motif"),
        ("probe_mcc", "motif"),
    } <= set(found)
    saved = json.loads((out / "evaluation.json").read_text())
    assert saved["not_run"] == {}
    assert saved["probes"]["motif"]["sites"]["test"] >= 10
    assert len(saved["reliability"]) == 10
    table = report.markdown(results)
    assert table.count("\n| ") == len(rows) + 1
    assert (out / "evaluation.svg").read_text().count("<svg") == 1


def test_the_same_evaluation_twice_gives_the_same_numbers(world):
    one, two = (
        evaluate(world / "model", settings(world), world / name, say=lambda line: None)
        for name in ("one", "two")
    )
    assert one["rows"] == two["rows"]
    for name in ("evaluation.tsv", "evaluation.svg"):
        assert (world / "one" / name).read_bytes() == (world / "two" / name).read_bytes()


def test_an_earlier_evaluation_is_not_overwritten_unless_asked(world):
    out = world / "out"
    out.mkdir()
    (out / "evaluation.tsv").write_text("earlier")
    with pytest.raises(PretrainError, match=r"out holds evaluation.tsv; give another folder"):
        evaluate(world / "model", settings(world), out, say=lambda line: None)
    assert (out / "evaluation.tsv").read_text() == "earlier"
    evaluate(world / "model", settings(world), out, force=True, say=lambda line: None)
    assert (out / "evaluation.tsv").read_text().startswith("metric")


def test_what_cannot_be_measured_is_named_with_the_reason(world):
    (world / "model" / "generator" / "mlm.safetensors").unlink()
    found = evaluate(
        world / "model",
        settings(world, sites_dir=False),
        world / "out",
        say=lambda line: None,
    )
    assert found["not_run"] == {
        "replaced bases": "the generator has no masked-base head",
        "probes": "no folder of BED files was given (--sites-dir)",
    }
    assert {r["metric"] for r in found["rows"]} == {"planted_auroc"}
    assert "Not run: probes: no folder of BED files" in report.markdown(found)


def test_upper_case_sequence_has_no_repeats_and_says_so(world):
    config = dataclasses.replace(settings(world, "upper.fa"), sites=())
    found = evaluate(world / "model", config, world / "out", say=lambda line: None)
    assert found["not_run"]["by repeat"] == (
        "the sequence is not soft-masked and no BED file of repeats was given (--repeats)"
    )
    assert "repeats" not in {r["subset"] for r in found["rows"]}


def test_repeats_of_a_bed_file_are_those_of_lower_case(world):
    mask = "".join(f"chr1\t{i}\t{i + 100}\n" for i in range(0, 10**5, 200))
    (world / "mask.bed").write_text(mask)
    soft = dataclasses.replace(settings(world), sites=())
    given = with_files(
        dataclasses.replace(settings(world, "upper.fa"), sites=()),
        repeats=(str(world / "mask.bed"),),
    )
    one, two = (
        evaluate(world / "model", config, world / f"out{i}", say=lambda line: None)
        for i, config in enumerate((soft, given))
    )
    assert one["rows"] == two["rows"]
    assert "not repeats" in {r["subset"] for r in two["rows"]}
    assert "by repeat" not in two["not_run"]
    (world / "mask.bed").write_text("20\t1\t5\n")
    with pytest.raises(DataError, match=r"\(held_out\.repeats\) has intervals of 20"):
        evaluate(world / "model", given, world / "out2", say=lambda line: None)


def test_windows_wider_than_the_model_reads_are_refused(world):
    wide = dataclasses.replace(settings(world).held_out, window=64)
    with pytest.raises(PretrainError, match="windows of 64 bases were asked for; model reads 32"):
        evaluate(
            world / "model",
            dataclasses.replace(settings(world), held_out=wide),
            world / "out",
            say=lambda line: None,
        )


def test_judged_losses_are_those_of_the_training_forward_pass():
    model = tiny_electra()
    genome = Genome.from_arrays(
        {"chr1": np.random.default_rng(0).integers(11, 15, 5000).astype(np.uint8)}
    )
    windows = Windows(genome, DataConfig(window=32, validation=("chr1",)), validation=True)
    masking, electra = MaskingConfig(ratio=0.25), ElectraConfig(temperature=2.0)

    judged = replaced.judge(
        Nucel(model.discriminator, model.discriminator_head),
        Nucel(model.generator, mlm_head=model.generator_head),
        windows,
        8,
        masking=masking,
        electra=electra,
        seed=5,
    )
    ids = windows.batch(5, range(8))
    masked, noise = mask_and_noise(ids, 5, range(8), masking)
    with torch.inference_mode():
        out = model(torch.from_numpy(ids), torch.from_numpy(masked), torch.from_numpy(noise), 2.0)
    assert (judged.masked == masked[:, 1:]).all()
    assert (judged.replaced == out.is_replaced[:, 1:].numpy()).all()
    assert judged.generator_loss[judged.masked].mean() == pytest.approx(
        out.generator_loss.item(), abs=1e-5
    )
    assert judged.discriminator_loss.mean() == pytest.approx(
        out.discriminator_loss.item(), abs=1e-5
    )
    rows = {(m, s): e for m, s, e in replaced.summaries(judged, draws=5)}
    assert rows["generator_loss", "all"].value == pytest.approx(out.generator_loss.item(), abs=1e-5)
    assert rows["replaced_auroc", "all"].n == 8


def test_repeats_follow_the_strand_a_window_is_read_on():
    rng = np.random.default_rng(0)
    ids = rng.integers(11, 15, 3000).astype(np.uint8)
    ids[::3] |= 128  # every third base is soft-masked
    windows = Windows(
        Genome.from_arrays({"chr1": ids}),
        DataConfig(window=31, validation=("chr1",)),
        validation=True,
    )
    found = replaced._repeats(windows, 0, 30)
    true = windows.batch(0, range(30))[:, 1:]
    flips = 0
    for row, bases, index in zip(found, true, range(30), strict=True):
        _, start, flip = windows.place(0, index)
        flips += flip
        at = start + (30 - np.arange(31) if flip else np.arange(31))
        assert (row == (at % 3 == 0)).all()
        letters = ids[at] & 127
        assert (bases == (tokenizer.COMPLEMENT[letters] if flip else letters)).all()
    assert 0 < flips < 30


def test_gc_fifths_hold_every_window_once():
    gc = np.random.default_rng(0).normal(0.4, 0.05, 500)
    fifths = replaced.gc_quintiles(gc)
    assert len(fifths) == 5
    assert (np.sum(list(fifths.values()), axis=0) == 1).all()
    assert [int(f.sum()) for f in fifths.values()] == [100] * 5
    assert len(replaced.gc_quintiles(np.full(10, 0.5))) == 1


def test_the_runs_own_masking_and_temperature_are_used_where_it_is_known(world):
    config = settings(world)
    assert own_settings(world / "model", config)[2] == "the settings"
    (world / "config.json").write_text(
        json.dumps({"electra": {"mask_ratio": 0.3, "temperature": 5.0}})
    )
    masking, electra, source = own_settings(world / "model", config)
    assert (masking.ratio, electra.temperature, source) == (0.3, 5.0, str(world / "config.json"))
    (world / "config.json").write_text(
        json.dumps({"masking": {"ratio": 0.2, "strategy": "span"}, "electra": {"top_k": 2}})
    )
    masking, electra, _ = own_settings(world / "model", config)
    assert (masking.ratio, masking.strategy, electra.top_k) == (0.2, "span", 2)
    (world / "config.json").write_text("{")
    with pytest.raises(PretrainError, match="is not a run's configuration"):
        own_settings(world / "model", config)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("windows = 30", "window_s = 30", "held_out.window_s; did you mean 'windows'"),
        ("stranded = true", "strand = true", "number 1: .*'stranded'"),
        ('bed = "sites.bed"', "", "lacks bed"),
        ("draws = 5", "draws = 0", "draws must be at least 1"),
        ('regions = ["chr1:0-20000"]', "", "lacks held_out.regions"),
        ("[split]", "[splitt]", "did you mean 'split'"),
        ("stranded = true", 'decoy = "GT"', "a decoy needs stranded sites"),
        ("[electra]", "[probes]\npenalties = [-1]\n[electra]", "wants positive numbers"),
    ],
)
def test_a_misspelt_or_impossible_setting_is_named(tmp_path, before, after, message):
    path = tmp_path / "settings.toml"
    path.write_text(TOML.replace(before, after, 1))
    with pytest.raises(PretrainError, match=message):
        read_evaluation(path)


def test_the_shipped_settings_read_and_keep_the_held_out_region_apart():
    config = read_evaluation("evaluate-hg19")
    assert config.held_out.regions == ("chr20:40000000-63025520",)
    assert config.split is not None
    assert config.split.test == ("chr20:40000000-63025520",)
    assert len(config.sites) == 7
    with pytest.raises(PretrainError, match="cannot read nowhere as a configuration"):
        read_evaluation("nowhere")


def test_a_missing_model_is_said_before_anything_is_computed(world):
    with pytest.raises(PretrainError, match="there is no model folder"):
        evaluate(world / "absent", settings(world), world / "out", say=lambda line: None)
    assert not (world / "out").exists()


def test_a_region_of_another_genome_is_told_by_its_own_key(world):
    config = settings(world)
    held = dataclasses.replace(config.held_out, regions=("chr77:0-1000",))
    config = dataclasses.replace(config, held_out=held)
    with pytest.raises(DataError, match=r"\(held_out\.regions\) names a region of chr77"):
        evaluate(world / "model", config, world / "out", say=lambda line: None)
    assert not (world / "out").exists()
