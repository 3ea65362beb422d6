"""What a row of the main table opens, what stands beside the table, and how the page is used."""

from __future__ import annotations

import html as escapes
import json
import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from nucel_interp.analysis.tables import ATTENDED
from nucel_interp.io.meme import read_meme, write_meme
from nucel_interp.io.tables import to_bed, to_tsv
from nucel_interp.report import build_report
from nucel_interp.report.downloads import MOST_CHARACTERS, downloads
from nucel_interp.report.panels import evidence, jaspar, linked, numbers, panel, verdict_rank
from nucel_interp.types import CONTROL_COLUMNS, Motif
from tests.interp.fake_result import NASTY, RUN, bare_result, fake_result, pwm_of
from tests.interp.report.test_report import Page

BEYOND = {
    "motif": "motif_1 CCAC", "score": "best head", "heads": "2:0", "control_heads": "1:1",
    "beyond_place": 0.21, "beyond_place_low": 0.18, "beyond_place_high": 0.24,
    "beyond_composition": 0.1, "beyond_composition_low": 0.05, "beyond_composition_high": 0.15,
}  # fmt: skip


def with_controls():
    rows = [
        {**BEYOND, "motif": "motif_10 AC", "beyond_place": 0.9},
        {**BEYOND, "score": "attention score", "beyond_place": 0.8},
        BEYOND,
    ]
    return replace(fake_result(), controls=pd.DataFrame(rows, columns=CONTROL_COLUMNS))


def attended():
    """A result in which the score is high on motifs that are hardly enriched."""
    full = fake_result()
    one = full.untested.assign(
        motif_id="motif_5", consensus="CACACACA", identity="a repeat of CA", found_by="score",
        hits=9, hits_shuffled=1.5, hits_q=1e-4, test_sequences=30, enrichment_q=0.2,
        low_complexity=0.9, soft_masked=0.75, reason=f"{ATTENDED}: hits q 0.0001, below 0.01, but",
    )  # fmt: skip
    return replace(
        full,
        untested=pd.concat([full.untested, one], ignore_index=True),
        pwms={**full.pwms, "motif_5": Motif("motif_5", pwm_of("CACACACA"))},
    )


@pytest.fixture(scope="module")
def html() -> str:
    return build_report(with_controls(), RUN)


def first_row(result) -> dict:
    return result.motifs.to_dict("records")[0]


def test_the_numbers_of_a_panel_are_those_of_the_tables():
    result = with_controls()
    shown = {
        label: value
        for _, pairs in panel(result, first_row(result), 1)["numbers"]
        for label, value in pairs
    }
    wanted = {
        "held-out sequences with a site": "97% of 30", "shuffled copies with a site": "10%",
        "enrichment q": "6.0e-9", "against 3-mer shuffles, q": "1.2e-7",
        "halves that found it, that passed": "2, 2", "sites in all sequences": "33",
        "median distance from the centre": "6.5 bp", "on the + strand": "55%",
        "verdict": "yes", "head (on half 1 / half 2)": "2:0",
        "AUROC at the sites": "0.81 (0.78 to 0.84)", "beyond place": "0.21 (0.18 to 0.24)",
        "beyond composition": "0.10 (0.05 to 0.15)", "beyond random control": "–",
        "attention at the sites, fold": "4.20 (3.10 to 5.30)",
        "the control's best head, fold": "1.10 (0.90 to 1.30)",
        "in high-scoring stretches (seqlets)": "26 sequences",
        "the same in shuffled copies": "3.25, q 3.3e-7",
        "attention_fold of the score": "5.63 (4.10 to 7.32)",
        "of random weights": "1.13 (0.82 to 1.49)", "best match, E": "1.2e-8",
        "q over all pairs": "3.4e-8", "width": "15 bp", "information": "19.7 bits",
    }  # fmt: skip
    assert {label: shown.get(label) for label in wanted} == wanted


def test_what_was_not_measured_is_a_dash_in_a_panel():
    row = dict.fromkeys(first_row(fake_result()), np.nan)
    for _, pairs in numbers({**row, "motif_id": "m", "best_head": "", "looked_at": ""}):
        for label, value in pairs:
            assert "nan" not in value, label
            assert "–" in value, label


