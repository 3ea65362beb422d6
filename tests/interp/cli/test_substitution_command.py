"""`nucel-interp substitution`: files, numbers in them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_interp.api import substitution as command
from nucel_interp.cli import app
from nucel_interp.scoring import hypothetical_contributions, substitution_map
from nucel_interp.scoring.dependency import dependency_map
from nucel_interp.types import (
    BASES,
    DEPENDENCY_COLUMNS,
    SUBSTITUTION_COLUMNS,
)
from nucel_model import from_pretrained, save_pretrained

runner = CliRunner()
RECORDS = {"first": "ACGTTGCANTTACG", "second": "GGATCCATTA"}


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "in.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in RECORDS.items()))
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time."""
    monkeypatch.setattr(command, "MOST_FIGURES", 0)


def run(*args: object, code: int = 0) -> str:
    result = runner.invoke(app, ["substitution", *map(str, args)])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_maps_tracks_and_table(
    fasta: Path, out: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "MOST_FIGURES", 1)
    said = run(fasta, "-o", out, "-m", tiny_folder, "--export", "modisco")
    assert "23 bases of 2 records; the standing base is the best of the four at" in said
    want = substitution_map(from_pretrained(tiny_folder), list(RECORDS.values()))
    with np.load(out / "substitution.npz") as arrays:
        assert list(arrays) == list(RECORDS)
        for name, array in zip(RECORDS, want, strict=True):
            np.testing.assert_array_equal(arrays[name], array)
    table = pd.read_csv(out / "substitution.tsv", sep="\t")
    assert list(table.columns) == SUBSTITUTION_COLUMNS
    assert table["bases_read"].tolist() == [13, 10]
    spread = np.nanmax(want[1], axis=1) - np.nanmin(want[1], axis=1)
    assert table["largest_range_at"][1] == spread.argmax()
    own = [BASES.index(c) for c in RECORDS["second"]]
    best = (want[1].argmin(axis=1) == own).mean()
    assert table["own_base_best"][1] == pytest.approx(best, rel=1e-5)
    line = (out / "tracks" / "contribution.bedGraph").read_text().splitlines()[0].split("\t")
    hypothetical = hypothetical_contributions(want[0])
    assert float(line[3]) == pytest.approx(hypothetical[0, 0], rel=1e-3)
    scores = np.load(out / "modisco" / "scores.npz")["arr_0"]
    assert scores.shape == (2, 4, 14)
    np.testing.assert_allclose(scores[0], np.nan_to_num(hypothetical.T), atol=1e-6)
    assert not (out / "modisco" / "modisco_results.h5").exists()
    assert "figures of the first 1." in said
    figures = {path.name for path in (out / "figures").iterdir()}
    assert figures == {f"substitution_record1.{end}" for end in ("svg", "pdf", "png", "csv")}
    assert json.loads((out / "run.json").read_text())["strand"] == "both"


def test_dependencies_come_with_their_null(
    fasta: Path, out: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "MOST_FIGURES", 1)
    said = run(fasta, "-o", out, "-m", tiny_folder, "--dependency")
    assert "in shuffled copies" in said
    assert "in 95 % of 20 shuffled copies in" in said
    (want, _) = dependency_map(from_pretrained(tiny_folder), list(RECORDS.values()))
    with np.load(out / "dependency.npz") as maps, np.load(out / "substitution.npz") as arrays:
        np.testing.assert_array_equal(maps["first"], want.dependency)
        np.testing.assert_array_equal(arrays["first"], want.substitution)
    table = pd.read_csv(out / "dependency.tsv", sep="\t")
    assert list(table.columns) == DEPENDENCY_COLUMNS
    assert (table["distance"] == table["second"] - table["first"]).all()
    row = table.iloc[0]
    both = (
        want.dependency[row["first"], row["second"]],
        want.dependency[row["second"], row["first"]],
    )
    assert row["dependency"] == pytest.approx(np.mean(both), rel=1e-4)
    assert table["p_record"].between(1 / 21 - 1e-6, 1).all()
    assert (out / "figures" / "dependency_record1.png").exists()


@pytest.mark.usefixtures("_no_figures")
def test_order_of_records_changes_no_row(tmp_path: Path, tiny_folder: Path) -> None:
    tables = []
    for name, order in (("a", list(RECORDS)), ("b", list(RECORDS)[::-1])):
        path = tmp_path / f"{name}.fa"
        path.write_text("".join(f">{n}\n{RECORDS[n]}\n" for n in order))
        run(path, "-o", tmp_path / name, "-m", tiny_folder, "--dependency")
        rows = (tmp_path / name / "dependency.tsv").read_text().splitlines()
        tables.append(sorted(rows))
    assert tables[0] == tables[1]


def test_a_record_longer_than_the_context_is_read_in_windows_but_has_no_pairs(
    tmp_path: Path, out: Path, tiny_folder: Path
) -> None:
    path = tmp_path / "long.fa"
    path.write_text(">long\n" + "ACGTTGCATT" * 26 + "\n")
    said = run(path, "-o", out, "-m", tiny_folder, "--dependency", code=1)
    assert "reads 256, and long has 260. Cut out the part to look at" in said
    assert not out.exists()


@pytest.mark.usefixtures("_no_figures")
def test_records_of_very_different_lengths_share_a_null_and_that_is_said(
    tmp_path: Path, out: Path, tiny_folder: Path
) -> None:
    path = tmp_path / "in.fa"
    path.write_text(">a\nACGTACGTTA\n>b\nACG\n")
    said = run(path, "-o", out, "-m", tiny_folder, "--dependency")
    assert "Records have 3 to 10 bases" in said


@pytest.mark.usefixtures("_no_figures")
def test_without_any_base_there_is_nothing_to_find(
    tmp_path: Path, out: Path, tiny_folder: Path
) -> None:
    path = tmp_path / "n.fa"
    path.write_text(">n\nNNNNN\n")
    said = run(path, "-o", out, "-m", tiny_folder, "--dependency")
    assert "no base could be read" in said
    assert pd.read_csv(out / "substitution.tsv", sep="\t")["bases_read"].tolist() == [0]


def test_a_folder_without_the_head_is_refused(
    tmp_path: Path, fasta: Path, out: Path, tiny_folder: Path
) -> None:
    model = from_pretrained(tiny_folder)
    model.discriminator_head = None
    bare = save_pretrained(model, tmp_path / "bare")
    said = run(fasta, "-o", out, "-m", bare, code=1)
    assert "no discriminator head" in said
    assert "nucel-pretrain fit-head" in said
    assert not out.exists()


def test_variants_have_a_command_of_their_own(out: Path) -> None:
    said = run("genome.fa", "--vcf", "x.vcf", "-o", out, code=2)
    assert "nucel-interp variants x.vcf --genome genome.fa" in said
    assert not out.exists()


@pytest.mark.usefixtures("_no_figures")
def test_an_earlier_output_is_kept_without_force(fasta: Path, out: Path, tiny_folder: Path) -> None:
    run(fasta, "-o", out, "-m", tiny_folder)
    assert "give --force" in run(fasta, "-o", out, "-m", tiny_folder, code=1)
    run(fasta, "-o", out, "-m", tiny_folder, "--force")
