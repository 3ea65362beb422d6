"""Records of a file of any size: the numbers they have when all are read at once, however often the
run is cut off.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from nucel_interp.api import substitution
from nucel_interp.cli import app
from nucel_interp.io import profile
from nucel_interp.io.fasta import read_records
from nucel_interp.io.tracks import read_tracks
from nucel_interp.runs import fasta_run, sharded
from nucel_interp.scoring import Scores, score_sequences
from nucel_interp.scoring import long_sequences as stretches
from nucel_interp.types import reverse_complement
from nucel_model import from_pretrained
from tests.toy import dna

STEP = 2.0**-10
"""Of float16, which every head's numbers are kept in."""


SEQUENCES = {
    "b": dna(90, 1),
    "a": dna(120, 2),
    "n": "N" * 40,
    "long": dna(700, 3) + "N" * 300 + dna(400, 4),
    "c": dna(256, 5),
    "d": dna(17, 6),
}
PLACED = {"chr2:500-590": dna(90, 1), "chr10:1,000-1,120": dna(120, 2), "chr2:100-360": dna(260, 3)}


def fasta(path: Path, sequences: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{text}\n" for name, text in sequences.items()))
    return path


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(sharded, "SHARD_BP", 300)
    monkeypatch.setattr(fasta_run, "BLOCK_BP", 64)


@pytest.fixture(scope="module")
def expected(tiny_folder) -> Scores:
    return score_sequences(from_pretrained(tiny_folder), list(SEQUENCES.values()))


def nucel(*arguments: object, code: int = 0, stdin: bytes | None = None) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    assert result.exit_code == code, result.output
    return result.output


def found(path: Path, sequences: Path) -> np.ndarray:
    return np.concatenate(read_tracks(path, read_records(sequences)))


@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_every_record_gets_what_it_gets_when_all_are_read_at_once(tmp_path, tiny_folder, expected):
    path = fasta(tmp_path / "in.fa", SEQUENCES)
    nucel("attention", path, "-o", tmp_path / "out", "-m", tiny_folder)
    mean = expected.received.astype(np.float32).mean(axis=0)
    track = found(tmp_path / "out" / "tracks" / "attention.bedGraph", path)
    np.testing.assert_allclose(track, mean, rtol=1e-3)
    with h5py.File(tmp_path / "out" / "profile.h5") as file:
        received = file["received"][:].reshape(expected.received.shape).astype(float)
        np.testing.assert_allclose(received, expected.received.astype(float), rtol=STEP)
        np.testing.assert_allclose(
            file["replaced_logit"][:], expected.replaced, rtol=1e-5, atol=1e-5
        )
        assert file["names"].asstr()[:].tolist() == list(SEQUENCES)
        assert file["offsets"][:].tolist() == expected.offsets.tolist()
    assert [p.name for p in tmp_path.glob(".*")] == []


@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_a_run_that_was_cut_off_goes_on_and_ends_in_the_same_bytes(
    tmp_path, tiny_folder, monkeypatch
):
    path, real, done = fasta(tmp_path / "in.fa", SEQUENCES), stretches.score_stretches, []
    command = ["discriminator", path, "-m", tiny_folder, "-o"]
    nucel(*command, tmp_path / "whole.bedGraph")

    def interrupted(*arguments, **options):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return real(*arguments, **options)

    monkeypatch.setattr(stretches, "score_stretches", interrupted)
    said = nucel(*command, tmp_path / "x.bedGraph", code=130)
    assert "bases are kept in" in said
    assert "the same command goes on with them" in said
    assert not (tmp_path / "x.bedGraph").exists()
    refused = nucel(*command, tmp_path / "x.bedGraph", "--strand", "forward", code=1)
    assert "2 finished parts of a run with another strand (both; now forward)" in refused
    done.clear()
    done += [0, 0, 0]  # no more interruptions
    said = nucel(*command, tmp_path / "x.bedGraph")
    assert "going on: " in said
    assert len(done) == 3 + 3  # of five shards, two were there
    assert (tmp_path / "x.bedGraph").read_bytes() == (tmp_path / "whole.bedGraph").read_bytes()
    assert not list(tmp_path.glob(".x*"))


@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_stopped_before_anything_was_done_nothing_is_left(tmp_path, tiny_folder, monkeypatch):
    path = fasta(tmp_path / "in.fa", SEQUENCES)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(stretches, "score_stretches", interrupted)
    nucel("attention", path, "-m", tiny_folder, "-o", tmp_path / "new" / "out", code=130)
    assert list(tmp_path.iterdir()) == [path]


def test_standard_input_to_standard_output(tmp_path, tiny_folder, monkeypatch):
    path = fasta(tmp_path / "in.fa", {"b": SEQUENCES["b"], "c": SEQUENCES["c"]})
    nucel("discriminator", path, "-m", tiny_folder, "-o", tmp_path / "x.bedGraph")
    monkeypatch.chdir(tmp_path)
    piped = CliRunner().invoke(
        app, ["-q", "discriminator", "-", "-m", str(tiny_folder)], input=path.read_bytes()
    )
    assert piped.stdout == (tmp_path / "x.bedGraph").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.fa", "x.bedGraph"]


def test_tracks_in_genome_coordinates_are_sorted_in_both_formats(tmp_path, tiny_folder):
    pytest.importorskip("pybigtools")
    pytest.importorskip("pyBigWig")
    path = fasta(tmp_path / "in.fa", PLACED)
    out = tmp_path / "out"
    nucel("attention", path, "-o", out, "-m", tiny_folder, "--track-format", "bigwig")
    nucel("attention", path, "-o", tmp_path / "text", "-m", tiny_folder)
    text = (tmp_path / "text" / "tracks" / "attention.bedGraph").read_text().splitlines()
    starts = [(line.split("\t")[0], int(line.split("\t")[1])) for line in text]
    assert starts == sorted(starts)
    whole = score_sequences(from_pretrained(tiny_folder), list(PLACED.values()))
    mean = whole.received.astype(np.float32).mean(axis=0)
    np.testing.assert_allclose(found(out / "tracks" / "attention.bw", path), mean, rtol=STEP)


def test_records_without_a_place_are_chromosomes_of_a_bigwig(tmp_path, tiny_folder, expected):
    pytest.importorskip("pybigtools")
    pytest.importorskip("pyBigWig")
    path = fasta(tmp_path / "in.fa", {k: v for k, v in SEQUENCES.items() if k != "n"})
    nucel("discriminator", path, "-o", tmp_path / "x.bw", "-m", tiny_folder)
    ends = expected.offsets
    wanted = np.delete(expected.replaced, np.s_[ends[2] : ends[3]])
    np.testing.assert_allclose(found(tmp_path / "x.bw", path), wanted, rtol=1e-4, atol=1e-5)


def test_beyond_its_limit_the_profile_is_written_on_request(tmp_path, tiny_folder, monkeypatch):
    monkeypatch.setattr(profile, "MAX_BASES", 89)
    path = fasta(tmp_path / "in.fa", {"b": SEQUENCES["b"]})
    command = ["attention", path, "-m", tiny_folder, "-o", tmp_path / "out"]
    assert "--profile writes it all the same" in nucel(*command)
    assert not (tmp_path / "out" / "profile.h5").exists()
    nucel(*command, "--force", "--profile")
    assert (tmp_path / "out" / "profile.h5").exists()


def test_names_met_before_are_made_unique_in_a_stream_too(tmp_path, tiny_folder):
    path = tmp_path / "in.fa"
    path.write_text(f">x\n{dna(40, 1)}\n>x\n{dna(50, 2)}\n")
    said = nucel("discriminator", path, "-m", tiny_folder, "-o", tmp_path / "x.bedGraph")
    assert said.count("1 of 2 names had been used before") == 1
    names = {line.split("\t")[0] for line in (tmp_path / "x.bedGraph").read_text().splitlines()}
    assert names == {"x", "x_2"}


def test_an_output_that_is_there_is_refused_before_the_work(tmp_path, tiny_folder, monkeypatch):
    path = fasta(tmp_path / "in.fa", {"b": SEQUENCES["b"]})
    (tmp_path / "x").write_text("mine")
    monkeypatch.setattr(stretches, "score_stretches", None)  # calling it would be an error
    said = nucel("discriminator", path, "-m", tiny_folder, "-o", tmp_path / "x", code=1)
    assert "exists already; give --force" in said


def test_records_of_the_reverse_strand_have_the_track_of_the_forward_one(tmp_path, tiny_folder):
    turned = {
        f"peak{i}::{name}({'-' if i % 2 else '+'})": reverse_complement(text) if i % 2 else text
        for i, (name, text) in enumerate(PLACED.items())
    }
    tracks = []
    for name, sequences in (("plain", PLACED), ("turned", turned)):
        path = fasta(tmp_path / f"{name}.fa", sequences)
        out = tmp_path / f"{name}.bedGraph"
        nucel("discriminator", path, "-o", out, "-m", tiny_folder)
        tracks.append([line.split("\t") for line in out.read_text().splitlines()])
    assert [row[:2] for row in tracks[0]] == [row[:2] for row in tracks[1]]
    assert {row[0] for row in tracks[0]} == {"chr10", "chr2"}
    values = [[float(row[3]) for row in track] for track in tracks]
    np.testing.assert_allclose(values[0], values[1], atol=1e-4)
    assert np.ptp(values[0]) > 0.01
    as_given = [from_pretrained(tiny_folder), list(turned.values())]
    own = np.concatenate(read_tracks(out, read_records(tmp_path / "turned.fa")))
    np.testing.assert_allclose(own, score_sequences(*as_given).replaced, rtol=1e-3, atol=1e-3)


def test_records_that_overlap_keep_their_names_and_that_is_said_once(
    tmp_path, tiny_folder, monkeypatch
):
    monkeypatch.setattr(substitution, "MOST_FIGURES", 0)
    path = fasta(tmp_path / "in.fa", {"a::c:0-40": dna(40, 1), "b::c:20-60(-)": dna(40, 2)})
    said = nucel("discriminator", path, "-o", tmp_path / "x.bedGraph", "-m", tiny_folder)
    assert said.count("records overlap in the genome (first: at c:20)") == 1
    names = {line.split("\t")[0] for line in (tmp_path / "x.bedGraph").read_text().splitlines()}
    assert names == {"a::c:0-40", "b::c:20-60(-)"}
    said = nucel("substitution", path, "-o", tmp_path / "out", "-m", tiny_folder)  # two tracks
    assert said.count("records overlap in the genome (first: a::c:0-40 and b::c:20-60(-))") == 1


def test_where_chromosomes_end_is_said_of_a_bigwig(tmp_path, tiny_folder):
    pytest.importorskip("pybigtools")
    reader = pytest.importorskip("pyBigWig")
    path = fasta(tmp_path / "in.fa", PLACED)
    said = nucel("discriminator", path, "-o", tmp_path / "x.bw", "-m", tiny_folder)
    assert said.count("in the bigWig each ends with its last record") == 1
    with reader.open(str(tmp_path / "x.bw")) as file:
        assert file.chroms() == {"chr10": 1120, "chr2": 590}
    named = fasta(tmp_path / "named.fa", {"b": SEQUENCES["b"]})
    said = nucel("discriminator", named, "-o", tmp_path / "y.bw", "-m", tiny_folder)
    assert "in the bigWig each ends" not in said


def test_a_name_that_ends_in_gz_is_packed_to_the_same_bytes_each_time(tmp_path, tiny_folder):
    path = fasta(tmp_path / "in.fa", {"b": SEQUENCES["b"]})
    for name in ("x.bedGraph", "x.bedGraph.gz", "y.bedGraph.gz"):
        nucel("discriminator", path, "-o", tmp_path / name, "-m", tiny_folder)
    packed = (tmp_path / "x.bedGraph.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "x.bedGraph").read_bytes()
    assert packed == (tmp_path / "y.bedGraph.gz").read_bytes()
    said = nucel("discriminator", path, "-o", tmp_path / "x.bw.gz", "-m", tiny_folder, code=1)
    assert "bigWig is packed within" in said
    said = nucel("discriminator", path, "-o", tmp_path / "x.bg.xz", "-m", tiny_folder, code=1)
    assert "written plain or, as .gz, packed by gzip" in said


def test_a_bigwig_without_a_value_is_not_named_as_written(tmp_path, tiny_folder):
    pytest.importorskip("pybigtools")
    path, out = fasta(tmp_path / "n.fa", {"n": "N" * 40}), tmp_path / "out"
    said = nucel("attention", path, "-o", out, "-m", tiny_folder, "--track-format", "bigwig")
    assert not (out / "tracks" / "attention.bw").exists()
    assert "attention.bw" not in said
