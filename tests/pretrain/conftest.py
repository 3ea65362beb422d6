"""A small genome and a small configuration that several files of tests/pretrain use."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nucel_pretrain.config import LoopConfig, PretrainConfig, SizeConfig, as_dict
from nucel_pretrain.data import DataConfig
from nucel_pretrain.optim import OptimConfig


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Models this small gain nothing from more; on a busy machine threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path_factory, monkeypatch):
    """No test writes into, or reads from, the user's cache of genomes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def genome(tmp_path):
    """A FASTA of two chromosomes: one 20-base word repeated, every tenth base drawn at random."""
    rng = np.random.default_rng(0)
    word = rng.choice(list("ACGT"), 20)
    path = tmp_path / "genome.fa"
    with path.open("w") as file:
        for name, repeats in (("chr1", 200), ("chr2", 100)):
            bases = np.tile(word, repeats)
            drawn = rng.random(bases.size) < 0.1
            bases[drawn] = rng.choice(list("ACGT"), int(drawn.sum()))
            file.write(f">{name} made up\n{''.join(bases)}\n")
    return path


@pytest.fixture
def tiny_config(genome):
    """Makes a configuration that trains in milliseconds a step; sections can be changed by key."""

    def make(**changes: Any) -> PretrainConfig:
        config = PretrainConfig(
            data=DataConfig(fasta=(str(genome),), window=32, batch=4),
            discriminator=SizeConfig(hidden=16, layers=2, heads=2, intermediate=24),
            generator=SizeConfig(hidden=8, layers=1, heads=2, intermediate=12),
            loop=LoopConfig(steps=12, log_every=1, precision="fp32"),
            optim=OptimConfig(learning_rate=3e-3, warmup_steps=3),
        )
        for name, values in changes.items():
            if isinstance(values, dict):
                values = dataclasses.replace(getattr(config, name), **values)
            config = dataclasses.replace(config, **{name: values})
        return config

    return make


@pytest.fixture
def toml(tiny_config, tmp_path):
    """Writes the small configuration as a TOML file."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "run.toml"
        path.write_text(as_toml(as_dict(tiny_config(**changes))))
        return path

    return write


def as_toml(config: dict[str, Any]) -> str:
    """A resolved configuration as TOML, which has no null: such keys are left out."""
    lines = [f"{k} = {json.dumps(v)}" for k, v in config.items() if not isinstance(v, dict)]
    for name, section in config.items():
        if isinstance(section, dict):
            said = {k: v for k, v in section.items() if v is not None}
            lines += [f"[{name}]", *(f"{k} = {json.dumps(v)}" for k, v in said.items())]
    return "\n".join(lines) + "\n"
