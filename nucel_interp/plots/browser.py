"""The report's track browser: an interactive figure of the records with the best hits.

Bases count from 1 and both ends of a stretch are in it, as in genome browsers: base i of a record
lies at x = i + 1, or at its genome coordinate where the record has a place. A record that reads the
reverse strand runs from high coordinates to low.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.plots.style import (
    ACCENT,
    BASE_COLOURS,
    GREY,
    INK,
    SERIES,
    Palette,
    base_colour,
    literal,
)
from nucel_interp.plots.table_rows import inside, local_rows

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from nucel_interp.analysis.result import MotifAnalysis
    from nucel_interp.types import Record

MOST_RECORDS = 12
MOST_MOTIFS = 6
WINDOW = 4000  # bp shown of a longer record, around its best place
BARS_UP_TO = 1000  # bp; longer windows get a line


def browser_motifs(result: MotifAnalysis) -> list[str]:
    """Motifs whose sites are shown: the first of the main table, else of the untested."""
    table = result.motifs if len(result.motifs) else result.untested
    return [str(name) for name in table["motif_id"][:MOST_MOTIFS]]


def browser_records(result: MotifAnalysis, most: int = MOST_RECORDS) -> list[int]:
    """Numbers of the records worth a look, best first.

    Records with most sites of the first motif inside seqlets, ties by the highest score.
    """
    names = browser_motifs(result)
    counts: Counter[str] = Counter()
    if names and len(result.sites):
        first = result.sites[result.sites["name"].astype(str) == names[0]]
        inside = first[first["in_seqlet"].astype(bool)]
        counts = Counter(inside["record"].astype(str))

    def rank(i: int) -> tuple[int, float, int]:
        track = result.tracks[result.records[i].name]
        best = float(np.nanmax(track)) if np.isfinite(track).any() else -np.inf
        return -counts[result.records[i].name], -best, i

    scored = [i for i in range(len(result.records)) if len(result.records[i])]
    return sorted(scored, key=rank)[:most]


def browser_figure(
    result: MotifAnalysis, *, most: int = MOST_RECORDS, palette: Palette = "classic"
) -> go.Figure:
    """An interactive plotly figure with one record at a time, chosen from a menu.

    From top to bottom: motif sites (triangles point along the strand) and seqlets, score per base
    coloured by base, a lane for letters, log-odds that a base was replaced if the model gives them.
    Bases without a score are gaps. Of a record over 4,000 bp, the 4,000 around its best site or
    score are shown. ``layout.meta`` has what a page needs to write the letters of what is shown:
    the row of their trace, base colours, and per record its chromosome, the coordinate of
    its first letter, 1 or -1 for the way it runs, and the letters.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    chosen = browser_records(result, most)
    names = browser_motifs(result)
    n_rows = 4 if result.replaced is not None else 3
    lane_px = 26 * (len(names) + 1) + 10
    heights = [lane_px, 230, 22, 120][:n_rows]
    figure = make_subplots(
        rows=n_rows, cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.03
    )
    buttons, owners, views = [], [], []
    for shown, i in enumerate(chosen):
        first, last = best_window(result, i)
        traces = _record_traces(go, result, i, (first, last), names, palette)
        for row, trace in traces:
            trace.visible = shown == 0
            figure.add_trace(trace, row=row, col=1)
            owners.append(shown)
        record = result.records[i]
        part = "" if last - first == len(record) else f", bases {first + 1:,}–{last:,}"
        label = html.escape(literal(record.name, 32).replace(r"\$", "$"))
        ends = [_at(record, first - 0.5), _at(record, last - 0.5)]
        buttons.append((label, f"{label} ({len(record):,} bp{part})", ends, _axis_title(record)))
        views.append(
            {
                "name": "" if record.location is None else record.location.chromosome,
                "first": _at(record, first),
                "step": _step(record),
                "letters": record.sequence[first:last],
            }
        )
    axis = f"xaxis{n_rows}"
    menu = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"visible": [owner == k for owner in owners] + [True]},
                {"title.text": title, "xaxis.range": span, f"{axis}.title.text": of_axis},
            ],
        }
        for k, (label, title, span, of_axis) in enumerate(buttons)
    ]
    if buttons:
        figure.add_trace(_letter_trace(go), row=3, col=1)
    colours = BASE_COLOURS[palette]
    figure.layout.meta = {"views": views, "letters": len(owners), "colours": colours}
    _dress(figure, names, menu, heights, buttons[0] if buttons else None)
    return figure


