"""The fold of a head at sites is a ratio of means over sequences, with the interval of a ratio."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from nucel_interp.controls.fold import fold_at_sites
from nucel_interp.controls.occurrences import Occurrences, site_places
from nucel_interp.types import Site

N, LENGTH = 40, 30


def case(seed: int = 0, factor: float = 3.0):
    """Tracks of two heads, of which the second is ``factor`` times as high at the sites."""
    rng = np.random.default_rng(seed)
    offsets = np.arange(N + 1) * LENGTH
    tracks = rng.gamma(4.0, size=(2, N * LENGTH))
    sites = []
    for unit in range(N):
        start = int(rng.integers(0, LENGTH - 8))
        sites.append(Site(unit, start, start + 8, "+", 1.0, 1e-5))
        tracks[1, unit * LENGTH + start : unit * LENGTH + start + 8] *= factor
    tracks[:, 5] = np.nan
    known = ~np.isnan(tracks[0])
    own = site_places([sites], offsets, known)
    at = Occurrences(own, site_places([], offsets, known), 0, "")
    half = np.arange(N) % 2 == 1
    return tracks, offsets, sites, at, half


def plain(track, offsets, sites, units, n_tests=1):
    inside, outside = [], []
    for s in sites:
        if s.record not in units:
            continue
        values = track[offsets[s.record] : offsets[s.record + 1]]
        under = np.zeros(LENGTH, dtype=bool)
        under[s.start : s.end] = True
        inside.append(np.nanmean(values[under]))
        outside.append(np.nanmean(values[~under]))
    a, b = np.array(inside), np.array(outside)
    r = a.mean() / b.mean()
    se = np.std(a - r * b, ddof=1) / np.sqrt(len(a)) / b.mean()
    reach = student.ppf(1 - 0.025 / n_tests, len(a) - 1) * se
    return r, r - reach, r + reach


@pytest.mark.parametrize("n_tests", [1, 7])
def test_the_fold_is_the_plain_ratio_with_its_interval(n_tests) -> None:
    tracks, offsets, sites, at, half = case()
    fold = fold_at_sites(tracks, (1, 1), [(at, half), (at, ~half)], offsets, half, n_tests)
    expected = plain(tracks[1], offsets, sites, set(range(N)), n_tests)
    assert (fold.value, fold.low, fold.high) == pytest.approx(expected)
    assert fold.low > 2.3


def test_each_half_is_measured_with_its_own_head_and_a_half_without_one_is_left_out() -> None:
    tracks, offsets, sites, at, half = case()
    parts = [(at, half), (at, ~half)]
    second = fold_at_sites(tracks, (None, 1), parts, offsets, half)
    expected = plain(tracks[1], offsets, sites, set(np.flatnonzero(half)))
    assert (second.value, second.low, second.high) == pytest.approx(expected)
    mixed = fold_at_sites(tracks, (0, 1), parts, offsets, half).value
    assert 1.5 < mixed < second.value
    nothing = fold_at_sites(tracks, (None, None), parts, offsets, half)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_a_head_that_is_as_high_elsewhere_has_a_fold_of_one() -> None:
    covered = 0
    for seed in range(40):
        tracks, offsets, _, at, half = case(seed)
        fold = fold_at_sites(tracks, (0, 0), [(at, half), (at, ~half)], offsets, half)
        covered += fold.low <= 1 <= fold.high
    assert covered >= 34