def test_a_panel_has_logos_on_both_strands_matches_and_a_matrix():
    one = panel(fake_result(), first_row(fake_result()), 1)
    assert [strand for strand, _ in one["pairs"]] == ["one strand", "the other strand"]
    above, turned = (str(svg) for _, svg in one["pairs"])
    assert above.count("<use") == turned.count("<use") > 2 * 15
    letters = [
        re.findall(r'base-([ACGT])" transform="translate\((\d+)', s) for s in (above, turned)
    ]
    width = 19  # of the target, two columns wider on either side
    complement = {
        (b.translate(str.maketrans("ACGT", "TGCA")), width - 1 - int(x)) for b, x in letters[0]
    }
    assert {(b, int(x)) for b, x in letters[1]} == complement
    assert [str(m["link"]) for m in one["matches"]] == [str(jaspar("MA0139.2"))]
    assert one["meme"] == write_meme([fake_result().pwms["motif_1"]])
    nameless = panel(fake_result(), fake_result().motifs.to_dict("records")[2], 3)
    assert len(nameless["pairs"]) == 1
    assert nameless["matches"] == []
    assert nameless["figures"] == {}


def test_sites_are_drawn_for_the_first_motifs_alone():
    result, row = fake_result(), first_row(fake_result())
    assert list(panel(result, row, 6)["figures"]) == ["positions", "head_sites", "loci"]
    later = panel(result, row, 7)
    assert (later["figures"], later["loci"]) == ({}, [])
    assert later["numbers"]


@pytest.mark.parametrize(
    ("text", "best", "shown"),
    [
        ("CTCF family: MA0139.2 CTCF", "MA0139.2 CTCF",
         'CTCF family: <a href="https://jaspar.elixir.no/matrix/MA0139.2" rel="noopener">MA0139.2'
         "</a> CTCF"),
        ("<b>: mine 1", "mine 1", "&lt;b&gt;: mine 1"),
        ("x: MA01\" onclick=\"x.2", 'MA01" onclick="x.2', "x: MA01&#34; onclick=&#34;x.2"),
        ("a run of A", np.nan, "a run of A"),
    ],
)  # fmt: skip
def test_only_a_jaspar_matrix_is_linked(text, best, shown):
    assert linked(text, best) == shown


def test_rows_sort_by_verdict_then_by_auroc():
    rows = fake_result().motifs.to_dict("records")
    ranks = [verdict_rank(row) for row in rows]
    assert ranks[0] > ranks[2] > ranks[1]  # yes, cannot tell, no
    unknown = {**rows[0], "head_auroc": np.nan}
    assert np.isnan(verdict_rank(unknown))
    assert evidence(unknown) == ""
    assert evidence({**rows[0], "best_head": ""}) == "AUROC 0.81 (0.78 to 0.84)"  # a track


def test_cells_carry_what_they_are_sorted_by(html):
    table = html[html.index('id="main"') : html.index("</table>", html.index('id="main"'))]
    bodies = table.split("<tbody>")[1:]
    assert len(bodies) == 3  # a row and what it opens are sorted together
    keys = [re.findall(r'<td[^>]*data-v="([^"]*)"', body) for body in bodies]
    assert [key[0] for key in keys] == ["1", "2", "3"]
    assert [float(key[1]) for key in keys] == fake_result().motifs["found_in"].tolist()
    assert [float(key[2]) for key in keys] == pytest.approx([2.405, 0.25, 1.265])
    assert all(body.count("<details>") == 1 for body in bodies)


def test_the_page_carries_the_files_of_the_folder(html):
    result = with_controls()
    held = {
        name: escapes.unescape(text)
        for name, text in re.findall(r'<pre hidden id="file-([^"]+)">(.*?)</pre>', html, re.DOTALL)
    }
    assert held["motifs.tsv"] == to_tsv(result.motifs)
    assert held["motifs_untested.tsv"] == to_tsv(result.untested)
    assert held["controls.tsv"] == to_tsv(result.controls)
    assert held["head_sites.tsv"] == to_tsv(result.head_sites)
    assert held["sites.bed"] == to_bed(result.sites)
    ids = [*result.motifs["motif_id"], *result.untested["motif_id"]]
    assert held["motifs.meme"] == write_meme([result.pwms[i] for i in ids])
    page = Page(html)
    buttons = re.findall(r'<button[^>]* data-(?:save|copy)="([^"]+)"', html)
    assert buttons
    assert set(buttons) <= set(page.ids)
    assert "a motif<script>" not in html


