"""Figures of maps: what they draw, and that they fit their record."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nucel_interp.plots.substitution import (
    dependency_data,
    dependency_figure,
    drawn_span,
    substitution_data,
    substitution_figure,
)
from nucel_interp.types import DEPENDENCY_COLUMNS, Record

RECORD = Record("chr1:0-6", "ACNGTT")


def substitution(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 4))


def test_the_heat_map_counts_from_the_base_that_stands_there() -> None:
    s = substitution(6)
    s[2] = np.nan
    figure = substitution_figure(RECORD, s, np.array([0.5, -0.2, np.nan, 1, 0, 0.1]))
    heat = figure.axes[1]
    drawn = np.ma.filled(heat.images[0].get_array(), np.nan)
    assert drawn.shape == (4, 6)
    assert [drawn[b, i] for i, b in ((0, 0), (1, 1), (3, 2), (4, 3))] == [0] * 4
    assert drawn[3, 0] == pytest.approx(s[0, 3] - s[0, 0])
    assert np.isnan(drawn[:, 2]).all()
    assert heat.lines[0].get_xdata().tolist() == [0.5, 1.5, 3.5, 4.5, 5.5]


def test_of_a_long_record_the_liveliest_stretch_is_drawn() -> None:
    s = np.zeros((300, 4))
    s[150:180, 0] = 1
    first, last = drawn_span(s)
    assert (last - first, first <= 150, last >= 180) == (100, True, True)
    assert drawn_span(s[:100]) == (0, 100)
    figure = substitution_figure(Record("long", "ACGT" * 75), s, np.zeros(300))
    assert f"bases {first}–{last}" in figure.axes[0].get_title(loc="left")


def test_pairs_that_shuffled_copies_do_not_have_are_circled_above_the_diagonal() -> None:
    d = np.abs(np.random.default_rng(1).normal(size=(6, 6)))
    np.fill_diagonal(d, np.nan)
    rows = [["x", 1, 4, 3, 1.0, 0.1, 10.0, 0.01, 0.04], ["x", 0, 3, 3, 0.2, 0.1, 2.0, 0.3, 0.5]]
    figure = dependency_figure(RECORD, d, pd.DataFrame(rows, columns=DEPENDENCY_COLUMNS))
    circles = figure.axes[0].lines[0]
    assert (list(circles.get_xdata()), list(circles.get_ydata())) == ([4], [1])
    np.testing.assert_array_equal(np.ma.filled(figure.axes[0].images[0].get_array(), np.nan), d)


def test_nothing_to_draw_is_said() -> None:
    none = pd.DataFrame(columns=DEPENDENCY_COLUMNS)
    figure = dependency_figure(Record("a", "A"), [[np.nan]], none)
    assert figure.axes[0].texts[0].get_text() == "no pair of bases"
    figure = substitution_figure(Record("n", "N"), np.full((1, 4), np.nan), [np.nan])
    assert figure.axes[0].texts[0].get_text() == "no bases"


def test_what_does_not_fit_the_record_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has 6 bases"):
        substitution_figure(RECORD, substitution(5), np.zeros(5))
    with pytest.raises(ValueError, match=r"has 6 bases"):
        dependency_figure(RECORD, np.zeros((5, 5)), pd.DataFrame(columns=DEPENDENCY_COLUMNS))


def test_the_numbers_go_with_the_figures() -> None:
    data = substitution_data(RECORD, substitution(6), np.arange(6))
    assert list(data.columns) == ["position", "base", "contribution", "A", "C", "G", "T"]
    data = dependency_data(RECORD, np.arange(36).reshape(6, 6))
    assert data.loc[1, ["replaced", "A0", "T5"]].tolist() == ["C1", 6, 11]
