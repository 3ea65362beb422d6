"""The report's page read back: cells beside their words, hostile names, what is missing and why."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nucel_interp.api.find_motifs import MotifResult
from nucel_interp.compare.intervention.intervene import Intervention
from nucel_interp.report import build_report
from nucel_interp.report.methods import methods_paragraph
from nucel_interp.report.phrasing import unbroken
from tests.interp.fake_result import NASTY, RUN, empty_result, fake_result

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """Tags, addresses, scripts and the cells of every table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.loaded: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        found = [v or "" for k, v in attrs if k.split(":")[-1] in ("src", "href")]
        self.addresses += found
        self.loaded += found if tag != "a" else []  # a link is followed, and loads nothing
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "script":
            self.scripts.append("")
        elif tag == "br":
            self.handle_data(" ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts[-1] += data
        elif "style" in self.open:
            self.styles.append(data)
        else:
            self.text += data
            if "td" in self.open or "th" in self.open:
                self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def html() -> str:
    return build_report(fake_result(), RUN)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_file_can_be_mailed(html, page):
    assert len(html.encode()) < 6e6
    links = [a for a in page.addresses if not a.startswith(("#", "data:"))]
    assert set(links) == {f"https://jaspar.elixir.no/matrix/{i}" for i in ("MA0139.2", "MA1141.2")}
    assert not [a for a in page.loaded if not a.startswith(("#", "data:"))]
    assert not {"img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert page.tags.count("link") == 1  # the empty icon
    for style in page.styles:
        assert "@import" not in style
        assert "url(" not in style
    engine = [s for s in page.scripts if len(s) > 1e6]
    assert len(engine) == 1  # plotly.js itself
    assert sum("Plotly.newPlot(" in s for s in page.scripts if s not in engine) == 1


def test_every_cell_of_the_main_table(page):
    head, *rows = page.tables[0]
    assert len(head) == 5
    assert [len(row) for row in rows] == [5, 1] * 3  # each with the row that it opens
    assert [row[0].split()[0] for row in rows[:4:2]] == ["motif_1", "motif_2"]
    assert rows[4][0].startswith(NASTY)
    cells = [[" ".join(cell.split()) for cell in row[1:]] for row in rows[::2]]
    assert cells == [
        ["CTCF family: MA0139.2 CTCF, E = 1.2e-8", "97% 10%; q 6.0e-9",
         "yes head 2:0, AUROC 0.81 (0.78 to 0.84)", "both"],
        ["AP-1 family: MA1141.2 FOS::JUND, E = 2.1e-4", "33% 7%; q 0.004",
         "no heads 1:3/2:2, AUROC 0.50 (0.46 to 0.53)", "score"],
        ["a run of A", "40% 20%; q 0.03",
         "cannot tell head 0:1, AUROC 0.53 (0.47 to 0.59)", "sequence"],
    ]  # fmt: skip


def test_the_numbers_stand_beside_their_words(page):
    rows = {row[0]: row[1] for table in page.tables for row in table if len(row) == 2}
    wanted = {
        "sequences given": "60", "bases": "12,000", "units in half 2": "30",
        "heads in the score": "5", "seqlet threshold (z) in half 1": "1.73",
        "false discovery rate of seqlets in half 1": "0.0312", "matrices in it": "1,019",
        "motifs in the main table from shuffled input": "0", "command": " ".join(RUN["command"]),
    }  # fmt: skip
    assert {text: rows.get(text) for text in wanted} == wanted


def test_the_answer_is_read_before_anything_else(page):
    before = page.text[: page.text.index(fake_result().answer)]
    assert len(" ".join(before.split())) < 200  # title and one line about the input
    assert "Motifs in peaks.fa" in before


def test_no_line_ends_within_a_number():
    shown = unbroken("E = 1.2e-8, <b> 3e-10 pre-8 1e5")
    whole = '<span class="whole">{}</span>'.format
    assert shown == f"E = {whole('1.2e-8')}, &lt;b&gt; {whole('3e-10')} pre-8 1e5"


def hostile(name: str) -> tuple[MotifResult, dict[str, Any]]:
    """A result and a run where every text is the same."""
    full = fake_result(4)
    texts = {"best_match": name, "archetype": name, "consensus": name}
    result = replace(
        full,
        records=[replace(r, name=f"{name} {i}") for i, r in enumerate(full.records)],
        motifs=full.motifs.iloc[:1].assign(**texts),
        untested=full.untested.assign(**texts, reason=name),
        matches=full.matches.assign(
            Target_name=name, Target_group=name, archetype=name, archetype_members=name
        ),
        kmers=full.kmers.head(2).assign(kmer=name, reverse_complement=name, motif_id=name),
        targets={k: replace(m, name=name) for k, m in full.targets.items()},
        summary={k: name if isinstance(v, str) else v for k, v in full.summary.items()},
        warnings=[name],
    )
    run = {"inputs": [{"path": f"/data/{name}", "sha256": name}], "command": [name],
           "model": name, "versions": {name: name}, "backend_reason": name}  # fmt: skip
    return result, run


def test_a_hostile_name_stays_text(page):
    text = build_report(*hostile(EVIL))
    bad = Page(text)
    assert len(bad.scripts) == len(page.scripts)
    assert not [s for s in bad.scripts if s.strip().startswith("alert")]
    assert "<script>alert" not in text
    assert "img" not in bad.tags
    assert not [name for name, _ in bad.attributes if name.startswith("on")]
    # a file name ends after the last slash, so the end of this one is what the title has
    assert bad.text.count(EVIL) > 12


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("-", "standard input"),
        ("a/b/peaks.fa.gz", "peaks.fa.gz"),
        ("<script>alert(1)<.fa", "<script>alert(1)<.fa"),
    ],
)
def test_the_title_names_the_file(path, title):
    page = Page(build_report(fake_result(2), RUN | {"inputs": [{"path": path, "sha256": None}]}))
    assert f"Motifs in {title}\n" in page.text


