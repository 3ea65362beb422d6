"""`calibrate`: counts from shuffled input, whatever the input holds."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_interp.analysis import score_study as tracks
from nucel_interp.analysis.calibrate import count_names
from nucel_interp.analysis.score_study import shuffled_studies
from nucel_interp.api.calibrate import CalibrationResult, calibrate
from nucel_interp.cli.app import app
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.match import load_jaspar
from nucel_interp.progress import Stages
from nucel_interp.scoring import cut_units
from nucel_interp.types import CALIBRATE_COLUMNS, Motif, Record, reverse_complement
from nucel_model import FolderError
from tests.toy import nucel, planted, shape

SHAPE = shape(context=128, reach=128)
ctcf = partial(planted, "CTCF", length=100, strand="forward")


@pytest.fixture(scope="module")
def under_track() -> CalibrationResult:
    records, track = ctcf(n=80)
    return calibrate(records, runs=3, track=track, seed=1)


def test_a_planted_motif_does_not_survive_the_shuffle(under_track: CalibrationResult) -> None:
    table = under_track.runs
    assert list(table.columns) == CALIBRATE_COLUMNS
    assert table["run"].tolist() == [1, 2, 3]
    assert table["motifs"].sum() == 0
    # the track's, in their places: nearly one a sequence, the same in every run
    assert table["seqlets"].min() >= 70
    assert table["seqlets"].nunique() == 1
    assert (table["names_q_global"] <= table["names_E"]).all()
    assert (table["names_E"] <= table["names_p"]).all()
    assert (table["names_p"] <= table["candidates"]).all()


def test_the_sentence_says_what_the_table_holds(under_track: CalibrationResult) -> None:
    text, table = under_track.answer, under_track.runs
    assert text.startswith("Shuffled sequence under your track like yours gives a motif in the")
    assert "in 0 of 3 runs" in text
    assert f"{table['candidates'].mean():.1f} candidates" in text
    assert f"{table['names_E'].mean():.1f} names in JASPAR2026 CORE vertebrates at E < 0.05" in text


def test_a_motif_in_the_main_table_is_said() -> None:
    rows = pd.DataFrame([(1, 9, 0.1, 4, 1, 1, 0, 2), (2, 9, 0.1, 2, 0, 0, 0, 1)])
    rows.columns = CALIBRATE_COLUMNS
    answer = CalibrationResult(rows, 100, 100, "X", False).answer
    assert answer == (
        "Shuffled sequence like yours gives a motif in the main table in 1 of 2 runs (on average "
        "0.5), on average 3.0 candidates, and 0.5 names in X at E < 0.05 (0.0 at q_global < 0.05, "
        "1.5 at p < 0.001)."
    )


def test_neither_order_nor_strand_of_the_records_matters() -> None:
    records = [Record(r.name, r.sequence) for r in ctcf(n=60)[0]]
    turned = [Record(r.name, reverse_complement(r.sequence)) for r in records[::-1]]
    track = ctcf(n=60)[1]
    a = calibrate(records, runs=2, track=track)
    b = calibrate(records[::-1], runs=2, track=track[::-1])
    pd.testing.assert_frame_equal(a.runs, b.runs, check_exact=True)
    c = calibrate(turned, runs=2, track=[t[::-1] for t in track[::-1]])
    pd.testing.assert_frame_equal(a.runs, c.runs)


def test_every_copy_is_read_once_and_every_run_has_its_own_input_and_nulls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracks, "copies_per_unit", lambda n_bases: 3)
    records = [Record(r.name, r.sequence) for r in ctcf(n=20)[0]]
    units = cut_units(records, 128)
    seen: list[tuple[int, int, str]] = []
    model = nucel(SHAPE)
    studies = list(
        shuffled_studies(
            model, records, units, np.zeros(20, dtype=bool), runs=5,
            score="attention", strands="forward", seed=0,
            stages=Stages(lambda *step: seen.append(step)),
        )
    )  # fmt: skip
    assert len(studies) == 5
    assert max(d for d, _, s in seen if s == "reading with the model") == 5 * 2000
    assert len({tuple(fold.sequences) for folds in studies for fold in folds}) == 5
    for study in (fold for folds in studies for fold in folds):
        assert len(study.copies) == 3
        texts = {tuple(c.sequences) for c in study.copies}
        assert len(texts) == 3
        assert tuple(study.sequences) not in texts
        assert len({c.track.tobytes() for c in study.copies}) == 3
        for original, copy in zip(units, study.sequences, strict=True):
            assert sorted(original.sequence) == sorted(copy)
            assert original.sequence != copy


def test_few_sequences_are_counted_without_a_main_table() -> None:
    records, track = ctcf(n=20)
    result = calibrate(records, runs=1, track=track)
    assert result.runs["motifs"].tolist() == [0]
    assert "no main table (20 sequences, 40 needed)" in result.answer


@pytest.mark.parametrize("score", ["attention", "discriminator"])
def test_a_model_that_knows_nothing_gives_counts(score) -> None:
    records = [Record(r.name, r.sequence) for r in ctcf(n=40)[0]]
    result = calibrate(records, nucel(SHAPE), runs=2, score=score, strand="forward")
    assert result.runs["motifs"].sum() == 0
    assert result.answer.startswith("Shuffled sequence like yours")


def test_what_cannot_be_done_is_refused() -> None:
    records, track = ctcf(n=5)
    with pytest.raises(InputError, match="at least 1 run"):
        calibrate(records, runs=0, track=track)
    with pytest.raises(InputError, match="no sequence"):
        calibrate([])
    with pytest.raises(FolderError, match="no discriminator head"):
        calibrate(records, nucel(SHAPE, head=False), score="discriminator")


def test_names_are_counted_once_each_at_three_thresholds() -> None:
    database = load_jaspar()
    ctcf = next(m for m in database.motifs if m.name == "CTCF")
    flat = np.full((4, 8), 0.25)
    motifs = [Motif("a", ctcf.pwm), Motif("b", ctcf.pwm[::-1, ::-1]), Motif("c", flat)]
    with pytest.warns(NucelWarning, match=r"1 of 3 motifs were not compared.* c \(0 columns\)"):
        assert count_names(motifs, database) == (1, 1, 1)
    assert count_names([], database) == (0, 0, 0)


def test_the_command_prints_a_table_and_a_sentence(tmp_path: Path) -> None:
    records, track = ctcf(n=20)
    fasta, npz = tmp_path / "a.fa", tmp_path / "t.npz"
    fasta.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    np.savez(npz, **{r.name: t for r, t in zip(records, track, strict=True)})
    got = CliRunner().invoke(
        app,
        ["calibrate", str(fasta), "--track", str(npz), "--runs", "2", "--format", "json"],
    )
    assert got.exit_code == 0, got.stderr
    rows = json.loads(got.stdout)
    assert [list(row) for row in rows] == [CALIBRATE_COLUMNS] * 2
    assert "Shuffled sequence under your track" in got.stderr
