"""Ranking, calibration and resampling against scikit-learn and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

from nucel_pretrain.evaluation.metrics import (
    Calibration,
    Ranked,
    auroc,
    best_threshold,
    estimate,
    matthews,
    ratio,
)


def scored(n: int = 400, seed: int = 0, ties: bool = False):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    scores = rng.normal(size=n) + positive
    return (np.round(scores * 2) if ties else scores), positive


@pytest.mark.parametrize("ties", [False, True])
def test_auroc_and_average_precision_are_scikit_learns(ties):
    scores, positive = scored(ties=ties)
    assert Ranked(scores, positive).auroc() == pytest.approx(roc_auc_score(positive, scores))
    assert Ranked(scores, positive).auprc() == pytest.approx(
        average_precision_score(positive, scores)
    )


@pytest.mark.parametrize("ties", [False, True])
def test_counts_of_groups_equal_repeating_their_items(ties):
    scores, positive = scored(60, ties=ties)
    group = np.repeat(np.arange(12), 5)
    counts = np.random.default_rng(1).integers(0, 4, 12).astype(float)
    repeated = np.repeat(np.arange(60), counts[group].astype(int))
    ranked = Ranked(scores, positive, group)
    assert ranked.auroc(counts) == pytest.approx(
        roc_auc_score(positive[repeated], scores[repeated])
    )
    assert ranked.auprc(counts) == pytest.approx(
        average_precision_score(positive[repeated], scores[repeated])
    )


def test_one_class_alone_has_no_auroc():
    assert np.isnan(auroc([1.0, 2.0], [True, True]))
    assert np.isnan(auroc([], np.zeros(0, bool)))


def test_nan_scores_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        Ranked([1.0, np.nan], [True, False])


def test_matthews_is_scikit_learns_and_its_threshold_is_the_best_there_is():
    scores, positive = scored(ties=True)
    best = best_threshold(scores, positive)
    values = {t: matthews_corrcoef(positive, scores >= t) for t in np.unique(scores)}
    assert matthews(scores >= best, positive) == pytest.approx(max(values.values()))
    assert matthews(scores >= 0, positive) == pytest.approx(
        matthews_corrcoef(positive, scores >= 0)
    )
    assert matthews(np.ones(4), [1, 0, 1, 0]) == 0.0


def test_a_calibrated_score_has_a_small_error_and_a_shifted_one_its_shift():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.6, 200_000)
    happened = rng.random(p.size) < p
    assert Calibration(p, happened).error() < 0.005
    assert Calibration(p + 0.2, happened).error() == pytest.approx(0.2, abs=0.005)


def test_reliability_bins_are_deciles_of_the_prediction():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 20, 10_000)
    table = Calibration(p, rng.random(p.size) < p).table()
    assert [row["n"] for row in table] == [1000] * 10
    low = np.sort(p)[:1000]
    assert table[0]["predicted"] == pytest.approx(low.mean())


def test_calibration_counts_equal_repeating_windows():
    rng = np.random.default_rng(0)
    p, y, group = rng.random(40), rng.random(40) < 0.5, np.repeat(np.arange(8), 5)
    one = Calibration(p, y, group)
    # all windows twice: the same predictions, so the same bins and the same error
    assert one.error(np.full(8, 2.0)) == pytest.approx(one.error())
    only = one.error(np.eye(8)[3])
    edges = np.quantile(p, np.arange(1, 10) / 10)
    cells = np.searchsorted(edges, p[15:20], side="left")
    by_hand = sum(abs((p - y)[15:20][cells == c].sum()) for c in np.unique(cells)) / 5
    assert only == pytest.approx(by_hand)


def test_an_interval_covers_the_mean_of_groups_about_as_often_as_it_says():
    inside = 0
    for trial in range(200):
        x = np.random.default_rng(trial).normal(size=60)
        found = estimate(ratio(x, np.ones(60)), 60, draws=200, seed=trial)
        assert found.value == pytest.approx(x.mean())
        inside += found.low <= 0 <= found.high
    assert 0.88 <= inside / 200 <= 0.99


def test_resampling_whole_windows_is_wider_than_resampling_dependent_bases():
    rng = np.random.default_rng(0)
    window = np.repeat(np.arange(30), 50)
    score = rng.normal(size=30)[window]
    positive = rng.random(1500) < 1 / (1 + np.exp(-2 * score))
    by_window = estimate(Ranked(score, positive, window).auroc, 30)
    by_base = estimate(Ranked(score, positive).auroc, 1500)
    assert by_window.value == pytest.approx(by_base.value)
    assert by_window.high - by_window.low > 1.3 * (by_base.high - by_base.low)


def test_a_difference_of_one_score_with_itself_is_exactly_zero():
    scores, positive = scored()
    a, b = Ranked(scores, positive), Ranked(scores * 2, positive)
    found = estimate(lambda counts: a.auroc(counts) - b.auroc(counts), 400, draws=50)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