@pytest.mark.parametrize(
    ("facts", "n_failed", "why"),
    [
        ({"n_units": 12, "n_records": 12}, 1, "12 sequences, 40 needed for a test"),
        ({"n_units": 40}, 1, "1 candidate failed the held-out test (listed below)"),
        ({}, 2, "2 candidates failed the held-out test (listed below)"),
        ({}, 0, "nothing stood out against shuffled sequence in either half"),
    ],
)
def test_an_empty_main_table_says_why(facts, n_failed, why):
    bare = empty_result()
    few = fake_result(3)
    result = replace(
        bare,
        records=few.records, track=few.track, replaced_logit=None, sites=few.sites,
        seqlets=few.seqlets, heads=few.heads.iloc[:0],
        untested=pd.concat(
            [bare.untested.assign(motif_id=name) for name in ("motif_4", "motif_1")[:n_failed]]
        ) if n_failed else bare.untested.iloc[:0],
        summary=bare.summary | facts,
    )  # fmt: skip
    page = Page(build_report(result, RUN))
    assert f"The main table is empty: {why}." in page.text
    assert ("Motifs not in the main table" in page.text) == bool(n_failed)
    assert page.text.index(result.answer) < page.text.index("The main table is empty")


@pytest.mark.parametrize(
    "score", ["attention", "attention-global", "discriminator", "track", "3:0"]
)
def test_methods_without_a_fact(score):
    known = fake_result(2).summary | {"score": score}
    for key in known:
        absent = {k: v for k, v in known.items() if k != key}
        for facts in (absent, known | {key: None}, known | {key: np.nan}):
            assert not re.search(r"\b(None|nan)\b", methods_paragraph(facts, {})), key


def test_a_head_alone_is_named_as_the_score():
    result = fake_result(2)
    page = Page(build_report(replace(result, summary=result.summary | {"score": "3:0"}), RUN))
    assert "score: attention of head 3:0" in page.text
    assert "score: attention of head" not in Page(build_report(result, RUN)).text


