"""From heads' tracks to one score: smoothing, bins, z, and heads chosen on one half only."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.scoring import Scores, attention_score, head_table
from nucel_interp.scoring.attention import END_BP, MIN_PER_BIN, end_bins, smooth, standardise
from nucel_interp.seqlets import choose_threshold, find_peaks
from nucel_interp.types import HEAD_COLUMNS
from nucel_model import NucelConfig, every_third_global

NAN = np.nan


def offsets_of(*lengths: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def scores(received: np.ndarray, offsets: np.ndarray) -> Scores:
    nothing = np.zeros(len(received))
    return Scores(offsets, received.astype(np.float16), None, nothing, nothing, nothing, nothing)


def test_smoothing_by_hand() -> None:
    values = np.array([1, 2, 6, 10, 30, NAN, 4, 8, 5], dtype=float)
    got = smooth(values, offsets_of(3, 5, 1))
    assert got == pytest.approx([1.5, 3, 4, 20, 20, NAN, 6, 6, 5], nan_ok=True)


def test_smoothing_many_heads_and_empty_sequences() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 10))
    offsets = offsets_of(0, 4, 0, 6, 0)
    together = smooth(values, offsets)
    for row, track in zip(values, together, strict=True):
        assert np.array_equal(smooth(row, offsets), track)
    assert smooth(np.zeros(0), offsets_of(0)).shape == (0,)


def test_bins_are_distances_to_the_nearer_end() -> None:
    n = 4 * MIN_PER_BIN
    offsets = offsets_of(*[7] * n)
    bins = end_bins(offsets, np.ones(7 * n, dtype=bool))
    assert bins[:7].tolist() == [0, 1, 2, 3, 2, 1, 0]
    assert np.array_equal(bins, np.tile(bins[:7], n))


def test_every_bin_holds_enough_counted_bases() -> None:
    rng = np.random.default_rng(0)
    offsets = offsets_of(*rng.integers(20, 500, size=60))
    counted = rng.random(offsets[-1]) < 0.5
    bins = end_bins(offsets, counted)
    assert np.bincount(bins[counted]).min() >= MIN_PER_BIN
    assert bins.max() > 5


def test_far_from_ends_there_is_one_bin() -> None:
    offsets = offsets_of(*[1000] * 300)
    bins = end_bins(offsets, np.ones(300_000, dtype=bool)).reshape(300, 1000)
    assert len(np.unique(bins[:, END_BP:-END_BP])) == 1
    assert len(np.unique(bins[0])) == END_BP + 1
    assert np.array_equal(bins, bins[:, ::-1])


def test_few_bases_share_one_bin() -> None:
    assert set(end_bins(offsets_of(30), np.ones(30, dtype=bool)).tolist()) == {0}
    assert end_bins(offsets_of(0), np.zeros(0, dtype=bool)).size == 0


def test_null_of_the_discovery_half_has_mean_zero_and_sd_one_in_every_bin() -> None:
    rng = np.random.default_rng(0)
    n = 6000
    bins, in_test = np.arange(n) % 3, np.arange(n) >= n // 2
    null = [rng.normal(bins * 10.0, bins + 1.0) for _ in range(3)]
    null[1][::17] = NAN
    real = rng.normal(bins * 10.0, bins + 1.0)
    z, null_z = standardise(real, null, bins, in_test)
    pool = np.stack(null_z)[:, ~in_test]
    for b in range(3):
        values = pool[:, bins[~in_test] == b]
        assert np.nanmean(values) == pytest.approx(0, abs=1e-5)
        assert np.nanstd(values) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(np.isnan(null_z[1]), np.isnan(null[1]))
    # the test half neither scales nor is scaled otherwise
    moved = [np.where(in_test, t + 100, t) for t in null]
    again, moved_z = standardise(real, moved, bins, in_test)
    assert np.array_equal(again, z)
    assert np.array_equal(moved_z[0][~in_test], null_z[0][~in_test])


def test_a_track_without_spread_scores_zero() -> None:
    z, _ = standardise(
        np.ones(50), [np.ones(50)], np.zeros(50, dtype=np.int64), np.zeros(50, dtype=bool)
    )
    assert (z == 0).all()


@pytest.fixture
def forty_heads() -> tuple[Scores, list[Scores], np.ndarray, np.ndarray]:
    """40 heads on 50 sequences; heads 7, 20, 21, 33 and 39 see something at 30 to 40."""
    rng = np.random.default_rng(0)
    offsets = offsets_of(*[100] * 50)
    good = np.array([7, 20, 21, 33, 39])
    real = rng.gamma(4, 0.25, size=(40, 50, 100))
    real[good, :, 30:40] += 1.5
    null = [rng.gamma(4, 0.25, size=(40, 5000)) for _ in range(3)]
    in_test = np.repeat(np.arange(50) % 2 == 1, 100)
    return (
        scores(real.reshape(40, 5000), offsets),
        [scores(n, offsets) for n in null],
        in_test,
        good,
    )


def test_the_best_tenth_but_at_least_four(forty_heads) -> None:
    real, null, in_test, good = forty_heads
    track, null_tracks, choice = attention_score(real, null, in_test)
    assert len(choice.chosen) == 4
    assert set(choice.chosen) < set(good)
    few = [scores(s.received[:6].astype(float), s.offsets) for s in (real, *null)]
    assert len(attention_score(few[0], few[1:], in_test)[2].chosen) == 4
    three = [scores(s.received[:3].astype(float), s.offsets) for s in (real, *null)]
    assert attention_score(three[0], three[1:], in_test)[2].chosen.tolist() == [0, 1, 2]
    assert track.reshape(50, 100)[:, 31:39].mean() > 2
    assert np.mean([t.mean() for t in null_tracks]) == pytest.approx(0, abs=0.05)


def test_exceedance_is_one_per_cent_where_there_is_nothing_to_see(forty_heads) -> None:
    real, null, in_test, good = forty_heads
    _, _, choice = attention_score(real, null, in_test)
    blind = np.setdiff1d(np.arange(40), good)
    assert choice.exceedance[blind].mean() == pytest.approx(0.01, abs=0.002)
    assert choice.exceedance_test[blind].mean() == pytest.approx(0.01, abs=0.002)
    assert choice.exceedance[good].min() > 0.05
    assert choice.exceedance_test[good].min() > 0.05


def test_the_test_half_has_no_say_in_choice_and_scale(forty_heads) -> None:
    real, null, in_test, _ = forty_heads
    before, _, first = attention_score(real, null, in_test)
    changed = real.received.copy()
    changed[3, in_test] = 50  # a head that would win by far
    altered = [scores(n.received.astype(float) + 9 * in_test, n.offsets) for n in null]
    after, _, second = attention_score(
        scores(changed.astype(float), real.offsets), altered, in_test
    )
    assert np.array_equal(first.chosen, second.chosen)
    assert np.array_equal(first.exceedance, second.exceedance)
    assert np.array_equal(before[~in_test], after[~in_test])
    assert second.exceedance_test[3] > 0.9


def test_given_heads_are_used(forty_heads) -> None:
    real, null, in_test, _ = forty_heads
    chosen = attention_score(real, null, in_test, np.array([1, 2]))[2].chosen
    assert chosen.tolist() == [1, 2]


def test_missing_bases_stay_missing_and_change_nothing_else(forty_heads) -> None:
    real, null, in_test, _ = forty_heads
    gaps = np.zeros(5000, dtype=bool)
    gaps[[5, 6, 1234, 4999]] = True
    holed = [
        scores(np.where(gaps, NAN, s.received.astype(float)), s.offsets) for s in (real, *null)
    ]
    track, null_tracks, choice = attention_score(holed[0], holed[1:], in_test)
    assert np.array_equal(np.isnan(track), gaps)
    assert all(np.array_equal(np.isnan(t), gaps) for t in null_tracks)
    assert np.isfinite(choice.exceedance).all()


def test_what_real_and_shuffled_share_at_ends_gives_no_seqlets_there() -> None:
    rng = np.random.default_rng(0)
    offsets = offsets_of(*[200] * 200)
    in_test = np.repeat(np.arange(200) % 2 == 1, 200)
    ends = np.zeros(200)
    ends[:20] = ends[-20:] = 8.0

    def track() -> np.ndarray:
        return (rng.gamma(4, 0.25, size=(4, 200, 200)) + ends).reshape(4, -1)

    real = track().reshape(4, 200, 200)
    real[:, :, 95:106] += 2.0
    score, null_scores, _ = attention_score(
        scores(real.reshape(4, -1), offsets), [scores(track(), offsets) for _ in range(2)], in_test
    )
    peaks = find_peaks(score, offsets)
    null = [find_peaks(t, offsets) for t in null_scores]
    t = choose_threshold(peaks, null, np.arange(200) % 2 == 0, np.full(200, 200))
    called = peaks.take(peaks.score >= t.score)
    at_end = (called.start < 20) | (called.end > 180)
    assert t.reached
    assert len(called) >= 190
    assert at_end.mean() <= 0.05
    # without bins the ends would win everywhere
    plain = find_peaks(real.mean(axis=0).ravel(), offsets)
    assert ((plain.start < 20) | (plain.end > 180)).mean() > 0.9


def test_head_table(forty_heads) -> None:
    real, null, in_test, good = forty_heads
    config = NucelConfig(
        hidden_size=32,
        num_attention_heads=8,
        intermediate_size=32,
        layer_types=every_third_global(5),
    )
    _, _, choice = attention_score(real, null, in_test)
    table = head_table(config, real, choice)
    assert list(table.columns) == HEAD_COLUMNS
    assert len(table) == 40
    assert table["chosen"].tolist() == [True] * 4 + [False] * 36
    first = table[table["chosen"]]
    assert set(first["layer"] * 8 + first["head"]) == set(choice.chosen) < set(good)
    assert first["exceedance"].is_monotonic_decreasing
    assert table.set_index("layer")["kind"].to_dict() == {
        0: "global", 1: "local", 2: "local", 3: "global", 4: "local"
    }  # fmt: skip
