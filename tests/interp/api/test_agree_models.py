from __future__ import annotations

import numpy as np
import pytest

import nucel_interp as ni
from nucel_interp.io.sites import read_sites
from nucel_model import ClassificationHead, save_pretrained
from tests.interp.api.same_files import assert_same
from tests.toy import dna, tiny

NUMBER, LENGTH = 12, 18


@pytest.fixture(scope="module")
def sequences() -> dict[str, str]:
    return {f"s{i}": dna(LENGTH, i) for i in range(NUMBER)}


@pytest.fixture(scope="module")
def files(sequences, tmp_path_factory):
    """A pre-trained folder, a fine-tuned one, sequences and sites."""
    folder = tmp_path_factory.mktemp("agree")
    save_pretrained(tiny(), folder / "before")
    model = tiny()
    model.classifier_head = ClassificationHead(16, ["no", "yes"], pooling="mean", strands="forward")
    model.classifier_head.init_weights(0, std=1.0)
    save_pretrained(model, folder / "tuned")
    (folder / "s.fa").write_text("".join(f">{n}\n{s}\n" for n, s in sequences.items()))
    (folder / "s.bed").write_text(
        "".join(f"{n}\t{i % 9}\t{i % 9 + 6}\tbox\n" for i, n in enumerate(sequences))
    )
    return folder


@pytest.fixture(scope="module")
def measured(files):
    """As the command asks, from files; one attribution, to be quick."""
    return ni.agree_models(
        files / "s.fa", files / "tuned", sites=files / "s.bed", methods=["gradient-x-input"],
        curves=0,
    )  # fmt: skip


def test_the_command_writes_what_save_writes(files, tmp_path, monkeypatch):
    monkeypatch.setattr("nucel_interp.progress.perf_counter", lambda: 1.0)
    tuned, before = files / "tuned", files / "before"
    call = [
        "agree", str(files / "s.fa"), "-m", str(tuned), "--before", str(before), "--shuffled",
        str(tuned), "--sites", str(files / "s.bed"), "--curves", "2", "--seed", "3",
    ]  # fmt: skip
    written = assert_same(
        monkeypatch,
        call,
        tmp_path,
        lambda folder: ni.agree_models(
            files / "s.fa", tuned, before=before, shuffled=tuned, sites=files / "s.bed", curves=2,
            seed=3,
        ).save(folder),
    )  # fmt: skip
    tables = {
        "agree",
        "agree_heads",
        "agree_sites",
        "controls",
        "faithfulness",
        "faithfulness_area",
    }
    assert {f"{name}.tsv" for name in tables} <= set(written)
    assert "figures/faithfulness.svg" in written
    assert b"permuted labels" in written["agree_sites.tsv"]


def test_everything_from_memory_gives_the_same(files, sequences, measured):
    again = ni.agree_models(
        sequences, ni.from_pretrained(files / "tuned"), sites=read_sites(files / "s.bed"),
        methods=["gradient-x-input"], curves=0,
    )  # fmt: skip
    assert len(again.pairs)
    assert again.pairs.equals(measured.pairs)
    assert again.sites.equals(measured.sites)
    assert again.answer == measured.answer


def test_scores_are_arrays_per_record(measured, sequences):
    assert list(measured.scores) == ["fine-tuned", "no model", "randomly initialised"]
    mine = measured.scores["fine-tuned"]
    assert {"gradient-x-input", "|gradient-x-input|", "attention, mean of heads"} <= set(mine)
    for arrays in mine.values():
        assert [len(a) for a in arrays] == [LENGTH] * NUMBER
    signed, size = mine["gradient-x-input"], mine["|gradient-x-input|"]
    assert np.array_equal(np.abs(signed[3]), size[3])
    assert np.array_equal(
        measured.scores["no model"]["G or C"][0], [c in "GC" for c in sequences["s0"]]
    )


def test_what_was_left_out_is_neither_table_nor_figure(measured):
    assert set(measured.tables) == {"agree", "agree_heads", "agree_sites", "controls"}
    assert set(measured.figures()) == {"agree", "agree_heads", "agree_sites"}
    assert measured.curves is None


def test_each_score_stands_against_the_reference_of_its_model(measured):
    found = measured.against_reference()
    assert set(found["model"]) == {"fine-tuned", "no model", "randomly initialised"}
    own = found[(found["model"] == "fine-tuned") & (found["score"] == "attention, best head")]
    pairs = measured.pairs
    pair = pairs[
        (pairs["model_a"] == "fine-tuned") & (pairs["score_a"] == "|gradient-x-input|")
        & (pairs["model_b"] == "fine-tuned") & (pairs["score_b"] == "attention, best head")
    ]  # fmt: skip
    assert own["spearman"].tolist() == pair["spearman"].tolist()
    assert len(own) == 1


def test_a_notebook_sees_what_was_explained_and_a_figure(measured):
    page = measured._repr_html_()
    assert "12 sequences, 216 bases; explained is the log-odds of yes" in page
    assert "<svg" in page
    assert repr(measured).startswith("<AgreementResult: 12 sequences")
