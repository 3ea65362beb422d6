"""`nucel-interp attribute`: a track that other commands read, a table, figures, and errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_interp.cli import app
from nucel_interp.io.fasta import read_records
from nucel_interp.io.tracks import read_tracks
from nucel_interp.types import ATTRIBUTION_COLUMNS
from nucel_model import save_pretrained
from tests.toy import dna, tuned


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_pretrained(tuned(seed=1), tmp_path_factory.mktemp("tuned"))


@pytest.fixture(scope="module")
def fasta(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "seq.fa"
    path.write_text(f">one\n{dna(40, 1)}\n>two\n{dna(30, 2)[:20]}NN{dna(30, 3)[:8]}\n")
    return path


def run(*words):
    return CliRunner().invoke(app, ["attribute", *map(str, words)])


def test_the_track_adds_up_and_is_read_back(folder, fasta, tmp_path):
    out = tmp_path / "out"
    result = run(fasta, "-m", folder, "-o", out)
    assert result.exit_code == 0, result.output
    assert "2 of 2 records explained by integrated-gradients" in result.output
    assert "Convergence: |delta| is" in result.output
    table = pd.read_csv(out / "attribution.tsv", sep="\t")
    assert list(table) == list(ATTRIBUTION_COLUMNS)
    records = read_records(fasta)
    for name in ("attribution.npz", "attribution.bedGraph"):
        tracks = read_tracks(out / "tracks" / name, records)
        sums = [np.nansum(track) for track in tracks]
        wanted = table["prediction"] - table["baseline"] + table["delta"]
        np.testing.assert_allclose(sums, wanted, atol=2e-2 if "bed" in name else 1e-4)
    assert np.isnan(tracks[1][20:22]).all()
    at = int(table["largest_at"][0])
    assert table["largest"][0] == pytest.approx(tracks[0][at], rel=1e-3)
    assert (out / "figures" / "attribution_record2.svg").exists()


def test_mutagenesis_also_writes_all_four_bases(folder, fasta, tmp_path):
    out = tmp_path / "out"
    result = run(fasta, "-m", folder, "-o", out, "--method", "mutagenesis", "--target", "no")
    assert result.exit_code == 0, result.output
    with np.load(out / "mutagenesis.npz") as found:
        assert found["one"].shape == (40, 4)
    with (
        np.load(out / "tracks" / "attribution.npz") as tracks,
        np.load(out / "mutagenesis.npz") as found,
    ):
        wanted = -found["one"].sum(axis=1) / 3
        np.testing.assert_allclose(tracks["one"], wanted, atol=1e-5)


def test_what_is_wrong_is_said_in_one_line(folder, fasta, tmp_path):
    out = tmp_path / "out"
    for words, message in (
        ((fasta, "-m", "nucel-mini", "-o", out), "has no fine-tuned head"),
        ((fasta, "-m", folder, "-o", out, "--target", "maybe"), "has no output 'maybe'"),
    ):
        result = run(*words)
        assert result.exit_code == 1
        assert message in result.output
        assert result.output.count("\n") == 1
    assert not out.exists()
    assert run(fasta, "-m", folder, "-o", out, "--method", "magic").exit_code == 2
