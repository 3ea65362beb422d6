"""Figures that compare models show the tables: bars, intervals, controls, scales, sites, sizes."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import LogNorm, to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon

from nucel_interp.plots.comparison import comparison_figures, draw_locus, locus_data
from nucel_interp.plots.head_snr import head_snr_map
from nucel_interp.plots.layers import distance_figure, layer_figure
from nucel_interp.plots.loci import locus_figure, locus_window
from nucel_interp.plots.model_looks import cut_name, filled, legend_columns, model_looks, panel_grid
from nucel_interp.plots.recovery import auroc_figure, recall_figure
from nucel_interp.plots.snr import snr_figure
from nucel_interp.plots.style import style, to_svg
from nucel_interp.types import Record
from tests.interp.fake_comparison import CONTROL, fake_comparison, model_table
from tests.interp.fake_result import NASTY

STEMS = [
    "snr", "snr_global", "snr_z", "snr_peak_over_median", "auroc", "recall", "distances",
    "layers", "head_snr_native", "head_snr_matched", "locus_1",
]  # fmt: skip


@pytest.fixture(scope="module")
def two():
    return fake_comparison()


@pytest.fixture(scope="module")
def figures(two):
    return comparison_figures(replace(two, loci=two.loci[:1]))


def said(figure):
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def lightness(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    y = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * y ** (1 / 3) - 16


# looks


def test_a_control_shares_its_models_colour_and_follows_it():
    table = model_table(["a", "b"]).iloc[[1, 3, 2, 0]]  # controls first, models turned round
    looks = model_looks(table)
    assert list(looks) == ["b", "b" + CONTROL, "a", "a" + CONTROL]
    assert looks["a"].colour == looks["a" + CONTROL].colour != looks["b"].colour
    assert (looks["a"].trained, looks["a" + CONTROL].trained) == (True, False)
    assert looks["a" + CONTROL].points()["mfc"] == "white"
    assert "hatch" in looks["a" + CONTROL].bars()
    assert "hatch" not in looks["a"].bars()


def test_five_models_differ_in_lightness_marker_and_line():
    looks = list(model_looks(model_table(list("abcde"), with_controls=False)).values())
    shades = sorted(lightness(look.colour) for look in looks)
    assert min(np.diff(shades)) > 7
    assert len({look.marker for look in looks}) == 5
    assert len({str(look.line) for look in looks}) == 5
    neighbours = [abs(lightness(a.colour) - lightness(b.colour)) for a, b in pairwise(looks)]
    assert min(neighbours) > 20


def test_long_names_keep_both_ends():
    assert cut_name("order-run-nucel-small-with-a-long-name-seed1", 20) == "order-…me-seed1"[:6] + (
        "…" + "order-run-nucel-small-with-a-long-name-seed1"[-13:]
    )
    assert cut_name("short") == "short"


def test_controls_stand_below_their_models():
    looks = model_looks(model_table(list("abc"))).values()
    across, cells = panel_grid(looks, most=2)
    assert across == 2
    assert [None if c is None else c.name for c in cells] == [
        "a", "b", "a" + CONTROL, "b" + CONTROL, "c", None, "c" + CONTROL, None,
    ]  # fmt: skip


@pytest.mark.parametrize(("n", "wanted"), [(3, (2, 2)), (7, (2, 4)), (9, (3, 4)), (13, (3, 6))])
def test_no_column_of_a_legend_parts_a_control_from_its_model(n, wanted):
    columns, rows = legend_columns(n)
    assert (columns, rows) == wanted
    assert len(filled([Line2D([], [])] * n)["handles"]) == columns * rows  # so all are as long
    assert legend_columns(n, 1) == (1, n)


# signal-to-noise


def bars(ax):
    return [(round(b.get_y(), 6), round(b.get_height(), 6)) for c in ax.containers for b in c]


def test_snr_bars_rise_from_one_to_the_best_heads_value(two):
    native, matched = snr_figure(two.snr, two.models).axes[:2]
    assert native.get_title(loc="left") == "native resolution"
    assert bars(native) == [(1, 0.8), (1, 0.02), (1, 0.3), (1, 0.02)]
    assert bars(matched) == [(1, 0.56), (1, 0.014), (1, 0.21), (1, 0.014)]
    ends = {tuple(s[:, 1].round(3)) for c in native.collections for s in c.get_segments()}
    assert ends == {(1.7, 1.92), (0.92, 1.14), (1.2, 1.42)}


def test_the_value_without_preference_has_a_tick(two):
    snr = two.snr.assign(snr=9 * two.snr["snr"], high=9 * two.snr["high"])
    assert 1.0 in snr_figure(snr, two.models).axes[0].get_yticks()
    assert 0.0 in snr_figure(two.snr, two.models, definition="z").axes[0].get_yticks()


def test_snr_bars_hold_the_mean_over_heads(two):
    ax = snr_figure(two.snr, two.models).axes[0]
    drawn = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "D"]
    assert drawn == pytest.approx([1.4, 1.01, 1.15, 1.01])
    chance = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "_"]
    assert chance == [1.01] * 4
    assert legend(snr_figure(two.snr, two.models)) == [
        "mini", "mini" + CONTROL, "nt-small", "nt-small" + CONTROL, "mean over heads",
        "random intervals",
    ]  # fmt: skip


def test_z_and_peak_rise_from_zero(two):
    z = snr_figure(two.snr, two.models, definition="z").axes[0]
    assert bars(z)[0] == pytest.approx((0, 0.8))
    peak = snr_figure(two.snr, two.models, definition="peak_over_median")
    assert bars(peak.axes[0])[0] == pytest.approx((0, 5.4))
    assert "by chance too" in peak.get_supxlabel()


def test_global_layers_have_a_figure_of_their_own(two):
    snr = two.snr.copy()
    snr.loc[snr["layers"] == "global", "snr"] += 1
    assert bars(snr_figure(snr, two.models, layers="global").axes[0])[0] == (1, 1.8)
    assert "global layers" in snr_figure(snr, two.models, layers="global").get_supxlabel()


def test_an_unknown_interval_is_not_drawn_and_an_unknown_value_is_said(two):
    snr = two.snr.copy()
    snr.loc[snr["model"] == "mini", ["low", "high"]] = np.nan
    snr.loc[snr["model"] == "nt-small", "snr"] = np.nan
    figure = snr_figure(snr, two.models)
    ends = [s for c in figure.axes[0].collections for s in c.get_segments()]
    assert len(ends) == 2 * 2  # the two controls', once white below and once dark
    assert said(figure) == "no value no value"


def test_motifs_beyond_the_twelfth_are_counted(two):
    many = fake_comparison(motifs=[f"M{i}" for i in range(15)])
    figure = snr_figure(many.snr, many.models)
    assert len(figure.axes[1].get_xticklabels()) == 12
    assert "3 more motifs in the table" in figure.get_supxlabel()


def test_nothing_measured_is_said(two):
    none = two.snr.iloc[:0]
    assert "no signal-to-noise" in said(snr_figure(none, two.models))
    assert "no AUROC" in said(auroc_figure(two.recovery.iloc[:0], two.models))
    assert "no recall" in said(recall_figure(two.recall.iloc[:0], two.models))
    assert "no distances" in said(distance_figure(two.distances.iloc[:0], two.models))
    assert "no layers" in said(layer_figure(two.layers.iloc[:0], two.models))
    assert "no heads" in said(head_snr_map(two.heads.iloc[:0], two.models))


# recovery


def test_auroc_points_intervals_and_decoys(two):
    ax = auroc_figure(two.recovery, two.models).axes[0]
    points = {
        line.get_label(): line.get_xdata()[0] for line in ax.lines if line.get_marker() in "os"
    }
    assert points == pytest.approx(
        {"mini": 0.7, "mini" + CONTROL: 0.505, "nt-small": 0.575, "nt-small" + CONTROL: 0.505}
    )
    ends = [tuple(s[:, 0].round(3)) for c in ax.collections for s in c.get_segments()]
    assert ends[0] == (0.68, 0.72)
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"] == [0.51] * 4
    assert any(list(line.get_xdata()) == [0.5, 0.5] for line in ax.lines)


def test_recall_curves_are_the_tables(two):
    figure = recall_figure(two.recall, two.models)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["CTCF, native", "CTCF, matched"]
    line = next(line for line in figure.axes[0].lines if line.get_label() == "mini")
    wanted = two.recall[(two.recall["model"] == "mini") & (two.recall["resolution"] == "native")]
    np.testing.assert_array_equal(line.get_ydata(), wanted["recall"])
    assert legend(figure)[-1] == "random order"


# layers


def test_distance_is_over_uniform_and_local_layers_are_dashed(two):
    figure = distance_figure(two.distances, two.models, two.layers)
    mini, nt, control, _ = figure.axes[:4]
    assert [ax.get_title(loc="left") for ax in (mini, nt, control)] == [
        "mini", "nt-small", "mini, randomly initialised",
    ]  # fmt: skip
    first, second, *_ = [line for line in mini.lines if len(line.get_xdata()) > 2]
    assert list(first.get_ydata()[:5]) == [2, 2, 2, 2, 1]
    assert list(first.get_xdata()) == list(range(9))  # a bin each
    labels = [label.get_text() for label in control.get_xticklabels()]
    assert labels == ["0", "2", "8", "32", "128"]
    assert (first.get_linestyle(), second.get_linestyle()) == ("-", "--")
    assert not [line for line in nt.lines[1:] if line.get_linestyle() == "--"]


def test_distances_that_no_query_can_reach_are_left_out(two):
    distances = two.distances.assign(uniform=0.0)
    ax = distance_figure(distances, two.models).axes[0]
    assert len(ax.lines) > 1
    assert all(np.isnan(line.get_ydata()).all() for line in ax.lines[1:])


def test_layers_of_models_of_different_depth_share_an_axis():
    both = pd.concat(
        [fake_comparison(["deep"], layers=22).layers, fake_comparison(["flat"]).layers]
    )
    models = pd.concat([model_table(["deep"]), model_table(["flat"])])
    ax = layer_figure(both, models).axes[0]
    lines = [line for line in ax.lines if line.get_marker() == "None"]
    assert {len(line.get_xdata()) for line in lines} == {22, 4}
    assert all((line.get_xdata()[0], line.get_xdata()[-1]) == (0, 1) for line in lines)


def test_head_maps_share_one_scale_with_one_in_its_middle(two):
    figure = head_snr_map(two.heads, two.models)
    images = [ax.images[0] for ax in figure.axes[:4]]
    assert len({id(image.norm) for image in images}) == 1
    assert isinstance(images[0].norm, LogNorm)
    assert images[0].norm(1.0) == pytest.approx(0.5)
    assert images[0].get_array()[0, 3] == pytest.approx(1.25)
    assert images[2].get_array()[0, 3] == pytest.approx(1.0)  # the control, below
    outlined = [p.get_xy() for p in figure.axes[0].patches]
    assert [tuple(np.round(xy)) for xy in outlined] == [(1, 2), (-0.0, 3)]


# loci


def test_locus_shows_sites_logos_and_one_track_per_model(two):
    locus = two.loci[0]
    figure = draw_locus(two, locus)
    sites, logos, mini, nt = figure.axes
    arrows = [p.get_xy() for p in sites.patches if isinstance(p, Polygon)]
    assert [(xy[:, 0].min(), xy[:, 0].max()) for xy in arrows] == [(100, 115), (140, 155)]
    letters = [p.get_path().get_extents() for p in logos.patches if isinstance(p, PathPatch)]
    columns = {int((box.x0 + box.x1) / 2) for box in letters}
    assert columns == {*range(100, 115), *range(140, 155)}
    assert [mini.get_title(loc="left"), nt.get_title(loc="left")] == [
        "mini, head 2:1", "nt-small, head 2:1",
    ]  # fmt: skip
    first, last = locus_window(locus.record, locus.sites)
    assert (first, last) == (27, 227)
    step = mini.patches[2].get_data()
    np.testing.assert_array_equal(step.values, locus.native["mini"][first:last])
    assert step.edges[0] == first


def test_a_logo_on_the_minus_strand_is_turned(two):
    figure = draw_locus(two, two.loci[0])
    logos = figure.axes[1]
    tallest = {}
    for patch in logos.patches:
        box = patch.get_path().get_extents()
        x = int((box.x0 + box.x1) / 2)
        if box.height > tallest.get(x, (0, ""))[0]:
            tallest[x] = (box.height, to_hex(patch.get_facecolor()))
    plus = [tallest[100 + i][1] for i in range(15)]
    minus = [tallest[140 + i][1] for i in range(15)]
    other = {"#009e73": "#882255", "#882255": "#009e73", "#0072b2": "#e69f00", "#e69f00": "#0072b2"}
    assert minus == [other[colour] for colour in reversed(plus)]


def test_the_window_holds_most_motifs():
    record = Record("r", "A" * 1000)
    rows = [[900, 915, "A"], [905, 920, "A"], [100, 115, "A"], [240, 255, "B"]]
    sites = pd.DataFrame(rows, columns=["start", "end", "name"]).assign(
        record="r", chrom="r", strand="+"
    )
    first, last = locus_window(record, sites)
    assert (first, last) == (77, 277)
    assert locus_window(Record("s", "A" * 150), sites) == (0, 150)
    assert locus_window(record, sites.iloc[:0]) == (400, 600)


def test_a_locus_without_sites_without_matrix_or_with_many(two):
    locus = two.loci[0]
    bare = draw_locus(two, replace(locus, sites=locus.sites.iloc[:0]))
    assert len(bare.axes) == 2
    assert len(draw_locus(replace(two, motifs={}), locus).axes) == 3
    many = pd.concat([locus.sites.iloc[[0]]] * 12, ignore_index=True).assign(name=NASTY)
    assert draw_locus(two, replace(locus, sites=many)).get_figheight() < 5


def test_a_track_of_another_length_is_refused(two):
    locus = two.loci[0]
    with pytest.raises(ValueError, match="has 252 bases"):
        locus_figure(
            locus.record, locus.sites, {}, two.models, {"mini": np.ones(3)}, {}, {"mini": "0:0"}
        )


def test_locus_data_are_the_bases_drawn(two):
    data = locus_data(two.loci[0])
    assert data["position"].tolist() == list(range(27, 227))
    assert "".join(data["base"]) == two.loci[0].record.sequence[27:227]
    assert (data.loc[data["position"].between(100, 114), "motif"] == "CTCF").all()
    assert (data["motif"] == "CTCF").sum() == 30
    np.testing.assert_array_equal(data["mini matched"], two.loci[0].matched["mini"][27:227])


# all of them, as files


def test_every_figure_and_its_data(two, figures):
    assert list(figures) == STEMS
    assert set(figures["snr"][1]["definition"]) == {"mean_ratio"}
    assert set(figures["head_snr_native"][1]["resolution"]) == {"native"}
    empty = replace(
        two, snr=two.snr.iloc[:0], recovery=two.recovery.iloc[:0], recall=two.recall.iloc[:0],
        distances=two.distances.iloc[:0], layers=two.layers.iloc[:0], heads=two.heads.iloc[:0],
        loci=[],
    )  # fmt: skip
    assert comparison_figures(empty) == {}


def test_every_figure_is_one_or_two_columns_wide_with_text_of_5_to_7_points(figures):
    hard = fake_comparison([NASTY, "y" * 90, "v", "w", "x"], [f"M{i}" * 9 for i in range(10)])
    hard = comparison_figures(replace(hard, loci=[]))
    for stem, (figure, _) in [*figures.items(), *hard.items()]:
        width = figure.get_figwidth() * 25.4
        assert min(abs(width - 89), abs(width - 183)) < 0.01, stem
        assert figure.get_figheight() * 25.4 < 247, stem  # a page of a journal
        sizes = {text.get_fontsize() for text in figure.findobj(match=_is_text) if text.get_text()}
        assert sizes <= {5, 5.5, 6, 7}, stem


def _is_text(artist):
    from matplotlib.text import Text

    return isinstance(artist, Text) and artist.get_visible()


def test_pdfs_embed_every_font_and_text_stays_text_at_printed_size(figures):
    for stem, (figure, _) in figures.items():
        size = list(figure.get_size_inches() * 72)
        stream = io.BytesIO()
        with style():
            figure.savefig(stream, format="pdf")
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", stream.getvalue())
        assert box is not None
        assert [float(side) for side in box.groups()] == pytest.approx(size, abs=0.01)
        assert embedded_fonts(stream.getvalue()) > 0, stem
        svg = to_svg(figure)
        root = dict(re.findall(r'(width|height)="([\d.]+)pt"', svg[: svg.index(">", 300)]))
        assert [float(root["width"]), float(root["height"])] == pytest.approx(size, abs=0.01)
        assert "<text" in svg
    assert ">nt-small, randomly initialised</text>" in to_svg(figures["snr"][0])


def embedded_fonts(content):
    """How many fonts a PDF names; every one must come with its file."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    whole = b"\n".join(parts)
    named = re.findall(rb"/Type /FontDescriptor", whole)
    files = re.findall(rb"/FontFile2 \d+ 0 R", whole)
    assert len(files) == len(named)
    assert b"/Type3" not in whole
    return len(named)


def test_a_matched_resolution_that_is_the_native_one_has_no_panel(two):
    native = two.snr["resolution"] == "native"
    same = two.snr.copy()
    same.loc[~native, "snr"] = same.loc[native, "snr"].to_numpy()
    figure = snr_figure(same, two.models)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["native resolution"]
