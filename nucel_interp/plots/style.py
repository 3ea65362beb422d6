"""One place for sizes, fonts, colours and files of every figure.

Text stays text in SVG and PDF: it can be searched, read aloud and edited in a drawing program.
PDF embeds the font. SVG does not, so figures are laid out in DejaVu Sans, which comes with
matplotlib and is wider than the usual sans-serif fonts: whatever a viewer shows instead fits.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import pandas as pd

SINGLE_MM = 89.0  # one journal column
DOUBLE_MM = 183.0  # two
FONT = "DejaVu Sans"

Palette = Literal["classic", "colourblind"]
BASE_COLOURS: dict[str, dict[str, str]] = {
    "classic": {"A": "#2b8a3e", "C": "#2563ab", "G": "#ef9a1a", "T": "#cf2e2e"},
    # four hues that also differ in lightness, so that they stay apart without red and green
    "colourblind": {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#882255"},
}
OTHER_BASE = "#8a8f98"  # N and every other letter
INK = "#1f2430"
GREY = "#8a8f98"
LIGHT = "#dfe3e8"
ACCENT = "#1f5fa8"
SERIES = ["#1f5fa8", "#d1495b", "#2e8b57", "#e09f3e", "#6a4c93", "#3a9ea5"]  # motifs, in order

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],
    "font.size": 6.0,
    "axes.titlesize": 7.0,
    "axes.labelsize": 6.0,
    "xtick.labelsize": 6.0,
    "ytick.labelsize": 6.0,
    "legend.fontsize": 6.0,
    "legend.frameon": False,
    "figure.titlesize": 7.0,
    "axes.linewidth": 0.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "lines.linewidth": 0.8,
    "patch.linewidth": 0.5,
    "pdf.fonttype": 42,  # TrueType: journals ask for it
    "svg.fonttype": "none",
    "svg.hashsalt": "nucel-interp",  # ids from content alone: equal data, equal bytes
}


@contextmanager
def style() -> Iterator[None]:
    """Our rcParams over matplotlib's defaults; the user's own come back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def new_figure(
    width_mm: float = SINGLE_MM,
    height_mm: float = 60.0,
    margins_mm: tuple[float, float, float, float] | None = None,
) -> Figure:
    """A figure without pyplot: nothing to close, nothing shown, no back end chosen.

    Args:
        width_mm: Of the figure.
        height_mm: Of the figure.
        margins_mm: Left, top, right and bottom of the axes, for a figure whose labels are known;
            otherwise they are fitted to the labels, which takes most of the time of drawing.
    """
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), dpi=150)
    FigureCanvasAgg(figure)
    if margins_mm is None:
        figure.set_layout_engine("constrained")
        return figure
    left, top, right, bottom = margins_mm
    figure.subplots_adjust(
        left / width_mm, bottom / height_mm, 1 - right / width_mm, 1 - top / height_mm
    )
    return figure


def settle(figure: Figure) -> Figure:
    """Lay a finished figure out, once.

    Ticks are made on the first drawing: doing it here keeps them in our style, whatever rcParams
    hold when the figure is shown or saved, and saving needs no further layout.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def base_colour(base: str, palette: Palette = "classic") -> str:
    """Hex colour of a base; grey for anything but A, C, G, T."""
    return BASE_COLOURS[palette].get(base, OTHER_BASE)


def literal(text: object, longest: int = 60) -> str:
    """Text to be drawn as it stands.

    Dollar signs do not start a formula, letters that the font lacks become ``?``, control
    characters a blank, and what is over ``longest`` is cut with an ellipsis.
    """
    value = str(text)
    if len(value) > longest:
        value = value[: longest - 1] + "…"
    value = "".join(c if c in "…–×≥≤−" or ord(c) < 0x250 else "?" for c in value)
    value = "".join(c if c.isprintable() else " " for c in value)
    return value.replace("$", r"\$")


def empty_axes(ax: Axes, message: str) -> Axes:
    """Say in the middle of an axes why nothing is drawn."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, message, ha="center", va="center", color=GREY, transform=ax.transAxes)
    return ax


def to_svg(figure: Figure) -> str:
    """The figure as SVG, the same bytes for the same figure."""
    stream = io.StringIO()
    with style():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "nucel-interp"})
    return _named_in_order(stream.getvalue())


def _named_in_order(svg: str) -> str:
    """Clip paths by order: matplotlib names some of them after where they lie in memory."""
    clips = re.findall(r'<clipPath id="([^"]+)"', svg)
    if not clips:
        return svg
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"clip{len(names) + 1}")

    return re.sub("|".join(map(re.escape, clips)), name, svg)


def inline_svg(figure: Figure, prefix: str, label: str, scale: float = 1.35) -> str:
    """The figure as an ``<svg>`` element to stand in an HTML page.

    Args:
        figure: Figure to draw.
        prefix: Put before every id, so that several figures on one page cannot mix; letters,
            digits and ``-``.
        label: Description of the figure for screen readers.
        scale: Largest width on a screen, over the width in print.
    """
    svg = to_svg(figure)
    svg = svg[svg.index("<svg") :]
    svg = _shorter(re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL))
    # equal images have equal ids, which nothing refers to
    svg = re.sub(r'(<image [^>]*?)\sid="[^"]*"', r"\1", svg)
    svg = re.sub(r'(\sid=")', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    wide = figure.get_figwidth() * 96 * scale
    view = re.search(r'viewBox="[^"]*"', svg)
    escaped = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{view.group() if view else ""} class="figure" style="max-width:{wide:.0f}px" '
        f'role="img" aria-label="{escaped}">'
    )
    return head + svg[svg.index(">") + 1 :]


def _shorter(svg: str) -> str:
    """The same picture in fewer bytes: hundredths of a point are enough on a screen."""

    def tag(match: re.Match[str]) -> str:
        text = re.sub(r"(\d\.\d\d)\d+", r"\1", match[0])
        return re.sub(r"\s+", " ", re.sub(r' transform="rotate\(-0 [^"]*"', "", text))

    return re.sub(r">\s+<", "><", re.sub(r"<[^>]*>", tag, svg))


def save_figure(figure: Figure, folder: str | Path, stem: str, data: pd.DataFrame) -> list[Path]:
    """Write a figure as svg, pdf and png (300 dpi), and the numbers in it as csv.

    Equal figures give byte-identical files: they hold no date and no random id.

    Args:
        figure: Figure to write.
        folder: Made if missing.
        stem: File name without its ending.
        data: The numbers the figure shows.

    Returns:
        The four paths.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{stem}{ending}" for ending in (".svg", ".pdf", ".png", ".csv")]
    paths[0].write_text(to_svg(figure), encoding="utf-8", newline="\n")
    with style():
        figure.savefig(paths[1], metadata={"CreationDate": None, "Creator": "nucel-interp"})
        figure.savefig(paths[2], dpi=300, metadata={"Software": None})
    data.to_csv(paths[3], index=False, float_format="%.6g", lineterminator="\n")
    return paths
