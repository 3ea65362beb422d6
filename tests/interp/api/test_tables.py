"""`find_seqlets`, `find_kmers`, `match_motifs` and `calibrate`: one table each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import nucel_interp as ni
from nucel_interp.cli import app
from nucel_interp.io.meme import write_meme
from nucel_interp.seqlets import Calling, Threshold
from tests.toy import dna

CALLS: dict[str, tuple[list[str], Any]] = {
    "seqlets": (["--seed", "2"], lambda fasta, track: ni.find_seqlets(fasta, track=track, seed=2)),
    "kmers": (["-k", "5"], lambda fasta, track: ni.find_kmers(fasta, k=5, track=track)),
    "calibrate": (["--runs", "1"], lambda fasta, track: ni.calibrate(fasta, runs=1, track=track)),
}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Sequences with a word where the track is high: a FASTA file and an npz file."""
    folder, rng, track = tmp_path_factory.mktemp("given"), np.random.default_rng(0), {}
    with (folder / "x.fa").open("w") as file:
        for i in range(60):
            text = dna(80, i)
            file.write(f">s{i}\n{text[:30]}TGACTCATGA{text[40:]}\n")
            track[f"s{i}"] = rng.normal(size=80)
            track[f"s{i}"][30:40] += 4
    np.savez(folder / "t.npz", **track)
    return folder / "x.fa", folder / "t.npz"


def meme_of(folder):
    path = folder / "m.meme"
    path.write_text(write_meme(ni.load_jaspar().motifs[:2]))
    return path


def same(by_command, in_python) -> bytes:
    assert by_command.read_bytes() == in_python.read_bytes()
    return by_command.read_bytes()


@pytest.mark.parametrize("ending", ["tsv", "json", "bed"])
@pytest.mark.parametrize("name", CALLS)
def test_the_command_writes_what_save_writes(tmp_path, given, name, ending):
    options, call = CALLS[name]
    fasta, npz = given
    out, mine = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    words = [name, str(fasta), "--track", str(npz), *options, "-o", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert done.stderr.rstrip().endswith(f"Table: {out}")
    call(fasta, npz).save(mine)
    written = same(out, mine)
    assert written
    assert (ending == "json") == written.startswith(b"[")
    assert (name == "seqlets" and ending == "bed") == written.startswith(b"s0\t")


@pytest.mark.parametrize("ending", ["tsv", "json"])
def test_match_writes_what_save_writes(tmp_path, ending):
    meme = meme_of(tmp_path)
    out, mine = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    done = CliRunner().invoke(app, ["match", str(meme), "--db", str(meme), "-o", str(out)])
    assert done.exit_code == 0, done.output
    result = ni.match_motifs(meme, meme)
    assert result.answer in done.stderr
    result.save(mine)
    assert len(result.matches)
    same(out, mine)


def test_a_form_that_is_given_holds_whatever_the_name(tmp_path, given):
    fasta, npz = given
    out = tmp_path / "a.tsv"
    words = ["kmers", str(fasta), "--track", str(npz), "--format", "json", "-o", str(out)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert len(json.loads(out.read_text())) == len(ni.find_kmers(fasta, track=npz).kmers)


def test_a_table_is_not_written_over_without_force(tmp_path, given):
    fasta, npz = given
    result = ni.find_seqlets(fasta, track=npz)
    path = result.save(tmp_path / "new" / "a.bed")
    with pytest.raises(ni.OutputError, match="exists already"):
        result.save(path)
    assert result.save(path, force=True) == path


@pytest.mark.parametrize("name", CALLS)
def test_sequences_from_memory_give_the_same_and_show_themselves(given, name):
    fasta, npz = given
    call = CALLS[name][1]
    of_file = call(fasta, npz)
    texts = {r.name: r.sequence for r in ni.read_records(fasta)}
    of_dict = call(texts, dict(np.load(npz)))
    assert len(of_file.table)
    assert of_dict.table.equals(of_file.table)
    page = of_file._repr_html_()
    assert "<table" in page
    assert all(warning in page for warning in of_file.warnings)
    assert repr(of_file) == f"<{type(of_file).__name__}: {of_file.answer}>"


def test_motifs_are_named_by_jaspar_or_by_a_collection(tmp_path):
    ctcf = next(m for m in ni.load_jaspar().motifs if m.name == "CTCF")
    by_jaspar = ni.match_motifs([ctcf])
    assert by_jaspar.matches.iloc[0]["Target_name"] == "CTCF"
    assert by_jaspar.answer.startswith("1 of 1 motif has a match with q_global <= 0.05 in JASPAR")
    assert not by_jaspar.warnings
    flat = replace(ctcf, pwm=np.hstack([np.full((4, 3), 0.25), ctcf.pwm]))
    (said,) = ni.match_motifs([flat]).warnings
    assert said.startswith("1 of 1 motifs of yours have columns under 0.25 bits at their ends (")
    own = ni.match_motifs([ctcf], ni.load_database(meme_of(tmp_path)))
    assert own.database == "m.meme"
    with pytest.raises(ni.InputError, match="Did you mean vertebrates"):
        ni.match_motifs([ctcf], tax="mouse")


def test_a_wrong_group_is_a_wrong_call_that_suggests_the_nearest(tmp_path):
    done = CliRunner().invoke(app, ["match", str(meme_of(tmp_path)), "--tax", "human"])
    assert done.exit_code == 2
    assert "Did you mean vertebrates?" in " ".join(done.stderr.split())


def test_a_rate_that_is_not_known_is_a_dash():
    known, unknown = Threshold(1.0, 0.031, True), Threshold(1.0, float("nan"), True)
    assert Calling((known, unknown), (5, 5)).rates == "3.1% and - in the two halves"
