"""Checkpoints: whole or not at all, complete or passed over, restored to the last bit."""

from __future__ import annotations

import errno
import json
import shutil

import pytest
import torch
from safetensors import SafetensorError

from nucel_model import weights as weights_module
from nucel_pretrain import state
from nucel_pretrain.batches import Batches
from nucel_pretrain.data import Windows
from nucel_pretrain.distributed import alone
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.optim import make_optimizer
from nucel_pretrain.runfolder import log
from nucel_pretrain.state import checkpoints, load_checkpoint, save_checkpoint
from nucel_pretrain.step import train_step
from nucel_pretrain.tokens import BaseTokens
from nucel_pretrain.train import build_model, train
from tests.pretrain.cut_runs import OFTEN, CutOff, cut_at, silent

CPU = torch.device("cpu")


def cut_run(config, out) -> None:
    with pytest.raises(CutOff):
        train(config, out, say=cut_at("step 5/12"))
    assert [p.name for p in checkpoints(out)] == ["step-000003", "step-000004"]


@pytest.mark.parametrize(
    "changes", [{}, {"electra": {"embeddings": "shared"}}, {"objective": "mlm"}]
)
def test_a_checkpoint_restores_weights_and_optimiser_to_the_last_bit(
    tiny_config, tmp_path, changes
):
    config = tiny_config(**changes)
    bases = torch.randint(11, 15, (500,), dtype=torch.uint8).numpy()
    windows = Windows({"chr1": bases}, config.data)
    batches = Batches(windows, BaseTokens(), config.masking, seed=0)

    def blank():
        return build_model(config, BaseTokens(), CPU)

    def step(model, optimizer, number):
        settings = {"electra": config.electra, "clip": 1.0, "learning_rate": 1e-2}
        return train_step(model, optimizer, next(batches.steps(number, number + 1)), **settings)

    model = blank()
    optimizer = make_optimizer(model, config.optim)
    step(model, optimizer, 0)
    told = {"step": 1, "seconds": 2.5, "scaler": {}}
    folder = save_checkpoint(tmp_path, model, optimizer, told, 2, blank=blank, world=alone(CPU))
    other = blank()
    other_optimizer = make_optimizer(other, config.optim)
    found = load_checkpoint(folder, other, other_optimizer)
    assert {key: found[key] for key in told} == told
    for (name, p), q in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q), name
        kept, again = optimizer.state[p], other_optimizer.state[q]
        assert kept.keys() == again.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(kept[key], again[key]) for key in kept), name
    assert step(model, optimizer, 1) == step(other, other_optimizer, 1)


def test_a_checkpoint_cut_short_in_any_file_is_passed_over(tiny_config, tmp_path):
    run = tmp_path / "run"
    cut_run(tiny_config(loop=OFTEN), run)
    last = checkpoints(run)[-1]
    names = sorted(str(p.relative_to(last)) for p in last.rglob("*") if p.is_file())
    assert "shard-00001-of-00001.safetensors" in names
    assert "model/generator/mlm.safetensors" in names
    assert "state.json" in names
    for name in names:
        copy = shutil.copytree(run, tmp_path / "copy")
        path = copy / last.name / name
        path.write_bytes(path.read_bytes()[:-3])
        assert [p.name for p in checkpoints(copy)] == ["step-000003"], name
        path.unlink()
        assert [p.name for p in checkpoints(copy)] == ["step-000003"], name
        shutil.rmtree(copy)


def test_a_run_goes_on_from_the_checkpoint_before_one_that_was_cut_short(tiny_config, tmp_path):
    config = tiny_config(loop=OFTEN)
    cut_run(config, tmp_path)
    shard = tmp_path / "step-000004" / "shard-00001-of-00001.safetensors"
    shard.write_bytes(shard.read_bytes()[:1000])
    lines: list[str] = []
    train(config, tmp_path, say=lines.append)
    assert lines[0].startswith("resuming at step 3 of 12")
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 13))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device"),
    ],
    ids=["OSError", "SafetensorError"],
)
@pytest.mark.parametrize("where", [state, weights_module], ids=["optimiser", "weights"])
def test_a_disk_that_fills_leaves_the_last_checkpoint_and_says_what_to_do(
    tiny_config, tmp_path, monkeypatch, error, where
):
    config = tiny_config(loop=OFTEN)
    cut_run(config, tmp_path)

    def full(tensors, path, **kwargs):
        path.write_bytes(b"as much as fitted")
        raise error

    monkeypatch.setattr(where, "save_file", full)
    with pytest.raises(PretrainError) as caught:
        train(config, tmp_path, say=silent)
    message = str(caught.value)
    assert "cannot write the checkpoint" in message
    assert "No space left" in message
    assert "step-000004 is kept; free some space and give the same command" in message
    assert [p.name for p in checkpoints(tmp_path)] == ["step-000003", "step-000004"]
    assert not list(tmp_path.glob(".*.partial"))
    monkeypatch.undo()
    lines: list[str] = []
    train(config, tmp_path, say=lines.append)
    assert lines[0].startswith("resuming at step 4 of 12")


