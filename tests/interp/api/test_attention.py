"""`attention`, as users call it: numbers by record and head, and the files of the command."""

from __future__ import annotations

import numpy as np
import pytest

import nucel_interp as ni
from nucel_interp.runs import sharded
from nucel_interp.scoring import score_sequences
from tests.interp.api.same_files import assert_same
from tests.toy import dna, fasta_of, tiny

SEQUENCES = {f"s{i}": dna(n, i) for i, n in enumerate((40, 61, 200, 33))}


@pytest.fixture
def fasta(tmp_path):
    return fasta_of(tmp_path / "in.fa", SEQUENCES)


@pytest.fixture
def small_parts(monkeypatch):
    """Several parts, with borders inside records."""
    monkeypatch.setattr(sharded, "SHARD_BP", 70)


@pytest.mark.usefixtures("small_parts")
def test_numbers_by_name_are_those_of_score_sequences():
    result = ni.attention(SEQUENCES, tiny())
    wanted = score_sequences(tiny(), list(SEQUENCES.values()))
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
    parts = result._run.folder
    assert parts.exists()
    del result
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


def test_a_model_in_memory_goes_on_with_its_own_parts_alone(tmp_path, tiny_folder):
    keep = tmp_path / "out"
    models = [tiny(), tiny()]
    next(models[1].parameters()).data.mul_(2)  # of the same name, and from no folder
    first = ni.attention(SEQUENCES, models[0], keep=keep)
    again = ni.attention(SEQUENCES, tiny(), keep=keep)  # the same numbers
    assert np.array_equal(again["s1"], first["s1"])
    with pytest.raises(ni.OutputError, match="of a run with another model"):
        ni.attention(SEQUENCES, models[1], keep=keep)
    with pytest.raises(ni.OutputError, match="of a run with another input"):
        ni.attention({**SEQUENCES, "s0": dna(40, 9)}, models[0], keep=keep)


def test_a_closed_result_gives_no_numbers(tmp_path, tiny_folder):
    result = ni.attention(SEQUENCES, tiny_folder)
    result.close()
    with pytest.raises(ni.InputError, match="this result was closed"):
        result.mean["s0"]
    with pytest.raises(ni.InputError, match="this result was closed"):
        result["s0"]
    with pytest.raises(ni.InputError, match="this result was closed"):
        result.save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_records_keep_their_names_and_places(tmp_path, tiny_folder):
    """Though no FASTA file could tell either."""
    records = [
        ni.Record("my peak", dna(40, 1), ni.Location("chr2", 100, 140)),
        ni.Record("b", dna(30, 2), ni.Location("chr1", 7, 37, "-")),
    ]
    result = ni.attention(records, tiny_folder)
    assert result.names == ["my peak", "b"]
    assert len(result.mean["my peak"]) == 40
    result.save(tmp_path / "out")
    lines = (tmp_path / "out" / "tracks" / "attention.bedGraph").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    assert [rows[0][:2], rows[-1][0], rows[-1][2]] == [["chr1", "7"], "chr2", "140"]
    assert float(rows[0][3]) == pytest.approx(result.mean["b"][-1], rel=1e-3)


def test_what_is_not_there_or_not_meant_is_said(tmp_path, tiny_folder):
    result = ni.attention(SEQUENCES, tiny_folder, heads=False)
    with pytest.raises(ni.InputError, match=r"heads=True"):
        result["s0"]
    for ask in (result.to_frame, result.plot):
        with pytest.raises(KeyError, match="no record 'x'; the first are s0, s1, s2"):
            ask("x")
    with pytest.raises(ni.InputError, match="track_format is 'bedgraph' or 'bigwig', not 'bw'"):
        result.save(tmp_path / "out", track_format="bw")
    with pytest.raises(ni.InputError, match="strand is 'both' or 'forward', not 'reverse'"):
        ni.attention(SEQUENCES, tiny_folder, strand="reverse")
    assert "x" not in result.mean
    assert "s3" in result.mean


def test_what_holds_nothing_is_said_once(tiny_folder):
    with pytest.warns(ni.NucelWarning) as said:
        ni.attention({"a": dna(30), "n": "NNNN"}, tiny_folder)
    assert len(said) == 1
    assert "1 of 2 records hold no A, C, G or T" in str(said[0].message)


@pytest.mark.usefixtures("small_parts")
def test_each_part_is_read_once_for_records_in_order(monkeypatch):
    result = ni.attention(SEQUENCES, tiny())
    read, real = [], type(result._run._parts).read

    def counted(self, number, names=None):
        read.append((number, tuple(names or ())))
        return real(self, number, names)

    monkeypatch.setattr(type(result._run._parts), "read", counted)
    table = result.tables["attention"]
    assert list(table["length"]) == [40, 61, 200, 33]
    parts = [number for number, names in read if names == ("attention",)]
    assert len(parts) > 3
    assert parts == sorted(set(parts))
