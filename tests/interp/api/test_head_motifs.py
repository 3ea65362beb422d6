from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import nucel_interp as ni
from nucel_interp.cli import app
from nucel_interp.io.meme import write_meme
from nucel_interp.types import BASES
from tests.interp.api.same_files import assert_same
from tests.toy import dna

WORD = "TGACTCATGA"
FIRM = np.where(np.arange(10) % 3 == 1, 0.6, 0.91)
"""Firm and loose columns by turns, so that chance sites of decoys are not rare."""
SITE = ni.Motif("m", np.where([[b == w for w in WORD] for b in BASES], FIRM, (1 - FIRM) / 3), 100)


@pytest.fixture(scope="module")
def sequences() -> dict[str, str]:
    found = {}
    for i in range(240):
        text, at = dna(100, seed=i), 40 + i % 10
        found[f"s{i}"] = text[:at] + WORD + text[at + len(WORD) :]
    return found


def test_the_command_writes_what_save_writes(tmp_path, monkeypatch, tiny_folder, sequences):
    fasta, meme = tmp_path / "x.fa", tmp_path / "m.meme"
    fasta.write_text("".join(f">{name}\n{text}\n" for name, text in sequences.items()))
    meme.write_text(write_meme([SITE]))
    call = ["heads", str(fasta), "--motifs", str(meme), "-m", str(tiny_folder), "--seed", "3"]
    files = assert_same(
        monkeypatch,
        call,
        tmp_path,
        lambda folder: ni.head_motifs(fasta, meme, tiny_folder, seed=3).save(folder),
    )
    assert {"head_motifs.tsv", "controls.tsv", "figures/head_motifs.svg"} <= files.keys()


def test_sequences_and_motifs_from_memory_give_the_same(tmp_path, tiny_folder, sequences):
    fasta, meme = tmp_path / "x.fa", tmp_path / "m.meme"
    fasta.write_text("".join(f">{name}\n{text}\n" for name, text in sequences.items()))
    meme.write_text(write_meme([SITE]))
    of_files = ni.head_motifs(fasta, meme, str(tiny_folder))
    of_dict = ni.head_motifs(sequences, ni.read_meme(meme), ni.from_pretrained(tiny_folder))
    assert len(of_files.head_motifs)
    assert of_dict.head_motifs.equals(of_files.head_motifs)


def test_a_notebook_sees_the_answer_the_table_and_the_map(tiny_folder, sequences):
    result = ni.head_motifs(sequences, [SITE], tiny_folder)
    page = result._repr_html_()
    assert result.answer in page
    assert "<table" in page
    assert "<svg" in page
    assert repr(result) == f"<HeadMotifResult: {result.answer}>"


def test_a_sequence_given_as_a_path_is_explained(tiny_folder):
    with pytest.raises(ni.InputError, match=r"put them into a list: \[sequence\]"):
        ni.head_motifs("ACGTACGTACGT", [SITE], tiny_folder)


def test_motifs_by_name_are_those_of_the_collection(tmp_path, tiny_folder, sequences):
    meme = tmp_path / "m.meme"
    other = ni.Motif("other", SITE.pwm[:, ::-1], 100)
    meme.write_text(write_meme([SITE, other]))
    of_file = ni.head_motifs(sequences, ni.read_meme(meme)[:1], tiny_folder)
    named = ni.head_motifs(sequences, model=tiny_folder, motif="M", database=meme)
    assert named.head_motifs["t"].equals(of_file.head_motifs["t"])
    assert set(named.controls["motif"]) == {"m"}


def test_names_given_as_a_file_are_told_apart(tiny_folder, sequences):
    with pytest.raises(ni.InputError, match=r"no file CTCF; --motifs takes .*: --motif CTCF$"):
        ni.head_motifs(sequences, "CTCF", tiny_folder)
    with pytest.raises(ni.InputError, match="not both"):
        ni.head_motifs(sequences, [SITE], tiny_folder, motif="CTCF")


def test_the_command_takes_names_one_by_one_and_by_commas(tmp_path, tiny_folder, sequences):
    fasta, meme = tmp_path / "x.fa", tmp_path / "m.meme"
    fasta.write_text("".join(f">{name}\n{text}\n" for name, text in sequences.items()))
    others = [ni.Motif(f"o{i}", np.roll(SITE.pwm, i, axis=1), 100) for i in (1, 2)]
    meme.write_text(write_meme([SITE, *others]))
    call = ["heads", str(fasta), "-m", str(tiny_folder), "--db", str(meme), "-o"]
    done = CliRunner().invoke(
        app, [*call, str(tmp_path / "out"), "--motif", "m,o1", "--motif", "O2"]
    )
    assert done.exit_code == 0, done.output
    table = (tmp_path / "out" / "controls.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[0] for line in table] == ["m", "o1", "o2"]
    wrong = CliRunner().invoke(app, [*call, str(tmp_path / "no"), "--motif", "nobody"])
    assert (wrong.exit_code, (tmp_path / "no").exists()) == (1, False)
    assert "m.meme has no motif with the id or name 'nobody'" in wrong.stderr
