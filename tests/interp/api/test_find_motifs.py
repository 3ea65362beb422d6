from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import nucel_interp as ni
from nucel_interp.analysis.find_motifs import analyse_motifs
from nucel_interp.io.meme import write_meme
from tests.interp.api.same_files import assert_same
from tests.toy import dna, tiny

WORD = "CCACCAGGGGGCGC"
LENGTH = 100


@pytest.fixture(scope="module")
def planted() -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Sequences that hold a CTCF site, and a track that is high there."""
    rng = np.random.default_rng(0)
    texts, track = {}, {}
    for i in range(90):
        at, text = int(rng.integers(10, 70)), dna(LENGTH, seed=i)
        texts[f"s{i}"] = text[:at] + WORD + text[at + len(WORD) :]
        values = rng.normal(size=LENGTH)
        values[at : at + len(WORD)] += 4
        track[f"s{i}"] = values
    return texts, track


@pytest.fixture(scope="module")
def found(planted) -> ni.MotifResult:
    texts, track = planted
    return ni.find_motifs(texts, track=track)


def written(folder, planted):
    """The same as files."""
    texts, track = planted
    fasta, npz = folder / "x.fa", folder / "t.npz"
    fasta.write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    np.savez(npz, **track)
    return fasta, npz


def still_seconds(monkeypatch) -> None:
    """Let summary.json not tell how long each stage took."""
    import nucel_interp.progress

    monkeypatch.setattr(nucel_interp.progress, "perf_counter", lambda: 0.0)


def test_the_command_writes_what_save_writes_of_a_track(tmp_path, monkeypatch, planted):
    still_seconds(monkeypatch)
    fasta, npz = written(tmp_path, planted)
    files = assert_same(
        monkeypatch,
        ["motifs", str(fasta), "--track", str(npz), "--export", "modisco", "--seed", "3"],
        tmp_path,
        lambda folder: ni.find_motifs(fasta, track=npz, seed=3).save(folder, export="modisco"),
    )
    assert {"motifs.tsv", "modisco/peaks.bed", "report.html", "figures/logo_01.svg"} <= files.keys()
    assert files["motifs.tsv"].count(b"\n") > 1


def test_the_command_writes_what_save_writes_of_a_model(
    tmp_path, monkeypatch, tiny_folder, planted
):
    still_seconds(monkeypatch)
    fasta, _ = written(tmp_path, planted)
    files = assert_same(
        monkeypatch,
        ["motifs", str(fasta), "-m", str(tiny_folder), "--strand", "forward"],
        tmp_path,
        lambda folder: ni.find_motifs(fasta, tiny_folder, strand="forward").save(folder),
    )
    assert {"profile.h5", "tracks/replaced_logit.bedGraph", "intervention.tsv"} <= files.keys()
    assert b'"intervention": "' in files["summary.json"]


def test_the_intervention_belongs_to_the_function(planted):
    texts = list(planted[0].values())[:45]
    result = ni.find_motifs(texts, tiny())
    assert result.intervention is not None
    assert result.summary["intervention"] == result.intervention.sentence
    assert {"intervention", "intervention_excess"} <= result.tables.keys()


def test_without_a_model_there_is_no_intervention(found):
    assert found.intervention is None
    assert "intervention" not in found.summary
    assert "intervention" not in found.tables


def test_tracks_in_any_form_give_the_same(tmp_path, planted, found):
    texts, track = planted
    fasta, npz = written(tmp_path, planted)
    assert len(found.motifs)
    of_file = ni.find_motifs(str(fasta), track=str(npz))
    of_list = ni.find_motifs(texts, track=list(track.values()))
    for other in (of_file, of_list):
        assert other.motifs.equals(found.motifs)
        assert other.tracks.keys() == texts.keys()
    assert of_file.source == fasta
    assert found.source is None
    np.testing.assert_array_equal(np.concatenate([*found.tracks.values()]), found.track)


def test_a_track_that_names_no_record_is_refused(planted):
    texts, track = planted
    with pytest.raises(ni.InputError, match="nothing matches"):
        ni.find_motifs(texts, track={f"{name}x": values for name, values in track.items()})
    some = dict(list(track.items())[:60])
    with pytest.warns(ni.NucelWarning, match=r"no values for 30 of 90 records \(first: s60\)"):
        ni.find_seqlets(texts, track=some)


def test_names_with_blanks_find_their_track():
    rng = np.random.default_rng(1)
    named = {"my peak": dna(60, 1), "other peak": dna(60, 2)}
    track = {name: rng.normal(size=60) for name in named}
    assert set(ni.find_motifs(named, track=track).tracks) == {"my_peak", "other_peak"}


def test_records_of_one_name_are_refused():
    twice = [ni.Record("r", dna(50, 1)), ni.Record("r", dna(50, 2))]
    with pytest.raises(ni.InputError, match="several records are named r; give each"):
        ni.find_motifs(twice, track=[np.arange(50.0)] * 2)


def test_a_context_is_refused_where_no_model_is_read(planted):
    texts, track = planted
    with pytest.raises(ni.InputError, match="no model is read"):
        ni.find_motifs(texts, track=track, context=50)
    with pytest.raises(ni.InputError, match="there is no method 'dna'; give one of both, cluster"):
        ni.find_motifs(texts, method="dna")


@pytest.mark.parametrize("function", [ni.find_motifs, ni.find_seqlets, ni.find_kmers, ni.calibrate])
def test_a_null_without_a_track_is_refused_before_a_model_is_read(function):
    with pytest.raises(ni.InputError, match="null track was given without a track"):
        function(["ACGT"], "no folder of this name", null_track=[np.zeros(4)])


def test_names_come_from_a_file_or_a_collection(tmp_path, planted, found):
    texts, track = planted
    meme = tmp_path / "mine.meme"
    mine = replace(found.pwms[found.motifs["motif_id"][0]], id="mine", name="mine")
    meme.write_text(write_meme([mine]))
    of_file = ni.find_motifs(texts, track=track, database=str(meme))
    assert of_file.motifs["best_match"][0] == "mine mine"
    loaded = ni.find_motifs(texts, track=track, database=ni.load_database(meme))
    assert loaded.motifs.equals(of_file.motifs)


@pytest.mark.parametrize(
    ("tax", "meant"),
    [("human", "vertebrates"), ("Drosophila", "insects"), ("plant", "plants"), ("yeast", "fungi")],
)
def test_a_wrong_group_suggests_the_nearest(tax, meant):
    with pytest.raises(ni.InputError, match=f"no tax group '{tax}'. Did you mean {meant}\\?"):
        ni.find_motifs(["ACGT" * 10], tax=tax)


def test_a_notebook_sees_ten_columns_the_fold_and_a_logo(found):
    page = found._repr_html_()
    assert found.answer.split(" (")[0] in page
    assert all(warning.split("'")[0] in page for warning in found.warnings)
    assert page.count("<th>") == 10
    assert page.count("<svg") == 2
    assert "NaN" not in page
    assert repr(found) == f"<MotifResult: {found.answer}>"
    bare = ni.find_motifs(["ACGTTGCA" * 3], track=[np.arange(24.0)])
    assert "too few" in bare._repr_html_()


def test_the_page_alone_is_the_page_of_the_folder(tmp_path, found):
    page = found.report(tmp_path / "new" / "page.html")
    text = page.read_text()
    assert "<h1>Motifs in 90 sequences</h1>" in text
    folder = found.save(tmp_path / "out")

    def timeless(text: str) -> str:
        return re.sub(r"20\d\d-\d\d-\d\dT[^<\"&]*", "", text)

    assert timeless((folder / "report.html").read_text()) == timeless(text)
    with pytest.raises(ni.OutputError, match="exists already"):
        found.report(page)
    with pytest.raises(ni.InputError, match="give 'modisco' or nothing"):
        found.save(tmp_path / "x", export="homer")
    assert not (tmp_path / "x").exists()


def test_stretches_of_long_records_are_not_called_sequences():
    rng = np.random.default_rng(0)
    result = ni.find_motifs(
        [dna(2500, 1), dna(900, 2)], track=[rng.normal(size=n) for n in (2500, 900)]
    )
    assert result.answer.startswith("4 stretches of 2 sequences are too few to test anything")
    kmers = ni.find_kmers([dna(2500, 1)], track=[rng.normal(size=2500)])
    assert kmers.answer.endswith("3 stretches of 1 sequence, 40 needed")


def test_the_engine_asks_for_a_model_or_a_track():
    with pytest.raises(ni.InputError, match="neither a model nor a track"):
        analyse_motifs([ni.Record("a", "ACGT")], None)