def _dress(
    figure: go.Figure,
    names: list[str],
    menu: list[dict[str, Any]],
    heights: list[int],
    first: tuple[str, str, list[float], str] | None,
) -> None:
    lanes = [html.escape(literal(name, 14).replace(r"\$", "$")) for name in names]
    figure.update_layout(
        template="none",
        height=sum(heights) + 150,
        margin={"l": 92, "r": 26, "t": 84, "b": 44},
        showlegend=False,
        bargap=0.0,
        barmode="overlay",
        font={"size": 12, "color": INK, "family": "system-ui, sans-serif"},
        title={
            "text": first[1] if first else "no records",
            "x": 0.0,
            "xanchor": "left",
            "xref": "paper",
            "y": 1.0,
            "yref": "paper",
            "yanchor": "bottom",
            "pad": {"b": 8},
            "font": {"size": 13},
        },
        hovermode="closest",
        updatemenus=[
            {
                "buttons": menu,
                "x": 0.0,
                "xanchor": "left",
                "y": 1.0,
                "yanchor": "bottom",
                "pad": {"b": 32},
                "bgcolor": "#ffffff",
                "bordercolor": "#c4cad2",
                "font": {"size": 12},
            }
        ]
        if menu
        else [],
    )
    figure.update_xaxes(
        showgrid=False, zeroline=False, linecolor=GREY, ticks="outside", tickformat=",d"
    )
    figure.update_yaxes(gridcolor="#eef0f3", zerolinecolor=GREY, zerolinewidth=1)
    if first:
        figure.update_xaxes(range=first[2])
        figure.update_xaxes(title_text=first[3], row=len(heights), col=1)
    figure.update_yaxes(
        row=1,
        col=1,
        tickvals=list(range(len(lanes) + 1)),
        ticktext=["seqlets", *lanes],
        range=[-0.6, len(lanes) + 0.6],
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        automargin=True,
    )
    figure.update_yaxes(title_text="score (z)", row=2, col=1)
    figure.update_xaxes(showline=False, ticks="", row=3, col=1)
    figure.update_yaxes(row=3, col=1, visible=False, range=[-1, 1], fixedrange=True)
    if len(heights) == 4:
        figure.update_yaxes(title_text="replaced<br>(nats)", row=4, col=1)
    else:
        figure.update_xaxes(showline=True, ticks="outside", row=3, col=1)


def _step(record: Record) -> int:
    """Which way its genome coordinates run."""
    return -1 if record.location is not None and record.location.strand == "-" else 1


def _at(record: Record, base: float) -> float:
    """The x of a base, counted in the record from 0."""
    if record.location is None:
        return base + 1
    place = record.location
    return place.end - base if place.strand == "-" else place.start + base + 1


def _at_all(record: Record, bases: NDArray[np.float64]) -> NDArray[np.float64]:
    return _at(record, 0) + _step(record) * bases


def _range(record: Record, row: Mapping[Any, Any]) -> str:
    """First and last base of a row, in the order of the genome."""
    ends = sorted((_at(record, int(row["start"])), _at(record, int(row["end"]) - 1)))
    return f"{ends[0]:,.0f}–{ends[1]:,.0f}"


def _axis_title(record: Record) -> str:
    if record.location is None:
        return "position in the sequence (bp)"
    return f"{html.escape(literal(record.location.chromosome, 40))} (bp)"


def _letter_trace(go: Any) -> Any:
    """Empty: a page fills it with the letters of what is shown, where there is room for them."""
    return go.Scatter(
        x=[], y=[], mode="text", text=[], textfont={"size": 12, "family": "monospace"},
        hoverinfo="skip", name="letters", visible=True,
    )  # fmt: skip


