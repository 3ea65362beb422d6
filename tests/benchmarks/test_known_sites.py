"""The pieces of benchmarks/known_sites.py against slow definitions."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.known_sites import FLANK, WINDOW, motif_places, read_matrix, within, words
from nucel_model import tokenizer


@pytest.fixture
def ids():
    return np.random.default_rng(0).integers(11, 15, (6, WINDOW)).astype(np.uint8)


def test_every_word_in_reach_is_a_place_and_the_real_one_is_the_sites(ids):
    at = np.array([40, 60, 80, 100, 120, 140])
    for row, site in zip(ids, at, strict=True):
        row[site - 1 : site + 1] = tokenizer.encode("AG")
    ids[3, 99] = tokenizer.C  # no AG at this site: its window is of no use
    found = words(ids, at, "AG", -1)
    expected = [
        (w, i)
        for w in range(6)
        for i in range(FLANK, WINDOW - FLANK - 2)
        if w != 3 and tokenizer.decode(ids[w, i : i + 2]) == "AG"
    ]
    assert list(zip(found.window.tolist(), found.start.tolist(), strict=True)) == expected
    assert found.start[found.real].tolist() == [39, 59, 79, 119, 139]


def test_a_window_scores_the_share_of_its_alternatives_below_the_real_place(ids):
    at = np.full(6, 100)
    ids[:, 100:102] = tokenizer.encode("GT")
    places = words(ids, at, "GT", 0)
    scores = np.random.default_rng(1).integers(0, 4, (len(places.window), 2)).astype(float)
    found = within(scores, places)
    for w in range(6):
        mine = scores[(places.window == w) & places.real][0]
        others = scores[(places.window == w) & ~places.real]
        expected = ((mine > others) + 0.5 * (mine == others)).mean(axis=0)
        assert found[w] == pytest.approx(expected)


def test_the_best_match_of_a_matrix_is_found_on_either_strand(ids):
    matrix = read_matrix("MA0139.2")
    best = (matrix.argmax(axis=1) + tokenizer.A).astype(np.uint8)
    width = len(best)
    ids[0, 50 : 50 + width] = best
    ids[1, 90 : 90 + width] = tokenizer.reverse_complement_ids(best)
    found = motif_places(ids[:2], matrix)
    assert found.start[found.real].tolist() == [50, 90]
    others = found.start[(found.window == 0) & ~found.real]
    assert (np.abs(others - 50) >= width).all()
