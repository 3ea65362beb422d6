"""Shards on a Ray cluster: none lost, none doubled, and errors that say what to do."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from nucel_interp.errors import InputError, NucelError
from nucel_interp.runs.ray_cluster import _Actor, on_cluster


def test_an_actor_prepares_once_and_gives_bases_by_shard():
    prepared = []

    def prepare(device):
        prepared.append(device)
        return lambda number: 10 * number

    actor = _Actor(prepare, "cpu", 0)
    for number in (3, 5):
        found = actor({"shard": [number]})
        assert found == {"shard": [number], "bases": [10 * number], "error": [""]}
    assert prepared == ["cpu"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("chr1 has\n500 bases"), "chr1 has 500 bases"),
        (FileNotFoundError(2, "No such file", "x.2bit"), "[Errno 2] No such file: 'x.2bit'"),
        (KeyError("layer"), "KeyError: 'layer'"),
    ],
)
def test_an_error_on_a_worker_travels_in_one_line(error, told):
    def prepare(device):
        raise error

    assert _Actor(prepare, "cpu", 0)({"shard": [7]})["error"] == [told]


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'nucel-interp\[cluster\]'"):
        list(on_cluster(lambda device: lambda number: 0, [1], address="local"))


@pytest.fixture
def _ray(monkeypatch):
    pytest.importorskip("ray.data")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")


def _preparing(folder: Path, fails: int, device: str):
    (folder / f"{os.getpid()}.pid").write_text(device)

    def work(number: int) -> int:
        time.sleep(0.2)
        if number == fails:
            raise InputError(f"shard {number} cannot be read")
        (folder / f"{number}.part").write_text(str(number))
        return number

    return work


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray's own
@pytest.mark.usefixtures("_ray")
def test_a_cluster_that_is_not_there_is_said_to_be_so():
    with pytest.raises(InputError, match=r"no Ray cluster answers at auto: start one"):
        list(on_cluster(partial(_preparing, Path(), -1), [1], address="auto"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("_ray")
def test_an_error_in_a_shard_ends_the_run_with_its_reason(tmp_path):
    with pytest.raises(NucelError, match="shard 2 failed on a worker: shard 2 cannot be read"):
        list(on_cluster(partial(_preparing, tmp_path, 2), range(4), address="local"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("_ray")
def test_a_killed_worker_loses_and_doubles_no_shard(tmp_path):
    done = []
    for number, bases in on_cluster(partial(_preparing, tmp_path, -1), range(12), address="local"):
        done.append((number, bases))
        if len(done) == 3:
            victim = min(tmp_path.glob("*.pid"))
            os.kill(int(victim.stem), signal.SIGKILL)
    assert sorted(done) == [(n, n) for n in range(12)]
    assert sorted(int(p.stem) for p in tmp_path.glob("*.part")) == list(range(12))
