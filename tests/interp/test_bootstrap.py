"""What the bootstrap draws, and the intervals made of it."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.bootstrap import limits, resample, resample_counts


def test_as_many_are_drawn_as_there_are_each_as_often():
    drawn = resample(7, 3, 4000)
    assert drawn.shape == (4000, 7)
    assert np.abs(np.bincount(drawn.ravel(), minlength=7) / 4000 - 1).max() < 0.1
    assert np.array_equal(drawn, resample(7, 3, 4000))
    assert not np.array_equal(drawn, resample(7, 4, 4000))
    assert resample(0, 3, 5).shape == (5, 0)


def test_counts_of_alike_items_are_distributed_as_those_of_single_ones():
    kind = np.array([0, 0, 0, 1, 2, 2])
    times = np.bincount(kind)
    counts = resample_counts(times, 0, 20_000)
    singly = np.stack([(kind[resample(6, 1, 20_000)] == k).sum(axis=1) for k in range(3)], axis=1)
    assert (counts.sum(axis=1) == 6).all()
    assert counts.mean(axis=0) == pytest.approx(times, abs=0.05)
    assert counts.std(axis=0) == pytest.approx(singly.std(axis=0), rel=0.03)


def test_limits_are_percentiles_wider_for_several_intervals_together():
    values = np.arange(1001.0)
    assert limits(values) == pytest.approx((25, 975))
    assert limits(values, n_tests=5) == pytest.approx((5, 995))
    assert np.isnan(limits(np.zeros(0))).all()
