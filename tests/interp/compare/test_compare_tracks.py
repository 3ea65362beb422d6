"""Tracks of the user's own in a comparison: measured as attention is, whatever their signs."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from nucel_interp.cli.app import app
from nucel_interp.compare.models import measure_models as comparison
from nucel_interp.compare.models.measure_models import measure_models
from nucel_interp.compare.models.user_tracks import TRACK_COLUMNS, in_windows
from nucel_interp.compare.shared.windows import cut_windows
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite
from nucel_interp.plots.comparison import draw_locus, locus_data
from nucel_interp.plots.locus_browser import locus_browser
from nucel_interp.report import build_comparison
from nucel_interp.types import Record
from nucel_model import Nucel, NucelConfig, NucelEncoder, every_third_global, save_pretrained
from tests.toy import dna

WORD = "CCACTAGGGGGCGC"
NO_MOTIFS = {"archetype": []}


@pytest.fixture(scope="module")
def records():
    """Thirty sequences of 60 to 120 bp, a word at a random place in each."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(30):
        text = dna(int(rng.integers(60, 121)), rng)
        at = int(rng.integers(0, len(text) - len(WORD)))
        made.append(Record(f"r{i}", text[:at] + WORD + text[at + len(WORD) :]))
    return made


def place(record):
    return record.sequence.find(WORD)


def sites_of(records):
    return [
        BedSite(i, r.name, place(r), place(r) + len(WORD), "CTCF", "+")
        for i, r in enumerate(records, start=1)
    ]


def model():
    torch.manual_seed(0)
    config = NucelConfig(
        hidden_size=16, num_attention_heads=2, intermediate_size=16,
        layer_types=every_third_global(1), max_position_embeddings=130,
    )  # fmt: skip
    return Nucel(NucelEncoder(config), None, name="tiny")


@pytest.fixture(scope="module")
def tracks(records):
    """Three times as high, or as negative, inside as outside; noise; and the first with gaps."""
    rng = np.random.default_rng(2)
    high = []
    for r in records:
        track = np.ones(len(r), dtype=np.float32)
        track[place(r) : place(r) + len(WORD)] = 3
        high.append(track)
    gaps = [t.copy() for t in high]
    gaps[0][:] = np.nan
    gaps[1][: place(records[1])] = np.nan
    return {
        "high": high,
        "against": [-t for t in high],
        "noise": [rng.random(len(r), dtype=np.float32) for r in records],
        "gaps": gaps,
    }


def compared(records, **options):
    return measure_models(records, [model()], sites=sites_of(records), find=False, **options)


@pytest.fixture(scope="module")
def result(records, tracks):
    return compared(records, tracks=tracks)


def row(result, name, definition="mean_ratio"):
    table = result.tracks
    rows = table[(table["track"] == name) & (table["definition"] == definition)]
    (one,) = rows.to_dict("records")
    return one


def test_a_track_is_measured_as_the_definitions_say(result):
    assert list(result.tracks.columns) == TRACK_COLUMNS
    high = row(result, "high")
    assert (high["snr"], high["random"], high["auroc"]) == (3, 1, 1)
    assert row(result, "high", "peak_over_median")["snr"] == 3
    assert (high["values"], high["n_sequences"]) == ("values", 30)


def test_a_signed_track_counts_by_its_sizes(result):
    high, against = row(result, "high"), row(result, "against")
    assert against["values"] == "sizes"
    assert [against[k] for k in ("snr", "auroc")] == [high[k] for k in ("snr", "auroc")]


def test_noise_is_found_to_be_noise(result):
    noise = row(result, "noise")
    assert noise["low"] < 1 < noise["high"]
    assert noise["auroc_low"] < 0.5 < noise["auroc_high"]
    assert abs(noise["decoy_auroc"] - 0.5) < 0.05


def test_bases_without_a_value_are_left_out(result):
    gaps = row(result, "gaps")
    assert (gaps["snr"], gaps["auroc"], gaps["n_sequences"]) == (3, 1, 29)


def test_models_are_measured_alike_with_and_without_tracks(result, records):
    alone = compared(records)
    assert alone.tracks is None
    assert alone.snr.equals(result.snr)
    assert alone.recovery.equals(result.recovery)


def test_windows_take_their_part_of_a_track(records):
    """Cut into three windows around an N, of a record met twice."""
    long = Record("long", "ACGTAC" * 5 + "N" + "GGATCA" * 9)
    both = [records[0], long, replace(long, name="again")]
    windows = cut_windows(both, 30, seed=0)
    given = {"place": [np.arange(len(r)) + 1000 * i for i, r in enumerate(both)]}
    found = in_windows(given, both, windows)["place"]
    expected = [
        np.arange(start, start + len(text)) + 1000 * of
        for of, start, text in zip(windows.number, windows.start, windows.sequences, strict=True)
    ]
    assert windows.repeated == 1
    assert np.array_equal(found, np.concatenate(expected))


