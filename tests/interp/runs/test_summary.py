"""A summary of many numbers is exact, however they are cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from nucel_interp.runs.streaming_summary import summarise


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_the_median_is_that_of_all_numbers_at_once(n: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(scale=3, size=n).astype(np.float32)
    values[::5] = np.round(values[::5])  # ties, 0 among them
    whole = np.concatenate([values, np.full(3, np.nan, dtype=np.float32)])
    found = summarise(lambda: np.array_split(whole, 4))
    middle = np.sort(values)[[(n - 1) // 2, n // 2]].astype(np.float64).mean()
    assert found.median == middle
    assert (found.n, found.positive) == (n, (values > 0).sum())
    assert (found.smallest, found.largest) == (values.min(), values.max())


def test_of_nothing_known_there_is_no_median() -> None:
    found = summarise(lambda: [np.full(3, np.nan, dtype=np.float32)])
    assert found.n == 0
    assert np.isnan(found.median)
