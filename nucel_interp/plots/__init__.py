"""Figures: logos, tracks, heads, controls. Functions return figures and show nothing."""

from nucel_interp.plots.browser import browser_figure, browser_records
from nucel_interp.plots.controls import fold_figure
from nucel_interp.plots.gallery import match_of, result_figures
from nucel_interp.plots.heads import attention_map, head_map
from nucel_interp.plots.logos import draw_logo, glyph_symbols, logo_figure, logo_svg
from nucel_interp.plots.profile import coverage_figure, coverage_table
from nucel_interp.plots.style import BASE_COLOURS, Palette, inline_svg, save_figure, style
from nucel_interp.plots.tracks import track_figure

__all__ = [
    "BASE_COLOURS",
    "Palette",
    "attention_map",
    "browser_figure",
    "browser_records",
    "coverage_figure",
    "coverage_table",
    "draw_logo",
    "fold_figure",
    "glyph_symbols",
    "head_map",
    "inline_svg",
    "logo_figure",
    "logo_svg",
    "match_of",
    "result_figures",
    "save_figure",
    "style",
    "track_figure",
]