def test_tracks_stand_in_table_figure_and_browser(result):
    locus = result.loci[0]
    assert set(locus.tracks) == {"high", "against", "noise", "gaps"}
    titles = [ax.get_title("left") for ax in draw_locus(result, locus).axes]
    assert [f"{name}, as given" for name in locus.tracks] == titles[-4:]
    assert locus_data(locus)["high as given"].max() == 3
    shown = [trace.name for trace in locus_browser(result).data]
    assert shown.count("as given") == 4 * len(result.loci)
    page = build_comparison(result, {"command": "x", "inputs": {}})
    section = page.split("Your own tracks at the same sites")[1].split("</table>")[0]
    assert section.count("by size") == 1
    assert "given by the user (high, against, noise, gaps)" in page
    assert "3.00" in section


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[:-1], "29 arrays for 30 records"),
        (lambda t: [t[0][:-1], *t[1:]], "r0"),
        (lambda t: [np.full_like(a, np.nan) for a in t], "no value in the windows"),
        (lambda t: [np.full_like(a, np.inf) for a in t], "infinite"),
    ],
)
def test_a_track_that_does_not_fit_is_refused(records, tracks, change, message):
    with pytest.raises(InputError, match=message):
        compared(records, tracks={"mine": change(tracks["high"])})


def test_a_track_without_a_value_at_the_sites_is_refused_before_a_model_reads(
    records, tracks, monkeypatch
):
    empty = []
    for r, t in zip(records, tracks["high"], strict=True):
        track = t.copy()
        track[place(r) : place(r) + len(WORD)] = np.nan
        empty.append(track)
    monkeypatch.setattr("nucel_interp.compare.models.measure_models.measure", None)
    with pytest.raises(InputError, match="mine has no value at any site"):
        compared(records, tracks={"mine": empty})


@pytest.fixture
def inputs(records, tmp_path):
    """FASTA, sites and a model folder."""
    fasta, bed = tmp_path / "in.fa", tmp_path / "sites.bed"
    fasta.write_text("".join(f">{r.name}\n{r.sequence}\n" for r in records))
    bed.write_text(
        "".join(f"{s.chrom}\t{s.start}\t{s.end}\t{s.name}\t0\t+\n" for s in sites_of(records))
    )
    return fasta, bed, save_pretrained(model(), tmp_path / "tiny")


def test_the_command_takes_several_tracks_and_tells_them_apart(
    inputs, records, tracks, tmp_path, monkeypatch
):
    fasta, bed, folder = inputs
    monkeypatch.setattr(  # which has tests of its own
        comparison,
        "analyse_motifs",
        lambda *_, **__: SimpleNamespace(motifs=pd.DataFrame(NO_MOTIFS)),
    )
    monkeypatch.setattr("nucel_interp.plots.comparison.comparison_figures", lambda _: {})
    given = []
    for name in ("high", "against"):
        path = tmp_path / name / "attribution.npz"
        path.parent.mkdir()
        np.savez(path, **{r.name: t for r, t in zip(records, tracks[name], strict=True)})
        given += ["--track", str(path)]
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app,
        [
            "compare",
            str(fasta),
            "--models",
            str(folder),
            "--sites",
            str(bed),
            *given,
            "-o",
            str(out),
        ],
    )
    assert done.exit_code == 0, done.stderr
    assert "high/attribution.npz" in done.stdout
    assert "own track, sizes" in done.stdout
    table = pd.read_csv(out / "tracks.tsv", sep="\t")
    assert table["track"].unique().tolist() == ["high/attribution.npz", "against/attribution.npz"]
    assert table.loc[table["definition"] == "mean_ratio", "snr"].tolist() == [3, 3]
    assert len(json.loads((out / "run.json").read_text())["inputs"]) == 4


def test_the_command_refuses_a_track_of_other_records(inputs, records, tmp_path):
    fasta, bed, folder = inputs
    np.savez(tmp_path / "t.npz", **{r.name: np.ones(len(r) + 1) for r in records})
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app,
        ["compare", str(fasta), "--models", str(folder), "--sites", str(bed),
         "--track", str(tmp_path / "t.npz"), "-o", str(out)],
    )  # fmt: skip
    assert done.exit_code == 1
    assert "t.npz" in done.stderr
    assert "r0" in done.stderr
    assert not out.exists()
