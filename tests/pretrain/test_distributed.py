"""Several processes learn what one learns, and take over each other's checkpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nucel_model import from_pretrained
from nucel_pretrain.config import PretrainConfig, read_config
from nucel_pretrain.distributed import World, alone, joined
from nucel_pretrain.state import checkpoints
from nucel_pretrain.train import train
from tests.pretrain.cut_runs import CutOff, cut_at, silent

KEYS = ("generator_loss", "discriminator_loss", "generator_accuracy", "gradient_norm")

PROGRAM = """
import sys
from pathlib import Path
import torch
from nucel_pretrain.config import read_config
from nucel_pretrain.distributed import joined
from nucel_pretrain.train import train

class CutOff(Exception):
    pass

def say(line):
    if cut and line.startswith(cut):
        raise CutOff

torch.set_num_threads(1)
with joined("cpu") as world:
    for job in sys.argv[1:]:
        config, out, cut = job.split(",")
        try:
            train(read_config(config), Path(out), say=say, world=world)
        except CutOff:
            sys.exit(9)
"""


def curve(out: Path) -> dict[str, list[float]]:
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return {key: [m[key] for m in rows if key in m] for key in KEYS} | {
        "validation": [m["validation_discriminator_loss"] for m in rows if "loss" not in m]
    }


def assert_same_curve(one: Path, other: Path, steps: int) -> None:
    wanted, got = curve(one), curve(other)
    for key, values in wanted.items():
        assert len(values) == (steps if key in KEYS else 1), key
        assert got[key] == pytest.approx(values, rel=1e-4), key


def two_processes(*jobs: tuple[Path, Path, str], code: int = 0) -> None:
    """Run the program above under torchrun: each job is a configuration, a folder, where to cut."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    program = jobs[0][1].parent / "program.py"
    program.write_text(PROGRAM)
    result = subprocess.run(
        [*command, str(program), *(",".join(map(str, job)) for job in jobs)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.returncode != 0) == (code != 0), result.stderr[-3000:]
    if code:
        assert f"exitcode  : {code}" in result.stderr, result.stderr[-3000:]


@pytest.fixture
def written(toml, tmp_path):
    """Writes a configuration of 50 steps of 8 windows under a name of its own."""

    def write(name: str, **loop) -> Path:
        path = toml(
            data={"batch": 8, "validation": ("chr2:0-500",)},
            loop={"steps": 50, "evaluate_every": 1000, **loop},
        )
        return path.rename(tmp_path / f"{name}.toml")

    return write


@pytest.fixture
def single(written, tmp_path) -> tuple[PretrainConfig, Path]:
    """One process's run."""
    config = read_config(written("single"))
    train(config, tmp_path / "single", say=silent)
    return config, tmp_path / "single"


@pytest.mark.slow
def test_two_processes_give_the_curve_of_one(written, single, tmp_path):
    names = {
        "ddp": {"parallel": "ddp"},
        "fsdp": {"parallel": "fsdp"},
        "ddp-parts": {"parallel": "ddp", "accumulate": 2},
        "fsdp-parts": {"parallel": "fsdp", "accumulate": 2},
    }
    two_processes(*((written(name, **loop), tmp_path / name, "") for name, loop in names.items()))
    for name, loop in names.items():
        assert_same_curve(single[1], tmp_path / name, 50)
        shards = list(checkpoints(tmp_path / name)[-1].glob("shard-*-of-*.safetensors"))
        assert len(shards) == {"ddp": 1, "fsdp": 2}[loop["parallel"]]
        ours, theirs = (from_pretrained(run / "model") for run in (tmp_path / name, single[1]))
        for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-5, msg=f"{name} {key}")


@pytest.mark.slow
def test_a_checkpoint_of_two_split_processes_resumes_on_one_and_the_other_way_round(
    written, single, tmp_path
):
    often = {"parallel": "fsdp", "checkpoint_minutes": 1e-9}
    path = written("fsdp", **often)
    config = read_config(path)
    two, one = tmp_path / "two-then-one", tmp_path / "one-then-two"

    with pytest.raises(CutOff):
        train(config, one, say=cut_at("step 21/50"))
    two_processes((path, one, ""), (path, two, "step 31/50"), code=9)
    assert checkpoints(two)[-1].name == "step-000030"
    assert len(list(checkpoints(two)[-1].glob("shard-*-of-00002.safetensors"))) == 2
    lines: list[str] = []
    train(config, two, say=lines.append)
    assert lines[0].startswith("resuming at step 30 of 50")
    for out in (two, one):
        assert_same_curve(single[1], out, 50)


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as world:
        assert world == alone(torch.device("cpu"))
        assert world.is_main
        assert world.sum([1.5, 2.0]) == [1.5, 2.0]
        assert world.same(True)
        assert not world.same(False)
    assert not torch.distributed.is_initialized()


def test_only_the_first_process_is_the_main_one():
    cpu = torch.device("cpu")
    assert [World(rank=r, size=3, device=cpu).is_main for r in range(3)] == [True, False, False]
