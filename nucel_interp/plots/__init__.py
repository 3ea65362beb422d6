"""Figures: logos, tracks, heads, controls. Functions return figures and show nothing."""

from nucel_interp.plots.browser import browser_figure, browser_records
from nucel_interp.plots.controls import fold_figure
from nucel_interp.plots.gallery import match_of, result_figures, site_figures
from nucel_interp.plots.head_sites import head_sites_figure, head_sites_table
from nucel_interp.plots.heads import attention_map, head_map
from nucel_interp.plots.logos import draw_logo, logo_figure
from nucel_interp.plots.page_logos import aligned_svg, glyph_symbols, logo_svg
from nucel_interp.plots.profile import coverage_figure, coverage_table
from nucel_interp.plots.site_loci import loci_figure, loci_table, site_loci
from nucel_interp.plots.site_positions import position_figure, position_table
from nucel_interp.plots.style import BASE_COLOURS, Palette, inline_svg, save_figure, style
from nucel_interp.plots.tracks import track_figure

__all__ = [
    "BASE_COLOURS",
    "Palette",
    "aligned_svg",
    "attention_map",
    "browser_figure",
    "browser_records",
    "coverage_figure",
    "coverage_table",
    "draw_logo",
    "fold_figure",
    "glyph_symbols",
    "head_map",
    "head_sites_figure",
    "head_sites_table",
    "inline_svg",
    "loci_figure",
    "loci_table",
    "logo_figure",
    "logo_svg",
    "match_of",
    "position_figure",
    "position_table",
    "result_figures",
    "save_figure",
    "site_figures",
    "site_loci",
    "style",
    "track_figure",
]
