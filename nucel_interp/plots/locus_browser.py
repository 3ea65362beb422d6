"""An interactive figure of the loci of a comparison: one at a time, a panel per model."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np

from nucel_interp.plots.model_looks import ModelLook, model_looks
from nucel_interp.plots.style import GREY, INK, SERIES, literal

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from nucel_interp.compare.models.result import Comparison, Locus

MOST_LOCI = 12
_DOTTED = {"color": GREY, "width": 1, "dash": "dot"}


def locus_browser(result: Comparison, *, most: int = MOST_LOCI) -> go.Figure:
    """Motif sites, below them the attention of every model's chosen head, and own tracks.

    Filled steps are the native resolution, the dark line the matched one, the dotted line the
    randomly initialised control. A menu of loci, which can differ in length.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    looks = list(model_looks(result.models).values())
    panels = [look for look in looks if look.trained] or looks
    loci = result.loci[:most]
    names = list(dict.fromkeys(str(n) for locus in loci for n in locus.sites["name"]))
    own = list(dict.fromkeys(name for locus in loci for name in locus.tracks))
    heights = [26 * max(len(names), 1) + 14, *([150] * (len(panels) + len(own)))]
    figure = make_subplots(
        rows=len(heights),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=min(0.06, 30 / sum(heights)),
    )
    owners, buttons = [], []
    for k, locus in enumerate(loci):
        for row, trace in [
            *_traces(go, locus, looks, panels, names),
            *_own_traces(go, locus, own, 2 + len(panels)),
        ]:
            trace.visible = k == 0
            figure.add_trace(trace, row=row, col=1)
            owners.append(k)
        name = _plain(locus.record.name, 36)
        buttons.append((name, [0, len(locus.record)]))
    menu = [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [owner == k for owner in owners]}, {"xaxis.range": span}],
        }
        for k, (name, span) in enumerate(buttons)
    ]
    figure.update_layout(
        template="none",
        height=sum(heights) + 130,
        margin={"l": 92, "r": 26, "t": 64, "b": 44},
        showlegend=False,
        barmode="overlay",
        bargap=0.0,
        hovermode="x unified",
        font={"size": 12, "color": INK, "family": "system-ui, sans-serif"},
        updatemenus=[
            {
                "buttons": menu, "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom",
                "pad": {"b": 14}, "bgcolor": "#ffffff", "bordercolor": "#c4cad2",
            }
        ]
        if menu
        else [],
    )  # fmt: skip
    figure.update_xaxes(showgrid=False, zeroline=False, linecolor=GREY, ticks="outside")
    figure.update_yaxes(gridcolor="#eef0f3", zerolinecolor=GREY, rangemode="tozero")
    figure.update_yaxes(
        row=1, col=1, tickvals=list(range(len(names))), ticktext=[_plain(n, 14) for n in names],
        range=[-0.6, len(names) - 0.4], showgrid=False, zeroline=False, fixedrange=True,
        automargin=True,
    )  # fmt: skip
    for row, look in enumerate(panels, start=2):
        head = next((locus.head.get(look.name) for locus in loci), None)
        title = _plain(look.title(24), 40)
        figure.update_yaxes(title_text=title, title_font_size=11, row=row, col=1)
        if head is not None and len({locus.head.get(look.name) for locus in loci}) == 1:
            figure.update_yaxes(title_text=f"{title}<br>head {head}", row=row, col=1)
        figure.add_hline(1.0, line={"color": GREY, "width": 1, "dash": "dash"}, row=row, col=1)
    for row, name in enumerate(own, start=2 + len(panels)):
        title = _plain(name, 40)
        figure.update_yaxes(
            title_text=title, title_font_size=11, rangemode="normal", row=row, col=1
        )
    figure.update_xaxes(title_text="position in the record (bp)", row=len(heights), col=1)
    if buttons:
        figure.update_xaxes(range=buttons[0][1])
    return figure


def _traces(
    go: Any, locus: Locus, looks: list[ModelLook], panels: list[ModelLook], names: list[str]
) -> list[tuple[int, Any]]:
    traces = [(1, _site_trace(go, locus, names))]
    x = np.arange(len(locus.record)) + 0.5
    letters = [f"{base} {i:,}" for i, base in enumerate(locus.record.sequence)]
    for row, look in enumerate(panels, start=2):
        shown = [
            (look.name, locus.native, "native", {"color": look.colour, "width": 1}, "hvh"),
            (look.name, locus.matched, "matched", {"color": INK, "width": 1.5}, "linear"),
        ]
        shown += [
            (t.name, locus.native, "randomly initialised", _DOTTED, "linear")
            for t in looks
            if t.family == look.family and not t.trained and look.trained
        ]
        for name, tracks, label, line, shape in shown:
            if name not in tracks:
                continue
            trace = go.Scatter(
                x=x,
                y=np.asarray(tracks[name], dtype=np.float32),
                mode="lines",
                line={**line, "shape": shape},
                fill="tozeroy" if label == "native" else None,
                text=letters,
                name=label,
                hovertemplate="%{y:.2f}" + (" (%{text})" if label == "native" else ""),
            )
            traces.append((row, trace))
    return traces


def _own_traces(go: Any, locus: Locus, own: list[str], first_row: int) -> list[tuple[int, Any]]:
    x = np.arange(len(locus.record)) + 0.5
    return [
        (
            row,
            go.Scatter(
                x=x,
                y=np.asarray(locus.tracks[name], dtype=np.float32),
                mode="lines",
                line={"color": INK, "width": 1, "shape": "hvh"},
                fill="tozeroy",
                fillcolor="rgba(120,120,120,0.3)",
                name="as given",
                hovertemplate="%{y:.3g}",
            ),
        )
        for row, name in enumerate(own, start=first_row)
        if name in locus.tracks
    ]


def _site_trace(go: Any, locus: Locus, names: list[str]) -> Any:
    rows = locus.sites
    lane = np.array([names.index(str(name)) for name in rows["name"]], dtype=float)
    start, end = rows["start"].to_numpy(float), rows["end"].to_numpy(float)
    arrow = {"+": " →", "-": " ←"}
    return go.Bar(
        x=(start + end) / 2,
        y=np.full(len(rows), 0.5),
        base=lane - 0.25,
        width=end - start,
        marker={
            "color": [SERIES[int(k) % len(SERIES)] for k in lane],
            "line": {"width": 1, "color": "white"},
        },
        text=[
            f"{_plain(name, 40)}{arrow.get(str(strand), '')} {int(s):,}–{int(e):,}"
            for name, strand, s, e in zip(
                rows["name"], rows["strand"], rows["start"], rows["end"], strict=True
            )
        ],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        name="sites",
    )


def _plain(text: object, longest: int) -> str:
    return html.escape(literal(text, longest).replace(r"\$", "$"))
