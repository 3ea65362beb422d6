"""`nucel-interp agree` from FASTA to tables and figures, on a model with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_interp.cli import app
from nucel_interp.compare.agreement.measure_agreement import measure_agreement
from nucel_interp.types import (
    AGREE_COLUMNS,
    AGREE_HEAD_COLUMNS,
    AGREE_SITE_COLUMNS,
    FAITHFULNESS_AREA_COLUMNS,
    FAITHFULNESS_COLUMNS,
    Record,
)
from nucel_model import save_pretrained
from tests.toy import dna, tiny, tuned

NUMBER, LENGTH = 20, 18


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pre-trained folder, a fine-tuned one, sequences and sites."""
    folder = tmp_path_factory.mktemp("agree")
    save_pretrained(tiny(), folder / "before")
    save_pretrained(tuned(head=True, strands="forward"), folder / "tuned")
    names = [f"s{i}" for i in range(NUMBER)]
    fasta = "".join(f">{n}\n{dna(LENGTH, i)}\n" for i, n in enumerate(names))
    (folder / "s.fa").write_text(fasta + f">again\n{dna(LENGTH, 0)}\n")
    (folder / "s.bed").write_text("".join(f"{n}\t{i % 9}\t{i % 9 + 6}\tbox\n"
                                          for i, n in enumerate(names)))  # fmt: skip
    return folder


def run(folder: Path, *arguments: str):
    given = ["agree", str(folder / "s.fa"), "-m", str(folder / "tuned"), *arguments]
    return CliRunner().invoke(app, given)


@pytest.fixture(scope="module")
def done(files: Path):
    result = run(
        files, "--before", str(files / "before"), "--shuffled", str(files / "tuned"),
        "--sites", str(files / "s.bed"), "--curves", "4", "-o", str(files / "out"),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return result, files / "out"


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.tsv", sep="\t", keep_default_na=False)


def test_tables_have_their_columns_and_figures_are_there(done):
    _, out = done
    for name, columns in (
        ("agree", AGREE_COLUMNS),
        ("agree_sites", AGREE_SITE_COLUMNS),
        ("agree_heads", AGREE_HEAD_COLUMNS),
        ("faithfulness", FAITHFULNESS_COLUMNS),
        ("faithfulness_area", FAITHFULNESS_AREA_COLUMNS),
    ):
        assert list(read(out, name).columns) == columns
    for stem in ("agree", "agree_sites", "agree_heads", "faithfulness"):
        assert (out / "figures" / f"{stem}.png").stat().st_size > 10_000
    assert "nucel-interp" in json.loads((out / "run.json").read_text())["versions"]


def test_every_model_and_way_of_asking_is_in_the_tables(done):
    _, out = done
    sites = read(out, "agree_sites")
    models = {"fine-tuned", "pre-trained", "randomly initialised", "permuted labels", "no model"}
    assert set(sites["model"]) == models
    of_fine = set(sites[sites["model"] == "fine-tuned"]["score"])
    assert {"|mutagenesis|", "integrated-gradients", "attention, best head"} <= of_fine
    assert set(sites[sites["score"] == "discriminator"]["model"]) == {"pre-trained"}
    assert set(sites["n_sequences"]) == {NUMBER}
    heads = read(out, "agree_heads")
    assert (
        len(heads[(heads["measure"] == "auroc") & (heads["model"] == "randomly initialised")]) == 4
    )


def test_the_same_weights_give_the_same_numbers_under_another_name(done):
    """What is called fine-tuned on permuted labels here is the fine-tuned folder itself."""
    _, out = done
    sites = read(out, "agree_sites").set_index(["model", "score"])
    columns = [
        "heads",
        "auroc",
        "low",
        "high",
        "expected_by_position",
        "excess_over_position",
        "p_permutation",
    ]
    for score in ("mutagenesis", "attention, mean of heads", "attention, best head"):
        fine = sites.loc[("fine-tuned", score)]
        assert fine[columns].equals(sites.loc[("permuted labels", score)][columns])
        assert [float(fine[c]) for c in ("less_permuted_labels", "less_permuted_labels_low")] == [
            0,
            0,
        ]


def test_the_summary_says_what_was_explained_and_what_was_left_out(done):
    result, out = done
    assert "log-odds of yes" in result.output
    assert "1 records repeat a sequence" in result.output
    assert "agrees with |mutagenesis|, Spearman" in result.output
    assert "finds bases of box, AUROC" in result.output
    assert str(out) in result.output.replace("\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "maybe"], "no output 'maybe'; its fine-tuned head has no, yes"),
        (["-m", "{}/before"], "no fine-tuned head"),
        (["--shuffled", "{}/before"], "no fine-tuned head"),
        (["--sites", "{}/none.bed"], "as BED: there is no such file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(files, arguments, said, tmp_path):
    given = [a.format(files) for a in arguments]
    result = run(files, *given, "-o", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_a_sequence_beyond_the_context_is_named(files, tmp_path):
    (tmp_path / "long.fa").write_text(f">short\n{dna(9)}\n>too_long\n{dna(65)}\n")
    result = CliRunner().invoke(
        app,
        ["agree", str(tmp_path / "long.fa"), "-m", str(files / "tuned"), "-o", str(tmp_path / "o")],
    )
    assert result.exit_code == 1
    assert "too_long has 65 bases" in result.output


def test_sequences_of_all_lengths_and_with_n_are_compared_but_for_place(files):
    texts = [dna(10 + i, i) for i in range(12)]
    texts[3] = texts[3][:4] + "NN" + texts[3][6:]
    records = [Record(f"s{i}", t) for i, t in enumerate(texts)]
    result = measure_agreement(records, str(files / "tuned"), curves=0)
    assert any("12 of 12 sequences have fewer than 10" in w for w in result.warnings)
    assert result.found.pairs["expected_by_position"].isna().all()
    assert result.found.pairs["spearman"].notna().all()
    assert result.summary["n_bases"] == sum(map(len, texts)) - 2
    assert result.found.sites is None
    assert result.curves is None
