"""`compare_models` and its command, end to end on tiny models with random weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_interp.cli.app import app
from nucel_interp.compare.models import measure
from nucel_interp.compare.models import measure_models as comparison
from nucel_interp.compare.models.layers import LAYER_COLUMNS, most_entropy
from nucel_interp.compare.models.measure_models import measure_models
from nucel_interp.compare.models.motif_sites import named_motifs
from nucel_interp.compare.models.tables import (
    DIFFERENCE_COLUMNS,
    HEAD_SNR_COLUMNS,
    MODEL_COLUMNS,
    RECALL_COLUMNS,
    RECOVERY_COLUMNS,
    SNR_COLUMNS,
)
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite
from nucel_interp.match import JasparDatabase, motifs_by_name
from nucel_interp.plots import comparison as plots_comparison
from nucel_interp.plots.snr import snr_figure
from nucel_interp.scoring import Scores
from nucel_interp.types import CONTROL_COLUMNS, Motif, Record, reverse_complement
from tests.interp.fake_result import pwm_of
from tests.toy import dna, nt, nucel, shape

runner = CliRunner()
WORD = "CCACTAGGGGGCGC"


def tiny(name, seed, context=129):
    config = shape(context=context, reach=16)
    return nucel(config, head=False, seed=seed, start="torch", name=name)


@pytest.fixture(scope="module")
def database():
    words = (WORD, "TGACTCATGA", "GATAAGGATA")
    motifs = [
        Motif(f"M{i}", pwm_of(word), name=name)
        for i, (word, name) in enumerate(zip(words, ("CTCF", "AP1", "GATA"), strict=True))
    ]
    with pytest.warns(Warning, match="25"):
        return JasparDatabase.from_motifs(motifs, "three motifs")


@pytest.fixture(scope="module")
def records():
    """Forty sequences of 60 to 150 bp, each with a motif planted at a random place."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(40):
        text = dna(int(rng.integers(60, 150)), rng)
        at = int(rng.integers(0, len(text) - len(WORD)))
        made.append(Record(f"r{i}", text[:at] + WORD + text[at + len(WORD) :]))
    return made


def sites_of(records):
    return [
        BedSite(i, r.name, at, at + len(WORD), "CTCF", "+")
        for i, r in enumerate(records, start=1)
        if (at := r.sequence.find(WORD)) >= 0
    ]


@pytest.fixture(scope="module")
def result(records, database):
    return measure_models(
        records, [tiny("a", 0), tiny("b", 1, context=99)],
        sites=sites_of(records), database=database, cls_row=True, find=False,
    )  # fmt: skip


def test_every_model_stands_beside_its_randomly_initialised_control(result):
    assert result.models["model"].tolist() == [
        "a",
        "a, randomly initialised",
        "b",
        "b, randomly initialised",
    ]
    assert result.models["control_of"].tolist() == ["", "a", "", "b"]
    assert result.models["trained"].tolist() == ["yes", "no"] * 2
    for column in ("rc_consistency", "cls_share", "seconds"):
        assert result.models[column].dtype == np.float64


def test_tables_have_their_columns(result):
    for table, columns in (
        (result.models, MODEL_COLUMNS),
        (result.snr, SNR_COLUMNS),
        (result.recovery, RECOVERY_COLUMNS),
        (result.recall, RECALL_COLUMNS),
        (result.layers, LAYER_COLUMNS),
        (result.heads, HEAD_SNR_COLUMNS),
        (result.differences, DIFFERENCE_COLUMNS),
        (result.shuffled, [*SNR_COLUMNS, "at"]),
        (result.cls_row, SNR_COLUMNS),
    ):
        assert list(table.columns) == columns
        assert len(table)
    assert not result.snr.duplicated(SNR_COLUMNS[:6]).any()


def test_the_smallest_context_decides_the_window(result):
    assert result.summary["window_bp"] == 96
    assert max(len(locus.record) for locus in result.loci) <= 96


def test_heads_come_from_the_other_half(result):
    chosen = result.heads[(result.heads["model"] == "a") & (result.heads["resolution"] == "native")]
    assert chosen["chosen_1"].sum() == chosen["chosen_2"].sum() == 1
    best = result.snr[(result.snr["model"] == "a") & (result.snr["definition"] == "mean_ratio")]
    best = best[(best["heads"] == "best") & (best["layers"] == "all")]
    assert (best["snr"] <= chosen["snr"].max() + 1e-6).all()


