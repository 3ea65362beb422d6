from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import nucel_interp as ni
from nucel_interp.cli import app
from nucel_interp.io.meme import write_meme
from nucel_interp.io.sites import read_sites
from tests.interp.api.same_files import assert_same
from tests.interp.fake_result import pwm_of
from tests.toy import dna

WORD = "CCACTAGGGGGCGC"
SITE = ni.Motif("M0", pwm_of(WORD), 100, "CTCF")
OTHER = ni.Motif("M1", pwm_of("TGACTCATGACT"), 100, "AP1")


@pytest.fixture(autouse=True)
def no_search_with_each_model(monkeypatch):
    """`find_motifs` has tests of its own, and takes most of the time."""
    import pandas as pd

    from nucel_interp.compare.models import measure_models

    class Found:
        motifs = pd.DataFrame({"archetype": ["A1_X"]})

    monkeypatch.setattr(measure_models, "analyse_motifs", lambda *_, **__: Found)


@pytest.fixture(scope="module")
def sequences() -> dict[str, str]:
    found = {}
    for i in range(24):
        text, at = dna(90, seed=i), 20 + 2 * i
        found[f"s{i}"] = text[:at] + WORD + text[at + len(WORD) :]
    return found


@pytest.fixture(scope="module")
def files(sequences, tmp_path_factory):
    """FASTA, BED, a MEME file of two motifs, and a track."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "x.fa").write_text("".join(f">{n}\n{s}\n" for n, s in sequences.items()))
    (folder / "x.bed").write_text(
        "".join(f"{n}\t{20 + 2 * i}\t{34 + 2 * i}\tCTCF\n" for i, n in enumerate(sequences))
    )
    (folder / "two.meme").write_text(write_meme([SITE, OTHER]))
    rng = np.random.default_rng(0)
    np.savez(folder / "own.npz", **{name: rng.random(90) for name in sequences})
    return folder


@pytest.fixture(scope="module")
def measured(sequences, tiny_folder):
    return ni.compare_models(sequences, tiny_folder, motifs=[SITE], find=False)


def test_the_command_writes_what_save_writes(files, tmp_path, monkeypatch, tiny_folder):

    monkeypatch.setattr("nucel_interp.progress.perf_counter", lambda: 1.0)
    monkeypatch.setattr("nucel_interp.compare.models.cost.perf_counter", lambda: 1.0)
    monkeypatch.setattr("nucel_interp.compare.models.cost._STATUS", files / "status")
    (files / "status").write_text("VmHWM: 1024 kB\n")
    monkeypatch.setattr("nucel_interp.compare.models.cost._CLEAR", files / "clear")
    call = [
        "compare", str(files / "x.fa"), "--models", str(tiny_folder), "--sites",
        str(files / "x.bed"), "--track", str(files / "own.npz"), "--cls-row", "--seed", "3",
    ]  # fmt: skip
    written = assert_same(
        monkeypatch,
        call,
        tmp_path,
        lambda folder: ni.compare_models(
            files / "x.fa", [tiny_folder], sites=files / "x.bed", tracks=[files / "own.npz"],
            cls_row=True, seed=3,
        ).save(folder),
    )  # fmt: skip
    assert {"snr.tsv", "tracks.tsv", "cls_row.tsv", "report.html", "figures/snr.svg"} <= set(
        written
    )
    assert b"randomly initialised" in written["models.tsv"]
    assert b'"answer": "' in written["summary.json"]


def test_everything_from_memory_gives_the_same(files, sequences, tiny_folder):
    of_files = ni.compare_models(
        files / "x.fa", [str(tiny_folder)], sites=files / "x.bed", find=False,
        tracks={"own": files / "own.npz"},
    )  # fmt: skip
    with np.load(files / "own.npz") as own:
        arrays = [own[name] for name in sequences]
    of_dict = ni.compare_models(
        sequences, ni.from_pretrained(tiny_folder), sites=read_sites(files / "x.bed"), find=False,
        tracks={"own": arrays},
    )  # fmt: skip
    for name in ("snr", "recovery", "differences", "tracks", "shuffled"):
        assert of_dict.tables[name].equals(of_files.tables[name])
    assert of_dict.answer == of_files.answer


def test_motifs_by_name_are_those_of_the_collection(files, sequences, tiny_folder, measured):
    named = ni.compare_models(
        sequences, tiny_folder, motif="ctcf", database=files / "two.meme", find=False
    )
    assert set(named.snr["motif"]) == {"CTCF"}
    assert named.snr.equals(measured.snr)
    assert named.summary["motif_choice"] == "asked for"


@pytest.mark.parametrize("given", ["sites", "motifs", "motif"])
def test_what_is_asked_for_is_not_sought(given, files, sequences, tiny_folder, monkeypatch):
    asked = {"sites": files / "x.bed", "motifs": files / "two.meme", "motif": ["CTCF"]}
    monkeypatch.setattr("nucel_interp.compare.models.choose_sites.enriched_archetypes", None)
    collection = files / "two.meme"
    ni.compare_models(
        sequences, tiny_folder, database=collection, find=False, **{given: asked[given]}
    )


def test_the_page_alone_is_one_file(measured, tmp_path):
    page = measured.report(tmp_path / "page.html")
    assert measured.answer.split(";")[0] in page.read_text()
    with pytest.raises(ni.OutputError, match="exists already"):
        measured.report(page)


def test_a_notebook_sees_the_answer_and_a_figure(measured):
    page = measured._repr_html_()
    assert "<svg" in page
    assert measured.answer.startswith("tiny ")
    assert repr(measured) == f"<ComparisonResult: {measured.answer}>"


def test_names_given_as_a_file_are_told_apart(files, tiny_folder, tmp_path):
    call = [
        "compare", str(files / "x.fa"), "--models", str(tiny_folder), "--db",
        str(files / "two.meme"), "--motifs", "CTCF,M1", "-o", str(tmp_path / "out"),
    ]  # fmt: skip
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 1
    assert "there is no file CTCF,M1; --motifs takes a MEME file" in done.stderr
    assert done.stderr.strip().endswith("--motif CTCF,M1")
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_nowhere_is_told(sequences, files, tiny_folder):
    with pytest.raises(ni.InputError, match="has no motif with the id or name 'Nobody'"):
        ni.compare_models(sequences, tiny_folder, motif=["CTCF", "Nobody"])
    with pytest.raises(ni.InputError, match="there is no such file"):
        ni.compare_models(sequences, tiny_folder, motifs="Nobody")
    with pytest.raises(ni.InputError, match="not two of them"):
        ni.compare_models(sequences, tiny_folder, motif="CTCF", sites=files / "x.bed")
