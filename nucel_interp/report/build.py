"""Fill the report's template: figures as inline SVG, one plotly figure, tables, provenance."""

from __future__ import annotations

import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from nucel_interp.analysis.result import MotifResult
from nucel_interp.compare import Intervention
from nucel_interp.plots import (
    best_match,
    browser_figure,
    browser_records,
    coverage_figure,
    fold_figure,
    glyph_symbols,
    head_map,
    inline_svg,
    logo_figure,
    logo_svg,
)
from nucel_interp.plots.controls import MOST_MOTIFS
from nucel_interp.report.methods import methods_paragraph
from nucel_interp.report.words import Facts, fixed, interval, number, share, unbroken

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
    "seqlet_threshold": "seqlet threshold (z)",
    "seqlet_fdr": "false discovery rate of seqlets at it",
    "seqlet_fdr_reached": "is that at most 0.05",
    "n_seqlets": "seqlets",
    "shuffled_input_seqlets": "seqlets in shuffled input",
    "cluster_stability": "agreement of clusterings from five random starts (adjusted Rand index)",
    "n_motifs": "motifs in the main table",
    "shuffled_input_motifs": "motifs in the main table from shuffled input",
    "n_untested": "motifs that failed or could not be tested",
    "database": "motif collection",
    "n_targets": "matrices in it",
    "scanner": "scanner for motif sites",
    "model_adds": "model adds to sequence alone, for the first motif",
}


def build_report(
    result: MotifResult, run: dict[str, Any], intervention: Intervention | None = None
) -> str:
    """The whole page as text.

    Args:
        result: What `find_motifs` returned.
        run: The content of run.json (see `io.provenance.run_info`).
        intervention: What shuffling the seqlets did, if that was tried.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"p": number, "share": share, "fixed": fixed, "unbroken": unbroken}
    environment.globals["interval"] = interval
    template = environment.from_string(
        (files("nucel_interp.report") / "template.html").read_text(encoding="utf-8")
    )
    facts = Facts(result.summary)
    shown = result.motifs if len(result.motifs) else result.untested
    return template.render(
        answer=result.answer,
        warnings=result.warnings,
        facts=facts,
        title=_title(run),
        glyphs=Markup(glyph_symbols()),
        main=[_row(result, row) for row in _rows(result.motifs)],
        untested=[_row(result, row) for row in _rows(result.untested.head(MOST_UNTESTED))],
        n_untested=len(result.untested),
        fold=_figure(fold_figure(shown), "fold", "attention fold of each motif", 1.6)
        if shown["attention_fold"].head(MOST_MOTIFS).notna().any()
        else "",
        coverage=_figure(
            coverage_figure(result), "coverage", "where seqlets and motif sites lie", 1.6
        ),
        alignments=_alignments(result),
        browser=_browser(result),
        heads=_rows(result.heads[result.heads["chosen"].astype(bool)]) if len(result.heads) else [],
        head_map=_figure(head_map(result.heads), "heads", "exceedance of every head")
        if len(result.heads)
        else "",
        intervention=intervention,
        effects=_rows(intervention.effects) if intervention is not None else [],
        balance=_rows(intervention.balance) if intervention is not None else [],
        kmers=_rows(result.kmers.head(MOST_KMERS)),
        n_kmers=len(result.kmers),
        table=[(text, facts[key]) for key, text in _EXPLAINED.items()],
        provenance=_provenance(run),
        run=json.dumps(run, indent=2, default=str),
        methods=methods_paragraph(facts, run),
    )


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _row(result: MotifResult, row: dict[str, Any]) -> dict[str, Any]:
    motif_id = str(row["motif_id"])
    members = ""
    rows = result.matches[result.matches["Query_ID"].astype(str) == motif_id]
    if len(rows):
        members = str(rows.iloc[0]["archetype_members"])
    logo = Markup(logo_svg(result.pwms[motif_id], label=f"logo of {motif_id}"))
    return {**row, "logo": logo, "members": members}


def _alignments(result: MotifResult) -> list[dict[str, Any]]:
    shown = []
    for i, motif_id in enumerate(result.motifs["motif_id"].astype(str)[:MOST_ALIGNMENTS]):
        match = best_match(result, motif_id)
        if match is None:
            continue
        figure = logo_figure(
            result.pwms[motif_id],
            result.targets[str(match["Target_ID"])],
            offset=int(match["Optimal_offset"]),
            orientation=str(match["Orientation"]),
        )
        label = f"{motif_id} above {match['Target_ID']}"
        shown.append({"id": motif_id, "match": match, "svg": _figure(figure, f"logo{i}", label)})
    return shown


def _browser(result: MotifResult) -> Markup:
    if not browser_records(result, 1):
        return Markup("")
    from plotly.io import to_html

    page = to_html(
        browser_figure(result),
        include_plotlyjs=True,
        full_html=False,
        div_id="browser",
        config={
            "displaylogo": False,
            "responsive": True,
            "modeBarButtons": [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
        },
    )
    return Markup(page)


def _figure(figure: Figure, prefix: str, label: str, scale: float = 1.35) -> Markup:
    return Markup(inline_svg(figure, prefix, label, scale))


def _provenance(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a reader asks of run.json, in words; what it lacks is left out."""
    facts = Facts(run)
    inputs = [f"{Path(one['path']).name} {one['sha256'] or ''}" for one in facts["inputs"] or []]
    digest = facts["model_sha256"]
    rows = [
        ("command", shlex.join(map(str, facts["command"] or []))),
        ("finished", facts["finished"]),
        ("seconds", facts["seconds"]),
        ("input, sha256", "; ".join(inputs)),
        ("model", facts["model"]),
        ("model sha256", ", ".join(digest.values()) if isinstance(digest, dict) else digest),
        ("seed", facts["seed"]),
        ("attention backend", facts["backend"]),
        ("why this one", facts["backend_reason"]),
        ("versions", ", ".join(f"{k} {v}" for k, v in (facts["versions"] or {}).items())),
    ]
    return [(name, number(value)) for name, value in rows if value not in (None, "")]


def _title(run: dict[str, Any]) -> str:
    inputs = run.get("inputs") or []
    path = str(inputs[0]["path"]) if inputs else "sequences"
    return "standard input" if path == "-" else path.rsplit("/", 1)[-1]