def test_missing_facts_are_dashes_on_the_page():
    full = fake_result(2)
    known = {"answer": "An answer.", "n_records": 2, "seqlet_fdr_1": float("nan"), "top_E": None}
    page = Page(build_report(replace(full, summary=known), {}))
    rows = {row[0]: row[1] for table in page.tables for row in table if len(row) == 2}
    assert rows["sequences given"] == "2"
    assert rows["bases"] == rows["false discovery rate of seqlets in half 1"] == "–"
    assert not re.search(r"\b(None|nan|inf)\b", re.sub("None was over-repr", "", page.text))


def test_methods_hold_the_numbers_of_this_run():
    facts = fake_result(2).summary | {
        "n_records": 123456, "shuffled_copies": 17, "n_heads_chosen": 11, "seed": 99,
        "n_discovery": 1234, "n_test": 4321, "n_targets": 987, "shuffled_input_motifs": 6,
        "database": "JASPAR 2099", "model": "nucel-other", "seqlet_fdr_2": 0.0456,
    }  # fmt: skip
    text = methods_paragraph(facts, {"versions": {"nucel-interp": "7.8.9", "memelite": "3.2.1"}})
    for part in (
        "123,456 sequences", "17 dinucleotide", "the 11 heads", "Seed 99.", "(1,234 and 4,321)",
        "JASPAR 2099 (987 matrices)", "gave 6 motifs", "nucel-other", "0.0456 in half 2",
        "nucel-interp 7.8.9", "memelite 3.2.1",
    ):  # fmt: skip
        assert part in text, part
    forward = methods_paragraph(facts | {"strand": "+"}, {})
    assert ("both strands" in text, "both strands" in forward) == (True, False)
    assert "discriminator's log-odds" in methods_paragraph(facts | {"score": "discriminator"}, {})
    assert "from head 3:0 (layer, head, from 0)" in methods_paragraph(facts | {"score": "3:0"}, {})
    assert "all global heads" in methods_paragraph(facts | {"score": "attention-global"}, {})
    assert "tokens of 6 bases" in methods_paragraph(facts | {"token_bp": 6}, {})
    assert "tokens" not in methods_paragraph(facts | {"token_bp": 1}, {})


def test_an_intervention_stands_in_the_report_with_its_numbers_and_its_balance():
    effect = {
        "measure": "discriminator", "n": 57, "seqlet": 0.031, "control": 0.024,
        "median_ratio": 1.27, "ratio_low": 1.1, "ratio_high": 1.43, "mean_difference": 0.007,
        "difference_low": 0.003, "difference_high": 0.01, "share_higher": 0.68, "p": 4.2e-4,
    }  # fmt: skip
    effect["input"] = "given"
    rows = [
        effect | {"measure": m} for m in ("discriminator", "embedding", "random_control_embedding")
    ]
    excess = {"measure": "embedding", "ratio": 1.3, "low": 1.1, "high": 1.5,
              "n_given": 57, "n_shuffled": 40}  # fmt: skip
    balance = {"property": "gc", "seqlet": 0.52, "control": 0.51, "standardised_difference": 0.04}
    found = Intervention(
        table=pd.DataFrame({"input": ["given"] * 57}), effects=pd.DataFrame(rows),
        excess=pd.DataFrame([excess]), balance=pd.DataFrame([balance]), n_with_seqlet=60,
        n_tried=60,
    )  # fmt: skip
    page = Page(build_report(fake_result(2), RUN, found))
    assert found.sentence in page.text
    cells = [
        row
        for table in page.tables
        for row in table
        if row[0] == "random weights, embedding, sequences"
    ]
    assert " ".join(cells[0][4].split()) == "1.27 1.10 to 1.43"
    assert ["gc", "0.52", "0.51", "0.04"] in [r for t in page.tables for r in t]
    without = Page(build_report(fake_result(2), RUN))
    assert "Does it matter where the model looks?" not in without.text


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"method": "kmer", "score": "none"}, "no score was looked at"),
        ({"method": "dnabert", "score": "cls-row"}, "[CLS] row"),
        ({"method": "cluster"}, "Leiden"),
    ],
)
def test_methods_name_the_method(facts, said):
    assert said in methods_paragraph(fake_result(2).summary | facts, {})
