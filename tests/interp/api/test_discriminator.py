"""`discriminator`, as users call it: log-odds by record, and the file of the command."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import nucel_interp as ni
from nucel_interp.cli import app
from nucel_interp.runs import sharded
from nucel_interp.scoring import score_sequences
from tests.toy import dna, fasta_of, tiny

SEQUENCES = {f"s{i}": dna(n, i) for i, n in enumerate((40, 61, 200, 33))}


@pytest.fixture
def fasta(tmp_path):
    return fasta_of(tmp_path / "in.fa", SEQUENCES)


@pytest.fixture
def small_parts(monkeypatch):
    """Several parts, with borders inside records."""
    monkeypatch.setattr(sharded, "SHARD_BP", 70)


@pytest.mark.parametrize("name", ["x.bedGraph", "x.bedGraph.gz", "x.bw"])
def test_discriminator_writes_what_save_writes(tmp_path, tiny_folder, fasta, name):
    if name.endswith("bw"):
        pytest.importorskip("pybigtools")
    by_command, in_python = tmp_path / f"c{name}", tmp_path / f"p{name}"
    call = ["discriminator", str(fasta), "-m", str(tiny_folder), "-o", str(by_command)]
    assert CliRunner().invoke(app, call).exit_code == 0
    result = ni.discriminator(fasta, tiny_folder)
    result.save(in_python)
    assert in_python.read_bytes() == by_command.read_bytes()
    assert in_python.stat().st_size > 100
    with pytest.raises(ni.OutputError, match="exists already"):
        result.save(in_python)


@pytest.mark.usefixtures("small_parts")
def test_log_odds_by_name():
    result = ni.discriminator(SEQUENCES, tiny())
    wanted = score_sequences(tiny(), list(SEQUENCES.values()))
    assert wanted.replaced is not None
    for number, name in enumerate(SEQUENCES):
        a, b = wanted.offsets[number], wanted.offsets[number + 1]
        np.testing.assert_allclose(result.tracks[name], wanted.replaced[a:b], rtol=1e-3, atol=1e-4)
    assert result.found.n == sum(map(len, SEQUENCES.values()))
    bare = tiny()
    bare.discriminator_head = None
    with pytest.raises(ni.NucelError, match="no discriminator"):
        ni.discriminator(SEQUENCES, bare)


def test_standard_output_gets_what_the_command_prints(tiny_folder, fasta, capsys):
    call = ["-q", "discriminator", str(fasta), "-m", str(tiny_folder)]
    printed = CliRunner().invoke(app, call).stdout
    ni.discriminator(fasta, tiny_folder).save("-")
    assert capsys.readouterr().out == printed
    assert len(printed.splitlines()) > 100


def test_one_record_and_its_names(tiny_folder):
    result = ni.discriminator(SEQUENCES, tiny_folder)
    assert result.names == list(SEQUENCES)
    assert np.array_equal(result["s1"], result.tracks["s1"])
    result.close()
    with pytest.raises(ni.InputError, match="this result was closed"):
        result["s1"]


def test_a_closed_result_is_not_saved_as_an_empty_file(tmp_path, tiny_folder):
    pytest.importorskip("pybigtools")
    result = ni.discriminator(SEQUENCES, tiny_folder)
    result.close()
    for name in ("x.bedGraph", "x.bw"):
        with pytest.raises(ni.InputError, match="this result was closed"):
            result.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_bigwig_may_lie_on_another_disk_than_the_parts(tmp_path, tiny_folder, monkeypatch):
    pytest.importorskip("pybigtools")
    real = Path.replace

    def within_one_folder(self, target):
        if self.parent != Path(target).parent:
            raise OSError(18, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", within_one_folder)
    ni.discriminator(SEQUENCES, tiny_folder).save(tmp_path / "x.bw")
    assert os.listdir(tmp_path) == ["x.bw"]  # noqa: PTH208