def best_window(result: MotifAnalysis, i: int) -> tuple[int, int]:
    """The part of a record to show: all of it, or 4,000 bp around its best site or score."""
    record = result.records[i]
    if len(record) <= WINDOW:
        return 0, len(record)
    sites = local_rows(result.sites, record)
    best = sites[sites["name"].astype(str).isin(browser_motifs(result)[:1])]
    if len(best):
        best = best[best["in_seqlet"].astype(bool)] if best["in_seqlet"].any() else best
        centre = int(best.sort_values("p_value", kind="stable")["start"].iloc[0])
    else:
        track = result.tracks[result.records[i].name]
        centre = int(np.nanargmax(track)) if np.isfinite(track).any() else 0
    first = min(max(centre - WINDOW // 2, 0), len(record) - WINDOW)
    return first, first + WINDOW


def _record_traces(
    go: Any,
    result: MotifAnalysis,
    i: int,
    span: tuple[int, int],
    names: list[str],
    palette: Palette,
) -> list[tuple[int, Any]]:
    record = result.records[i]
    first, last = span
    letters = list(record.sequence[first:last])
    score = np.asarray(result.tracks[record.name], dtype=np.float32)[first:last]
    traces = [
        (1, _seqlet_trace(go, result, i, span)),
        *((1, trace) for trace in _site_traces(go, result, i, span, names)),
        (2, _bases_trace(go, score, letters, record, first, "score", "z", palette)),
    ]
    if result.replaced is not None:
        replaced = np.asarray(result.replaced[record.name], dtype=np.float32)[first:last]
        trace = _bases_trace(go, replaced, letters, record, first, "replaced", "nats", palette)
        traces.append((4, trace))
    return traces


def _bases_trace(
    go: Any,
    values: NDArray[np.float32],
    letters: list[str],
    record: Record,
    first: int,
    name: str,
    unit: str,
    palette: Palette,
) -> Any:
    begin, step = _at(record, first), _step(record)
    chromosome = "" if record.location is None else f"{record.location.chromosome}:"
    where = html.escape(literal(chromosome, 40).replace(r"\$", "$").replace("%", ""))
    shared = {
        "x": begin + step * np.arange(len(values)),
        "y": values,
        "text": letters,
        "textposition": "none",
        "name": name,
        "hovertemplate": f"%{{text}} {where}%{{x:,d}}<br>{name} %{{y:.2f}} {unit}<extra></extra>",
    }
    if len(values) <= BARS_UP_TO:
        colours = [base_colour(base, palette) for base in letters]
        return go.Bar(**shared, marker={"color": colours, "line": {"width": 0}}, width=0.92)
    del shared["textposition"]
    return go.Scatter(**shared, mode="lines", line={"color": ACCENT, "width": 1})


def _seqlet_trace(go: Any, result: MotifAnalysis, i: int, span: tuple[int, int]) -> Any:
    record = result.records[i]
    rows = inside(local_rows(result.seqlets, record), span)
    text = []
    for row in rows.to_dict("records"):
        words = f"seqlet {_range(record, row)}"
        if np.isfinite(float(row.get("z", np.nan))):
            words += f"<br>z {float(row['z']):.2f}"
        if np.isfinite(float(row.get("p_value", np.nan))):
            words += f", p {float(row['p_value']):.2g}"
        text.append(words)
    return go.Bar(
        x=_at_all(record, (rows["start"] + rows["end"]).to_numpy(float) / 2 - 0.5),
        y=np.full(len(rows), 0.5),
        base=np.full(len(rows), -0.25),
        width=(rows["end"] - rows["start"]).to_numpy(float),
        text=text,
        textposition="none",
        marker={"color": "#e3b04b", "line": {"width": 0}},
        hovertemplate="%{text}<extra></extra>",
        name="seqlets",
    )


def _site_traces(
    go: Any, result: MotifAnalysis, i: int, span: tuple[int, int], names: list[str]
) -> list[Any]:
    record = result.records[i]
    rows = inside(local_rows(result.sites, record), span)
    rows = rows[rows["name"].astype(str).isin(names)]
    lane = np.array([names.index(str(name)) + 1 for name in rows["name"]], dtype=float)
    colours = [SERIES[int(k - 1) % len(SERIES)] for k in lane]
    strands = rows["strand"].astype(str).tolist()
    text = [
        f"{html.escape(literal(row['name'], 40))} ({row['strand']}) "
        f"{_range(record, row)}<br>p {float(row['p_value']):.2g}, "
        f"{'inside' if bool(row['in_seqlet']) else 'outside'} seqlets"
        for row in rows.to_dict("records")
    ]
    start, end = rows["start"].to_numpy(float), rows["end"].to_numpy(float)
    symbols = {"+": "triangle-right", "-": "triangle-left"}
    boxes = go.Bar(
        x=_at_all(record, (start + end) / 2 - 0.5),
        y=np.full(len(rows), 0.36),
        base=lane - 0.18,
        width=end - start,
        # see-through with an edge, so that overlapping sites can be told apart
        marker={"color": colours, "opacity": 0.7, "line": {"width": 1, "color": "white"}},
        text=text,
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        name="sites",
    )
    tips = [s if strand == "-" else e for s, e, strand in zip(start, end, strands, strict=True)]
    points = go.Scatter(
        x=_at_all(record, np.array(tips, dtype=float) - 0.5),
        y=lane,
        mode="markers",
        marker={
            "color": colours,
            "symbol": [symbols.get(strand, "square") for strand in strands],
            "size": 12,
        },
        text=text,
        hovertemplate="%{text}<extra></extra>",
        name="strand",
        cliponaxis=False,
    )
    return [boxes, points]
