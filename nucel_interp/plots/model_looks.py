"""How models are told apart in every figure that compares them: colour, marker, line, and hatching.

Colours differ in lightness too, so that they stay apart in grey and for colour-blind eyes. A model
is filled and solid; its randomly initialised control has the same colour, hollow, hatched or
dotted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nucel_interp.plots.style import literal

if TYPE_CHECKING:
    import pandas as pd

# lightness (CIE L*) 24, 54, 76, 41, 66, 33: neighbours in the list are far apart
_COLOURS = ["#1b3a6b", "#d1592b", "#8cc3e8", "#7a4a9e", "#5fae5a", "#7c2d3a"]
_MARKERS = ["o", "s", "^", "D", "v", "P"]
_LINES: list[Any] = ["-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)), (0, (3, 2)), (0, (8, 2))]
LONGEST_NAME = 30
RANDOM_CONTROL = ", randomly initialised"
"""Behind a model's name in labels, as in the tables."""


@dataclass(frozen=True)
class ModelLook:
    """How one model is drawn.

    Attributes:
        name: Name of the model, as in the column ``model`` of the tables.
        family: The trained model's name, which its randomly initialised control shares.
        label: The name, short enough for a legend.
        trained: False for a randomly initialised control.
        colour: Hex; a control has its model's.
        marker: matplotlib's; a control has its model's.
        line: matplotlib's line style of the model; controls are told by thin dotted lines.
    """

    name: str
    family: str
    label: str
    trained: bool
    colour: str
    marker: str
    line: Any

    def title(self, longest: int) -> str:
        """The name for the top of a panel that holds ``longest`` letters in a line."""
        name, *control = self.label.split(RANDOM_CONTROL)
        short = cut_name(name, longest)
        if not control:
            return short
        whole = short + RANDOM_CONTROL
        return whole if len(whole) <= longest else whole.replace(", ", "\n")

    def points(self) -> dict[str, Any]:
        """Arguments of ``Axes.plot`` for points."""
        return {
            "marker": self.marker,
            "ms": 3.6,
            "mec": self.colour,
            "mfc": self.colour if self.trained else "white",
            "mew": 0.7,
            "lw": 0,
        }

    def bars(self) -> dict[str, Any]:
        """Arguments of ``Axes.bar``."""
        if self.trained:
            return {"color": self.colour, "ec": self.colour, "lw": 0.4}
        return {"color": "white", "ec": self.colour, "lw": 0.6, "hatch": "//////"}

    def lines(self) -> dict[str, Any]:
        """Arguments of ``Axes.plot`` for a curve."""
        if self.trained:
            return {"color": self.colour, "ls": self.line, "lw": 1.0}
        return {"color": self.colour, "ls": (0, (0.8, 1.6)), "lw": 0.7}


def model_looks(models: pd.DataFrame) -> dict[str, ModelLook]:
    """Name -> look, in the order of the table, each model followed by its control.

    Args:
        models: Columns model, trained (``yes`` or ``no``), control_of (the model that a randomly
            initialised one is the control of). A control of a model that is not in the table
            stands for itself.
    """
    names = [str(name) for name in models["model"]]
    trained = [str(word) == "yes" for word in models["trained"]]
    of = models["control_of"].astype(str).tolist() if "control_of" in models else [""] * len(names)
    families: dict[str, list[tuple[str, bool]]] = {
        name: [(name, True)] for name, yes in zip(names, trained, strict=True) if yes
    }
    for name, yes, model in zip(names, trained, of, strict=True):
        if not yes:
            families.setdefault(model if model in families else name, []).append((name, False))
    return {
        name: ModelLook(
            name,
            family,
            cut_name(family) + ("" if yes else RANDOM_CONTROL),
            yes,
            _COLOURS[k % len(_COLOURS)],
            _MARKERS[k % len(_MARKERS)],
            _LINES[k % len(_LINES)],
        )
        for k, (family, members) in enumerate(families.items())
        for name, yes in members
    }


def cut_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name cut in its middle: folders of one run often differ at their ends only."""
    if len(name) <= longest:
        return literal(name, longest)
    tail = longest * 2 // 3
    return literal(name[: longest - tail - 1] + "…" + name[-tail:], longest)


def legend_columns(n: int, most: int = 3) -> tuple[int, int]:
    """(columns, rows) of a legend of ``n`` entries; even rows keep a control with its model."""
    rows = -(-n // most)
    rows += rows % 2 if most > 1 else 0
    return -(-n // rows), rows


def filled(handles: Sequence[Artist], most: int = 3) -> dict[str, Any]:
    """Arguments of ``Figure.legend``: entries with blanks behind them, so that columns are full."""
    columns, rows = legend_columns(len(handles), most)
    blanks = [Line2D([], [], lw=0, label=" ") for _ in range(columns * rows - len(handles))]
    return {"handles": [*handles, *blanks], "ncols": columns}


def point_handles(looks: Sequence[ModelLook]) -> list[Line2D]:
    """Legend entries for points with intervals."""
    return [Line2D([], [], label=look.label, **look.points()) for look in looks]


def bar_handles(looks: Sequence[ModelLook]) -> list[Patch]:
    """Legend entries for bars."""
    handles = []
    for look in looks:
        keys = look.bars()
        handles.append(Patch(label=look.label, fc=keys.pop("color"), **keys))
    return handles


def line_handles(looks: Sequence[ModelLook]) -> list[Line2D]:
    """Legend entries for curves."""
    return [Line2D([], [], label=look.label, **look.lines()) for look in looks]


def panel_grid(looks: Iterable[ModelLook], most: int = 5) -> tuple[int, list[ModelLook | None]]:
    """Models side by side and their controls below them, as rows of up to ``most`` panels.

    Returns:
        (panels in a row, what stands in each panel, row by row; None where one stays empty).
    """
    columns: dict[str, dict[bool, ModelLook]] = {}
    for look in looks:
        columns.setdefault(look.family, {})[look.trained] = look
    pairs = list(columns.values())
    across = min(most, max(len(pairs), 1))
    cells: list[ModelLook | None] = []
    for start in range(0, len(pairs), across):
        part = pairs[start : start + across]
        for trained in (True, False):
            row = [pair.get(trained) for pair in part]
            if any(row):
                cells += row + [None] * (across - len(row))
    return across, cells
