"""Fill the report's template: figures as inline SVG, one plotly figure, tables, provenance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from nucel_interp.analysis.held_out import ENRICHMENT_3MER_Q, ENRICHMENT_Q
from nucel_interp.analysis.result import MotifAnalysis
from nucel_interp.analysis.tables import ATTENDED
from nucel_interp.compare.intervention.intervene import Intervention
from nucel_interp.controls.beyond import EFFECT
from nucel_interp.plots import (
    browser_figure,
    browser_records,
    glyph_symbols,
    logo_svg,
    result_figures,
)
from nucel_interp.report.downloads import downloads
from nucel_interp.report.methods import methods_paragraph
from nucel_interp.report.page import (
    figure_markup,
    fill,
    input_title,
    plotly_markup,
    provenance,
    rows_of,
)
from nucel_interp.report.panels import MOST_DRAWN, evidence, linked, panel, verdict_rank
from nucel_interp.report.phrasing import Facts
from nucel_interp.scoring.units import in_words

if TYPE_CHECKING:
    from nucel_interp.plots.gallery import Gallery

MOST_KMERS = 20
MOST_UNTESTED = 50
_DRAWN = {
    "fold": ("attention fold of each motif", 1.6),
    "coverage": ("where seqlets and motif sites lie", 1.6),
    "heads": ("exceedance of every head", 1.35),
}

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
    figures: Gallery | None = None,
) -> str:
    """The whole page as text.

    Args:
        result: What `analyse_motifs` found.
        run: The content of run.json (see `io.provenance.run_info`).
        intervention: Result of `intervene`; None if it was not run.
        title: What the motifs are of; by default the name of the first input.
        figures: `result_figures` of the result, if they are at hand.
    """
    facts = Facts(result.summary)
    drawn = result_figures(result, only=_DRAWN) if figures is None else figures
    svg = Facts(
        {
            name: figure_markup(drawn[name][0], name, label, scale)
            for name, (label, scale) in _DRAWN.items()
            if name in drawn
        }
    )
    besides = result.untested["reason"].astype(str).str.startswith(ATTENDED)
    return fill(
        "template.html",
        answer=result.answer,
        warnings=result.warnings,
        facts=facts,
        counted=in_words(facts["n_units"] or 0, facts["n_records"] or 0),
        title=title or input_title(run),
        glyphs=Markup(glyph_symbols()),
        main=[
            {**_row(result, row), "panel": panel(result, row, rank, drawn)}
            for rank, row in enumerate(rows_of(result.motifs), start=1)
        ],
        most_drawn=MOST_DRAWN,
        besides=[_row(result, row) for row in rows_of(result.untested[besides])],
        untested=[
            _row(result, row) for row in rows_of(result.untested[~besides].head(MOST_UNTESTED))
        ],
        n_untested=int((~besides).sum()),
        n_failed=len(result.untested),
        svg=svg,
        browser=_browser(result),
        heads=rows_of(result.heads[result.heads["chosen"].astype(bool)])
        if len(result.heads)
        else [],
        intervention=intervention,
        claims=[*(facts["looked_at"] or []), *(facts["score_looked_at"] or [])],
        effect=EFFECT,
        presence=(ENRICHMENT_Q, ENRICHMENT_3MER_Q),
        effects=rows_of(intervention.effects) if intervention is not None else [],
        balance=rows_of(intervention.balance) if intervention is not None else [],
        kmers=rows_of(result.kmers.head(MOST_KMERS)),
        n_kmers=len(result.kmers),
        table=[(text, facts[key]) for key, text in _EXPLAINED.items()],
        downloads=downloads(result),
        provenance=provenance(run),
        run=json.dumps(run, indent=2, default=str),
        methods=methods_paragraph(facts, run),
    )


def _row(result: MotifAnalysis, row: dict[str, Any]) -> dict[str, Any]:
    motif_id = str(row["motif_id"])
    what = row["identity"] if isinstance(row["identity"], str) else row["best_match"]
    return {
        **row,
        "logo": Markup(logo_svg(result.pwms[motif_id], label=f"logo of {motif_id}")),
        "what": linked(str(what), row["best_match"]),
        "evidence": evidence(row),
        "verdict_rank": verdict_rank(row),
    }


def _browser(result: MotifAnalysis) -> Markup:
    if not browser_records(result, 1):
        return Markup("")
    return plotly_markup(browser_figure(result), "browser")