def test_intervals_hold_their_value(result):
    rows = result.recovery
    for what in ("auroc", "auprc"):
        assert (rows[f"{what}_low"] < rows[what]).all()
        assert (rows[what] < rows[f"{what}_high"]).all()
    assert (rows["base_rate"].between(0.1, 0.3)).all()


def test_the_controls_are_told_for_every_trained_model_and_motif(result):
    table = result.controls
    assert list(table.columns) == CONTROL_COLUMNS
    motifs = result.snr["motif"].unique().tolist()
    assert table[["model", "motif"]].to_numpy().tolist() == [[m, x] for m in "ab" for x in motifs]
    assert set(table["looked_at"]) <= {"no", "cannot tell", "not measured"}
    assert len(result.summary["looked_at"]) == len(table)


def test_pairs_are_models_controls_and_shuffled_input(result):
    pairs = result.differences[["model_a", "model_b"]].drop_duplicates()
    assert pairs.to_numpy().tolist() == [
        ["a", "b"], ["a", "a, randomly initialised"], ["a", "a, shuffled input"],
        ["b", "b, randomly initialised"], ["b", "b, shuffled input"],
    ]  # fmt: skip
    z = result.differences["definition"] == "z"
    assert result.differences.loc[z, "ratio"].isna().all()
    assert result.differences.loc[~z, "ratio"].notna().all()


def test_a_ratio_is_that_of_the_two_medians(result):
    keys = ["resolution", "layers", "definition", "motif", "heads"]
    snr = result.snr.set_index(["model", *keys])["snr"]
    rows = result.differences[(result.differences["model_b"] == "b")]
    for row in rows[rows["definition"] != "z"].to_dict("records"):
        key = tuple(row[k] for k in keys)
        assert row["ratio"] == pytest.approx(snr["a", *key] / snr["b", *key])
        assert row["low"] <= row["ratio"] <= row["high"]


def test_the_order_of_records_changes_no_number(records, database, result):
    again = measure_models(
        records[::-1], [tiny("a", 0), tiny("b", 1, context=99)],
        sites=sites_of(records)[::-1], database=database, find=False,
    )  # fmt: skip
    for table in ("snr", "recovery", "recall", "differences", "heads"):
        pd.testing.assert_frame_equal(getattr(again, table), getattr(result, table), rtol=1e-9)


def test_the_strand_of_records_changes_no_number(records, database, result):
    turned = [replace(r, sequence=reverse_complement(r.sequence)) for r in records]
    sites = []
    for s in sites_of(records):
        n = next(len(r) for r in records if r.name == s.chrom)
        sites.append(replace(s, start=n - s.end, end=n - s.start, strand="-"))
    again = measure_models(
        turned, [tiny("a", 0), tiny("b", 1, context=99)],
        sites=sites, database=database, find=False,
    )  # fmt: skip
    for table in ("snr", "recovery"):
        pd.testing.assert_frame_equal(
            getattr(again, table), getattr(result, table), rtol=2e-3, atol=2e-3
        )


def test_fimo_sites_of_named_motifs_with_decoys_of_their_columns(records, database):
    motifs = motifs_by_name(["ctcf", "M1"], database)
    found = measure_models(records, [tiny("a", 0)], motifs=motifs, database=database, find=False)
    assert found.snr["motif"].unique()[0] == "CTCF"
    row = found.snr[found.snr["motif"] == "CTCF"].iloc[0]
    assert row["n_sequences"] >= 35
    assert "column-permuted" in found.summary["decoys"]
    assert set(found.shuffled["at"]) >= {"same places"}
    assert found.motifs["CTCF"].id == "M0"


def test_motifs_of_one_name_are_told_apart_by_id():
    pwm = pwm_of(WORD)
    named = named_motifs([Motif("A", pwm, name="X"), Motif("B", pwm, name="X"), Motif("C", pwm)])
    assert list(named) == ["X (A)", "X (B)", "C"]


def test_an_unknown_motif_is_named(database):
    with pytest.raises(InputError, match="three motifs has no motif with the id or name 'Nobody'"):
        motifs_by_name(["CTCF", "Nobody"], database)


def test_two_models_of_one_name_are_refused_with_both_folders(records, tiny_folder, tmp_path):
    other = shutil.copytree(tiny_folder, tmp_path / tiny_folder.name)
    with pytest.raises(InputError, match="2 models are called 'tiny'") as caught:
        measure_models(records, [str(tiny_folder), str(other)])
    assert str(other) in str(caught.value)
    assert str(tiny_folder) in str(caught.value)


