"""`attention`, `attention_map`, `discriminator` and `genome_tracks`, as users call them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import nucel_interp as ni
from nucel_interp.cli import app
from nucel_interp.runs import fasta_run
from nucel_interp.scoring import score_sequences
from nucel_model.files import FolderError
from tests.interp.api.same_files import assert_same, contents, still_clock
from tests.toy import dna, tiny

SEQUENCES = {f"s{i}": dna(n, i) for i, n in enumerate((40, 61, 200, 33))}


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "in.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in SEQUENCES.items()))
    return path


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several parts, with borders inside records."""
    monkeypatch.setattr(fasta_run, "SHARD_BP", 70)


@pytest.mark.usefixtures("small_parts")
def test_numbers_by_name_are_those_of_score_sequences(tiny_folder):
    result = ni.attention(SEQUENCES, tiny_folder)
    wanted = score_sequences(ni.from_pretrained(tiny_folder), list(SEQUENCES.values()))
    assert list(result.mean) == list(SEQUENCES)
    for number, name in enumerate(SEQUENCES):
        a, b = wanted.offsets[number], wanted.offsets[number + 1]
        one = result[name]
        assert one.shape == (*result.shape, b - a)
        np.testing.assert_allclose(
            one.reshape(-1, b - a), wanted.received[:, a:b].astype(float), rtol=2e-3, atol=2e-3
        )
        np.testing.assert_allclose(result.mean[name], one.mean(axis=(0, 1)), rtol=5e-3)
    with pytest.raises(KeyError):
        result["no such record"]


def test_attention_writes_what_save_writes(tmp_path, monkeypatch, tiny_folder, fasta):
    files = assert_same(
        monkeypatch,
        ["attention", str(fasta), "-m", str(tiny_folder)],
        tmp_path,
        lambda to: ni.attention(fasta, tiny_folder).save(to),
    )
    assert files.keys() == {"profile.h5", "run.json", "tracks/attention.bedGraph"}


def test_with_maps_as_bigwig_too(tmp_path, monkeypatch, tiny_folder, fasta):
    pytest.importorskip("pybigtools")
    fasta.write_text(f">a\n{dna(20)}\n")
    files = assert_same(
        monkeypatch,
        ["attention", str(fasta), "-m", str(tiny_folder), "--map", "1:0", "--track-format",
         "bigwig"],
        tmp_path,
        lambda to: ni.attention(fasta, tiny_folder, maps=[(1, 0)]).save(
            to, track_format="bigwig"
        ),
    )  # fmt: skip
    assert {"tracks/attention.bw", "figures/map_record1_layer1_head0.csv"} <= files.keys()


def test_a_notebook_sees_a_figure_and_a_table(tiny_folder):
    result = ni.attention(SEQUENCES, tiny_folder)
    page = result._repr_html_()
    assert "4 records, 4 heads" in page
    assert page.count("<svg") == 1
    frame = result.to_frame("s1")
    assert list(frame)[:3] == ["base", "mean", "0:0"]
    assert "".join(frame["base"]) == SEQUENCES["s1"]
    assert result.plot("s2", (150, 190)).axes


def test_a_result_takes_its_file_with_it(tiny_folder):
    result = ni.attention(SEQUENCES, tiny_folder)
    path, parts = result._run.survey.path, result._run.folder
    assert path.exists()
    assert parts.exists()
    del result
    assert not path.exists()
    assert not parts.exists()


def test_parts_that_are_kept_stay_until_they_are_no_longer_needed(tmp_path, tiny_folder, fasta):
    result = ni.attention(fasta, tiny_folder, keep=tmp_path / "out")
    parts = result._run.folder
    assert parts.parent == tmp_path
    del result
    assert parts.exists(), "a run that could not be saved can go on"
    again = ni.attention(fasta, tiny_folder, keep=tmp_path / "out")
    again.save(tmp_path / "out")
    again.close()
    assert not parts.exists()


def test_maps_are_of_the_forward_strand_with_cls_first(tiny_folder):
    texts = {"a": dna(20, 1), "b": dna(12, 2)[:6] + "N" + dna(5, 3)}
    result = ni.attention_map(texts, ["0:1", (1, 0)], tiny_folder)
    assert list(result["a"]) == [(0, 1), (1, 0)]
    assert result["a"][0, 1].shape == (20, 21)
    assert np.isnan(result["b"][1, 0][6]).all()
    model = ni.from_pretrained(tiny_folder)
    ids, mask = model.tokens([texts["a"]])
    whole = model(ids, mask, output_attentions=True).attentions[0][0, 1].detach().numpy()
    np.testing.assert_allclose(result["a"][0, 1], whole[1:], atol=1e-6)
    assert list(result.tables["maps"]["record"]) == ["a", "a", "b", "b"]
    with pytest.raises(ni.InputError, match="has layers 0 to 1"):
        ni.attention_map(texts, ["2:0"], tiny_folder)
    with pytest.raises(ni.InputError, match="more than 40"):
        ni.attention_map([dna(10, i) for i in range(41)], ["0:0"], tiny_folder)


@pytest.mark.parametrize("name", ["x.bedGraph", "x.bw"])
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
def test_log_odds_by_name(tiny_folder):
    result = ni.discriminator(SEQUENCES, tiny_folder)
    wanted = score_sequences(ni.from_pretrained(tiny_folder), list(SEQUENCES.values()))
    assert wanted.replaced is not None
    for number, name in enumerate(SEQUENCES):
        a, b = wanted.offsets[number], wanted.offsets[number + 1]
        np.testing.assert_allclose(result.tracks[name], wanted.replaced[a:b], rtol=1e-3, atol=1e-4)
    assert result.found.n == sum(map(len, SEQUENCES.values()))
    bare = tiny()
    bare.discriminator_head = None
    with pytest.raises(FolderError, match="no discriminator"):
        ni.discriminator(SEQUENCES, bare)


def test_a_genome_is_written_as_by_the_command(tmp_path, monkeypatch, tiny_folder):
    pytest.importorskip("pybigtools")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    genome, bed = tmp_path / "genome.fa", tmp_path / "r.bed"
    genome.write_text(">chr1\n" + dna(500, 1) + "\n")
    bed.write_text("chr1\t20\t180\nchr1\t300\t420\n")
    still_clock(monkeypatch)
    call = ["attention", str(genome), "--bed", str(bed), "-m", str(tiny_folder)]
    done = CliRunner().invoke(app, ["-q", *call, "-o", str(tmp_path / "c")])
    assert done.exit_code == 0, done.output
    result = ni.genome_tracks(genome, tmp_path / "p", tiny_folder, bed=bed)
    assert result.save(tmp_path / "p") == 280
    result.close()
    assert contents(tmp_path / "p") == contents(tmp_path / "c")
