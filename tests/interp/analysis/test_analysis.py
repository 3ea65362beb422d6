"""The main job as a function: planted motifs found, noise not, and results that repeat exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nucel_interp.analysis.controls import shuffled_input
from nucel_interp.api.find_motifs import MotifResult, find_motifs
from nucel_interp.api.find_seqlets import find_seqlets
from nucel_interp.errors import InputError
from nucel_interp.types import (
    HEAD_COLUMNS,
    KMER_COLUMNS,
    MATCH_COLUMNS,
    MOTIF_COLUMNS,
    SEQLET_COLUMNS,
    SITE_COLUMNS,
    UNTESTED_COLUMNS,
    Location,
    Record,
    reverse_complement,
)
from nucel_model import FolderError
from tests.toy import nucel, planted, random_sequences, shape

Case = tuple[list[Record], list[np.ndarray]]
SHAPE = shape(3, context=128, reach=16)
TABLES = ["motifs", "untested", "matches", "kmers", "heads", "sites", "seqlets"]


def unplanted(seed: int, n: int = 100, length: int = 120) -> Case:
    """Random sequences, and high scores at random places."""
    rng = np.random.default_rng(seed)
    records, track = [], []
    for i, text in enumerate(random_sequences(n, length, 1000 + seed)):
        values = rng.normal(size=length)
        at = int(rng.integers(0, length - 15))
        values[at : at + 15] += 4
        records.append(Record(f"r{i}", text))
        track.append(values)
    return records, track


def assert_equal(a: MotifResult, b: MotifResult) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)
    for x, y in zip(a.tracks.values(), b.tracks.values(), strict=True):
        assert np.array_equal(x, y, equal_nan=True)
    timeless = [{k: v for k, v in r.summary.items() if not k.startswith("seconds")} for r in (a, b)]
    assert timeless[0] == timeless[1]


@pytest.fixture(scope="module")
def ctcf() -> tuple[Case, MotifResult]:
    case = planted()
    return case, find_motifs(case[0], track=case[1])


def test_a_planted_motif_is_first_in_the_main_table(ctcf) -> None:
    _, result = ctcf
    first = result.motifs.iloc[0]
    assert first["best_match"].split()[0].startswith("MA")
    assert "CTCF" in first["archetype"]
    assert first["E_value"] < 1e-5
    assert first["enrichment_q"] < 1e-6
    assert first["enrichment_3mer_q"] < 1e-6
    assert first["test_sequences"] == 100
    assert first["halves_found"] == first["halves_passed"] == 2
    assert first["found_in"] > 0.8 > 0.2 > first["found_in_shuffled"]
    assert first["attention_fold_low"] > 2
    assert first["other_offsets_fold"] == pytest.approx(1, abs=0.5)
    assert first["uniform_fold"] == pytest.approx(1, abs=0.5)
    assert np.isnan(first["random_control_fold"])
    assert result.summary["seqlet_fdr_reached"]
    assert result.summary["n_motifs"] == len(result.motifs)
    assert "CTCF" in result.answer


def test_tables_have_their_columns_and_agree_with_each_other(ctcf) -> None:
    (records, _), result = ctcf
    columns = {
        "motifs": MOTIF_COLUMNS, "untested": UNTESTED_COLUMNS, "matches": MATCH_COLUMNS,
        "kmers": KMER_COLUMNS, "heads": HEAD_COLUMNS, "sites": SITE_COLUMNS,
        "seqlets": SEQLET_COLUMNS,
    }  # fmt: skip
    for name, wanted in columns.items():
        assert list(getattr(result, name).columns) == wanted
    ids = [*result.motifs["motif_id"], *result.untested["motif_id"]]
    assert sorted(result.pwms) == sorted(ids)
    assert set(result.matches["Query_ID"]) <= set(ids)
    assert set(result.targets) == set(result.matches["Target_ID"])
    assert set(result.kmers["motif_id"]) <= {*ids, ""}
    assert "motif_1" in set(result.kmers["motif_id"])
    first = result.motifs.iloc[0]
    mine = result.sites[result.sites["name"] == first["motif_id"]]
    assert len(mine) == first["n_sites"]
    # the halves' own matrices are tested, the matrix of all sequences is the one with these sites
    held = mine.loc[mine["in_seqlet"] == 1, "record"].nunique()
    assert held == pytest.approx(first["hits"], rel=0.1)
    assert set(mine["half"]) == set(result.seqlets["half"]) == {"1", "2"}
    by_name = {r.name: r for r in records}
    for row in mine.itertuples():
        assert 0 <= row.start < row.end <= len(by_name[row.record])
    assert result.motifs["enrichment_p"].is_monotonic_increasing
    assert len(result.seqlets) == result.summary["n_seqlets"]
    assert [len(t) for t in result.tracks.values()] == [len(r) for r in records]


def test_seqlets_lie_on_the_sites_where_the_track_is_high(ctcf) -> None:
    (records, track), result = ctcf
    raw = {r.name: t for r, t in zip(records, track, strict=True)}
    high = [raw[s.record][s.start : s.end].mean() for s in result.seqlets.itertuples()]
    assert np.mean(high) > 2


@pytest.mark.parametrize("seed", range(4))
def test_high_scores_in_random_sequence_give_nothing(seed: int) -> None:
    records, track = unplanted(seed)
    result = find_motifs(records, track=track, seed=seed)
    assert len(result.motifs) == 0
    assert result.summary["shuffled_input_motifs"] == 0
    assert result.answer.startswith("No motif was found")
    assert result.summary["seqlet_fdr_reached"]  # the track is high somewhere: that is no motif
    assert (result.untested["reason"] != "").all()


@pytest.mark.slow
def test_high_scores_in_random_sequence_give_nothing_in_99_of_100_runs() -> None:
    # held-out q < 0.01 and 3-mer q < 0.05 at once: at most 1 in 100 by design
    found = 0
    for seed in range(100, 200):
        records, track = unplanted(seed)
        found += len(find_motifs(records, track=track, seed=seed).motifs) > 0
    assert found <= 3


def test_high_scores_beside_the_motif_do_not_look_at_it() -> None:
    # the motif is there in every sequence, but the track is high elsewhere
    records, _ = planted(n=120)
    _, track = unplanted(0, n=120)
    result = find_motifs(records, track=track)
    for row in result.motifs.itertuples():
        assert row.attention_fold_low < 1.3
    assert set(result.motifs["looked_at"]) <= {"no", "cannot tell"}


def test_too_few_sequences_are_listed_untested() -> None:
    records, track = planted(n=39)
    result = find_motifs(records, track=track)
    assert len(result.motifs) == 0
    assert len(result.untested)
    assert set(result.untested["reason"]) == {"not tested: 39 sequences, 40 needed"}
    assert "CTCF" in result.untested.iloc[0]["archetype"]
    assert result.untested[["enrichment_p", "enrichment_q", "enrichment_q"]].isna().all(axis=None)
    assert result.summary["split_rule"] == "not split: too few sequences"
    assert "too few" in result.answer


def test_every_sequence_twice_is_no_more_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nucel_interp.analysis.score_study.copies_per_unit", lambda _: 5)
    records, track = planted()
    once = find_motifs(records, track=track)
    again = [Record(f"{r.name}_again", reverse_complement(r.sequence)) for r in records]
    twice = find_motifs(records + again, track=track + [t[::-1] for t in track])
    a, b = once.motifs.iloc[0], twice.motifs.iloc[0]
    assert b["test_sequences"] == 2 * a["test_sequences"]
    for column in MOTIF_COLUMNS:
        if column.endswith(("_p", "_q", "_low", "_high", "_bits", "found_in", "n_seqlets")):
            assert a[column] == pytest.approx(b[column], rel=1e-6, nan_ok=True), column


def test_the_same_seed_twice_is_the_same_to_the_last_digit(ctcf) -> None:
    (records, track), result = ctcf
    assert_equal(find_motifs(records, track=track), result)


def test_another_seed_finds_the_same_motif(ctcf) -> None:
    (records, track), result = ctcf
    other = find_motifs(records, track=track, seed=1)
    assert other.motifs.iloc[0]["archetype"] == result.motifs.iloc[0]["archetype"]
    assert not other.motifs.equals(result.motifs)


def test_the_order_of_the_file_changes_nothing(ctcf) -> None:
    (records, track), result = ctcf
    order = np.random.default_rng(0).permutation(len(records))
    other = find_motifs([records[i] for i in order], track=[track[i] for i in order])
    pd.testing.assert_frame_equal(other.motifs, result.motifs)
    pd.testing.assert_frame_equal(other.untested, result.untested)
    pd.testing.assert_frame_equal(other.matches, result.matches)
    numbers = [c for c in KMER_COLUMNS if c != "mean_score"]
    pd.testing.assert_frame_equal(other.kmers[numbers], result.kmers[numbers])


def test_the_strand_of_the_file_changes_nothing(ctcf) -> None:
    (records, track), result = ctcf
    turned = [Record(r.name, reverse_complement(r.sequence)) for r in records]
    other = find_motifs(turned, track=[t[::-1] for t in track])
    a, b = result.motifs.iloc[0], other.motifs.iloc[0]
    assert a["archetype"] == b["archetype"]
    assert a["enrichment_q"] == pytest.approx(b["enrichment_q"], rel=1e-6)
    one, two = result.pwms["motif_1"].pwm, other.pwms["motif_1"].pwm
    assert np.allclose(one, two)


def test_a_users_null_track_sets_the_threshold() -> None:
    records, track = planted()
    rng = np.random.default_rng(5)
    quiet = [rng.normal(size=len(r)) for r in records]
    result = find_motifs(records, track=track, null_track=quiet)
    assert "CTCF" in result.motifs.iloc[0]["archetype"]
    assert result.summary["seqlet_fdr_reached"]
    assert not any("permuted" in w for w in result.warnings)
    # a null as high as the track: no threshold tells them apart
    loud = find_motifs(records, track=track, null_track=[t[::-1] for t in track])
    assert not loud.summary["seqlet_fdr_reached"]
    assert any("does not tell" in w for w in loud.warnings)


def test_gaps_in_the_track_and_n_in_the_sequence() -> None:
    records, track = planted()
    for i in range(0, 100, 3):
        s = records[i].sequence
        records[i] = Record(records[i].name, "NNNNN" + s[5:])
        track[i][:5] = np.nan
    track[1][:] = np.nan
    result = find_motifs(records, track=track)
    assert "CTCF" in result.motifs.iloc[0]["archetype"]
    assert np.isnan(result.tracks[records[1].name]).all()
    assert np.isnan(result.tracks[records[0].name][:5]).all()
    assert np.isfinite(result.tracks[records[0].name][5:]).all()
    assert "r1" not in set(result.seqlets["record"])


def test_long_records_are_cut_and_placed() -> None:
    records, track = planted(n=100, length=200)
    joined = "".join(r.sequence for r in records)
    whole = Record("chr9:5000-25000", joined, Location("chr9", 5000, 25000))
    result = find_motifs([whole], track=[np.concatenate(track)])
    assert result.summary["n_units"] == 20
    assert result.summary["n_records"] == 1
    assert set(result.sites["chrom"]) == {"chr9"}
    for row in result.sites.head(50).itertuples():
        assert 5000 <= row.start < row.end <= 25000
    assert any("cut into 20" in w for w in result.warnings)


BAD_TRACKS = {
    "no value": ([np.full(50, np.nan), np.full(50, np.nan)], "no value"),
    "one too few": ([np.zeros(50)], "1 arrays for 2 records"),
    "too long": ([np.zeros(50), np.zeros(51)], "b has shape"),
    "same sum of lengths": ([np.zeros(49), np.zeros(51)], "a has shape"),
    "infinite": ([np.zeros(50), np.full(50, np.inf)], "infinity"),
    "flat": ([np.ones(50), np.append(np.zeros(49), np.nan)], "no contrast"),
}


@pytest.mark.parametrize("kind", BAD_TRACKS)
def test_tracks_that_do_not_fit_are_refused(kind: str) -> None:
    records = [Record(n, s) for n, s in zip("ab", random_sequences(2, 50, 0), strict=True)]
    bad, said = BAD_TRACKS[kind]
    with pytest.raises(InputError, match=said):
        find_motifs(records, track=bad)
    with pytest.raises(InputError, match=f"null track.*{said}|{said}"):
        find_motifs(records, track=[np.arange(50.0)] * 2, null_track=bad)


def test_find_seqlets_gives_the_seqlets_of_find_motifs() -> None:
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(45, 200, 1))]
    rng = np.random.default_rng(0)
    track = [rng.normal(size=200) for _ in records]
    found = find_seqlets(records, track=track)
    pd.testing.assert_frame_equal(found.seqlets, find_motifs(records, track=track).seqlets)
    assert "permuted" in " ".join(found.warnings)
    assert not found.calling.reached
    assert (
        (found.seqlets["q_value"] >= found.seqlets["p_value"]) & (found.seqlets["q_value"] <= 1)
    ).all()


@pytest.mark.parametrize(("scale", "shift"), [(1e-12, 0), (1e300, 0), (1, 1e8), (1e-3, -5)])
def test_a_tracks_unit_does_not_matter(scale: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(45, 200, 1))]
    bump = 5.0 * (abs(np.arange(200) - 100) < 8)
    track = [rng.normal(size=200) + bump for _ in records]
    plain = find_seqlets(records, track=track).seqlets
    other = find_seqlets(records, track=[t * scale + shift for t in track]).seqlets
    assert plain["start"].tolist() == other["start"].tolist()
    np.testing.assert_allclose(plain["z"], other["z"], rtol=1e-4)


def test_nothing_to_look_at_is_refused() -> None:
    with pytest.raises(InputError, match="no sequence"):
        find_motifs([])
    with pytest.raises(InputError, match="without a track"):
        find_motifs([Record("a", "ACGT")], null_track=[np.zeros(4)])


@pytest.mark.parametrize("records", [["N" * 40], ["A"], ["ACGT" * 3] * 50, ["A" * 60] * 45])
def test_poor_input_gives_an_empty_table(records: list[str]) -> None:
    rng = np.random.default_rng(0)
    given = [Record(f"r{i}", s) for i, s in enumerate(records)]
    result = find_motifs(given, track=[rng.normal(size=len(s)) for s in records])
    assert len(result.motifs) == 0
    assert result.summary["n_units"] == len(records)


@pytest.fixture(scope="module")
def by_model() -> tuple[list[Record], MotifResult]:
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(60, 90, 3))]
    return records, find_motifs(records, nucel(SHAPE))


def test_a_randomly_initialised_model_on_random_sequence_finds_nothing(by_model) -> None:
    records, result = by_model
    assert len(result.motifs) == 0
    assert result.summary["shuffled_input_motifs"] == 0
    assert list(result.heads.columns) == HEAD_COLUMNS
    assert len(result.heads) == 6
    for half in "12":  # each half chooses its own
        assert result.heads["chosen_in"].str.contains(half).sum() == 4
    assert result.summary["n_heads_chosen"] == 4
    assert (result.heads["chosen"] == (result.heads["chosen_in"] != "")).all()
    assert set(result.heads["kind"]) == {"global", "local"}
    assert result.heads.drop(columns="kind").notna().all(axis=None)
    assert result.heads["exceedance"].between(0, 0.1).all()
    summary = result.summary
    assert (summary["n_discovery"], summary["n_test"]) == (30, 30)
    assert summary["model"] == "tiny"
    assert summary["model_sha256"] is None
    assert summary["shuffled_copies"] == 19
    assert result.n_layers == 3
    assert result.scores.received.shape == (6, 60 * 90)
    assert [len(t) for t in result.replaced.values()] == [90] * 60
    assert all(len(t) == len(r) for t, r in zip(result.tracks.values(), records, strict=True))


def test_model_runs_repeat_and_do_not_follow_the_order_of_the_file(by_model) -> None:
    records, result = by_model
    model = nucel(SHAPE)
    order = np.random.default_rng(0).permutation(60)
    other = find_motifs([records[i] for i in order], model)
    pd.testing.assert_frame_equal(other.heads, result.heads)
    pd.testing.assert_frame_equal(other.untested, result.untested)
    for new, old in enumerate(order):
        assert np.allclose([*other.tracks.values()][new], [*result.tracks.values()][old], atol=1e-6)


def test_the_shuffled_input_control_sees_the_shuffled_text_only() -> None:
    records, track = planted(n=60)
    from nucel_interp.analysis.score_study import make_texts, track_study
    from nucel_interp.progress import Stages
    from nucel_interp.scoring import cut_units, split_units

    units = cut_units(records, 1000)
    test, _ = split_units(records, units, 0)
    scored = track_study(track, None, make_texts(records, units, 0, Stages()), test, 0)
    for study, control in zip(scored.folds, scored.controls, strict=True):
        assert control.sequences == study.copies[0].sequences
        assert control.sequences != study.sequences
    motifs, seqlets = shuffled_input(scored.controls, "cluster", 0)
    assert motifs == 0
    # a track stays where it is, so the seqlets are the input's own
    assert seqlets > 40


@pytest.mark.parametrize("score", ["attention-global", "discriminator"])
def test_other_scores_run(score: str) -> None:
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(44, 60, 4))]
    result = find_motifs(records, nucel(SHAPE), score=score, strand="forward")
    assert len(result.motifs) == 0
    if score == "attention-global":
        assert set(result.heads.loc[result.heads["chosen"], "kind"]) == {"global"}
    else:
        assert len(result.heads) == 0


def test_the_discriminator_score_needs_its_head() -> None:
    records = [Record(f"r{i}", s) for i, s in enumerate(random_sequences(44, 60, 4))]
    with pytest.raises(FolderError, match="no discriminator head"):
        find_motifs(records, nucel(SHAPE, head=False), score="discriminator")


def test_progress_names_every_stage_and_ends_complete() -> None:
    seen: list[tuple[int, int, str]] = []
    records, track = planted(n=45)
    find_motifs(records, track=track, on_progress=lambda *now: seen.append(now))
    last = {stage: (done, total) for done, total, stage in seen}
    assert list(last) == [
        "shuffling", "finding motifs", "the same on shuffled input", "naming motifs",
        "controls at motif sites", "testing motifs",
    ]  # fmt: skip
    assert all(done == total for done, total in last.values())


def test_a_result_shows_itself_in_one_line_and_as_a_table(by_model) -> None:
    _, result = by_model
    assert repr(result) == f"<MotifResult: {result.answer}>"
    assert result._repr_html_().startswith("<p><b>")
