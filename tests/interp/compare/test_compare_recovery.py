"""AUROC, AUPRC and recall of site bases against plain definitions."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.compare.shared.recovery import (
    SHARES,
    average_precision,
    by_sequence,
    decoy_auroc,
    recall_curve,
)
from nucel_interp.controls.auroc import auroc
from nucel_interp.controls.auroc_weights import site_places
from nucel_interp.types import Site


def plain_auroc(score, is_site):
    a, b = score[is_site][:, None], score[~is_site][None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def plain_precision(score, is_site):
    """Precision at each distinct threshold times the recall gained there."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(score.tolist()), reverse=True):
        called = score >= threshold
        recall = (called & is_site).sum() / is_site.sum()
        total += (called & is_site).sum() / called.sum() * (recall - before)
        before = recall
    return total


@pytest.fixture
def planted():
    rng = np.random.default_rng(0)
    offsets = np.array([0, 50, 110, 140])
    tracks = rng.integers(0, 9, (4, 140)).astype(np.float32)  # ties
    sites = [Site(0, 5, 15, "+", 0, 0), Site(0, 12, 20, "-", 0, 0), Site(2, 0, 9, "+", 0, 0)]
    under = np.zeros(140, dtype=bool)
    under[5:20] = under[110:119] = True
    return tracks, offsets, sites, under


def test_auroc_is_the_share_of_pairs_in_order_within_each_sequence(planted):
    tracks, offsets, sites, under = planted
    places = site_places([sites], offsets, np.ones(140, dtype=bool))
    (found,) = auroc(tracks, offsets, [places])
    table = by_sequence(found, places, 3)
    for head in range(4):
        for i in (0, 2):
            part = slice(offsets[i], offsets[i + 1])
            assert table[head, i] == pytest.approx(plain_auroc(tracks[head, part], under[part]))
    assert np.isnan(table[:, 1]).all()


def test_average_precision_is_its_plain_definition(planted):
    tracks, _, _, under = planted
    for head in range(4):
        got = average_precision(tracks[head], under)
        assert got == pytest.approx(plain_precision(tracks[head], under))
    assert average_precision(under.astype(float), under) == 1.0
    assert average_precision(np.zeros(140), under) == pytest.approx(under.mean())


def test_recall_of_a_perfect_and_of_a_reversed_track():
    under = np.arange(100) < 10
    perfect = recall_curve(np.where(under, 2.0, 1.0) + np.arange(100) * 1e-3, under)
    assert perfect[SHARES >= 0.1 - 1e-9].tolist() == [1.0] * int((SHARES >= 0.1 - 1e-9).sum())
    reverse = recall_curve(np.where(under, 0.0, 1.0) + np.arange(100) * 1e-3, under)
    assert reverse[SHARES < 0.9 - 1e-9].max() == 0


def test_recall_under_random_order_is_the_diagonal():
    rng = np.random.default_rng(0)
    under = np.arange(200) < 40
    curves = [recall_curve(rng.random(200), under) for _ in range(300)]
    assert np.mean(curves, axis=0) == pytest.approx(SHARES, abs=0.02)


def test_decoys_are_measured_with_the_motifs_heads_on_the_other_half():
    offsets = np.arange(0, 401, 20)
    half = np.arange(20) >= 10
    decoys = [[Site(i, d, d + 4, "+", 0, 0) for i in range(20)] for d in range(3)]
    places = site_places(decoys, offsets, np.ones(400, dtype=bool))
    values = np.zeros((3, len(places.first)))
    in_2 = half[places.cell_unit]
    values[1, in_2], values[2, ~in_2] = 0.7, 0.5
    assert decoy_auroc(values, places, half, (1, 2), 5) == pytest.approx(0.6)
    assert np.isnan(decoy_auroc(values, places, half, (1, None), 5))
    assert np.isnan(decoy_auroc(values, places, half, (1, 2), 21))
