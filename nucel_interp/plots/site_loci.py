"""Single sites of one motif: where the model looks at it most, and where it looks least."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nucel_interp.plots.site_positions import best_sites
from nucel_interp.plots.style import (
    ACCENT,
    DOUBLE_MM,
    FONT,
    GREY,
    INK,
    Palette,
    base_colour,
    empty_axes,
    literal,
    new_figure,
    settle,
    style,
)

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.result import MotifAnalysis
    from nucel_interp.types import Record

HIGHEST = 3
WINDOW = 72  # bp; letters are then 2.3 mm apart
_ROW_MM = 27.0
_SHADE = "#f6dfae"
LOCI_COLUMNS = [
    "locus", "record", "strand", "start", "end", "in_site", "position", "base", "value", "head",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class SiteLocus:
    """One site with the track around it. Coordinates are the record's, 0-based half-open.

    Attributes:
        record: Where it lies.
        start: First base of the site.
        end: Base after the last.
        strand: As the record reads.
        head: ``layer:head`` whose attention is shown; "" for the score itself.
        track: (bases,) of the whole record.
        ratio: Mean at the site over the mean of the record's other bases; of a score, which may be
            negative, their difference.
        rank: 1 for the highest of all sites.
        of: Sites that were ranked, one per record.
    """

    record: Record
    start: int
    end: int
    strand: str
    head: str
    track: NDArray[np.float64]
    ratio: float
    rank: int
    of: int

    @property
    def span(self) -> tuple[int, int]:
        """The bases to draw: the site in the middle, as far as the record goes."""
        first = (self.start + self.end - WINDOW) // 2
        first = max(0, min(first, len(self.record) - WINDOW))
        return first, min(first + WINDOW, len(self.record))

    @property
    def place(self) -> str:
        """What is drawn, as genome browsers write it (first base 1); the record's name if unknown.

        A record without a place is called by its name.
        """
        return shown_place(self.record, *self.span)

    @property
    def words(self) -> str:
        """How high, and how that compares."""
        if self.head:
            high = f"{self.ratio:.1f} times the attention elsewhere"
        else:
            high = f"{self.ratio:+.2f} above the rest of the sequence"
        rank = "highest" if self.rank == 1 else "lowest" if self.rank == self.of else ""
        return f"{high}, {rank or f'number {self.rank}'} of {self.of:,}"


def shown_place(record: Record, start: int, end: int) -> str:
    """``chr1:1,001-1,200`` of bases of a record, both ends included, counted from 1."""
    if record.location is None:
        return f"{record.name}:{start + 1:,}-{end:,}"
    part = record.location.part(start, end)
    return f"{part.chromosome}:{part.start + 1:,}-{part.end:,}"


def site_loci(result: MotifAnalysis, motif_id: str) -> list[SiteLocus]:
    """The sites with the highest track, and the one with the lowest, one site per record.

    The track is the attention of the head that was chosen for the motif, on each half of the
    sequences the one that the other half chose; the score where no head is at hand.

    Returns:
        The three highest, best first, then the lowest; fewer if there are fewer sites.
    """
    ends = np.cumsum([0, *(len(r) for r in result.records)])
    at = {record.name: i for i, record in enumerate(result.records)}
    heads = _heads(result, motif_id)
    found = []
    for row in best_sites(result, motif_id).to_dict("records"):
        i, start, end = at[str(row["record"])], int(row["start"]), int(row["end"])
        head = heads.get(str(row["half"]), "") if result.scores is not None else ""
        if heads and not head and result.scores is not None:
            continue  # of this half no head was chosen
        if head:
            assert result.scores is not None
            layer, number = map(int, head.split(":"))
            n_heads = len(result.scores.received) // result.n_layers
            track = result.scores.received[layer * n_heads + number, ends[i] : ends[i + 1]].astype(
                np.float64
            )
        else:
            track = result.track[ends[i] : ends[i + 1]].astype(np.float64)
        inside, outside = _mean(track[start:end]), _mean(np.r_[track[:start], track[end:]])
        ratio = inside / outside if head and outside > 0 else inside - outside
        if np.isfinite(ratio):
            found.append((ratio, i, start, end, str(row["strand"]), head, track))
    order = sorted(range(len(found)), key=lambda k: (-found[k][0], found[k][1]))
    chosen = list(range(min(HIGHEST, len(order))))
    chosen += [len(order) - 1] if len(order) > HIGHEST else []
    return [
        SiteLocus(result.records[i], start, end, strand, head, track, ratio, rank + 1, len(order))
        for rank in chosen
        for ratio, i, start, end, strand, head, track in [found[order[rank]]]
    ]


def loci_table(loci: list[SiteLocus]) -> pd.DataFrame:
    """Every base that `loci_figure` draws (columns `LOCI_COLUMNS`; positions in the record)."""
    import pandas as pd

    rows = [
        (number, one.record.name, one.strand, one.start, one.end, one.start <= i < one.end, i,
         one.record.sequence[i], one.track[i], one.head)
        for number, one in enumerate(loci, start=1)
        for i in range(*one.span)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=LOCI_COLUMNS)


@style()
def loci_figure(
    loci: list[SiteLocus], unit: str = "score (z)", *, palette: Palette = "classic"
) -> Figure:
    """Each site shaded, the track as steps over it, and the letters below.

    Args:
        loci: What `site_loci` gives.
        unit: Of a track that is no head's attention.
        palette: Base colours.
    """
    if not loci:
        figure = new_figure(DOUBLE_MM, 25)
        empty_axes(figure.subplots(), "no site has a track")
        return settle(figure)
    figure = new_figure(DOUBLE_MM, _ROW_MM * len(loci) + 2, (11, 5, 6, 6))
    room = {"hspace": 9 / (_ROW_MM - 9)}
    axes = figure.subplots(len(loci), 1, squeeze=False, gridspec_kw=room)[:, 0]
    for ax, one in zip(axes, loci, strict=True):
        _draw(ax, one, unit, palette)
    figure.align_ylabels(list(axes))
    return settle(figure)


def _draw(ax: Axes, one: SiteLocus, unit: str, palette: Palette) -> None:
    first, last = one.span
    values = one.track[first:last]
    edges = np.arange(first, last + 1) + 0.5  # bases count from 1: the first lies at 1
    ax.axvspan(one.start + 0.5, one.end + 0.5, color=_SHADE, lw=0, zorder=0)
    ax.stairs(np.nan_to_num(values), edges, fill=True, color=ACCENT, alpha=0.25, lw=0)
    ax.stairs(values, edges, baseline=None, color=ACCENT, lw=0.8)
    ax.axhline(1.0 if one.head else 0.0, color=GREY, lw=0.5, ls=(0, (3, 2)))
    shown = np.nan_to_num(values)
    low, high = min(float(shown.min()), 0.0), max(float(shown.max()), 1e-9)
    line = low - 0.14 * (high - low)
    letters = np.array(list(one.record.sequence[first:last]))
    for base in dict.fromkeys(letters.tolist()):
        at = first + np.flatnonzero(letters == base) + 1
        marker = _letter(base if base in "ACGTN" else "N")
        colour = base_colour(base, palette)
        ax.plot(at, np.full(len(at), line), ls="none", marker=marker, ms=5, mew=0, color=colour)
    ax.set_ylim(line - 0.12 * (high - low), high + 0.05 * (high - low))
    ax.set_xlim(first + 0.5, max(last, first + 1) + 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.xaxis.set_major_formatter(lambda x, _: f"{_counted(one.record, x):,.0f}")
    ax.set_ylabel(f"head {one.head}" if one.head else unit)
    turned = f" ({one.strand} strand)" if one.strand in ("+", "-") else ""
    ax.set_title(f"{literal(one.place, 70)}{turned}: {one.words}", color=INK)


def _counted(record: Record, base: float) -> float:
    """The genome's count of a base that is number ``base`` of its record, both from 1."""
    if record.location is None:
        return base
    part = record.location.part(int(base) - 1, int(base))
    return part.end


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _heads(result: MotifAnalysis, motif_id: str) -> dict[str, str]:
    """Half -> the head that measures it; empty where none was chosen."""
    rows = result.motifs[result.motifs["motif_id"].astype(str) == motif_id]
    named = str(rows["best_head"].iloc[0]).split("/") if len(rows) else [""]
    both = dict(zip("12", [*named, *named][:2] if len(named) == 1 else named, strict=False))
    return {half: head for half, head in both.items() if ":" in head}


@lru_cache(maxsize=8)
def _letter(base: str) -> Outline:
    """A letter as a marker about its middle; an SVG holds it once, however often it is used."""
    outline = TextPath((0, 0), base, size=1, prop=FontProperties(family=FONT, weight="bold"))
    box = outline.get_extents()
    middle = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
    return Outline(outline.vertices - middle, outline.codes)
