"""Where sites lie and on which strand: tests that are uniform without an effect, and see one."""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest

from nucel_interp.motifs.position import FEWEST, position
from nucel_interp.types import Site

LENGTH, WIDTH = 200, 15


def sites(start: np.ndarray, strands: str = "+-") -> list[Site]:
    return [
        Site(i, int(s), int(s) + WIDTH, strands[i % len(strands)], 0, 1e-5)
        for i, s in enumerate(start)
    ]


def test_uniform_places_give_uniform_p() -> None:
    rng = np.random.default_rng(0)
    lengths = np.full(80, LENGTH)
    found = [
        position(sites(rng.integers(LENGTH - WIDTH + 1, size=80)), lengths) for _ in range(200)
    ]
    assert kstest([f.centre_p for f in found], "uniform").pvalue > 0.001
    assert np.median([f.centre_distance for f in found]) > 40


def test_the_middle_and_the_strand_are_seen() -> None:
    rng = np.random.default_rng(1)
    at = rng.integers(80, 106, size=80)
    got = position(sites(at, "+++-"), np.full(80, LENGTH))
    assert got.centre_p < 1e-6
    assert got.centre_distance < 13
    assert got.plus_share == 0.75
    assert got.strand_p < 1e-4
    ends = position(sites(np.where(at % 2 == 0, 0, LENGTH - WIDTH)), np.full(80, LENGTH))
    assert ends.centre_p > 0.999


def test_each_sequence_counts_its_best_site_once() -> None:
    lengths = np.full(FEWEST, LENGTH)
    best = [Site(i, 92, 107, "+", 0, 1e-6) for i in range(FEWEST)]
    others = [Site(i, 0, 15, "-", 0, 1e-5) for i in range(FEWEST) for _ in range(3)]
    got = position(others + best, lengths)
    assert got.plus_share == 1.0
    assert got.centre_distance < 1


def test_too_few_sequences_are_not_tested() -> None:
    got = position(sites(np.arange(FEWEST - 1)), np.full(FEWEST, LENGTH))
    assert np.isnan(got.centre_p)
    assert np.isnan(got.strand_p)
