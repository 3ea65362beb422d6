"""Information logos, alone or above the motif they match."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from nucel_interp.motifs.pwm import information, reverse_complement
from nucel_interp.plots.style import (
    DOUBLE_MM,
    FONT,
    GREY,
    INK,
    SINGLE_MM,
    Palette,
    base_colour,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)
from nucel_interp.types import BASES, Motif

COLUMNS_IN_SINGLE = 30  # wider alignments get the two-column width


def letter_heights(pwm: ArrayLike) -> NDArray[np.float64]:
    """Height of each letter in bits, (4, width): its share of the column's information."""
    array = np.asarray(pwm, dtype=np.float64)
    return np.asarray(array * information(array), dtype=np.float64)


@style()
def draw_logo(
    motif: Motif | ArrayLike,
    ax: Axes | None = None,
    *,
    start: int = 0,
    palette: Palette = "classic",
) -> Axes:
    """Draw an information logo, 0 to 2 bits.

    Args:
        motif: A motif, or a (4, width) matrix with rows A, C, G, T.
        ax: Axes to draw in; a figure one journal column wide is made if not given.
        start: x of the first column.
        palette: Base colours.

    Returns:
        The axes. A motif without columns gives axes that say so.
    """
    pwm = np.asarray(motif.pwm if isinstance(motif, Motif) else motif, dtype=np.float64)
    if ax is None:
        ax = new_figure(SINGLE_MM, 28).subplots()
    if pwm.shape[1] == 0:
        return empty_axes(ax, "no columns")
    draw_letters(letter_heights(pwm), ax, start=start, palette=palette)
    ax.set_ylim(0, 2)
    ax.set_yticks([0, 1, 2])
    ax.set_ylabel("bits")
    ax.set_xlim(start - 0.5, start + pwm.shape[1] - 0.5)
    ax.set_xticks([])
    return ax


def busiest_span(weight: NDArray[np.floating], most: int) -> tuple[int, int]:
    """The stretch of at most ``most`` places with the largest sum of weights, 0-based half-open."""
    n = len(weight)
    if n <= most:
        return 0, n
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(weight))])
    start = int(np.argmax(total[most:] - total[:-most]))
    return start, start + most


def draw_letters(
    heights: NDArray[np.float64],
    ax: Axes,
    *,
    start: float = 0.0,
    lane: float | None = None,
    palette: Palette = "classic",
) -> None:
    """Draw letters of the given heights, (4, width), one stack per column.

    Negative letters hang below the line, upright; those of height 0 are left out. Stacks stand on
    a line at 0 through the axes, or at the height of ``lane``, without a line.
    """
    from logomaker import Glyph

    for x, column in enumerate(heights.T):
        floor = float(np.minimum(column, 0).sum()) + (lane or 0.0)
        for b in np.argsort(column, kind="stable"):  # the largest on top
            height = abs(float(column[b]))
            if height > 0:
                Glyph(
                    start + x,
                    BASES[b],
                    floor=floor,
                    ceiling=floor + height,
                    ax=ax,
                    width=0.96,
                    vpad=0.01,
                    font_name=FONT,
                    color=base_colour(BASES[b], palette),
                )
            floor += height
    if lane is None:
        ax.axhline(0, color=INK, lw=0.4)


def alignment_starts(offset: int) -> tuple[int, int]:
    """Where query and target begin when aligned, as columns from the left end of both.

    ``offset`` is Tomtom's ``Optimal_offset``: the query's place relative to the target, positive
    when the query is shifted to the right. The target is taken as drawn, that is as its reverse
    complement where ``Orientation`` is ``-``.

    Returns:
        (query start, target start); one of them is 0.
    """
    return max(offset, 0), max(-offset, 0)


@style()
def logo_figure(
    motif: Motif,
    target: Motif | None = None,
    *,
    offset: int = 0,
    orientation: str = "+",
    palette: Palette = "classic",
) -> Figure:
    """A motif, above the motif it matches if there is one, column over column.

    Args:
        motif: The query.
        target: The matched motif, as its file has it.
        offset: ``Optimal_offset`` of the match; see `alignment_starts`.
        orientation: ``Orientation`` of the match; ``-`` draws the target's reverse complement.
        palette: Base colours.
    """
    query_start, target_start = alignment_starts(offset if target else 0)
    end = query_start + motif.width
    if target is not None:
        end = max(end, target_start + target.width)
    figure = new_figure(
        SINGLE_MM if end <= COLUMNS_IN_SINGLE else DOUBLE_MM, 28 if target is None else 50
    )
    rows = figure.subplots(1 if target is None else 2, 1, squeeze=False)[:, 0]
    draw_logo(motif, rows[0], start=query_start, palette=palette)
    rows[0].set_title(literal(f"{motif.id} {motif.name}".strip()))
    if target is not None:
        pwm = reverse_complement(target.pwm) if orientation == "-" else target.pwm
        draw_logo(pwm, rows[1], start=target_start, palette=palette)
        title = f"{target.name} {target.id}".strip()
        rows[1].set_title(literal(title + (", reverse complement" if orientation == "-" else "")))
    overlap = _overlap(motif, target, query_start, target_start)
    for ax in rows:
        ax.set_xlim(-0.5, end - 0.5)
        if overlap is not None:
            for edge in overlap:
                ax.axvline(edge - 0.5, color=GREY, linewidth=0.4, linestyle=(0, (2, 2)))
    return settle(figure)


def _overlap(
    motif: Motif, target: Motif | None, query_start: int, target_start: int
) -> tuple[int, int] | None:
    if target is None:
        return None
    first = max(query_start, target_start)
    last = min(query_start + motif.width, target_start + target.width)
    return (first, last) if first < last else None
