"""The report: one page, the answer first, nothing from outside, nothing unescaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from nucel_interp.report import build_report
from nucel_interp.report.methods import methods_paragraph
from nucel_interp.report.phrasing import Facts, interval, number, share
from tests.interp.fake_result import NASTY, RUN, bare_result, empty_result, fake_result

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Checks nesting and gathers text and addresses; SVG and scripts included."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)
            assert not name.startswith("on")

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def html():
    return build_report(fake_result(), RUN)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_whole_and_needs_nothing_from_outside(page):
    assert page.open == []
    links = [a for a in page.addresses if not a.startswith(("#", "data:"))]
    assert links
    assert all(re.fullmatch(r"https://jaspar\.elixir\.no/matrix/MA\d{4}\.\d", a) for a in links)
    own = [name for name in page.ids if not name.startswith("base-")]
    assert len(own) == len(set(own))
    targets = {a[1:] for a in page.addresses if a.startswith("#")}
    assert targets <= set(page.ids)


def test_sections_come_in_order_with_the_answer_first(page):
    marks = [
        "Motifs in peaks.fa",
        fake_result().answer,
        "they stay in the same half",
        "Motifs in the sequences, and whether they are looked at",
        "motif_1: logos, places, heads, loci, numbers",
        "How to read it",
        "base by base",
        "Where seqlets and sites lie",
        "How high is the score at the motif",
        "The heads that make the score",
        "High-scoring k-mers",
        "Motifs not in the main table",
        "Numbers and controls",
        "The same files as in the folder",
        "Methods, for a paper",
        "model sha256",
    ]
    places = [page.text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_main_table_has_the_numbers_as_people_write_them(html):
    table = html[html.index('<table class="sort cards main"') :]
    table = Page(table[: table.index("</table>") + 8]).text
    for words in ("MA0139.2 CTCF", "1.2e-8", "6.0e-9", "97%", "10%", "0.78 to 0.84",
                  "4.10 to 7.32", "1.13", "0.82 to 1.49", "1.42", "1.01"):  # fmt: skip
        assert words in table, words
    assert "0.9667" not in table
    assert "nan" not in table.lower()


def test_names_are_escaped_everywhere(html, page):
    assert NASTY in page.text  # shown as it is
    assert NASTY not in html  # never as markup
    assert "<script>alert" not in html
    assert page.scripts == len(re.findall(r"<script", html))
    name = "peak <script>alert('x')</script> $5 & more"
    hostile = fake_result()
    hostile.summary["answer"] = hostile.warnings[0] = name
    assert name not in build_report(hostile, RUN | {"command": [name], "model": name})


def test_plotly_is_there_once(html):
    assert html.count("plotly.js v") == 1
    assert html.count("Plotly.newPlot(") == 1
    assert len(html) < 8e6


def test_logos_reuse_four_shapes(html):
    assert html.count('<path id="base-A"') == 1
    assert html.count('href="#base-') > 50


def test_two_runs_give_the_same_page(html):
    assert build_report(fake_result(), RUN) == html


def test_empty_main_table_is_said_first_and_the_rest_is_shown():
    text = Page(build_report(empty_result(), RUN)).text
    empty = text.index("The main table is empty: 1 candidate failed the held-out test")
    assert text.index("No motif passed the held-out test") < empty
    assert empty < text.index("base by base") < text.index("enrichment_q 0.41, not below 0.01")


def test_a_run_with_next_to_nothing_still_has_a_page():
    page = Page(build_report(bare_result(), {}))
    assert page.open == []
    assert "No motifs: 1 sequence, 40 needed." in page.text
    assert "None" not in page.text.replace("None was over-represented", "")
    assert "–" in page.text


def test_provenance_says_what_the_page_was_made_of(page):
    for words in ("nucel-interp motifs peaks.fa -o out", "9f2c" * 16, "torch 2.13.0",
                  "reductions are asked for", "74.3", "ab" * 32):  # fmt: skip
        assert words in page.text, words


def test_methods_hold_this_runs_numbers():
    text = methods_paragraph(fake_result().summary, RUN)
    for words in ("60 sequences (12,000 bases)", "the 5 heads", "split by chromosome",
                  "two halves (30 and 30)", "0.0312", "JASPAR CORE 2026 (1,019 matrices)",
                  "shuffled input gave 0 motifs", "Seed 0."):  # fmt: skip
        assert words in text, words
    assert "no threshold reached" in methods_paragraph(empty_result().summary, RUN)
    track = methods_paragraph(fake_result().summary | {"score": "track"}, RUN)
    assert "track given by the user" in track
    assert "attention each base receives" not in track


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (float("nan"), "–"), (float("inf"), "–"), ("", "–"), (True, "yes"),
        (0, "0"), (0.0, "0"), (1, "1"), (1019, "1,019"), (0.9712345, "0.971"), (1.23e-8, "1.2e-8"),
        (0.0312, "0.0312"), (12345.6, "12,346"), (-4.5, "-4.5"), ("text", "text"),
    ],
)  # fmt: skip
def test_numbers_are_formatted_for_people(value, shown):
    assert number(value) == shown


def test_shares_intervals_and_missing_facts():
    assert share(0.966) == "97%"
    assert interval(0.5, float("nan")) == ""
    assert interval(0.5, 1.255) == "0.50 to 1.25"
    assert Facts(a=1)["b"] is None
