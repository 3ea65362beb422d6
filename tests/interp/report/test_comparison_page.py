"""The comparison's page and its verdict: no more than the intervals say, nothing from outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nucel_interp.plots.locus_browser import locus_browser
from nucel_interp.plots.snr import snr_figure
from nucel_interp.report import build_comparison, verdict
from nucel_interp.report.comparison import difference_table, headline_table, recovery_table
from nucel_interp.report.comparison_methods import comparison_methods
from nucel_interp.report.verdict import contrasts
from tests.interp.fake_comparison import SUMMARY, fake_comparison
from tests.interp.fake_result import NASTY, RUN
from tests.interp.report.test_report import Page


@pytest.fixture(scope="module")
def result():
    return fake_comparison()


@pytest.fixture(scope="module")
def page(result):
    return Page(build_comparison(result, RUN))


def with_ratio(result, a, b, ratio, low, high):
    """The result with one matched headline ratio set by hand."""
    table = result.differences.copy()
    here = (table["model_a"] == a) & (table["model_b"] == b) & (table["layers"] == "all")
    here &= table["resolution"] == "matched"
    assert here.sum() == 1
    table.loc[here, ["ratio", "low", "high"]] = [ratio, low, high]
    return replace(result, differences=table)


# verdict


def test_a_difference_is_named_with_its_interval(result):
    assert verdict(result) == (
        "mini looks at CTCF; nt-small looks at CTCF "
        "(beyond place, composition, random weights and shuffled sequence). "
        "At matched resolution, the signal-to-noise of attention at CTCF sites "
        "is 1.29 times as high in mini as in nt-small (95 % interval 1.19 to 1.39, 120 "
        "sequences). mini has 1.54 times (1.44 to 1.64) the signal-to-noise of its randomly "
        "initialised control at CTCF sites and 1.49 times (1.39 to 1.59) its own signal-to-noise "
        "at the same places in shuffled sequence; nt-small has 1.19 times (1.09 to 1.29) the "
        "signal-to-noise of its randomly initialised control at CTCF sites and 1.15 times (1.05 to "
        "1.25) its own signal-to-noise at the same places in shuffled sequence, at matched "
        "resolution."
    )


def test_of_one_model_the_sentence_begins_with_its_name():
    said = verdict(fake_comparison(["mini"], ["CTCF"]))
    assert said.startswith("mini looks at CTCF (beyond")
    assert ". mini has 1.54 times (1.44 to 1.64) the signal-to-noise of its randomly init" in said


def test_an_interval_that_holds_one_shows_no_difference(result):
    said = verdict(with_ratio(result, "mini", "nt-small", 1.2, 0.99, 1.4))
    assert "no difference between mini and nt-small is shown at CTCF sites" in said
    assert "times as high" not in said


def test_the_lower_model_may_come_first(result):
    said = verdict(with_ratio(result, "mini", "nt-small", 0.5, 0.4, 0.8))
    assert "2.00 times as high in nt-small as in mini (95 % interval 1.25 to 2.50" in said


def with_looked_at(result, model, looked_at):
    table = result.controls.copy()
    table.loc[table["model"] == model, "looked_at"] = looked_at
    return replace(result, controls=table)


@pytest.mark.parametrize(
    ("looked_at", "said"),
    [
        ("no", "mini does not look at CTCF"),
        ("cannot tell", "mini is not shown to look at CTCF"),
        ("not measured", "mini is not shown to look at CTCF"),
    ],
)
def test_a_lead_over_the_other_model_alone_is_not_called_learning(result, looked_at, said):
    text = verdict(with_looked_at(result, "mini", looked_at))
    assert text.startswith(f"{said}; nt-small looks at CTCF (beyond place,")
    assert "but mini is not shown to look at them" in text


def test_definitions_that_disagree_are_said_to_disagree(result):
    table = result.differences.copy()
    other = table[(table["model_a"] == "mini") & (table["model_b"] == "mini, shuffled input")]
    other = other.assign(definition="peak_over_median", ratio=0.88, low=0.81, high=0.94)
    both = replace(result, differences=pd.concat([table, other], ignore_index=True))
    assert "Definitions disagree" not in verdict(result)
    assert verdict(both).endswith(
        "Definitions disagree: peak over median has the other sign for mini at CTCF against "
        "shuffled sequence: 0.88 (0.81 to 0.94)."
    )


def test_an_unknown_interval_shows_nothing(result):
    said = verdict(with_ratio(result, "mini", "nt-small", 9.0, np.nan, np.nan))
    assert "no difference" in said
    assert "interval not known" in said


def test_only_the_headline_decides(result):
    table = result.differences.copy()
    table.loc[table["resolution"] == "native", ["ratio", "low", "high"]] = [9, 8, 10]
    table.loc[table["layers"] == "global", ["ratio", "low", "high"]] = [9, 8, 10]
    assert verdict(replace(result, differences=table)) == verdict(result)


def test_a_pair_kept_the_other_way_is_turned(result):
    table = result.differences.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    (turned,) = contrasts(replace(result, differences=table), "mini", "nt-small")
    (kept,) = contrasts(result, "mini", "nt-small")
    assert (turned.ratio, turned.low, turned.high) == pytest.approx(
        (1 / kept.ratio, 1 / kept.high, 1 / kept.low)
    )


def test_many_motifs_and_models_are_counted():
    many = fake_comparison(["a", "b", "c"], ["M1", "M2", "M3"])
    said = verdict(many)
    assert "higher in a than in b for M1 and M2 and higher in b than in a for M3" in said
    assert "(no difference shown for 1 of 3)" in said
    assert "a has a higher signal-to-noise than its randomly initialised control for 2 of 3" in said
    assert said.startswith("a looks at M1, M2 and M3; ")
    assert "a looks at M1, M2 and M3" in said
    assert said.endswith("these intervals are not corrected for the number of motifs.")


def test_without_controls_or_sites_it_says_so(result):
    alone = fake_comparison(with_controls=False)
    assert "mini and nt-small could not be compared with a randomly initialised control" in verdict(
        alone
    )
    assert "no sequence with a site" in verdict(replace(result, snr=result.snr.iloc[:0]))
    assert "could not be compared" in verdict(
        replace(result, differences=result.differences.iloc[:0])
    )


# tables of the page


def test_native_and_matched_stand_side_by_side(result):
    row = headline_table(result).iloc[0]
    assert (row["motif"], row["model"], row["n_sequences"]) == ("CTCF", "mini", 120)
    assert row[["native", "native_low", "native_high", "matched", "mean"]].tolist() == (
        pytest.approx([1.8, 1.7, 1.92, 1.56, 1.28])
    )
    pair = difference_table(result).set_index(["model_a", "model_b"]).loc[("mini", "nt-small")]
    assert pair["native"] == pytest.approx(1.8 / 1.3)
    assert pair["matched"] == pytest.approx(1.56 / 1.21)


def test_recovery_stands_side_by_side_too(result):
    row = recovery_table(result).set_index("model").loc["nt-small"]
    assert row["auroc_native"] == pytest.approx(0.575)
    assert row["auroc_low_matched"] == pytest.approx(0.5325)
    assert row["decoy_auroc_matched"] == 0.51


# page


def test_the_page_is_whole_and_needs_nothing_from_outside(page):
    assert page.open == []
    assert all(a.startswith(("#", "data:")) for a in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)


def test_sections_come_in_order_with_the_verdict_first(page, result):
    marks = [
        "Models compared on peaks.fa", verdict(result), "a warning", "The question",
        "The models", "Signal-to-noise at motif sites", "One model over another",
        "Site bases among all bases", "Attention over single loci", "Every head",
        "Where attention goes", "Other definitions", "Choices and numbers", "Methods", "Provenance",
    ]  # fmt: skip
    places = [page.text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_names_are_escaped(result):
    nasty = fake_comparison([NASTY, "b"], [NASTY])
    some = {"snr": (snr_figure(nasty.snr, nasty.models), nasty.snr)}
    html = build_comparison(nasty, RUN, figures=some)
    assert "<script>alert" not in html
    assert Page(html).open == []


def test_a_page_of_nothing_is_still_a_page(result):
    bare = replace(
        result, snr=result.snr.iloc[:0], recovery=result.recovery.iloc[:0],
        recall=result.recall.iloc[:0], layers=result.layers.iloc[:0],
        distances=result.distances.iloc[:0], heads=result.heads.iloc[:0],
        differences=result.differences.iloc[:0], loci=[], summary={}, warnings=[],
    )  # fmt: skip
    page = Page(build_comparison(bare, {}))
    assert page.open == []
    assert "no sequence with a site" in page.text
    assert "Attention over single loci" not in page.text


def test_shuffled_and_cls_rows_are_shown_where_given(result):
    rows = result.snr.assign(at="same places")
    more = replace(result, loci=[], shuffled=rows, cls_row=rows.assign(heads="cls_row"))
    both = Page(build_comparison(more, RUN, figures={})).text
    assert "The same on shuffled sequence" in both
    assert "same places" in both
    assert "Attention of the [CLS] row" in both


def test_methods_state_every_choice():
    said = comparison_methods(SUMMARY, RUN)
    for fact in (
        "252 bp", "FIMO, p < 1e-4", "141 sites in 120 sequences", "given with --motifs",
        "density rule", "bases 0 to 5", "triangle 11 bp wide", "by chromosome", "61 and 59",
        "mean of its other bases", "median over sequences", "peak inside over the median",
        "1,000 bootstrap", "20 column-permuted matrices", "randomly initialised control",
        "both strands",
        "not corrected", "Seed 0",
    ):  # fmt: skip
        assert fact in said
    assert "None" not in comparison_methods({}, {})
    alone = comparison_methods({"matched": "the same as native: every model ..."}, {})
    assert "All models read single bases" in alone
    assert "six" not in alone


# loci


def test_loci_are_shown_one_at_a_time(result):
    figure = locus_browser(result)
    menu = figure.layout.updatemenus[0].buttons
    assert [button.label for button in menu] == ["chr1:100-352", "chr1:500-752"]
    per_locus = 1 + 2 * 3  # sites; native, matched and control of two models
    assert len(figure.data) == 2 * per_locus
    for k, button in enumerate(menu):
        shown = [i for i, on in enumerate(button.args[0]["visible"]) if on]
        assert shown == list(range(k * per_locus, (k + 1) * per_locus))
    native = next(trace for trace in figure.data if trace.name == "native")
    np.testing.assert_array_equal(native.y, result.loci[0].native["mini"])
    assert native.text[0] == f"{result.loci[0].record.sequence[0]} 0"
