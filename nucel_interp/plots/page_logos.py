"""Logos for pages: every letter is one of four shapes that the page holds once."""

from __future__ import annotations

import html
from functools import lru_cache
from typing import cast

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from nucel_interp.motifs.pwm import reverse_complement
from nucel_interp.plots.logos import alignment_starts, letter_heights
from nucel_interp.plots.style import BASE_COLOURS, FONT, Palette
from nucel_interp.types import Motif

LEAST_BITS = 0.02
"""Lower letters would be thinner than a pixel and are left out."""
_HEIGHT_PX = 44
_ROW = 2.5  # bits from one logo's line to that of the next below


def logo_svg(motif: Motif | ArrayLike, *, height_px: int = _HEIGHT_PX, label: str = "") -> str:
    """A small logo for a table cell, made of the shapes of `glyph_symbols`.

    A letter costs some 60 bytes instead of a path of its own, so a page can hold hundreds.
    """
    pwm = np.asarray(motif.pwm if isinstance(motif, Motif) else motif, dtype=np.float64)
    width = pwm.shape[1]
    shown_px = min(width * height_px * 0.38, 260)  # wide motifs get narrower letters
    return _svg(_stacks(pwm, 0, 2.0), width, 2.0, shown_px, height_px, label)


def aligned_svg(
    motif: Motif,
    target: Motif,
    *,
    offset: int = 0,
    orientation: str = "+",
    turned: bool = False,
    label: str = "",
) -> str:
    """A motif above the one that it matches, column over column, of the shapes of `glyph_symbols`.

    Args:
        motif: The query.
        target: The matched motif, as its file has it.
        offset: ``Optimal_offset`` of the match; see `logos.alignment_starts`.
        orientation: ``Orientation`` of the match; ``-`` draws the target's reverse complement.
        turned: Draw both on the other strand.
        label: Text for screen readers.
    """
    above = np.asarray(motif.pwm, dtype=np.float64)
    below = reverse_complement(target.pwm) if orientation == "-" else target.pwm
    starts = alignment_starts(offset)
    width = max(starts[0] + motif.width, starts[1] + target.width)
    if turned:
        starts = width - starts[0] - motif.width, width - starts[1] - target.width
        above, below = reverse_complement(above), reverse_complement(below)
    first = max(starts)
    last = min(starts[0] + motif.width, starts[1] + target.width)
    edges = "".join(f'<path d="M{x} 0V{2 + _ROW}" class="edge"/>' for x in (first, last))
    letters = _stacks(above, starts[0], 2.0) + _stacks(np.asarray(below), starts[1], 2.0 + _ROW)
    shown_px = min(width * 17, 460)
    height_px = round(_HEIGHT_PX * (2 + _ROW) / 2)
    return _svg(edges + letters, width, 2.0 + _ROW, shown_px, height_px, label)


def _stacks(pwm: NDArray[np.float64], start: int, line: float) -> str:
    """Every column's letters on a line, the largest on top."""
    width = pwm.shape[1]
    uses = [f'<path d="M{start} {line:g}H{start + max(width, 1)}" class="base-line"/>']
    for x, column in enumerate(letter_heights(pwm).T, start=start):
        floor = 0.0
        for b in np.argsort(column, kind="stable"):
            if column[b] >= LEAST_BITS:
                uses.append(
                    f'<use href="#base-{"ACGT"[b]}" transform="translate({x} {line - floor:.3f}) '
                    f'scale(1 {column[b]:.3f})"/>'
                )
            floor += float(column[b])
    return "".join(uses)


def _svg(
    content: str, width: float, height: float, shown_px: float, height_px: float, label: str
) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="logo" '
        f'viewBox="0 0 {max(width, 1)} {height:g}" preserveAspectRatio="none" '
        f'width="{shown_px:.0f}" height="{height_px}" '
        f'role="img" aria-label="{html.escape(label)}">{content}</svg>'
    )


@lru_cache(maxsize=2)
def glyph_symbols(palette: Palette = "classic") -> str:
    """The four letters as SVG shapes, for one place in a page that holds `logo_svg` logos.

    Each fills a box one unit wide that reaches from y = 0 up to y = -1.
    """
    shapes = []
    for base, colour in BASE_COLOURS[palette].items():
        outline = TextPath((0, 0), base, size=1, prop=FontProperties(family=FONT, weight="bold"))
        box = outline.get_extents()
        commands = []
        for points, code in outline.iter_segments():
            xs = 0.03 + 0.94 * (points[0::2] - box.x0) / box.width
            ys = -(points[1::2] - box.y0) / box.height
            pairs = " ".join(f"{x:.3f} {y:.3f}" for x, y in zip(xs, ys, strict=True))
            letter = _SVG_COMMANDS[int(cast(int, code))]
            commands.append("Z" if letter == "Z" else letter + pairs)
        shapes.append(f'<path id="base-{base}" fill="{colour}" d="{"".join(commands)}"/>')
    return f'<svg width="0" height="0" aria-hidden="true"><defs>{"".join(shapes)}</defs></svg>'


_SVG_COMMANDS = {
    int(Outline.MOVETO): "M",
    int(Outline.LINETO): "L",
    int(Outline.CURVE3): "Q",
    int(Outline.CURVE4): "C",
    int(Outline.CLOSEPOLY): "Z",
}
