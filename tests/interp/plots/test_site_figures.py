"""Figures of one motif's sites: where they lie, every head at them, single loci."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nucel_interp.plots import (
    head_sites_figure,
    head_sites_table,
    inline_svg,
    loci_figure,
    loci_table,
    position_figure,
    position_table,
    site_figures,
    site_loci,
)
from nucel_interp.plots.site_loci import shown_place
from nucel_interp.scoring.scores import Scores
from nucel_interp.types import (
    CONTROL_COLUMNS,
    HEAD_SITE_COLUMNS,
    SITE_COLUMNS,
    Location,
    Record,
)
from tests.interp.fake_result import bare_result, fake_result

N_HEADS, N_LAYERS = 2, 3


def made(heads: str = "2:1/0:0", length: int = 100, n: int = 6, *, scores: bool = True):
    """Records with one site each, all in the genome; attention is high at most of the sites.

    Head 2:1 is 1 elsewhere and ``i`` at the site of record i; head 0:0 is half of that.
    """
    records = [
        Record(f"r{i}", "ACGTA" * (length // 5), Location("chr1", 1000 * i, 1000 * i + length))
        for i in range(n)
    ]
    rows = [
        ["chr1", 1000 * i + 40, 1000 * i + 50, "m", 500, "+-"[i % 2], 1e-6, f"r{i}", 1, "12"[i % 2]]
        for i in range(n)
    ]
    rows.append(["chr1", 5, 15, "m", 400, "+", 1e-5, "r0", 1, "1"])  # a weaker one
    received = np.ones((N_HEADS * N_LAYERS, n * length), dtype=np.float16)
    for i in range(n):
        received[5, i * length + 40 : i * length + 50] = i
        received[0, i * length + 40 : i * length + 50] = i / 2
    nothing = np.zeros(N_HEADS * N_LAYERS)
    attention = Scores(
        np.arange(n + 1) * length, received, None, nothing, nothing, nothing, nothing
    )
    bare = bare_result()
    motifs = bare.motifs.reindex([0]).assign(motif_id="m", best_head=heads)
    return replace(
        bare,
        records=records,
        motifs=motifs,
        sites=pd.DataFrame(rows, columns=SITE_COLUMNS),
        scores=attention if scores else None,
        n_layers=N_LAYERS if scores else 0,
        track=received[5].astype(np.float32),
    )


def test_positions_are_of_the_best_site_of_each_record_by_strand():
    table = position_table(made(), "m")
    assert table["unit"].unique().tolist() == ["bp"]
    assert table["n_sites"].unique().tolist() == [6]
    at = table[(table["plus"] > 0) | (table["minus"] > 0)]
    assert at["position"].tolist() == [-2.5]  # middles lie 5 bp left of the centre: bin -5 to 0
    assert (at["plus"].item(), at["minus"].item()) == (0.5, 0.5)
    for name in ("plus", "minus"):
        assert table[name].sum() == pytest.approx(0.5)
    assert table["uniform"].sum() == pytest.approx(1)
    # a site of 10 bp has its middle at least 5 bp from either end
    assert table["uniform"].tolist()[0] == 0
    assert table["uniform"].tolist()[10] == pytest.approx(5 / 90)


def test_positions_turn_with_the_strand_of_the_record():
    one = made()
    turned = [
        replace(r, location=replace(r.location, strand="-")) for r in one.records if r.location
    ]
    table = position_table(replace(one, records=turned), "m")
    at = table[table["plus"] + table["minus"] > 0]
    assert at["position"].tolist() == [7.5]  # 50 to 60 of the record as it reads


def test_positions_of_records_of_many_lengths_are_fractions():
    one = made()
    longer = [Record(r.name, r.sequence * (i + 1), r.location) for i, r in enumerate(one.records)]
    places = [
        replace(r, location=Location("chr1", 1000 * i, 1000 * i + len(r)))
        for i, r in enumerate(longer)
    ]
    table = position_table(replace(one, records=places), "m")
    assert table["unit"].unique().tolist() == ["fraction"]
    assert table["position"].tolist()[0] == pytest.approx(-0.475)
    assert table[["plus", "minus"]].to_numpy().sum() == pytest.approx(1)


def test_position_bars_show_the_table():
    table = position_table(fake_result(), "motif_1")
    ax = position_figure(table).axes[0]
    heights = [[bar.get_height() for bar in bars] for bars in ax.containers]
    np.testing.assert_allclose(heights, 100 * table[["plus", "minus"]].to_numpy().T)
    assert "n = 60" in ax.get_ylabel()


def heads_of(chosen: str = "0:1", control: str = "1:0/1:1"):
    one = made(chosen)
    rows = [
        ["m", layer, head, "local", 0.5 + 0.1 * layer + 0.01 * head, 0.5]
        for layer in range(2)
        for head in range(2)
    ]
    other = [["m2", 0, 0, "local", 0.9, 0.9]]
    controls = [
        {"motif": "m ACGT", "score": "best head", "control_heads": control},
        {"motif": "m ACGT", "score": "attention score", "control_heads": "0:0"},
        {"motif": "m2 ACGT", "score": "best head", "control_heads": "0:0"},
    ]
    return replace(
        one,
        head_sites=pd.DataFrame([*rows, *other], columns=HEAD_SITE_COLUMNS),
        controls=pd.DataFrame(controls, columns=CONTROL_COLUMNS),
    )


def outlined(ax) -> set[tuple[int, int]]:
    """(layer, head) of each box."""
    return {(round(p.get_y() + 0.44), round(p.get_x() + 0.44)) for p in ax.patches}


def test_the_map_of_heads_shows_the_table_and_outlines_what_was_chosen():
    table = head_sites_table(heads_of(), "m")
    assert len(table) == 4
    assert table["chosen"].tolist() == [False, True, False, False]
    assert table["random_control_chosen"].tolist() == [False, False, True, True]
    model, control, _ = head_sites_figure(table).axes
    np.testing.assert_allclose(model.images[0].get_array(), [[0.5, 0.51], [0.6, 0.61]])
    np.testing.assert_allclose(control.images[0].get_array(), np.full((2, 2), 0.5))
    assert (outlined(model), outlined(control)) == ({(0, 1)}, {(1, 0), (1, 1)})
    for ax in (model, control):  # one scale, 0.5 in its middle
        assert ax.images[0].get_clim() == pytest.approx((0.39, 0.61))
    assert model.get_position().width > control.get_position().width


def test_noise_about_one_half_is_pale():
    table = head_sites_table(heads_of(), "m").assign(auroc=0.51)
    low, high = head_sites_figure(table).axes[0].images[0].get_clim()
    assert (low, high) == (pytest.approx(0.4), pytest.approx(0.6))


def test_without_a_control_its_map_is_left_out():
    table = head_sites_table(heads_of(), "m").assign(random_control_auroc=np.nan)
    assert len(head_sites_figure(table).axes) == 2  # the model, and the scale
    nothing = head_sites_figure(table.assign(auroc=np.nan))
    assert "no head was measured" in nothing.axes[0].texts[0].get_text()


def test_loci_are_the_three_highest_and_the_lowest_by_the_head_of_their_half():
    loci = site_loci(made("2:1/0:0"), "m")
    # records 0, 2, 4 are measured with 2:1 (0, 2, 4 times), 1, 3, 5 with 0:0 (0.5, 1.5, 2.5)
    assert [one.record.name for one in loci] == ["r4", "r5", "r2", "r0"]
    assert [one.head for one in loci] == ["2:1", "0:0", "2:1", "2:1"]
    assert [one.ratio for one in loci] == pytest.approx([4, 2.5, 2, 0])
    assert [(one.rank, one.of) for one in loci] == [(1, 6), (2, 6), (3, 6), (6, 6)]
    assert loci[0].words == "4.0 times the attention elsewhere, highest of 6"
    assert loci[1].words == "2.5 times the attention elsewhere, number 2 of 6"
    assert loci[3].words == "0.0 times the attention elsewhere, lowest of 6"
    assert (loci[0].start, loci[0].end, loci[0].span) == (40, 50, (9, 81))
    assert loci[0].place == "chr1:4,010-4,081"


def test_a_half_without_a_head_has_no_locus():
    assert {one.record.name for one in site_loci(made("2:1/-"), "m")} == {"r0", "r2", "r4"}
    assert {one.head for one in site_loci(made("2:1"), "m")} == {"2:1"}


def test_without_heads_the_score_itself_is_shown():
    loci = site_loci(made("", scores=False), "m")
    assert [one.record.name for one in loci] == ["r5", "r4", "r3", "r0"]
    assert loci[0].ratio == pytest.approx(4)  # 5 at the site, 1 elsewhere
    assert loci[0].words == "+4.00 above the rest of the sequence, highest of 6"
    assert loci_figure(loci).axes[0].get_ylabel() == "score (z)"


def test_loci_show_letters_below_the_track_and_the_site_shaded():
    loci = site_loci(made(), "m")
    table = loci_table(loci)
    first = table[table["locus"] == 1]
    assert "".join(first["base"]) == loci[0].record.sequence[9:81]
    assert first["position"].tolist() == list(range(9, 81))
    assert first["value"].tolist() == [4.0 if 40 <= i < 50 else 1.0 for i in range(9, 81)]
    assert first.loc[first["in_site"], "position"].tolist() == list(range(40, 50))
    ax = loci_figure(loci).axes[0]
    letters = {line.get_color(): line.get_xdata().tolist() for line in ax.lines[1:]}
    assert len(letters) == 4
    assert sorted(x for at in letters.values() for x in at) == list(range(10, 82))  # from 1
    shade = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (shade.x0, shade.x1) == (pytest.approx(40.5), pytest.approx(50.5))
    assert ax.get_title(loc="left").startswith("chr1:4,010-4,081 (+ strand): 4.0 times")


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (None, "r:11-20"),
        (Location("chr2", 1000, 1100), "chr2:1,011-1,020"),
        (Location("chr2", 1000, 1100, "-"), "chr2:1,081-1,090"),
    ],
)
def test_places_are_written_as_genome_browsers_do(place, shown):
    assert shown_place(Record("r", "A" * 100, place), 10, 20) == shown


def test_a_site_at_the_end_of_a_short_record_is_drawn_as_far_as_it_goes():
    one = made(length=60)
    assert {locus.span for locus in site_loci(one, "m")} == {(0, 60)}
    assert len(loci_figure(site_loci(one, "m")).axes) == 4


def test_what_would_be_empty_is_left_out():
    assert list(site_figures(made(), "m")) == ["positions", "loci"]
    assert list(site_figures(heads_of(), "m")) == ["positions", "head_sites", "loci"]
    assert list(site_figures(made(), "another")) == []
    for figure in (position_figure(position_table(made(), "x")), loci_figure([])):
        assert figure.axes[0].texts[0].get_text().startswith("no site")


def test_a_figure_on_the_page_is_light():
    svg = inline_svg(loci_figure(site_loci(fake_result(), "motif_1")), "x", "loci")
    assert len(svg) < 90_000
    assert svg.count("<use") > 4 * 60  # a letter is a shape that is used