def test_uniform_attention_has_all_of_its_entropy():
    assert most_entropy([12, 24], 1, None) == pytest.approx((np.log2(13) + np.log2(25)) / 2)
    assert most_entropy([12], 6, None) == pytest.approx((np.log2(3) + 5 * np.log2(2)) / 6)
    # 4 tokens that see one neighbour each side, [CLS] in front: 3, 3, 3 and 2 keys
    assert most_entropy([4], 1, 1) == pytest.approx((3 * np.log2(3) + 1) / 4)


@pytest.fixture
def inputs(tmp_path, records):
    fasta, bed = tmp_path / "x.fa", tmp_path / "x.bed"
    fasta.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    bed.write_text("".join(f"{s.chrom}\t{s.start}\t{s.end}\t{s.name}\n" for s in sites_of(records)))
    return fasta, bed


def test_the_command_writes_tables_figures_page_and_says_what_it_found(
    inputs, tiny_folder, tmp_path, monkeypatch
):
    fasta, bed = inputs
    out = tmp_path / "out"
    found = SimpleNamespace(motifs=pd.DataFrame({"archetype": ["A1_X", "A1_X", ""]}))
    monkeypatch.setattr(
        comparison, "analyse_motifs", lambda *_, **__: found
    )  # has tests of its own

    def one_figure(result):  # all are drawn in tests of their own
        return {"snr": (snr_figure(result.snr, result.models), result.snr)}

    monkeypatch.setattr(plots_comparison, "comparison_figures", one_figure)
    other = shutil.copytree(tiny_folder, tmp_path / "other")
    done = runner.invoke(
        app,
        ["compare", str(fasta), "--models", str(tiny_folder), str(other), "--sites", str(bed),
         "-o", str(out)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    snr = pd.read_csv(out / "snr.tsv", sep="\t")
    assert set(snr["model"]) == {
        "tiny",
        "tiny, randomly initialised",
        "other",
        "other, randomly initialised",
    }
    same = snr[snr["model"] == "tiny"]["snr"].to_numpy()
    assert same == pytest.approx(snr[snr["model"] == "other"]["snr"].to_numpy(), nan_ok=True)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["n_sites"] == 38
    assert "2 sites cross the edge of a record or window, or hold N" in summary["warnings"][0]
    assert summary["answer"] in done.output
    models = pd.read_csv(out / "models.tsv", sep="\t")
    assert models["motifs"].tolist()[::2] == [3, 3]
    assert models["archetypes"].tolist()[::2] == ["A1_X", "A1_X"]
    assert "tiny/model.safetensors" in json.loads((out / "run.json").read_text())["model_sha256"]
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert (out / "figures" / "snr.pdf").stat().st_size > 1000


def test_the_command_refuses_bad_sites_in_one_line_and_leaves_nothing(
    inputs, tiny_folder, tmp_path
):
    fasta, bed = inputs
    bed.write_text(bed.read_text() + "r0\t0\t9999\tCTCF\n")
    out = tmp_path / "out"
    done = runner.invoke(
        app,
        ["compare", str(fasta), "--models", str(tiny_folder), "--sites", str(bed), "-o", str(out)],
    )
    assert done.exit_code == 1
    assert "line 41 (CTCF, r0:0-9999) ends beyond its record" in done.stderr
    assert not out.exists()


def test_sites_and_motifs_together_are_a_wrong_call(inputs, tiny_folder, tmp_path):
    fasta, bed = inputs
    done = runner.invoke(
        app,
        ["compare", str(fasta), "--models", str(tiny_folder), "--sites", str(bed),
         "--motif", "CTCF", "-o", str(tmp_path / "out")],
    )  # fmt: skip
    assert done.exit_code == 2


def test_planted_attention_comes_through_to_every_table(records, database, monkeypatch):
    """One head of the trained model gives site bases twice as much; nothing else knows them."""

    def planted(reader, sequences, on_progress=None):
        rng = np.random.default_rng(len(reader.name))
        text = "".join(sequences)
        tracks = rng.gamma(100, 0.01, (4, len(text)))
        if not reader.control_of:
            for at in range(len(text)):
                if text.startswith(WORD, at):
                    tracks[2, at : at + len(WORD)] *= 2
        offsets = np.concatenate([[0], np.cumsum([len(s) for s in sequences])])
        each = np.full(4, 0.1)
        return Scores(offsets, tracks.astype(np.float16), None, each, each, each, each)

    monkeypatch.setattr(measure, "read_windows", planted)
    monkeypatch.setattr(comparison, "read_windows", planted)
    found = measure_models(
        records, [tiny("a", 0)], sites=sites_of(records), database=database, find=False
    )
    row = found.models.iloc[0]
    assert (row["best_head_1"], row["best_head_2"]) == ("1:0", "1:0")
    snr = found.snr[(found.snr["heads"] == "best") & (found.snr["layers"] == "all")]
    snr = snr[snr["resolution"] == "native"].set_index(["model", "definition"])
    assert snr.loc[("a", "mean_ratio"), "snr"] == pytest.approx(2, abs=0.05)
    assert snr.loc[("a", "z"), "snr"] == pytest.approx(10, abs=1)
    assert snr.loc[("a", "mean_ratio"), "random"] == pytest.approx(1, abs=0.03)
    assert snr.loc[("a, randomly initialised", "mean_ratio"), "snr"] == pytest.approx(1, abs=0.03)
    assert found.recovery["auroc"].iloc[0] > 0.99
    assert found.recovery["auroc"].iloc[-1] == pytest.approx(0.5, abs=0.06)
    over = found.differences[found.differences["definition"] == "mean_ratio"]
    over = over[(over["heads"] == "best") & (over["resolution"] == "native")]
    over = over.drop_duplicates("model_b").set_index("model_b")
    for control in ("a, randomly initialised", "a, shuffled input"):
        assert over.loc[control, "low"] < 2 < over.loc[control, "high"] + 0.05
        assert over.loc[control, "low"] > 1.8
    # a global layer alone: head 2 is in the local one
    narrow = found.snr[(found.snr["layers"] == "global") & (found.snr["model"] == "a")]
    assert narrow[narrow["definition"] == "mean_ratio"]["snr"].max() < 1.1


def tiny_nt():
    # contrast well above the half precision that tracks are kept in
    return nt(width=16, context=12_282, sharper=25, name="nt")


@pytest.fixture(scope="module")
def with_nt(records, database):
    """A model of single bases against one of 6-base tokens."""
    return measure_models(
        records[:16], [tiny("a", 0), tiny_nt()],
        sites=sites_of(records[:16]), database=database, cls_row=True, find=False,
    )  # fmt: skip


def test_a_model_of_6_base_tokens_stands_beside_one_of_bases(with_nt):
    assert with_nt.models["shape"].tolist() == ["NucEL"] * 2 + ["NT v2"] * 2
    assert with_nt.models["token_bp"].tolist() == [1, 1, 6, 6]
    assert with_nt.summary["window_bp"] == 126
    assert (with_nt.summary["frames"], with_nt.summary["end_bp_left_out"]) == (6, 5)
    assert with_nt.snr["snr"].notna().all()


def test_only_the_finer_model_is_changed_by_matching_resolutions(with_nt):
    keys = ["layers", "definition", "motif", "heads"]
    for name, same in (("nt", True), ("a", False)):
        rows = with_nt.snr[with_nt.snr["model"] == name]
        native, matched = (
            rows[rows["resolution"] == r].set_index(keys)["snr"] for r in ("native", "matched")
        )
        assert len(native)
        assert np.allclose(native, matched) == same


def test_six_frames_read_both_strands_alike(with_nt, records, database):
    turned = [replace(r, sequence=reverse_complement(r.sequence)) for r in records[:16]]
    lengths = {r.name: len(r) for r in records}
    sites = [
        replace(s, start=lengths[s.chrom] - s.end, end=lengths[s.chrom] - s.start)
        for s in sites_of(records[:16])
    ]
    models = [tiny("a", 0), tiny_nt()]  # the first makes the windows shorter
    again = measure_models(turned, models, sites=sites, database=database, find=False)
    first = with_nt.snr[with_nt.snr["model"] == "nt"].reset_index(drop=True)
    assert len(first)
    here = again.snr[again.snr["model"] == "nt"].reset_index(drop=True)
    pd.testing.assert_frame_equal(here, first, rtol=2e-3, atol=2e-3)


def test_ends_that_fewer_frames_cover_count_in_no_model(with_nt):
    assert with_nt.loci
    for locus in with_nt.loci:
        assert locus.native
        assert locus.matched
        for track in (*locus.native.values(), *locus.matched.values()):
            assert np.isnan(track[:5]).all()
            assert np.isnan(track[-5:]).all()
            assert np.isfinite(track[5:-5]).all()


def test_nearly_even_attention_has_nearly_all_of_its_entropy(with_nt):
    controls = with_nt.layers[with_nt.layers["model"].str.endswith("randomly initialised")]
    assert len(controls)
    assert controls["entropy_share"].between(0.98, 1 + 1e-6).all()
