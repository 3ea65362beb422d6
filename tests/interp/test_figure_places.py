"""What stands where in a figure: read back from the shapes that were drawn."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.text import Text

from nucel_interp.api.find_motifs import MotifResult
from nucel_interp.plots import (
    BASE_COLOURS,
    attention_map,
    browser_figure,
    browser_records,
    coverage_figure,
    coverage_table,
    draw_logo,
    fold_figure,
    head_map,
    inline_svg,
    logo_figure,
    logo_svg,
    match_of,
    result_figures,
    save_figure,
    style,
    track_figure,
)
from nucel_interp.plots.style import literal
from nucel_interp.plots.table_rows import local_rows, local_table
from nucel_interp.types import (
    BASES,
    SEQLET_COLUMNS,
    SITE_COLUMNS,
    Location,
    Motif,
    Record,
)
from tests.interp.fake_result import bare_result, empty_result, fake_result

LETTERS = {colour: base for base, colour in BASE_COLOURS["classic"].items()}

NOTHING = np.zeros(0, dtype=np.float32)


@pytest.fixture(scope="module")
def result() -> MotifResult:
    return fake_result()


def letters(ax: Axes) -> dict[float, list[tuple[str, float, float]]]:
    """Middle of column -> (base, bottom, height) of each letter drawn, from the bottom up."""
    found: dict[float, list[tuple[str, float, float]]] = {}
    for patch in ax.patches:
        if isinstance(patch, PathPatch):
            box = patch.get_path().get_extents()
            middle = round(box.x0 + box.x1) / 2
            base = LETTERS[to_hex(patch.get_facecolor())]
            found.setdefault(middle, []).append((base, box.y0, box.height))
    return {middle: sorted(stack, key=lambda s: s[1]) for middle, stack in found.items()}


def top_letters(ax: Axes) -> dict[float, str]:
    return {middle: stack[-1][0] for middle, stack in letters(ax).items()}


def words(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(Text) if isinstance(t, Text))


def corners(ax: Axes) -> list[np.ndarray]:
    return [np.asarray(p.get_xy())[:-1] for p in ax.patches if isinstance(p, Polygon)]


def one_hot(word: str) -> np.ndarray:
    return np.array([[float(base == letter) for letter in word] for base in BASES])


def site(record: Record, start: int, end: int, strand: str = "+", name: str = "m") -> list[Any]:
    shift = record.location.start if record.location else 0
    chrom = record.location.chromosome if record.location else record.name
    return [chrom, shift + start, shift + end, name, 0, strand, 1e-5, record.name, True, "test"]


def sites(*rows: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=SITE_COLUMNS)


def seqlets(record: Record, *spans: tuple[int, int]) -> pd.DataFrame:
    shift = record.location.start if record.location else 0
    chrom = record.location.chromosome if record.location else record.name
    rows = [
        [chrom, shift + a, shift + b, f"s{a}", 0, ".", 2.0, 0.01, 0.04, record.name, "test", 0, 0]
        for a, b in spans
    ]
    return pd.DataFrame(rows, columns=SEQLET_COLUMNS)


def drawn_line(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    """The curve with most points."""
    line = max(ax.lines, key=lambda line: len(line.get_xdata()))
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


# logos


def test_the_likeliest_base_is_on_top_in_its_own_colour():
    pwm = np.array([[0.1, 0.25, 0.0], [0.1, 0.25, 0.0], [0.7, 0.25, 0.0], [0.1, 0.25, 1.0]])
    bits = 2 + 0.7 * np.log2(0.7) + 3 * 0.1 * np.log2(0.1)
    stacks = letters(draw_logo(pwm, start=5))
    assert sorted(stacks) == [5, 7]  # all bases alike: no information, nothing drawn
    assert [s[0] for s in stacks[7]] == ["T"]
    base, bottom, height = stacks[5][-1]
    assert base == "G"
    assert height == pytest.approx(0.7 * bits, rel=0.02)
    assert bottom == pytest.approx(0.3 * bits, rel=0.05)  # on top of the three others


@pytest.mark.parametrize(
    ("query", "offset", "orientation", "query_at", "target_at"),
    [
        ("CCCTAG", 2, "+", 2, 0),  # the target begins two columns before the query
        ("TTAACCCTAG", -2, "+", 0, 2),
        ("TAGGGT", 1, "-", 1, 0),  # the target's other strand is CTAGGGTT
        ("GGCTAGGG", -2, "-", 0, 2),
    ],
)
def test_matching_columns_stand_above_each_other(query, offset, orientation, query_at, target_at):
    target = Motif("T", one_hot("AACCCTAG"), name="factor")
    figure = logo_figure(Motif("q", one_hot(query)), target, offset=offset, orientation=orientation)
    above, below = (top_letters(ax) for ax in figure.axes)
    assert min(above) == query_at
    assert min(below) == target_at
    assert len(above) == len(query)
    assert len(below) == 8
    shared = sorted(above.keys() & below.keys())
    assert [above[i] for i in shared] == [below[i] for i in shared]
    upright = [line for line in figure.axes[0].lines if len(set(line.get_xdata())) == 1]
    assert [line.get_xdata()[0] for line in upright] == [shared[0] - 0.5, shared[-1] + 0.5]


def test_a_result_s_matches_align(result):
    for motif_id in ("motif_1", "motif_2"):
        match = match_of(result, motif_id)
        assert match is not None
        figure = logo_figure(
            result.pwms[motif_id],
            result.targets[match["Target_ID"]],
            offset=match["Optimal_offset"],
            orientation=match["Orientation"],
        )
        above, below = (top_letters(ax) for ax in figure.axes)
        assert above.items() <= below.items()


def test_a_table_logo_has_the_same_heights():
    pwm = np.array([[0.7, 0.25], [0.1, 0.25], [0.1, 0.25], [0.1, 0.25]])
    bits = 2 + 0.7 * np.log2(0.7) + 3 * 0.1 * np.log2(0.1)
    svg = ET.fromstring(logo_svg(pwm, label='<b> & "q"'))
    assert svg.get("aria-label") == '<b> & "q"'
    shapes = [use for use in svg.iter() if use.tag.endswith("use")]
    assert {use.get("href") for use in shapes} == {f"#base-{b}" for b in BASES}
    place = re.fullmatch(r"translate\(0 (\S+)\) scale\(1 (\S+)\)", shapes[-1].get("transform", ""))
    assert place is not None
    bottom, height = map(float, place.groups())
    assert height == pytest.approx(0.7 * bits, abs=1e-3)
    assert bottom - height == pytest.approx(2 - bits, abs=2e-3)  # y runs down from 2 bits


# tracks


@pytest.mark.parametrize("place", [None, Location("chr2", 5000, 5150)])
def test_spans_and_arrows_lie_at_their_bases(place):
    record = Record("chr2:5000-5150" if place else "r", "ACGTA" * 30, place)
    second = Record("other", "ACGTA" * 30, place)
    table = sites(
        site(record, 20, 35, "+"), site(record, 60, 70, "-"), site(record, 90, 100, "."),
        site(second, 1, 9),
    )  # fmt: skip
    spans = pd.concat([seqlets(record, (18, 39), (140, 150)), seqlets(second, (2, 4))])
    figure = track_figure(record, {"score": np.arange(150.0)}, table, spans)
    top, below = figure.axes
    arrows = corners(top)
    boxes = [(a[:, 0].min(), a[:, 0].max()) for a in arrows]
    assert boxes == [(20, 35), (60, 70), (90, 100)]
    assert (arrows[0][:, 0] == 35).sum() == 1  # a point to the right
    assert (arrows[1][:, 0] == 60).sum() == 1  # a point to the left
    assert (arrows[2][:, 0] == 90).sum() == (arrows[2][:, 0] == 100).sum() == 2  # a box
    shades = [p for p in below.patches if isinstance(p, Rectangle)]
    assert [(p.get_x(), p.get_x() + p.get_width()) for p in shades] == [(18, 39), (140, 150)]
    assert below.get_xlim() == (0, 150)
    x, y = drawn_line(below)
    np.testing.assert_array_equal(x, np.arange(150) + 0.5)  # the middle of each base
    np.testing.assert_array_equal(y, np.arange(150.0))


def test_a_record_named_like_its_chromosome():
    record = Record("chr20", "A" * 120, Location("chr20", 100, 220))
    figure = track_figure(record, {"score": np.ones(120)}, sites(site(record, 30, 40)))
    assert corners(figure.axes[0])[0][:, 0].min() == 30


def test_gaps_are_marked_and_a_lone_base_is_seen():
    track = np.ones(120)
    track[40:60] = np.nan
    track[80], track[82] = np.nan, np.nan
    ax = track_figure(Record("r", "A" * 120), {"score": track}).axes[0]
    _, y = drawn_line(ax)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(track))
    dots = [line for line in ax.lines if line.get_marker() == "."]
    assert list(dots[0].get_xdata()) == [81.5]  # between gaps, where a line would not show it
    assert (40, 60) in [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2]


def test_letters_of_a_score_are_the_bases_of_the_record():
    ax = track_figure(Record("r", "ACNGT"), {"score": [1.0, np.nan, 5.0, -2.0, 0.5]}).axes[0]
    drawn = letters(ax)
    assert {x: stack[0][0] for x, stack in drawn.items()} == {0.5: "A", 3.5: "G", 4.5: "T"}
    assert drawn[3.5][0][1] == pytest.approx(-2, rel=0.02)
    assert drawn[3.5][0][2] == pytest.approx(2, rel=0.02)


def test_a_part_of_a_record_keeps_the_record_s_positions():
    record = Record("r", "ACGT" * 50, Location("chr1", 1000, 1200))
    table = sites(site(record, 5, 15), site(record, 95, 105), site(record, 150, 160))
    figure = track_figure(record, {"score": np.arange(200.0)}, table, span=(100, 160))
    assert [a[:, 0].min() for a in corners(figure.axes[0])] == [95, 150]
    drawn = letters(figure.axes[1])
    assert sorted(drawn) == [i + 0.5 for i in range(100, 160)]
    assert drawn[121.5][0] == ("C", pytest.approx(0, abs=1), pytest.approx(121, rel=0.02))
    assert figure.axes[1].get_xlim() == (100, 160)
    assert "bases 100–160" in figure.axes[0].get_title(loc="left")


def test_a_long_record_s_peak_stays_at_its_place():
    track = np.zeros(5000)
    track[1234] = 9.0
    figure = track_figure(Record("r", "A" * 5000), {"score": track})
    assert "extreme per 3 bp" in figure.axes[0].get_ylabel()
    x, y = drawn_line(figure.axes[0])
    assert x[np.nanargmax(y)] == pytest.approx(1234.5, abs=1.5)


# folds and heads


def test_every_control_stands_on_its_motif_s_row(result):
    ax = fold_figure(result.motifs).axes[0]
    lines = {line.get_label(): line for line in ax.lines}
    for label, column in (
        ("model (95 % interval)", "attention_fold"),
        ("randomly initialised (95 % interval)", "random_control_fold"),
        ("random seqlets, another sequence's offsets", "other_offsets_fold"),
        ("random seqlets, anywhere", "uniform_fold"),
    ):
        np.testing.assert_array_equal(lines[label].get_xdata(), result.motifs[column])
        rows = np.asarray(lines[label].get_ydata(), float)
        assert np.round(rows).tolist() == [0, 1, 2]
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[:2] == ["motif_1\nMA0139.2 CTCF", "motif_2\nMA1141.2 FOS::JUND"]
    assert names[2].startswith("motif<script>")
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the best on top
    assert ax.get_xlim()[0] == 0
    assert ax.get_xlim()[1] >= 7.32  # the widest interval is whole


def test_missing_controls_are_not_in_the_legend(result):
    bare = result.motifs.copy()
    bare[[c for c in bare if str(c).startswith("random_control")]] = np.nan
    assert "randomly initialised" in words(fold_figure(result.motifs))
    assert "randomly initialised" not in words(fold_figure(bare))


def test_folds_that_are_not_known_say_so(result):
    folds = {c: np.nan for c in result.motifs if "fold" in str(c)}
    unknown = replace(result, motifs=result.motifs.assign(**folds))
    assert "no attention_fold is known" in words(fold_figure(unknown.motifs))
    assert "fold" not in result_figures(unknown, most_logos=0)
    part = result.motifs.assign(**{c: result.motifs[c].where([False, True, False]) for c in folds})
    lines = {line.get_label(): line for line in fold_figure(part).axes[0].lines}
    drawn = np.asarray(lines["model (95 % interval)"].get_xdata(), float)
    np.testing.assert_array_equal(np.isnan(drawn), [True, False, True])


def test_long_names_stay_on_the_page():
    many = pd.concat([fake_result(2).motifs.iloc[[0]]] * 14, ignore_index=True)
    many["motif_id"] = [f"a_rather_long_motif_name_{i}" for i in range(14)]
    figure = fold_figure(many)
    ax = figure.axes[0]
    page = figure.bbox
    for label in [*ax.get_yticklabels(), ax.xaxis.label, *figure.legends[0].get_texts()]:
        box = label.get_window_extent()
        assert page.x0 - 1 <= box.x0, label.get_text()
        assert box.x1 <= page.x1 + 1, label.get_text()


def test_every_head_has_its_own_cell(result):
    grid = head_map(result.heads).axes[0].images[0].get_array()
    assert grid is not None
    assert grid.shape == (6, 8)
    for row in result.heads.to_dict("records"):
        assert grid[row["layer"], row["head"]] == row["exceedance"]
    fewer = head_map(result.heads.iloc[1:]).axes[0].images[0].get_array()
    assert np.argwhere(np.ma.getmaskarray(fewer)).tolist() == [[0, 0]]  # not listed: empty


def test_attention_to_cls_is_a_column_of_its_own():
    rng = np.random.default_rng(0)
    record = Record("r", "ACGTNACGTA")
    matrix, to_cls = rng.random((10, 10)) / 20, rng.random(10)
    matrix[4] = np.nan
    figure = attention_map(matrix, record, 3, 1, kind="global", to_cls=to_cls)
    left, ax = figure.axes[:2]
    shown = ax.images[0].get_array()
    assert shown is not None
    np.testing.assert_array_equal(np.ma.filled(shown, np.nan), matrix)  # not renormalised
    assert ax.images[0].norm(0.0) == 0  # a zero is on the scale, unlike on a logarithm
    assert np.asarray(left.images[0].get_array())[:, 0].tolist() == to_cls.tolist()
    assert [t.get_text() for t in left.get_yticklabels()] == list(record.sequence)
    assert "Layer 3 (global), head 1: r" in words(figure)
    assert len(attention_map(matrix, record, 3, 1).axes) == 2  # map and colour bar


@pytest.mark.parametrize("shape", [(11, 11), (10, 11), (10,), (1, 10, 10)])
def test_an_attention_map_with_cls_in_it_is_refused(shape):
    with pytest.raises(ValueError, match="but r has 10 bases"):
        attention_map(np.zeros(shape), Record("r", "ACGTNACGTA"), 0, 0)


# coverage


def test_coverage_lies_at_its_distance_from_the_centre():
    records = [Record("a", "A" * 10, Location("chr1", 100, 110)), Record("b", "C" * 10)]
    result = replace(
        fake_result(2),
        records=records,
        seqlets=pd.concat(
            [seqlets(records[0], (0, 4), (2, 6)), seqlets(records[1], (5, 10))]
        ),
        sites=sites(
            site(records[0], 9, 10, name="motif_1"), site(records[1], 0, 1, name="other")
        ),
    )  # fmt: skip
    shares = coverage_table(result)
    assert shares["position"].tolist() == pytest.approx([i - 4.5 for i in range(10)])
    assert shares["seqlets"].tolist() == [0.5] * 5 + [1.0] + [0.5] * 4
    assert shares["motif_1"].tolist() == [0.0] * 9 + [0.5]
    lines = {line.get_label(): line for line in coverage_figure(result).axes[0].lines}
    np.testing.assert_allclose(lines["motif_1"].get_xdata(), shares["position"])
    np.testing.assert_allclose(lines["motif_1"].get_ydata(), 100 * shares["motif_1"])


# the browser


def test_browser_shows_bases_sites_and_seqlets_where_they_are(result):
    figure = browser_figure(result)
    i = browser_records(result)[0]
    first = result.records[i]
    assert first.location is not None
    shift = first.location.start
    traces = {t.name: t for t in figure.data if t.visible}
    score, boxes, points = traces["score"], traces["sites"], traces["strand"]
    np.testing.assert_array_equal(score.x, shift + 1 + np.arange(len(first)))  # counted from 1
    np.testing.assert_array_equal(score.y, result.tracks[result.records[i].name])
    assert list(score.marker.color) == [BASE_COLOURS["classic"][b] for b in first.sequence]
    known = result.sites[result.sites["record"] == first.name]
    assert len(known)
    np.testing.assert_array_equal(boxes.x - boxes.width / 2, known["start"] + 0.5)
    np.testing.assert_array_equal(boxes.width, known["end"] - known["start"])
    pointing = {"+": "triangle-right", "-": "triangle-left"}
    assert list(points.marker.symbol) == [pointing[s] for s in known["strand"]]
    ends = np.where(known["strand"] == "-", known["start"], known["end"]) + 0.5
    np.testing.assert_array_equal(points.x, ends)
    called = result.seqlets[result.seqlets["record"] == first.name]
    spans = traces["seqlets"]
    np.testing.assert_array_equal(spans.x - spans.width / 2, called["start"] + 0.5)
    np.testing.assert_array_equal(spans.x + spans.width / 2, called["end"] + 0.5)


def test_browser_menu_names_the_record_it_shows(result):
    figure = browser_figure(result)
    buttons = figure.layout.updatemenus[0].buttons
    for button, i in zip(buttons, browser_records(result), strict=True):
        mine = [t for t, on in zip(figure.data, button.args[0]["visible"], strict=True) if on]
        score = next(t for t in mine if t.name == "score")
        np.testing.assert_array_equal(score.y, result.tracks[result.records[i].name])
        assert button.label == result.records[i].name


def test_a_long_record_is_cut_around_its_best_site():
    record = Record("long", "ACGTA" * 2000, Location("chr1", 500, 10500))
    track = np.zeros(10000, dtype=np.float32)
    track[9000] = 5
    result = replace(
        fake_result(2), records=[record], track=track, replaced_logit=None,
        seqlets=seqlets(record), sites=sites(site(record, 4000, 4010, name="motif_1")),
    )  # fmt: skip
    score = next(t for t in browser_figure(result).data if t.name == "score")
    assert (score.x[0], score.x[-1]) == (2501, 6500)
    data = result_figures(result, most_logos=0)["track"][1]
    assert data["position"].tolist() == list(range(2000, 6000))
    unsited = browser_figure(replace(result, sites=sites()))
    score = next(t for t in unsited.data if t.name == "score")
    assert (score.x[0], score.x[-1]) == (6501, 10500)  # around the highest score


# numbers beside figures, files


def test_the_numbers_beside_a_figure_are_those_in_it(result):
    gallery = result_figures(result)
    logo = gallery["logo_01"][1]
    np.testing.assert_array_equal(logo[list(BASES)].T, result.pwms["motif_1"].pwm)
    drawn = letters(gallery["logo_01"][0].axes[0])
    start = min(drawn)
    for position, row in enumerate(logo.to_dict("records")):
        for base, _, height in drawn[start + position]:
            assert height == pytest.approx(row[f"{base}_bits"], rel=0.02)
    track = gallery["track"][1]
    i = browser_records(result, 1)[0]
    np.testing.assert_array_equal(track["score"], result.tracks[result.records[i].name])
    assert "".join(track["base"]) == result.records[i].sequence
    place = result.records[i].location
    assert place is not None
    called = result.seqlets[result.seqlets["record"] == result.records[i].name]
    covered: set[int] = set()
    for start, end in zip(called["start"], called["end"], strict=True):
        covered |= set(range(start - place.start, end - place.start))
    assert set(track["position"][track["in_seqlet"] == 1]) == covered


def test_results_with_little_in_them():
    gallery = result_figures(empty_result())
    assert list(gallery) == ["fold", "coverage", "heads", "track", "logo_01"]  # the failed motif
    assert gallery["fold"][1]["motif_id"].tolist() == ["motif_4"]
    assert result_figures(replace(bare_result(), records=[], track=NOTHING)) == {}
    tiny = np.array([1.0], dtype=np.float32)
    one = replace(bare_result(), records=[Record("r", "A")], track=tiny)
    assert list(result_figures(one)) == ["coverage", "track"]


def test_pdf_text_is_embedded_truetype_and_the_csv_reads_back(result, tmp_path):
    odd = {"pdf.fonttype": 3, "lines.linewidth": 9, "svg.fonttype": "path"}
    with mpl.rc_context(odd):  # the user's own settings are neither used nor changed
        svg, pdf, png, csv = save_figure(
            fold_figure(result.motifs), tmp_path, "fold", result.motifs
        )
        assert mpl.rcParams["pdf.fonttype"] == 3
    content = pdf.read_bytes()
    assert b"/FontFile2" in content
    assert b"/Subtype /Type3" not in content
    assert b"CreationDate" not in content
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    root = ET.parse(svg).getroot()
    text = "".join("".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "MA0139.2 CTCF" in text  # text, not outlines
    assert "motif<script>" in text
    back = pd.read_csv(csv)
    np.testing.assert_allclose(back["attention_fold"], result.motifs["attention_fold"], rtol=1e-5)


def test_style_sets_ours_and_gives_the_user_s_back():
    with mpl.rc_context({"font.size": 17.0, "svg.hashsalt": "mine"}):
        before = dict(mpl.rcParams)
        with style():
            assert mpl.rcParams["font.size"] == 6
            assert mpl.rcParams["pdf.fonttype"] == 42
        draw_logo(one_hot("ACGT"))
        assert dict(mpl.rcParams) == before


def test_figures_stay_out_of_pyplot(result):
    import matplotlib.pyplot as plt

    head_map(result.heads)
    assert plt.get_fignums() == []


def test_references_within_an_inline_figure_find_their_shapes(result):
    svg = inline_svg(fold_figure(result.motifs), "one", 'a <b> & "c"')
    ids = set(re.findall(r'\sid="([^"]+)"', svg))
    targets = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert targets
    assert targets <= ids
    assert ET.fromstring(svg).get("aria-label") == 'a <b> & "c"'


def test_names_are_drawn_as_they_stand():
    assert literal("a$b$") == r"a\$b\$"
    assert literal("x" * 70, 10) == "x" * 9 + "…"
    assert literal("ok\n\t\x00漢") == "ok   ?"
    record = Record("$\\frac{$ <script>", "ACGT" * 40)
    table = sites(site(record, 1, 9, name="$m^$"))
    text = words(track_figure(record, {"$z$": np.zeros(160)}, table))
    assert r"\$\frac{\$ <script>" in text
    assert r"\$m^\$ (+)" in text


def test_rows_of_a_record_of_the_reverse_strand_are_turned() -> None:
    minus = Record("m", "ACGT" * 5, Location("chr1", 100, 120, "-"))
    plus = Record("p", "ACGT" * 5, Location("chr1", 200, 220))
    rows = [
        ["chr1", 101, 105, "motif_1", 9, "+", 1e-6, "m", 1, "1"],
        ["chr1", 210, 214, "motif_1", 9, "-", 1e-6, "p", 1, "1"],
        ["m", 3, 7, "motif_1", 9, "+", 1e-6, "m", 1, "1"],
        ["chr9", 3, 7, "motif_1", 9, "+", 1e-6, "other", 1, "1"],
    ]
    table = pd.DataFrame(rows, columns=SITE_COLUMNS)
    found = local_table(table, [minus, plus])
    assert found[["start", "end", "strand"]].values.tolist() == [
        [15, 19, "-"],
        [10, 14, "-"],
        [3, 7, "+"],
    ]
    assert len(local_rows(table, minus)) == 2
    assert len(local_table(table, [])) == len(local_rows(None, minus)) == 0
