"""Figures of agreement, sites and faithfulness draw what the tables hold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nucel_interp.plots.agree import (
    agreement_figure,
    faithfulness_figure,
    head_agreement_figure,
    site_figure,
)
from nucel_interp.types import (
    AGREE_COLUMNS,
    AGREE_HEAD_COLUMNS,
    AGREE_SITE_COLUMNS,
    FAITHFULNESS_AREA_COLUMNS,
    FAITHFULNESS_COLUMNS,
)

NAN = float("nan")


MODELS = ("fine-tuned", "randomly initialised")


def pair(a, b, spearman, excess):
    return [*a, "", *b, "", spearman, NAN, NAN, 0.0, excess, NAN, NAN, 1.0, 9]


def words(figure):
    return [t.get_text() for t in figure.findobj(lambda o: hasattr(o, "get_text"))]


def test_agreement_stands_below_the_diagonal_and_the_excess_over_position_above():
    a, b, c = ("fine-tuned", "x"), ("pre-trained", "y"), ("randomly initialised", "x")
    pairs = pd.DataFrame(
        [pair(a, b, 0.4, 0.1), pair(c, ("randomly initialised", "z"), -0.2, -0.3)],
        columns=AGREE_COLUMNS,
    )
    figure = agreement_figure(pairs)
    trained, control = (ax.images[0].get_array().filled(np.nan) for ax in figure.axes[:2])
    assert trained[1, 0] == 0.4
    assert trained[0, 1] == 0.1
    assert control[1, 0] == -0.2
    assert {"x (fine-tuned)", "fine-tuned, pre-trained", "randomly initialised", ".40"} <= set(
        words(figure)
    )


def test_every_head_of_every_model_has_its_place():
    rows = [[m, i, j, "local", "spearman", m, "s", 0.1 * i - 0.2 * j, NAN, NAN, NAN]
            for m in MODELS for i in range(3) for j in range(2)]  # fmt: skip
    figure = head_agreement_figure(pd.DataFrame(rows, columns=AGREE_HEAD_COLUMNS), "s")
    grids = [ax.images[0].get_array().filled(np.nan) for ax in figure.axes[:2]]
    assert grids[0].shape == (3, 2)
    assert grids[0][2, 1] == grids[1][2, 1] == 0.0
    assert grids[0][1, 1] == -0.1
    assert {"fine-tuned", "randomly initialised", "local 2"} <= set(words(figure))


def test_sites_have_a_panel_each_and_more_are_counted():
    rows = [
        ["fine-tuned", "s", "", f"m{i}", 0.7, 0.6, 0.8, 0.5, 0, 0, 0, 1, 9, *[NAN] * 6]
        for i in range(6)
    ]
    figure = site_figure(pd.DataFrame(rows, columns=AGREE_SITE_COLUMNS))
    assert {"m0", "m3", "expected by position"} <= set(words(figure))
    assert "m4" not in words(figure)
    assert any("2 more kinds in the table" in w for w in words(figure))


def test_curves_have_a_line_per_score_and_one_of_random_bases():
    curves = [["fine-tuned", s, e, x, 1 - x, NAN, NAN, 1.0, NAN, 3]
              for s in "ab" for e in ("delete", "keep") for x in (0, 0.1, 0.2)]  # fmt: skip
    areas = [["fine-tuned", s, e, 0.1, NAN, NAN, NAN, NAN, NAN, 3]
             for s in "ab" for e in ("delete", "keep")]  # fmt: skip
    figure = faithfulness_figure(
        pd.DataFrame(curves, columns=FAITHFULNESS_COLUMNS),
        pd.DataFrame(areas, columns=FAITHFULNESS_AREA_COLUMNS),
        "nats",
    )
    assert [len(ax.lines) for ax in figure.axes[:2]] == [3, 3]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [1.0, 0.9, 0.8]


def test_nothing_to_draw_is_said():
    for figure in (
        agreement_figure(pd.DataFrame(columns=AGREE_COLUMNS)),
        site_figure(pd.DataFrame(columns=AGREE_SITE_COLUMNS)),
        head_agreement_figure(pd.DataFrame(columns=AGREE_HEAD_COLUMNS), "s"),
        faithfulness_figure(
            pd.DataFrame(columns=FAITHFULNESS_COLUMNS),
            pd.DataFrame(columns=FAITHFULNESS_AREA_COLUMNS),
            "nats",
        ),
    ):
        assert any(w for w in words(figure))
