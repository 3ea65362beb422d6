"""What every page shares: the template's environment, figures, tables as rows, provenance."""

from __future__ import annotations

import html
import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from nucel_interp.plots import inline_svg
from nucel_interp.report.phrasing import Facts, fixed, interval, number, share, unbroken

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_PLOTLY = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
}


def fill(template: str, **values: object) -> str:
    """A template of this package filled in; it knows the filters and gets the common style."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"p": number, "share": share, "fixed": fixed, "unbroken": unbroken}
    environment.globals["interval"] = interval
    here = files("nucel_interp.report")
    css, script = (
        Markup((here / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js")
    )
    page = environment.from_string((here / template).read_text(encoding="utf-8"))
    return page.render(css=css, script=script, **values)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as one mapping per row."""
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def figure_markup(figure: Figure, prefix: str, label: str, scale: float = 1.35) -> Markup:
    """A printed figure as inline SVG."""
    return Markup(inline_svg(figure, prefix, label, scale))


def plotly_markup(figure: go.Figure, element: str, what: str = "sequence") -> Markup:
    """An interactive figure with plotly itself, so that the page needs nothing from outside.

    Its menu becomes a list of the page, which the keyboard reaches too.

    Args:
        figure: Figure with one menu at most, whose buttons update the figure; it stays as it is.
        element: Id of the figure on the page.
        what: Name of what the menu chooses.
    """
    import plotly.graph_objects as go
    from plotly.io import to_html

    menus, shown = figure.layout.updatemenus, go.Figure(figure)
    shown.layout.updatemenus = ()
    page = Markup(
        to_html(shown, include_plotlyjs=True, full_html=False, div_id=element, config=_PLOTLY)
    )
    if not menus:
        return page
    option = Markup('<option data-change="{}">{}</option>')
    options = Markup("").join(
        option.format(json.dumps(button.args), html.unescape(button.label))
        for button in menus[0].buttons
    )
    menu = Markup(
        '<p class="tools noprint"><label>{} <select data-shows="{}">{}</select></label> '
        '<output data-place-of="{}"></output></p>'
    )
    return menu.format(what, element, options, element) + page


def provenance(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a reader asks of run.json, in words; what it lacks is left out."""
    facts = Facts(run)
    inputs = [f"{Path(one['path']).name} {one['sha256'] or ''}" for one in facts["inputs"] or []]
    digest = facts["model_sha256"]
    rows = [
        ("command", shlex.join(map(str, facts["command"] or []))),
        ("finished", facts["finished"]),
        ("seconds", facts["seconds"]),
        ("input, sha256", "; ".join(inputs)),
        ("model", facts["model"]),
        ("model sha256", ", ".join(digest.values()) if isinstance(digest, dict) else digest),
        ("bases read at once", _each(facts["context_bp"])),
        ("seed", facts["seed"]),
        ("attention backend", facts["backend"]),
        ("why this one", facts["backend_reason"]),
        ("versions", ", ".join(f"{k} {v}" for k, v in (facts["versions"] or {}).items())),
    ]
    return [(name, number(value)) for name, value in rows if value not in (None, "")]


def _each(values: object) -> object:
    """A number, or that of each of several models."""
    if not isinstance(values, dict):
        return values
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def input_title(run: dict[str, Any]) -> str:
    """The first input's file name."""
    inputs = run.get("inputs") or []
    path = str(inputs[0]["path"]) if inputs else "sequences"
    return "standard input" if path == "-" else path.rsplit("/", 1)[-1]
