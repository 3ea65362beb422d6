"""Every figure of a result with the numbers it shows, as files and report use them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nucel_interp.plots.browser import best_window, browser_records
from nucel_interp.plots.controls import FOLD_COLUMNS, MOST_MOTIFS, fold_figure
from nucel_interp.plots.head_sites import head_sites_figure, head_sites_table
from nucel_interp.plots.heads import head_map
from nucel_interp.plots.logos import letter_heights, logo_figure
from nucel_interp.plots.profile import coverage_figure, coverage_table
from nucel_interp.plots.site_loci import loci_figure, loci_table, site_loci
from nucel_interp.plots.site_positions import position_figure, position_table
from nucel_interp.plots.style import Palette
from nucel_interp.plots.table_rows import local_rows
from nucel_interp.plots.tracks import track_figure
from nucel_interp.types import BASES

if TYPE_CHECKING:
    from nucel_interp.analysis.result import MotifAnalysis

Gallery = dict[str, tuple[Figure, pd.DataFrame]]

MOST_PANELS = 3
"""Motifs of the main table whose sites are drawn one by one."""


def result_figures(
    result: MotifAnalysis,
    *,
    most_logos: int = MOST_MOTIFS,
    palette: Palette = "classic",
    only: Collection[str] | None = None,
) -> Gallery:
    """File stem -> figure and its data: fold, coverage, heads, best record, one logo per motif.

    Logos are those of the main table, or of the untested motifs if it is empty. The first motifs of
    the main table also have ``positions_``, ``head_sites_`` and ``loci_``. Figures that would be
    empty are left out.

    Args:
        result: Motifs, seqlets and tables that `analyse_motifs` found.
        most_logos: Number of motifs that get a logo, at most.
        palette: Colours of the bases.
        only: Stems of the figures to draw; all if not given.
    """
    plan: dict[str, Callable[[], tuple[Figure, pd.DataFrame]]] = {}
    shown = result.motifs if len(result.motifs) else result.untested
    if shown["attention_fold"].head(MOST_MOTIFS).notna().any():
        plan["fold"] = lambda: (fold_figure(shown), shown.head(MOST_MOTIFS)[FOLD_COLUMNS])
    if any(len(record) for record in result.records):
        plan["coverage"] = lambda: (coverage_figure(result), coverage_table(result))
    if len(result.heads):
        plan["heads"] = lambda: (head_map(result.heads), result.heads)
    for i in browser_records(result, 1):
        plan["track"] = partial(_track, result, i, palette)
    for rank, motif_id in enumerate(shown["motif_id"][:most_logos], start=1):
        plan[f"logo_{rank:02d}"] = partial(_logo, result, str(motif_id), palette)
    most_panels = min(most_logos, MOST_PANELS)
    for rank, motif_id in enumerate(result.motifs["motif_id"][:most_panels], start=1):
        for name, draw in site_figures(result, str(motif_id), palette).items():
            plan[f"{name}_{rank:02d}"] = draw
    return {stem: draw() for stem, draw in plan.items() if only is None or stem in only}


def site_figures(
    result: MotifAnalysis, motif_id: str, palette: Palette = "classic"
) -> dict[str, Callable[[], tuple[Figure, pd.DataFrame]]]:
    """What is drawn of one motif's sites: name -> how to draw it. Empty figures are left out.

    ``positions``: share of sites by distance from the centre; ``head_sites``: every head at the
    sites; ``loci``: the sites that the model looks at most, and the one that it looks at least.
    """
    plan: dict[str, Callable[[], tuple[Figure, pd.DataFrame]]] = {}
    places, heads = position_table(result, motif_id), head_sites_table(result, motif_id)
    loci = site_loci(result, motif_id)
    if len(places):
        plan["positions"] = lambda: (position_figure(places), places)
    if heads["auroc"].notna().any():
        plan["head_sites"] = lambda: (head_sites_figure(heads), heads)
    if loci:
        plan["loci"] = lambda: (loci_figure(loci, palette=palette), loci_table(loci))
    return plan


def match_of(result: MotifAnalysis, motif_id: str) -> pd.Series | None:
    """The match of a motif with the lowest E-value whose matrix is at hand."""
    rows = result.matches
    if not len(rows):
        return None
    rows = rows[rows["Query_ID"].astype(str) == motif_id]
    rows = rows[rows["Target_ID"].astype(str).isin(result.targets)]
    return rows.sort_values("E-value", kind="stable").iloc[0] if len(rows) else None


def _logo(result: MotifAnalysis, motif_id: str, palette: Palette) -> tuple[Figure, pd.DataFrame]:
    motif, match = result.pwms[motif_id], match_of(result, motif_id)
    data = pd.DataFrame(motif.pwm.T, columns=list(BASES))
    for base, bits in zip(BASES, letter_heights(motif.pwm), strict=True):
        data[f"{base}_bits"] = bits
    data.insert(0, "position", np.arange(motif.width))
    if match is None:
        return logo_figure(motif, palette=palette), data
    figure = logo_figure(
        motif,
        result.targets[str(match["Target_ID"])],
        offset=int(match["Optimal_offset"]),
        orientation=str(match["Orientation"]),
        palette=palette,
    )
    return figure, data


def _track(result: MotifAnalysis, i: int, palette: Palette) -> tuple[Figure, pd.DataFrame]:
    return _best_record(result, i, palette), _record_data(result, i)


def _best_record(result: MotifAnalysis, i: int, palette: Palette) -> Figure:
    record = result.records[i]
    tracks = {"score (z)": result.tracks[record.name]}
    if result.replaced is not None:
        tracks["replaced (nats)"] = result.replaced[record.name]
    shown = result.motifs if len(result.motifs) else result.untested
    first = shown["motif_id"][:5].astype(str)
    sites = result.sites[result.sites["name"].astype(str).isin(first)]
    return track_figure(
        record,
        tracks,
        sites,
        result.seqlets,
        span=best_window(result, i),
        palette=palette,
    )


def _record_data(result: MotifAnalysis, i: int) -> pd.DataFrame:
    record = result.records[i]
    first, last = best_window(result, i)
    seqlet = np.zeros(len(record), dtype=int)
    for start, end in local_rows(result.seqlets, record)[["start", "end"]].to_numpy(int):
        seqlet[max(start, 0) : end] = 1
    data = pd.DataFrame(
        {
            "position": np.arange(first, last),
            "base": list(record.sequence[first:last]),
            "score": result.tracks[record.name][first:last],
            "in_seqlet": seqlet[first:last],
        }
    )
    if result.replaced is not None:
        data["replaced"] = result.replaced[record.name][first:last]
    return data
