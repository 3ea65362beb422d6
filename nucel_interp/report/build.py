"""Fill the report's template: figures as inline SVG, one plotly figure, tables, provenance."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from nucel_interp.analysis.result import MotifAnalysis
from nucel_interp.compare.intervention.intervene import Intervention
from nucel_interp.controls.beyond import EFFECT
from nucel_interp.plots import (
    browser_figure,
    browser_records,
    coverage_figure,
    fold_figure,
    glyph_symbols,
    head_map,
    logo_figure,
    logo_svg,
    match_of,
)
from nucel_interp.plots.controls import MOST_MOTIFS
from nucel_interp.report.methods import methods_paragraph
from nucel_interp.report.page import (
    figure_markup,
    fill,
    input_title,
    plotly_markup,
    provenance,
    rows_of,
)
from nucel_interp.report.phrasing import Facts
from nucel_interp.scoring.units import in_words

MOST_ALIGNMENTS = 8
MOST_KMERS = 20
MOST_UNTESTED = 50

_EXPLAINED = {
    "n_records": "sequences given",
    "n_bases": "bases",
    "n_units": "units of statistics (sequences, or stretches of long ones)",
    "method": "method",
    "split_rule": "halves, each tested with what the other gave",
    "n_discovery": "units in half 1",
    "n_test": "units in half 2",
    "score": "score",
    "model": "model",
    "strand": "strands",
    "n_heads_chosen": "heads in the score",
    "shuffled_copies": "shuffled copies of each sequence",
    "seqlet_threshold_1": "seqlet threshold (z) in half 1",
    "seqlet_threshold_2": "seqlet threshold (z) in half 2",
    "seqlet_fdr_1": "false discovery rate of seqlets in half 1",
    "seqlet_fdr_2": "false discovery rate of seqlets in half 2",
    "seqlet_fdr_reached": "are both at most 0.05",
    "n_seqlets": "seqlets",
    "shuffled_input_seqlets": "seqlets in shuffled input",
    "cluster_stability": "agreement of clusterings from five random starts (adjusted Rand index)",
    "n_motifs": "motifs in the main table",
    "shuffled_input_motifs": "motifs in the main table from shuffled input",
    "n_untested": "motifs that failed or could not be tested",
    "database": "motif collection",
    "n_targets": "matrices in it",
    "scanner": "scanner for motif sites",
}


def build_report(
    result: MotifAnalysis,
    run: dict[str, Any],
    intervention: Intervention | None = None,
    *,
    title: str | None = None,
) -> str:
    """The whole page as text.

    Args:
        result: Motifs, seqlets and tables that `analyse_motifs` found.
        run: The content of run.json (see `io.provenance.run_info`).
        intervention: Result of `intervene`; None if it was not run.
        title: Name of the input in the title; default the name of the first input.
    """
    facts = Facts(result.summary)
    shown = result.motifs if len(result.motifs) else result.untested
    return fill(
        "template.html",
        answer=result.answer,
        warnings=result.warnings,
        facts=facts,
        counted=in_words(facts["n_units"] or 0, facts["n_records"] or 0),
        title=title or input_title(run),
        glyphs=Markup(glyph_symbols()),
        main=[_row(result, row) for row in rows_of(result.motifs)],
        untested=[_row(result, row) for row in rows_of(result.untested.head(MOST_UNTESTED))],
        n_untested=len(result.untested),
        fold=figure_markup(fold_figure(shown), "fold", "attention fold of each motif", 1.6)
        if shown["attention_fold"].head(MOST_MOTIFS).notna().any()
        else "",
        coverage=figure_markup(
            coverage_figure(result), "coverage", "where seqlets and motif sites lie", 1.6
        ),
        alignments=_alignments(result),
        browser=_browser(result),
        heads=rows_of(result.heads[result.heads["chosen"].astype(bool)])
        if len(result.heads)
        else [],
        head_map=figure_markup(head_map(result.heads), "heads", "exceedance of every head")
        if len(result.heads)
        else "",
        intervention=intervention,
        claims=[*(facts["looked_at"] or []), *(facts["score_looked_at"] or [])],
        effect=EFFECT,
        effects=rows_of(intervention.effects) if intervention is not None else [],
        balance=rows_of(intervention.balance) if intervention is not None else [],
        kmers=rows_of(result.kmers.head(MOST_KMERS)),
        n_kmers=len(result.kmers),
        table=[(text, facts[key]) for key, text in _EXPLAINED.items()],
        provenance=provenance(run),
        run=json.dumps(run, indent=2, default=str),
        methods=methods_paragraph(facts, run),
    )


def _row(result: MotifAnalysis, row: dict[str, Any]) -> dict[str, Any]:
    motif_id = str(row["motif_id"])
    members = ""
    rows = result.matches[result.matches["Query_ID"].astype(str) == motif_id]
    if len(rows):
        members = str(rows.iloc[0]["archetype_members"])
    logo = Markup(logo_svg(result.pwms[motif_id], label=f"logo of {motif_id}"))
    return {**row, "logo": logo, "members": members}


def _alignments(result: MotifAnalysis) -> list[dict[str, Any]]:
    shown = []
    for i, motif_id in enumerate(result.motifs["motif_id"].astype(str)[:MOST_ALIGNMENTS]):
        match = match_of(result, motif_id)
        if match is None:
            continue
        figure = logo_figure(
            result.pwms[motif_id],
            result.targets[str(match["Target_ID"])],
            offset=int(match["Optimal_offset"]),
            orientation=str(match["Orientation"]),
        )
        label = f"{motif_id} above {match['Target_ID']}"
        shown.append(
            {"id": motif_id, "match": match, "svg": figure_markup(figure, f"logo{i}", label)}
        )
    return shown


def _browser(result: MotifAnalysis) -> Markup:
    if not browser_records(result, 1):
        return Markup("")
    return plotly_markup(browser_figure(result), "browser")