def test_a_matrix_from_the_page_can_be_read_again(html, tmp_path):
    text = re.search(r'<pre hidden id="meme-1">(.*?)</pre>', html, re.DOTALL)
    assert text is not None
    path = tmp_path / "one.meme"
    path.write_text(escapes.unescape(text[1]))
    (one,) = read_meme(path)
    np.testing.assert_allclose(one.pwm, fake_result().pwms["motif_1"].pwm, atol=1e-5)


def test_files_too_long_for_a_page_are_left_to_the_folder():
    result = fake_result()
    many = pd.concat([result.sites] * 200, ignore_index=True)
    held = {one.name: one.text for one in downloads(replace(result, sites=many))}
    assert held["sites.bed"] is None
    assert held["motifs.tsv"]
    assert all(len(text) <= MOST_CHARACTERS for text in held.values() if text)
    assert 'sites.bed</code> <span class="soft">is too large' in build_report(
        replace(result, sites=many), RUN
    )
    assert [one.name for one in downloads(bare_result())] == ["head_sites.tsv"]  # no empty ones


def test_what_the_score_is_high_on_besides_has_a_section_of_its_own():
    text = Page(build_report(attended(), RUN)).text
    besides = text.index("What the score is high on besides")
    rest = text.index("Motifs not in the main table")
    assert besides < text.index("CACACACA") < rest < text.index("GCGCGC", rest)
    shown = text[besides:rest]
    for words in ("a repeat of CA", "9 of 30", "1.5; q 1.0e-4", "q 0.2", "90%", "75%"):
        assert words in shown, words
    assert "CACACACA" not in text[rest : text.index("Numbers and controls")]
    assert "1 motif, with the reason" in text
    assert "high on besides" not in Page(build_report(fake_result(), RUN)).text


def test_the_menu_of_sequences_is_a_list_that_the_keyboard_reaches(html):
    options = re.findall(r'<option data-change="([^"]*)">([^<]*)</option>', html)
    assert len(options) == 12
    shown, layout = json.loads(escapes.unescape(options[3][0]))
    assert shown["visible"].count(True) == 6
    assert {"title.text", "xaxis.range"} < layout.keys()
    assert '"updatemenus"' not in html[html.index("Plotly.newPlot(") :]
    assert '<select data-shows="browser">' in html


def test_contents_lead_to_every_section(html):
    page = Page(html)
    listed = re.findall(r'<li><a href="#([^"]+)">', html)
    assert listed == re.findall(r'<section id="([^"]+)">', html)
    assert set(listed) <= set(page.ids)
    assert html.index('class="answer"') < html.index("<nav")


def style(media: str) -> str:
    """The rules of a media query of the page's style."""
    css = (files("nucel_interp.report") / "page.css").read_text(encoding="utf-8")
    start = css.index(f"@media {media}")
    depth = 0
    for end in range(css.index("{", start), len(css)):
        depth += {"{": 1, "}": -1}.get(css[end], 0)
        if depth == 0:
            return re.sub(r"\s+", " ", css[start:end])
    raise AssertionError(f"the rules of {media} do not end")


def test_narrow_screens_get_blocks_and_paper_gets_everything():
    narrow = style("(max-width: 600px)")
    assert re.search(r"table\.cards td \{ display: block", narrow)
    assert "td[data-label]::before { content: attr(data-label)" in narrow
    paper = style("print")
    assert ".noprint, .drawn > button { display: none; }" in paper
    assert "details::details-content { content-visibility: visible" in paper
    assert "--paper" in style("(prefers-color-scheme: dark)")
    script = (files("nucel_interp.report") / "page.js").read_text(encoding="utf-8")
    assert "beforeprint" in script


def test_every_table_with_titles_becomes_blocks(html):
    for start in re.finditer(r"<table[^>]*>\s*<thead>", html):
        assert "cards" in start[0]


def test_a_page_weighs_little_beside_plotly(html):
    engine = max(re.findall(r"<script[^>]*>.*?</script>", html, re.DOTALL), key=len)
    assert len(html) - len(engine) < 1.2e6


def test_names_in_panels_stay_text(html):
    assert NASTY not in html
    assert f'data-name="{escapes.escape(NASTY)}.meme"' in html.replace("&#39;", "'")
