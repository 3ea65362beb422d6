"""The page of a comparison of models: verdict first, then tables, figures, choices, methods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from nucel_interp.plots.comparison import comparison_figures, draw_locus
from nucel_interp.plots.gallery import Gallery
from nucel_interp.plots.locus_browser import locus_browser
from nucel_interp.report.comparison_methods import comparison_methods
from nucel_interp.report.page import (
    figure_markup,
    fill,
    input_title,
    plotly_markup,
    provenance,
    rows_of,
)
from nucel_interp.report.phrasing import Facts
from nucel_interp.report.verdict import HEADLINE, verdict

if TYPE_CHECKING:
    from nucel_interp.compare.models.result import Comparison

MOST_ROWS = 200  # of a table on the page; the file holds all

_LABELS = {
    "snr": "signal-to-noise per motif and model, native and matched resolution",
    "snr_global": "signal-to-noise, global layers only",
    "snr_z": "signal-to-noise as z",
    "snr_peak_over_median": "signal-to-noise as peak over median",
    "auroc": "AUROC per motif and model, with decoys",
    "recall": "recall of site bases among the bases with most attention",
    "distances": "attention by distance, per layer and model",
    "layers": "entropy, share of [CLS] and distance per layer",
    "head_snr_native": "signal-to-noise of every head, native resolution",
    "head_snr_matched": "signal-to-noise of every head, matched resolution",
}
_OTHERS = ("snr_global", "snr_z", "snr_peak_over_median")
_EXPLAINED = {
    "n_records": "records given",
    "n_sequences": "sequences read",
    "n_with_site": "sequences with a site",
    "window_bp": "window (bp): the smallest context, rounded down to a multiple of 6",
    "n_windows": "windows read",
    "n_half_1": "sequences in half 1",
    "n_half_2": "sequences in half 2",
    "split_rule": "halves",
    "sites_from": "sites",
    "n_sites": "sites measured at",
    "motif_choice": "how the motifs were chosen",
    "rule": "from tokens to bases",
    "frames": "reading frames averaged for six-base tokens",
    "strand": "strands",
    "matched": "matched resolution",
    "decoys": "decoys",
    "own_tracks": "own tracks",
    "n_bootstrap": "bootstrap draws per interval",
    "seed": "seed",
}


def build_comparison(
    result: Comparison, run: dict[str, Any], figures: Gallery | None = None
) -> str:
    """The whole page as text, one file with every figure inside.

    Args:
        result: The comparison.
        run: The content of run.json (see `io.provenance.run_info`).
        figures: `comparison_figures` of the result, if they are at hand.
    """
    facts = Facts(result.summary)
    gallery = comparison_figures(result) if figures is None else figures
    drawn = Facts(
        {
            stem: figure_markup(figure, stem.replace("_", "-"), _LABELS[stem])
            for stem, (figure, _) in gallery.items()
            if stem in _LABELS
        }
    )
    return fill(
        "comparison.html",
        title=input_title(run),
        facts=facts,
        answer=verdict(result),
        warnings=result.warnings,
        models=rows_of(result.models),
        trained=rows_of(result.models[result.models["trained"] == "yes"]),
        figures=drawn,
        others=[drawn[stem] for stem in _OTHERS if drawn[stem]],
        snr=rows_of(headline_table(result).head(MOST_ROWS)),
        differences=rows_of(difference_table(result).head(MOST_ROWS)),
        controls=rows_of(result.controls.head(MOST_ROWS)) if result.controls is not None else [],
        recovery=rows_of(recovery_table(result).head(MOST_ROWS)),
        shuffled=rows_of(_shuffled(result).head(MOST_ROWS)),
        cls_row=rows_of(_cls_row(result).head(MOST_ROWS)),
        tracks=rows_of(_tracks(result).head(MOST_ROWS)),
        browser=_browser(result),
        table=_choices(facts),
        methods=comparison_methods(facts, run),
        provenance=provenance(run),
        run=json.dumps(run, indent=2, default=str),
    )


def headline_table(result: Comparison) -> pd.DataFrame:
    """One row per motif and model: native and matched signal-to-noise of the headline.

    Columns motif, model, n_sequences, native, native_low, native_high, matched, matched_low,
    matched_high, random (matched, at random intervals), mean (over heads, matched).
    """
    rows = _where(result.snr, definition=HEADLINE["definition"], layers=HEADLINE["layers"])
    best = _side_by_side(_where(rows, heads="best"), ["motif", "model"], "snr")
    mean = _where(rows, heads="mean", resolution="matched")[["motif", "model", "snr"]]
    best = best.merge(mean.rename(columns={"snr": "mean"}), on=["motif", "model"], how="left")
    if "random" in rows:
        random = _where(rows, heads="best", resolution="matched")[["motif", "model", "random"]]
        return best.merge(random, on=["motif", "model"], how="left")
    return best.assign(random=float("nan"))


def difference_table(result: Comparison) -> pd.DataFrame:
    """One row per motif and pair of models: native and matched ratio of the headline.

    Columns motif, model_a, model_b, n_sequences, native, native_low, native_high, matched,
    matched_low, matched_high.
    """
    rows = _where(
        result.differences,
        definition=HEADLINE["definition"],
        layers=HEADLINE["layers"],
        heads=HEADLINE["heads"],
    )
    return _side_by_side(rows, ["motif", "model_a", "model_b"], "ratio")


def recovery_table(result: Comparison) -> pd.DataFrame:
    """`Comparison.recovery` with one row per motif and model.

    Its numbers have ``_native`` or ``_matched`` behind their names.
    """
    keys = ["motif", "model"]
    merged = result.recovery[keys].drop_duplicates().reset_index(drop=True)
    for resolution in ("native", "matched"):
        part = _where(result.recovery, resolution=resolution).drop(columns="resolution")
        names = {c: f"{c}_{resolution}" for c in part.columns if c not in keys}
        merged = merged.merge(part.rename(columns=names), on=keys, how="left")
    return merged


def _side_by_side(rows: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    """Rows of the native and the matched resolution as one row, in the order of the table."""
    merged = rows[keys].drop_duplicates().reset_index(drop=True)
    counts = rows.groupby(keys, sort=False)["n_sequences"].max().reset_index()
    merged = merged.merge(counts, on=keys, how="left")
    for resolution in ("native", "matched"):
        part = _where(rows, resolution=resolution)[[*keys, value, "low", "high"]]
        names = {value: resolution, "low": f"{resolution}_low", "high": f"{resolution}_high"}
        merged = merged.merge(part.rename(columns=names), on=keys, how="left")
    return merged


def _where(table: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    for column, value in wanted.items():
        table = table[table[column].astype(str) == value]
    return table


def _shuffled(result: Comparison) -> pd.DataFrame:
    table = result.shuffled
    if table is None or not len(table):
        return pd.DataFrame()
    rows = _where(
        table,
        definition=HEADLINE["definition"],
        layers=HEADLINE["layers"],
        heads=HEADLINE["heads"],
    )
    rows = rows[rows["snr"].notna()]
    return rows if "at" in rows else rows.assign(at="")


def _cls_row(result: Comparison) -> pd.DataFrame:
    table = result.cls_row
    if table is None or not len(table):
        return pd.DataFrame()
    return _where(table, definition=HEADLINE["definition"])


def _tracks(result: Comparison) -> pd.DataFrame:
    table = result.tracks
    if table is None or not len(table):
        return pd.DataFrame()
    return _where(table, definition=HEADLINE["definition"])


def _browser(result: Comparison) -> Markup:
    if not result.loci:
        return Markup("")
    first = draw_locus(result, result.loci[0])
    printed = figure_markup(first, "locus", "attention of every model over the first locus")
    return plotly_markup(locus_browser(result), "loci", "locus") + Markup(
        "<details><summary>the first locus as it is printed, with logos</summary>{}</details>"
    ).format(printed)


def _choices(facts: Facts) -> list[tuple[str, Any]]:
    """Every fact of the summary, those that need no explanation under their own name."""
    named = [(text, facts[key]) for key, text in _EXPLAINED.items() if key in facts]
    rest = [
        (key.replace("_", " "), value)
        for key, value in facts.items()
        if key not in (*_EXPLAINED, "answer")
        and isinstance(value, str | int | float)
        and value != ""
    ]
    return named + rest
