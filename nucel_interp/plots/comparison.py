"""Every figure of a comparison of models with the numbers it shows, as files and page use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nucel_interp.plots.gallery import Gallery
from nucel_interp.plots.head_snr import head_snr_map
from nucel_interp.plots.layers import distance_figure, layer_figure
from nucel_interp.plots.loci import locus_figure, locus_window
from nucel_interp.plots.recovery import auroc_figure, recall_figure
from nucel_interp.plots.snr import resolutions_of, snr_figure
from nucel_interp.plots.style import Palette
from nucel_interp.plots.table_rows import inside, local_rows

if TYPE_CHECKING:
    from nucel_interp.compare.models.result import Comparison, Locus

MOST_LOCI = 3


def comparison_figures(result: Comparison, *, palette: Palette = "colourblind") -> Gallery:
    """File stem -> figure and its data; figures that would be empty are left out.

    ``snr`` is the mean ratio over all layers, ``snr_global`` over global layers, ``snr_z`` and
    ``snr_peak_over_median`` the other definitions; then ``auroc``, ``recall``, ``distances``,
    ``layers``, ``head_snr_native``, ``head_snr_matched`` (unless it is the same) and ``locus_1``,
    ``locus_2``, ...
    """
    models = result.models
    gallery: Gallery = {}
    for stem, definition, layers in (
        ("snr", "mean_ratio", "all"),
        ("snr_global", "mean_ratio", "global"),
        ("snr_z", "z", "all"),
        ("snr_peak_over_median", "peak_over_median", "all"),
    ):
        rows = result.snr[
            (result.snr["definition"] == definition) & (result.snr["layers"] == layers)
        ]
        if rows["snr"].notna().any():
            figure = snr_figure(result.snr, models, definition=definition, layers=layers)
            gallery[stem] = (figure, rows.reset_index(drop=True))
    if result.recovery["auroc"].notna().any():
        gallery["auroc"] = (auroc_figure(result.recovery, models), result.recovery)
    if len(result.recall):
        gallery["recall"] = (recall_figure(result.recall, models), result.recall)
    if len(result.distances):
        figure = distance_figure(result.distances, models, result.layers)
        gallery["distances"] = (figure, result.distances)
    if len(result.layers):
        gallery["layers"] = (layer_figure(result.layers, models), result.layers)
    for resolution in resolutions_of(result.heads, "snr"):
        rows = result.heads[result.heads["resolution"] == resolution]
        if rows["snr"].notna().any():
            figure = head_snr_map(result.heads, models, resolution=resolution)
            gallery[f"head_snr_{resolution}"] = (figure, rows.reset_index(drop=True))
    for number, locus in enumerate(result.loci[:MOST_LOCI], start=1):
        gallery[f"locus_{number}"] = (
            draw_locus(result, locus, palette=palette),
            locus_data(locus),
        )
    return gallery


def draw_locus(result: Comparison, locus: Locus, *, palette: Palette = "colourblind") -> Figure:
    """`locus_figure` of one of the result's loci."""
    return locus_figure(
        locus.record, locus.sites, result.motifs, result.models,
        locus.native, locus.matched, locus.head, locus.tracks, palette=palette,
    )  # fmt: skip


def locus_data(locus: Locus) -> pd.DataFrame:
    """The bases drawn: position, base, motif of the first site there, then every track."""
    first, last = locus_window(locus.record, locus.sites)
    named = np.full(len(locus.record), "", dtype=object)
    rows = inside(local_rows(locus.sites, locus.record), (first, last))
    for start, end, name in zip(rows["start"], rows["end"], rows["name"], strict=True):
        here = named[max(int(start), 0) : int(end)]
        here[here == ""] = str(name)
    columns = {
        "position": np.arange(first, last),
        "base": list(locus.record.sequence[first:last]),
        "motif": named[first:last],
    }
    for name, track in locus.native.items():
        columns[f"{name} native"] = np.asarray(track)[first:last]
        if name in locus.matched:
            columns[f"{name} matched"] = np.asarray(locus.matched[name])[first:last]
    for name, track in locus.tracks.items():
        columns[f"{name} as given"] = np.asarray(track)[first:last]
    return pd.DataFrame(columns)
