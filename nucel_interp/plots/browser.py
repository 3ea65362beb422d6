"""The report's track browser: an interactive figure of the records with the best hits."""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.plots.style import ACCENT, GREY, INK, SERIES, Palette, base_colour, literal
from nucel_interp.plots.table_rows import inside, local_rows

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from nucel_interp.analysis.result import MotifAnalysis

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
    coloured by base, log-odds that a base was replaced if the model gives them. Bases without a
    score are gaps. Of a record over 4,000 bp, the 4,000 around its best site or score are shown.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    chosen = browser_records(result, most)
    names = browser_motifs(result)
    n_rows = 3 if result.replaced is not None else 2
    lane_px = 26 * (len(names) + 1) + 10
    heights = [lane_px, 230, 120][:n_rows]
    figure = make_subplots(
        rows=n_rows, cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.04
    )
    buttons, owners = [], []
    for shown, i in enumerate(chosen):
        first, last = best_window(result, i)
        traces = _record_traces(go, result, i, (first, last), names, palette)
        for row, trace in traces:
            trace.visible = shown == 0
            figure.add_trace(trace, row=row, col=1)
            owners.append(shown)
        record = result.records[i]
        part = "" if last - first == len(record) else f", bases {first:,}–{last:,}"
        label = html.escape(literal(record.name, 32).replace(r"\$", "$"))
        buttons.append((label, f"{label} ({len(record):,} bp{part})", [first, last]))
    menu = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"visible": [owner == k for owner in owners]},
                {"title.text": title, "xaxis.range": span},
            ],
        }
        for k, (label, title, span) in enumerate(buttons)
    ]
    _dress(figure, names, menu, heights, buttons[0] if buttons else None)
    return figure


def _dress(
    figure: go.Figure,
    names: list[str],
    menu: list[dict[str, Any]],
    heights: list[int],
    first: tuple[str, str, list[int]] | None,
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
    figure.update_xaxes(showgrid=False, zeroline=False, linecolor=GREY, ticks="outside")
    figure.update_yaxes(gridcolor="#eef0f3", zerolinecolor=GREY, zerolinewidth=1)
    figure.update_xaxes(title_text="position in the record (bp)", row=len(heights), col=1)
    if first:
        figure.update_xaxes(range=first[2])
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
    if len(heights) == 3:
        figure.update_yaxes(title_text="replaced<br>(nats)", row=3, col=1)


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
        (2, _bases_trace(go, score, letters, first, "score", "z", palette)),
    ]
    if result.replaced is not None:
        replaced = np.asarray(result.replaced[record.name], dtype=np.float32)[first:last]
        traces.append((3, _bases_trace(go, replaced, letters, first, "replaced", "nats", palette)))
    return traces


def _bases_trace(
    go: Any,
    values: NDArray[np.float32],
    letters: list[str],
    first: int,
    name: str,
    unit: str,
    palette: Palette,
) -> Any:
    shared = {
        "x": np.arange(first, first + len(values)) + 0.5,  # the middle of each base
        "y": values,
        "text": [f"{base} {first + i:,}" for i, base in enumerate(letters)],
        "textposition": "none",
        "name": name,
        "hovertemplate": f"%{{text}}<br>{name} %{{y:.2f}} {unit}<extra></extra>",
    }
    if len(values) <= BARS_UP_TO:
        colours = [base_colour(base, palette) for base in letters]
        return go.Bar(**shared, marker={"color": colours, "line": {"width": 0}}, width=0.92)
    del shared["textposition"]
    return go.Scatter(**shared, mode="lines", line={"color": ACCENT, "width": 1})


def _seqlet_trace(go: Any, result: MotifAnalysis, i: int, span: tuple[int, int]) -> Any:
    rows = inside(local_rows(result.seqlets, result.records[i]), span)
    text = []
    for row in rows.to_dict("records"):
        words = f"seqlet {int(row['start']):,}–{int(row['end']):,}"
        if np.isfinite(float(row.get("z", np.nan))):
            words += f"<br>z {float(row['z']):.2f}"
        if np.isfinite(float(row.get("p_value", np.nan))):
            words += f", p {float(row['p_value']):.2g}"
        text.append(words)
    return go.Bar(
        x=(rows["start"] + rows["end"]).to_numpy(float) / 2,
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
    rows = inside(local_rows(result.sites, result.records[i]), span)
    rows = rows[rows["name"].astype(str).isin(names)]
    lane = np.array([names.index(str(name)) + 1 for name in rows["name"]], dtype=float)
    colours = [SERIES[int(k - 1) % len(SERIES)] for k in lane]
    strands = rows["strand"].astype(str).tolist()
    text = [
        f"{html.escape(literal(row['name'], 40))} ({row['strand']}) "
        f"{int(row['start']):,}–{int(row['end']):,}<br>p {float(row['p_value']):.2g}, "
        f"{'inside' if bool(row['in_seqlet']) else 'outside'} seqlets"
        for row in rows.to_dict("records")
    ]
    start, end = rows["start"].to_numpy(float), rows["end"].to_numpy(float)
    symbols = {"+": "triangle-right", "-": "triangle-left"}
    boxes = go.Bar(
        x=(start + end) / 2,
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
    points = go.Scatter(
        x=[s if strand == "-" else e for s, e, strand in zip(start, end, strands, strict=True)],
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
