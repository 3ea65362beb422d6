"""The loop: resuming equals not stopping, nothing is lost, and the loss goes as it always went."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nucel_model import from_pretrained
from nucel_pretrain import train as train_module
from nucel_pretrain.config import read_config
from nucel_pretrain.distributed import World
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.state import checkpoints
from nucel_pretrain.train import train
from tests.pretrain.cut_runs import OFTEN, CutOff, cut_at, metrics, silent

GOLDEN = Path(__file__).parents[1] / "golden" / "loss_curve.json"
ROOT = Path(__file__).parents[2]


def without_times(out: Path) -> list[dict]:
    return [{k: v for k, v in m.items() if k != "seconds"} for m in metrics(out)]


def curve(out: Path, *keys: str) -> dict[str, list[float]]:
    return {key: [m[key] for m in metrics(out) if "loss" in m] for key in keys}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.relative_to(folder)}:{name}": tensor
        for path in sorted(folder.rglob("*.safetensors"))
        for name, tensor in load_file(path).items()
    }


def assert_same_weights(one: Path, other: Path) -> None:
    wanted, got = weights(one), weights(other)
    assert wanted
    assert got.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(tensor, got[name]), name


def test_resuming_equals_not_stopping(tiny_config, tmp_path):
    config = tiny_config(loop={**OFTEN, "evaluate_every": 5}, data={"validation": ("chr2:0-500",)})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(config, whole, say=silent)
    with pytest.raises(CutOff):
        train(config, cut, say=cut_at("step 6/12"))
    assert checkpoints(cut)[-1].name == "step-000005"
    lines: list[str] = []
    train(config, cut, say=lines.append)
    assert lines[0].startswith("resuming at step 5 of 12")
    names = weights(whole / "model")
    assert len(names) == 28
    assert any("generator/mlm" in name for name in names)
    assert_same_weights(whole / "model", cut / "model")
    assert without_times(cut) == without_times(whole)
    assert [m["step"] for m in metrics(cut) if "loss" in m] == list(range(1, 13))
    assert [m["step"] for m in metrics(cut) if "validation_auroc" in m] == [5, 10, 12]


def test_resuming_equals_not_stopping_for_masked_prediction_of_words(tiny_config, tmp_path):
    pytest.importorskip("tokenizers")
    config = tiny_config(
        objective="mlm",
        loop={**OFTEN, "evaluate_every": 5},
        data={"validation": ("chr2:0-500",)},
        tokens={"kind": "bpe", "vocabulary": 32},
    )
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(config, whole, say=silent)
    with pytest.raises(CutOff):
        train(config, cut, say=cut_at("step 6/12"))
    train(config, cut, say=silent)
    assert without_times(cut) == without_times(whole)
    assert "validation_mlm_loss" in metrics(cut)[-1]
    assert "validation_auroc" not in metrics(cut)[-1]
    assert_same_weights(whole / "model", cut / "model")


@pytest.mark.slow
def test_killing_the_process_and_starting_it_again_changes_no_number(toml, tmp_path):
    """SIGKILL at a random moment of a real process, then the same command."""
    config = toml(loop={"steps": 120, "checkpoint_minutes": 0.002, "evaluate_every": 7})

    def command(out: Path) -> list[str]:
        program = "from nucel_pretrain.cli import app; app()"
        return [sys.executable, "-c", program, "train", str(config), "-o", str(out), "-t", "1"]

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(read_config(config), whole, say=silent)
    wanted = random.Random().randrange(5, 60)
    process = subprocess.Popen(
        command(cut), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    log = cut / "metrics.jsonl"
    while not (log.exists() and log.read_bytes().count(b"\n") >= wanted and checkpoints(cut)):
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (cut / "model").exists()
    reached = checkpoints(cut)[-1]
    again = subprocess.run(command(cut), check=True, capture_output=True, env=environment)
    assert f"of 120 from {reached}".encode() in again.stderr
    assert without_times(cut) == without_times(whole), f"killed after {wanted} lines"
    assert_same_weights(whole / "model", cut / "model")


def test_a_run_cut_before_its_first_checkpoint_starts_again(tiny_config, tmp_path):
    config = tiny_config()
    with pytest.raises(CutOff):
        train(config, tmp_path, say=cut_at("step 6/12"))
    assert checkpoints(tmp_path) == []
    train(config, tmp_path, say=silent)
    assert [m["step"] for m in metrics(tmp_path)] == list(range(1, 13))


def test_a_line_of_metrics_cut_off_as_it_was_written_is_dropped(tiny_config, tmp_path):
    config = tiny_config(loop=OFTEN)
    with pytest.raises(CutOff):
        train(config, tmp_path, say=cut_at("step 6/12"))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "seco')
    train(config, tmp_path, say=silent)
    assert [m["step"] for m in metrics(tmp_path)] == list(range(1, 13))


@pytest.mark.parametrize("kind", ["base", "bpe"])
def test_a_step_cut_into_parts_gives_the_same_losses(tiny_config, tmp_path, genome, kind):
    """Means over tokens of unequal weight and number: parts are no smaller batches."""
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    lower_case = [
        line if line[0] == ">" else line.replace("AC", "ac").replace("GT", "gt")
        for line in genome.read_text().splitlines()
    ]
    genome.write_text("\n".join(lower_case) + "\n")
    curves = []
    for parts in (1, 2, 4):
        config = tiny_config(
            data={"batch": 8, "repeat_weight": 0.1},
            loop={"accumulate": parts},
            tokens={"kind": kind, "vocabulary": 64},
        )
        train(config, tmp_path / str(parts), say=silent)
        curves.append(
            curve(tmp_path / str(parts), "generator_loss", "discriminator_loss", "gradient_norm")
        )
    for other in curves[1:]:
        for key, values in curves[0].items():
            assert other[key] == pytest.approx(values, rel=1e-6 if key != "gradient_norm" else 1e-5)


def test_repeats_of_weight_0_teach_nothing(tiny_config, tmp_path, genome):
    """One base of all is upper case: the batches hold nothing to learn from, and nothing fails."""
    train(tiny_config(loop={"steps": 2}), tmp_path / "all", say=silent)
    lines = [t if t[0] == ">" else t.lower() for t in genome.read_text().splitlines()]
    lines[1] = lines[1][:-1] + "A"
    genome.write_text("\n".join(lines) + "\n")
    train(tiny_config(loop={"steps": 2}, data={"repeat_weight": 0.0}), tmp_path / "few", say=silent)
    assert all(v > 1 for v in curve(tmp_path / "all", "generator_loss")["generator_loss"])
    few = curve(tmp_path / "few", "generator_loss", "gradient_norm")
    assert few == {"generator_loss": [0.0, 0.0], "gradient_norm": [0.0, 0.0]}


@pytest.mark.parametrize(("processes", "parts"), [(1, 3), (3, 1), (2, 4)])
def test_windows_that_cannot_be_shared_alike_are_refused(tiny_config, tmp_path, processes, parts):
    world = World(rank=0, size=processes, device=torch.device("cpu"))
    with pytest.raises(PretrainError, match=rf"data\.batch = 4 .* multiple of {processes * parts}"):
        train(tiny_config(loop={"accumulate": parts}), tmp_path, say=silent, world=world)


def test_a_finished_run_is_not_trained_again(tiny_config, tmp_path):
    config = tiny_config()
    train(config, tmp_path, say=silent)
    before = weights(tmp_path / "model")
    train(config, tmp_path, say=silent)
    after = weights(tmp_path / "model")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [m["step"] for m in metrics(tmp_path)] == list(range(1, 13))


def test_the_finished_model_loads_with_both_heads(tiny_config, tmp_path):
    folder = train(tiny_config(), tmp_path, say=silent)
    model = from_pretrained(folder)
    assert model.config == tiny_config().discriminator.encoder(33)
    assert model.discriminator_head is not None
    generator = from_pretrained(folder / "generator")
    assert generator.mlm_head is not None
    assert from_pretrained(checkpoints(tmp_path)[-1] / "model").config == model.config
    assert_same_weights(folder, checkpoints(tmp_path)[-1] / "model")


def test_milestones_are_the_model_at_those_steps(tiny_config, tmp_path):
    config = tiny_config(loop={**OFTEN, "keep_checkpoints": 20})
    train(config, tmp_path, say=silent, milestones=(0, 5, 12))
    found = sorted(p.name for p in (tmp_path / "milestones").iterdir())
    assert found == ["step-000000", "step-000005", "step-000012"]
    for step in (5, 12):
        name = f"step-{step:06d}"
        assert_same_weights(tmp_path / "milestones" / name, tmp_path / name / "model")
    assert_same_weights(tmp_path / "milestones" / "step-000012", tmp_path / "model")
    assert from_pretrained(tmp_path / "milestones" / "step-000000").discriminator_head is not None


def test_a_warm_start_goes_on_from_the_saved_model(tiny_config, tmp_path):
    data = {"validation": ("chr2:0-1000",), "exclude": ()}
    first = tiny_config(data=data, loop={"steps": 60})
    folder = train(first, tmp_path / "first", say=silent)
    # a rate of next to nothing: what is measured is what was loaded
    still = tiny_config(
        data=data,
        loop={"steps": 1, "start_from": str(folder)},
        optim={"learning_rate": 1e-12},
    )
    train(still, tmp_path / "second", say=silent)
    names = ("validation_generator_loss", "validation_discriminator_loss", "validation_auroc")
    for name in names:
        wanted, got = metrics(tmp_path / "first")[-1][name], metrics(tmp_path / "second")[-1][name]
        assert got == pytest.approx(wanted, rel=1e-6), name
    assert metrics(tmp_path / "second")[-1]["validation_generator_loss"] < 3


def test_a_warm_start_of_masked_prediction(tiny_config, tmp_path):
    data = {"validation": ("chr2:0-1000",)}
    first = tiny_config(objective="mlm", data=data, loop={"steps": 60})
    folder = train(first, tmp_path / "first", say=silent)
    assert from_pretrained(folder).mlm_head is not None
    still = tiny_config(
        objective="mlm",
        data=data,
        loop={"steps": 1, "start_from": str(folder)},
        optim={"learning_rate": 1e-12},
    )
    train(still, tmp_path / "second", say=silent)
    losses = [metrics(tmp_path / run)[-1]["validation_mlm_loss"] for run in ("first", "second")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    assert losses[0] < 3


def test_a_warm_start_from_what_is_no_electra_model_says_what_is_lacking(tiny_config, tmp_path):
    folder = train(tiny_config(loop={"steps": 1}), tmp_path / "first", say=silent)

    def fails(words: str, **changes) -> None:
        config = tiny_config(loop={"start_from": str(folder)}, **changes)
        with pytest.raises(PretrainError, match=words) as caught:
            train(config, tmp_path / str(len(changes)) / words[-5:], say=silent)
        assert "\n" not in str(caught.value)

    fails(r"loop\.start_from.*lacks a masked-base head", objective="mlm")
    shutil.move(folder / "generator", tmp_path / "generator")
    fails(r"loop\.start_from.*no generator .*fit-head .*--replace-head, and start from HEAD/model")
    (folder / "discriminator.safetensors").unlink()
    fails(r"loop\.start_from.*no discriminator head .*nucel-pretrain fit-head .*HEAD, and start")


def test_a_warm_start_is_for_the_first_sitting_only(tiny_config, tmp_path):
    folder = train(tiny_config(loop={"steps": 1}), tmp_path / "first", say=silent)
    config = tiny_config(loop={**OFTEN, "start_from": str(folder)})
    train(config, tmp_path / "whole", say=silent)
    with pytest.raises(CutOff):
        train(config, tmp_path / "cut", say=cut_at("step 6/12"))
    folder.rename(folder.with_name("moved"))
    train(config, tmp_path / "cut", say=silent)
    assert_same_weights(tmp_path / "whole" / "model", tmp_path / "cut" / "model")


def test_another_configuration_is_refused_with_the_difference(tiny_config, tmp_path):
    train(tiny_config(loop={"steps": 1}), tmp_path, say=silent)
    before = weights(tmp_path / "model")
    other = tiny_config(loop={"steps": 2}, optim={"learning_rate": 0.5}, objective="mlm")
    with pytest.raises(PretrainError) as caught:
        train(other, tmp_path, say=silent)
    message = str(caught.value)
    assert "loop.steps was 1, is 2" in message
    assert "optim.learning_rate was 0.003, is 0.5" in message
    assert "objective was 'electra', is 'mlm'" in message
    assert "window" not in message
    assert "--out" in message
    after = weights(tmp_path / "model")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_how_often_a_run_looks_and_saves_may_change(tiny_config, tmp_path):
    with pytest.raises(CutOff):
        train(tiny_config(loop=OFTEN), tmp_path, say=cut_at("step 6/12"))
    changed = {
        "log_every": 3,
        "evaluate_every": 4,
        "checkpoint_minutes": 7.0,
        "keep_checkpoints": 5,
    }
    train(tiny_config(loop=changed), tmp_path, say=silent)
    assert [m["step"] for m in metrics(tmp_path)] == [1, 2, 3, 4, 5, 6, 9, 12]
    written = json.loads((tmp_path / "config.json").read_text())["loop"]
    assert {key: written[key] for key in changed} == changed


CONSTANT = {"schedule": "constant", "warmup_steps": 3}
ENDING = {"schedule": "linear", "warmup_steps": 3, "decay_share": 0.5}


def test_a_run_at_a_constant_rate_may_be_told_to_end_at_any_time(tiny_config, tmp_path):
    whole, told = tmp_path / "whole", tmp_path / "told"
    ending = tiny_config(loop={**OFTEN, "steps": 10}, optim=ENDING)
    train(ending, whole, say=silent)
    with pytest.raises(CutOff):
        train(
            tiny_config(loop={**OFTEN, "steps": 10**6}, optim=CONSTANT), told, say=cut_at("step 6/")
        )
    train(ending, told, say=silent)  # the decay begins with step 5, where the checkpoint is
    assert without_times(told) == without_times(whole)
    assert_same_weights(whole / "model", told / "model")
    assert metrics(told)[-1]["learning_rate"] < metrics(told)[3]["learning_rate"]
    assert json.loads((told / "config.json").read_text())["loop"]["steps"] == 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # the decay would have begun before the checkpoint
        ({"loop": {"steps": 10}, "optim": {**ENDING, "decay_share": 0.8}}, "optim.schedule was"),
        ({"loop": {"steps": 4}, "optim": CONSTANT}, "loop.steps was 100, is 4"),
        ({"loop": {"steps": 10}, "optim": {**ENDING, "warmup_steps": 2}}, "optim.warmup_steps was"),
    ],
)
def test_an_end_that_would_change_steps_already_made_is_refused(
    tiny_config, tmp_path, changes, words
):
    with pytest.raises(CutOff):
        train(
            tiny_config(loop={**OFTEN, "steps": 100}, optim=CONSTANT),
            tmp_path,
            say=cut_at("step 6/"),
        )
    with pytest.raises(PretrainError, match=f"another configuration.*{words}"):
        train(tiny_config(**changes), tmp_path, say=silent)


def test_a_run_goes_on_though_its_folder_lacks_a_newer_key(tiny_config, tmp_path):
    with pytest.raises(CutOff):
        train(tiny_config(loop=OFTEN), tmp_path, say=cut_at("step 6/"))
    path = tmp_path / "config.json"
    written = json.loads(path.read_text())
    del written["data"]["enrich"], written["data"]["repeats"]
    path.write_text(json.dumps(written))
    train(tiny_config(loop=OFTEN), tmp_path, say=silent)
    assert metrics(tmp_path)[-1]["step"] == 12


def test_names_of_bed_files_that_the_sequence_lacks_are_told(tiny_config, tmp_path):
    bed = tmp_path / "repeats.bed"
    bed.write_text("chr1\t5\t90\nchrM\t0\t10\n")
    said: list[str] = []
    config = tiny_config(loop={"steps": 1}, data={"repeats": (str(bed),), "repeat_weight": 0.1})
    train(config, tmp_path / "out", say=said.append)
    assert "not in the sequence, so not used: chrM (of BED files)" in said


def test_a_run_folder_that_is_a_file_or_holds_another_config_json(tiny_config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PretrainError, match="is a file; give a folder"):
        train(tiny_config(), tmp_path / "file", say=silent)
    for text, words in (
        ("not JSON", "is not a run's configuration"),
        ("[]", "is not a run's configuration: not a JSON object"),
        ('{"model_type": "modernbert"}', "another configuration"),
    ):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(PretrainError, match=words):
            train(tiny_config(), tmp_path, say=silent)


def test_a_loss_that_is_not_a_number_stops_and_keeps_the_last_checkpoint(
    tiny_config, tmp_path, monkeypatch
):
    real, done = train_module.train_step, []

    def poisoned(model, *args, **kwargs):
        if len(done) == 4:
            with torch.no_grad():
                next(model.discriminator.parameters()).fill_(float("nan"))
        done.append(1)
        return real(model, *args, **kwargs)

    monkeypatch.setattr(train_module, "train_step", poisoned)
    with pytest.raises(
        PretrainError, match=r"loss nan.*step 4.*began with chr[12]:\d+.*step-000004 is kept"
    ):
        train(tiny_config(loop=OFTEN), tmp_path, say=silent)
    last = checkpoints(tmp_path)[-1]
    assert last.name == "step-000004"
    for path in last.rglob("*.safetensors"):
        assert all(t.isfinite().all() for t in load_file(path).values()), path
    assert not (tmp_path / "model").exists()
    monkeypatch.undo()
    train(tiny_config(loop=OFTEN), tmp_path, say=silent)
    assert (tmp_path / "model" / "config.json").exists()


def test_an_absurd_learning_rate_ends_in_that_error_too(tiny_config, tmp_path):
    with pytest.raises(PretrainError, match=r"Lower optim\.learning_rate"):
        train(tiny_config(optim={"learning_rate": 1e30}), tmp_path, say=silent)


def test_golden_loss_curve(tiny_config, tmp_path):
    """Fifty steps give the stored losses.

    Machines differ in the order of their fp32 sums. With one thread or two, and with SSE, AVX2
    or AVX-512 kernels, the largest relative difference over thirty steps was 3e-7; 1e-5 is
    allowed. A learning rate that is wrong by one part in a thousand is seen.
    """
    config = tiny_config(loop={"steps": 50})
    train(config, tmp_path, say=silent)
    keys = ("generator_loss", "discriminator_loss", "gradient_norm")
    found = curve(tmp_path, *keys)
    if os.environ.get("NUCEL_WRITE_GOLDEN"):
        note = "NUCEL_WRITE_GOLDEN=1 python -m pytest tests/pretrain/test_train.py -k golden"
        GOLDEN.write_text(json.dumps({"written by": note, **found}, indent=1) + "\n")
        pytest.skip(f"wrote {GOLDEN}: look at the difference before committing it")
    golden = json.loads(GOLDEN.read_text())
    assert len(golden["generator_loss"]) == 50
    for key in keys:
        assert found[key] == pytest.approx(golden[key], rel=1e-5), key
