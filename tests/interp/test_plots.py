"""Figures show what the data say: glyph heights, spans, gaps, alignment, files."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path as MplPath

from nucel_interp.plots import (
    attention_map,
    browser_figure,
    browser_records,
    coverage_figure,
    coverage_table,
    draw_logo,
    fold_figure,
    glyph_symbols,
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
from nucel_interp.plots.logos import alignment_starts
from nucel_interp.plots.style import to_svg
from nucel_interp.plots.table_rows import lanes, local_rows, local_table
from nucel_interp.plots.tracks import bin_extremes
from nucel_interp.types import SEQLET_COLUMNS, SITE_COLUMNS, Location, Motif, Record
from tests.interp.fake_result import NASTY, bare_result, empty_result, fake_result, pwm_of

NOTHING = np.zeros(0, dtype=np.float32)


def site(record, start, end, name="motif_1", strand="+", chrom=None):
    chrom = record.name if chrom is None else chrom
    return [chrom, start, end, name, 500, strand, 1e-5, record.name, True, "test"]


def letters_of(ax):
    """(x, floor, height) of every drawn letter."""
    boxes = [p.get_path().get_extents() for p in ax.patches if isinstance(p, PathPatch)]
    return [((b.x0 + b.x1) / 2, b.y0, b.height) for b in boxes]


def said(figure):
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


@pytest.fixture(scope="module")
def result():
    return fake_result()


# logos


def test_letter_heights_sum_to_the_information_of_their_column():
    pwm = np.array([[0.7, 1.0, 0.25], [0.1, 0, 0.25], [0.1, 0, 0.25], [0.1, 0, 0.25]])
    letters = letters_of(draw_logo(pwm))
    assert len(letters) == 5  # four in the first column, one in the second, none in the third
    entropy = -(0.7 * np.log2(0.7) + 0.3 * np.log2(0.1))
    drawn = [sum(h for x, _, h in letters if round(x) == i) for i in range(3)]
    assert drawn == pytest.approx([2 - entropy, 2.0, 0.0], rel=0.02)  # 1 % is left as a margin
    tallest = max((h, x) for x, _, h in letters if round(x) == 0)
    assert tallest[0] == pytest.approx(0.7 * (2 - entropy), rel=0.02)


def test_logo_is_drawn_on_the_axes_given():
    with style():
        ax = mpl.figure.Figure().subplots()
    assert draw_logo(Motif("m", pwm_of("ACGT")), ax) is ax
    assert ax.get_ylim() == (0, 2)


def test_logo_without_columns_says_so():
    ax = draw_logo(np.zeros((4, 0)))
    assert [t.get_text() for t in ax.texts] == ["no columns"]


@pytest.mark.parametrize(("offset", "starts"), [(0, (0, 0)), (2, (2, 0)), (-3, (0, 3))])
def test_offset_is_the_querys_shift_to_the_right(offset, starts):
    assert alignment_starts(offset) == starts


@pytest.mark.parametrize(("turned", "offset"), [(False, 2), (False, -1), (True, 3)])
def test_aligned_logos_have_the_same_letters_above_each_other(turned, offset):
    word = "GATTACCA"
    long = "TT" + word + "GAC" if offset > 0 else word[1:]
    long = "C" + long if offset == 3 else long
    pwm = pwm_of(long, seed=2)
    target = Motif("MA1", pwm[::-1, ::-1].copy() if turned else pwm, name="X")
    figure = logo_figure(
        Motif("m", pwm_of(word)), target, offset=offset, orientation="-" if turned else "+"
    )
    above, below = figure.axes
    assert above.get_xlim() == below.get_xlim()
    tops = []
    for ax, consensus, start in ((above, word, max(offset, 0)), (below, long, max(-offset, 0))):
        letters = letters_of(ax)
        columns = sorted({round(x) for x, *_ in letters})
        assert columns == list(range(start, start + len(consensus)))
        tops.append(dict(zip(columns, consensus, strict=True)))
    shared = tops[0].keys() & tops[1].keys()
    assert len(shared) >= 7
    assert all(tops[0][x] == tops[1][x] for x in shared)
    assert ("reverse complement" in below.get_title(loc="left")) is turned


def test_alignment_agrees_with_tomtom():
    from nucel_interp.motifs.similarity import tomtom

    word, rng = "CCACTAGGGGGCGCT", np.random.default_rng(0)
    longer = np.hstack([np.full((4, 2), 0.25), pwm_of(word, seed=3), pwm_of("A")])
    others = [Motif(f"o{i}", rng.dirichlet(np.ones(4) * 0.3, 12).T) for i in range(30)]
    targets = [Motif("plus", longer), Motif("minus", longer[::-1, ::-1].copy()), *others]
    found = tomtom([Motif("q", pwm_of(word))], targets)
    assert found.strand[0, :2].tolist() == ["+", "-"]
    # the turned target is drawn turned back, so both begin two columns before the query
    assert [alignment_starts(int(o)) for o in found.offset[0, :2]] == [(2, 0), (2, 0)]


def test_table_logo_reuses_four_shapes():
    svg = logo_svg(np.array([[1.0, 0.25], [0, 0.25], [0, 0.25], [0, 0.25]]), label='<a "b">')
    assert svg.count("<use") == 1
    assert "scale(1 2.000)" in svg
    assert "<a" not in svg
    assert [f'id="base-{b}"' in glyph_symbols() for b in "ACGT"] == [True] * 4
    assert glyph_symbols() != glyph_symbols("colourblind")


# tracks


def test_short_record_is_drawn_as_letters_as_high_as_its_score():
    record = Record("r", "ACGNT")
    score = np.array([1.0, -2.0, np.nan, 4.0, 0.5])
    letters = sorted(letters_of(track_figure(record, {"score": score}).axes[0]))
    assert [x for x, *_ in letters] == pytest.approx(
        [0.5, 1.5, 4.5]
    )  # no score, no base: no letter
    assert [h for *_, h in letters] == pytest.approx([1, 2, 0.5], rel=0.02)
    assert letters[1][1] == pytest.approx(-2, rel=0.02)


def test_long_record_is_a_line_with_gaps_where_no_score_is():
    record = Record("r", "A" * 300)
    score = np.ones(300)
    score[100:150] = np.nan
    ax = track_figure(record, {"score": score}).axes[0]
    line = next(line for line in ax.lines if len(line.get_xdata()) == 300)
    assert np.isnan(line.get_ydata()[100:150]).all()
    assert line.get_xdata()[0] == 0.5
    assert not letters_of(ax)


def test_very_long_record_keeps_its_peaks():
    track = np.zeros(10_001)
    track[5003], track[10_000], track[:10] = -9, 7, np.nan
    size, values = bin_extremes(track)
    assert size == 6
    assert (np.nanmin(values), values[-1]) == (-9, 7)
    assert np.isnan(values[0])
    assert not np.isnan(values[1])


def test_sites_and_seqlets_are_drawn_where_they_lie():
    record = Record("r", "ACGT" * 50, Location("chr1", 1000, 1200))
    sites = pd.DataFrame(
        [
            site(record, 1010, 1020, chrom="chr1"),
            site(record, 1015, 1030, NASTY, "-", chrom="chr1"),
            site(Record("other", ""), 5, 9),
        ],
        columns=SITE_COLUMNS,
    )
    seqlets = pd.DataFrame(
        [["chr1", 1008, 1022, "s", 1, ".", 2.0, 0.01, 0.04, "r", "test", 0, 0]],
        columns=SEQLET_COLUMNS,
    )
    figure = track_figure(record, {"score": np.zeros(200), "x": np.zeros(200)}, sites, seqlets)
    arrows = [p for p in figure.axes[0].patches if isinstance(p, Polygon)]
    spans = [(a.get_xy()[:, 0].min(), a.get_xy()[:, 0].max()) for a in arrows]
    assert spans == [(10, 20), (15, 30)]
    # the point is the corner that stands alone, at the 3' end of the strand
    tips = [a.get_xy()[np.isclose(a.get_xy()[:, 1] % 1, 0.5)][0, 0] for a in arrows]
    assert tips == [20, 15]
    assert [t.get_text().strip() for t in figure.axes[0].texts] == [
        "motif_1 (+)",
        "motif<script>aler… (-)",
    ]
    for ax in figure.axes[1:]:
        shades = [p for p in ax.patches if isinstance(p, Rectangle)]
        assert [(p.get_x(), p.get_width()) for p in shades] == [(8, 14)]


def test_crowded_sites_get_one_lane_per_motif():
    record = Record("r", "A" * 5000)
    rows = [site(record, 10 * i, 10 * i + 9, f"m{i % 3}") for i in range(200)]
    figure = track_figure(
        record, {"score": np.ones(5000)}, pd.DataFrame(rows, columns=SITE_COLUMNS), span=(0, 1000)
    )
    assert [t.get_text().strip() for t in figure.axes[0].texts] == ["m0", "m1", "m2"]
    assert len([p for p in figure.axes[0].patches if isinstance(p, Polygon)]) == 100
    assert figure.axes[1].get_xlim() == (0, 1000)
    assert figure.get_figheight() < 4


@pytest.mark.parametrize("name", ["x" * 500, "$a$ and $b", "<script>", "名前", "a\x07b"])
def test_any_name_can_be_drawn(name, tmp_path):
    figure = track_figure(Record(name, "A"), {"score": [1.0]})
    written = save_figure(figure, tmp_path, "one", pd.DataFrame({"score": [1.0]}))
    assert [p.suffix for p in written] == [".svg", ".pdf", ".png", ".csv"]
    assert all(p.stat().st_size > 0 for p in written)


def test_no_bases_and_no_scores_say_so():
    assert "no bases" in said(track_figure(Record("r", ""), {"score": []}))
    assert "no score" in said(track_figure(Record("r", "AC"), {"score": [np.nan, np.nan]}))


def test_track_of_another_length_is_refused():
    with pytest.raises(ValueError, match="r has 2 bases"):
        track_figure(Record("r", "AC"), {"score": [1.0]})


def test_places_follow_the_bed_tables():
    known, unknown = Record("a", "A" * 50, Location("chr1", 100, 150)), Record("chr1", "A" * 50)
    table = pd.DataFrame(
        [site(known, 110, 120, chrom="chr1"), site(unknown, 7, 9)], columns=SITE_COLUMNS
    )
    assert local_rows(table, known)["start"].tolist() == [10]
    assert local_rows(table, unknown)["start"].tolist() == [7]
    assert local_table(table, [known, unknown])["end"].tolist() == [20, 9]
    assert not len(local_rows(None, known))


def test_lanes_never_overlap():
    assert lanes([(0, 10), (5, 12), (10, 20), (11, 12)]) == [0, 1, 0, 2]


# browser


def test_browser_begins_with_the_records_that_hold_the_first_motif(result):
    chosen = browser_records(result)
    assert len(chosen) == 12
    inside = result.sites[(result.sites["name"] == "motif_1") & result.sites["in_seqlet"]]
    assert {result.records[i].name for i in chosen} <= set(inside["record"])


def test_browser_shows_one_record_at_a_time(result):
    figure = browser_figure(result)
    menu = figure.layout.updatemenus[0].buttons
    assert len(menu) == 12
    for k, button in enumerate(menu):
        visible = button.args[0]["visible"]
        assert len(visible) == len(figure.data)
        assert [i // 5 for i, shown in enumerate(visible) if shown] == [k] * 5 + [12]  # letters
    assert [trace.visible for trace in figure.data] == list(menu[0].args[0]["visible"])


def test_browser_hover_names_the_base_and_gaps_stay_gaps(result):
    name = result.records[3].name
    only = replace(
        result,
        records=result.records[3:4],
        track=result.tracks[name],
        replaced_logit=result.replaced[name],
    )
    figure = browser_figure(only)
    score = next(trace for trace in figure.data if trace.name == "score")
    place = only.records[0].location
    assert score.text[0] == only.records[0].sequence[0]
    assert score.x[0] == place.start + 1  # as genome browsers count
    assert score.hovertemplate.startswith(f"%{{text}} {place.chromosome}:%{{x:,d}}<br>")
    assert np.isnan(np.asarray(score.y)[120:131]).all()
    assert len(figure.data[0].x) == len(local_rows(result.seqlets, only.records[0]))


def test_browser_shows_part_of_a_long_record(result):
    rng = np.random.default_rng(0)
    record = Record("long", "".join(rng.choice(list("ACGT"), 50_000)))
    track = np.zeros(50_000, dtype=np.float32)
    track[30_000] = 5
    figure = browser_figure(replace(bare_result(), records=[record], track=track))
    assert list(figure.layout.xaxis.range) == [28_000.5, 32_000.5]
    assert len(next(t for t in figure.data if t.name == "score").y) == 4000


def test_browser_of_the_reverse_strand_runs_down_the_genome():
    record = Record("r", "ACGTTTT", Location("chr1", 100, 107, "-"))
    rows = pd.DataFrame([["chr1", 104, 106, "m", 1, "+", 1e-5, "r", 1, "1"]], columns=SITE_COLUMNS)
    track = np.arange(7, dtype=np.float32)
    one = replace(bare_result(), records=[record], track=track, sites=rows)
    figure = browser_figure(replace(one, motifs=one.motifs.reindex([0]).assign(motif_id="m")))
    traces = {t.name: t for t in figure.data}
    assert list(traces["score"].x) == [107, 106, 105, 104, 103, 102, 101]
    assert list(figure.layout.xaxis.range) == [107.5, 100.5]
    # bases 1 and 2 of the record, the genome's 105 and 106 counted from 1
    assert list(traces["sites"].x) == [105.5]
    assert "105–106" in traces["sites"].text[0]
    assert list(traces["strand"].marker.symbol) == ["triangle-left"]
    assert list(traces["strand"].x) == [106.5]  # the end of the site that it points to
    assert figure.layout.meta["views"] == [
        {"name": "chr1", "first": 107, "step": -1, "letters": "ACGTTTT"}
    ]
    assert figure.data[figure.layout.meta["letters"]].name == "letters"


def test_browser_escapes_names(result):
    text = browser_figure(result, most=60).to_json()
    assert "&lt;script" in text
    assert "<script" not in json.dumps(json.loads(text))


def test_browser_without_anything_called():
    assert len(browser_figure(bare_result()).layout.updatemenus[0].buttons) == 1
    assert not browser_figure(replace(bare_result(), records=[], track=NOTHING)).data


# heads, folds, coverage


def test_head_map_shows_every_head_and_outlines_the_chosen(result):
    ax = head_map(result.heads).axes[0]
    shown = ax.images[0].get_array()
    row = result.heads.iloc[11]
    assert shown[row["layer"], row["head"]] == row["exceedance"]
    outlined = {(round(p.get_x() + 0.44), round(p.get_y() + 0.44)) for p in ax.patches}
    chosen = result.heads[result.heads["chosen"]]
    assert outlined == set(zip(chosen["head"], chosen["layer"], strict=True))
    assert [t.get_text() for t in ax.get_yticklabels()][:2] == ["global 0", "local 1"]


def test_head_map_of_no_heads_says_so():
    assert "no heads" in said(head_map(bare_result().heads))


def test_attention_map_shows_the_numbers_and_says_where_cls_is():
    matrix = np.array([[0.5, 0.1, 0.0], [0.2, 0.3, 0.1], [np.nan] * 3])
    figure = attention_map(matrix, Record("r", "ACN"), 1, 2, kind="local")
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array().filled(np.nan), matrix)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == list("ACN")
    assert "left out" in figure.get_supxlabel()
    apart = attention_map(matrix, Record("r", "ACN"), 1, 2, to_cls=[0.4, 0.4, np.nan])
    assert "apart" in apart.get_supxlabel()
    assert apart.axes[0].images[0].get_array().shape == (3, 1)


def test_attention_map_must_fit_its_record():
    with pytest.raises(ValueError, match="r has 2 bases"):
        attention_map(np.zeros((3, 3)), Record("r", "AC"), 0, 0)
    assert "no bases" in said(attention_map(np.zeros((0, 0)), Record("r", ""), 0, 0))


def test_fold_figure_shows_folds_intervals_and_the_line_at_one(result):
    ax = fold_figure(result.motifs).axes[0]
    points = {line.get_label(): line for line in ax.lines}
    model = points["model (95 % interval)"]
    assert list(model.get_xdata()) == list(result.motifs["attention_fold"])
    ends = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    wanted = result.motifs[["attention_fold_low", "attention_fold_high"]].to_numpy().tolist()
    assert ends == wanted
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in ax.lines)
    assert (
        len(points.keys() & {"random seqlets, anywhere", "randomly initialised (95 % interval)"})
        == 2
    )


def test_fold_figure_of_none_and_of_many(result):
    assert "no motifs" in said(fold_figure(result.motifs.iloc[:0]))
    many = pd.concat([result.motifs] * 10, ignore_index=True)
    assert len(fold_figure(many).axes[0].get_yticks()) == 12


def test_coverage_counts_records_not_rows():
    records = [Record("a", "A" * 10), Record("b", "A" * 10), Record("c", "A" * 99)]
    rows = [["a", 2, 4, "s", 1, ".", 1.0, 0.1, 0.2, "a", "test", 0, 0],
            ["a", 3, 5, "s", 1, ".", 1.0, 0.1, 0.2, "a", "test", 0, 0],
            ["b", 4, 6, "s", 1, ".", 1.0, 0.1, 0.2, "b", "test", 0, 0]]  # fmt: skip
    result = replace(
        bare_result(), records=records, seqlets=pd.DataFrame(rows, columns=SEQLET_COLUMNS)
    )
    table = coverage_table(result)
    assert table["seqlets"].tolist() == [0, 0, 0.5, 0.5, 1, 0.5, 0, 0, 0, 0]
    assert table["position"].tolist()[:2] == [-4.5, -3.5]
    assert set(table["n_records"]) == {2}


def test_coverage_of_mixed_lengths_is_in_fractions(result):
    records = [Record(f"r{i}", "A" * (100 + i)) for i in range(5)]
    mixed = replace(result, records=records)
    assert set(coverage_table(mixed)["unit"]) == {"fraction"}
    assert not len(coverage_table(replace(result, records=[])))
    assert "no records" in said(coverage_figure(replace(result, records=[])))


# files


def test_figures_of_a_result(result):
    stems = ["fold", "coverage", "heads", "track", "logo_01", "logo_02", "logo_03"]
    sites = ["positions_01", "head_sites_01", "loci_01", "positions_02", "head_sites_02", "loci_02"]
    assert list(result_figures(result)) == stems + sites  # no site of the third
    assert list(result_figures(empty_result())) == [*stems[:4], "logo_01"]
    assert list(result_figures(bare_result())) == ["coverage", "track"]


def test_best_match_has_the_lowest_e_value(result):
    worse = result.matches.iloc[[0]].assign(**{"E-value": 5.0, "Target_ID": "MA1141.2"})
    both = replace(result, matches=pd.concat([worse, result.matches], ignore_index=True))
    assert match_of(both, "motif_1")["Target_ID"] == "MA0139.2"
    assert match_of(both, NASTY) is None


def test_saved_files_are_the_same_byte_for_byte(result, tmp_path):
    paths = []
    for folder in ("one", "two"):
        figure = logo_figure(result.pwms["motif_1"])
        paths.append(save_figure(figure, tmp_path / folder, "logo", result.motifs))
    assert [p.name for p in paths[0]] == ["logo.svg", "logo.pdf", "logo.png", "logo.csv"]
    for one, two in zip(*paths, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_text_stays_text_in_svg_and_pdf(result, tmp_path):
    svg, pdf, _, csv = save_figure(
        fold_figure(result.motifs), tmp_path, "fold", result.motifs[["motif_id"]]
    )
    assert "attention_fold" in svg.read_text()
    assert "<dc:date>" not in svg.read_text()
    assert b"/FontFile2" in pdf.read_bytes()  # TrueType, embedded
    assert csv.read_text().startswith("motif_id\nmotif_1\n")
    size = re.search(r'width="([\d.]+)pt"', svg.read_text())
    assert size is not None
    assert float(size[1]) / 72 * 25.4 == pytest.approx(89 * 1.4, abs=0.5)


def test_the_users_own_style_is_neither_changed_nor_used(result, tmp_path):
    plain = save_figure(head_map(result.heads), tmp_path / "a", "x", result.heads)
    with mpl.rc_context({"font.size": 30, "xtick.labelsize": 30, "text.usetex": True}):
        before = dict(mpl.rcParams)
        other = save_figure(head_map(result.heads), tmp_path / "b", "x", result.heads)
        assert dict(mpl.rcParams) == before
    assert plain[0].read_bytes() == other[0].read_bytes()


def test_inline_svg_keeps_its_ids_to_itself(result):
    svg = inline_svg(fold_figure(result.motifs), "fold", 'a "b" <c>')
    assert svg.startswith("<svg ")
    assert 'aria-label="a &quot;b&quot; &lt;c>"' in svg
    assert all(name.startswith("fold-") for name in re.findall(r'\sid="([^"]+)"', svg))
    assert all(name.startswith("fold-") for name in re.findall(r'(?:href="|url\()#([^")]+)', svg))
    assert "<script" not in svg


def test_importing_the_package_loads_no_plotting():
    import subprocess
    import sys

    code = "import sys, nucel_interp; print({'matplotlib', 'plotly', 'pandas'} & set(sys.modules))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_clip_paths_are_named_by_order_and_not_by_place_in_memory():
    def drawn() -> str:
        figure = Figure()
        ax = figure.subplots()
        kept = [MplPath.unit_circle() for _ in range(3)]  # takes other places each time
        for i in range(2):
            patch = ax.add_patch(Rectangle((0, i), 1, 1))
            patch.set_clip_path(kept[i], ax.transData)
        return to_svg(figure)

    first, held = drawn(), [object() for _ in range(1000)]
    assert first == drawn()
    assert held
    assert '<clipPath id="clip1"' in first
    assert set(re.findall(r"url\(#(\w+)\)", first)) <= set(re.findall(r'id="(clip\d+)"', first))