def test_a_disk_that_fills_at_the_first_checkpoint_promises_none(
    tiny_config, tmp_path, monkeypatch
):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(state, "save_file", full)
    with pytest.raises(PretrainError) as caught:
        train(tiny_config(loop=OFTEN), tmp_path, say=silent)
    assert "kept" not in str(caught.value)
    assert checkpoints(tmp_path) == []


def test_a_disk_that_fills_as_the_model_is_written_leaves_no_half_model(
    tiny_config, tmp_path, monkeypatch
):
    train(tiny_config(), tmp_path, say=silent)
    shutil.rmtree(tmp_path / "model")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nucel_pretrain.train.save_checkpoint", lambda *a, **k: None)
    monkeypatch.setattr(weights_module, "save_file", full)
    with pytest.raises(PretrainError, match=r"cannot write the model .*Free some space"):
        train(tiny_config(), tmp_path, say=silent)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "config.json",
        "genome.fa",
        "metrics.jsonl",
        "step-000012",
    ]


def test_metrics_that_cannot_be_written_say_so(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(PretrainError, match=r"cannot write .*metrics\.jsonl.*No space left"):
        log(path, {"step": 1})


def test_what_was_being_written_when_the_power_failed_is_ignored(
    tiny_config, tmp_path, monkeypatch
):
    config = tiny_config(loop=OFTEN)
    cut_run(config, tmp_path)

    def power_fails(*args, **kwargs):
        raise CutOff

    # the next checkpoint is cut off between weights and optimiser
    monkeypatch.setattr(state, "save_file", power_fails)
    with pytest.raises(CutOff):
        train(config, tmp_path, say=silent)
    monkeypatch.undo()
    partial = tmp_path / ".step-000004.partial"
    assert partial.is_dir()
    # and one that some other tool left half copied
    (tmp_path / "step-000011" / "model").mkdir(parents=True)
    lines: list[str] = []
    train(config, tmp_path, say=lines.append)
    assert lines[0].startswith("resuming at step 4 of 12")
    assert not partial.exists()


def test_checkpoints_are_counted_by_number_and_old_ones_deleted(tiny_config, tmp_path):
    train(tiny_config(loop=OFTEN | {"keep_checkpoints": 3}), tmp_path, say=silent)
    names = [p.name for p in checkpoints(tmp_path)]
    assert names == ["step-000010", "step-000011", "step-000012"]
    for number in (999_999, 1_000_000):
        (tmp_path / f"step-{number:06d}").mkdir()
        (tmp_path / f"step-{number:06d}" / "state.json").write_text('{"files": {}}')
    assert checkpoints(tmp_path)[-1].name == "step-1000000"


def test_the_loss_scale_of_fp16_goes_on_where_it_was(tiny_config, tmp_path):
    config = tiny_config(loop=OFTEN | {"precision": "fp16"})
    with pytest.raises(CutOff):
        train(config, tmp_path / "cut", say=cut_at("step 8/12"))
    last = checkpoints(tmp_path / "cut")[-1]
    saved = json.loads((last / "state.json").read_text())["scaler"]
    rows = [json.loads(x) for x in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    skipped = sum(row["skipped"] for row in rows if row["step"] <= 7)
    assert skipped > 0  # the scale begins too high, as torch has it
    assert saved["scale"] == 2.0 ** (16 - skipped)
    train(config, tmp_path / "cut", say=silent)
    train(config, tmp_path / "whole", say=silent)
    for name in ("generator_loss", "discriminator_loss", "skipped"):
        cut, whole = (
            [
                json.loads(x)[name]
                for x in (tmp_path / run / "metrics.jsonl").read_text().splitlines()
            ]
            for run in ("cut", "whole")
        )
        assert cut == whole, name


def test_metrics_that_are_not_finite_are_null(tmp_path):
    log(tmp_path / "metrics.jsonl", {"step": 3, "gradient_norm": float("inf"), "loss": 1.5})
    line = (tmp_path / "metrics.jsonl").read_text()
    assert json.loads(line, parse_constant=pytest.fail) == {
        "step": 3,
        "gradient_norm": None,
        "loss": 1.5,
    }
