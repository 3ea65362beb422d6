"""An evaluation as files: JSON, a tidy table, a figure; and as text."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucel_pretrain.errors import PretrainError
from nucel_pretrain.runfolder import check_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILES = ("evaluation.json", "evaluation.tsv", "evaluation.svg", "evaluation.png")
INK, MODEL, REFERENCE = "#222222", "#0072B2", "#999999"
Row = dict[str, Any]


def check_output(out: Path, *, force: bool) -> None:
    """Refuse to overwrite an earlier evaluation.

    Raises:
        PretrainError: There is one and ``force`` is not set, or ``out`` can be no folder.
    """
    check_folder(out)
    there = [name for name in FILES if (out / name).exists()]
    if there and not force:
        raise PretrainError(f"{out} holds {', '.join(there)}; give another folder, or --force")


def write(results: dict[str, Any], out: Path) -> None:
    """All files, or none: they are made under another name first.

    Raises:
        PretrainError: The folder cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as made:
            folder = Path(made)
            (folder / FILES[0]).write_text(
                json.dumps(_plain(results), indent=2) + "\n", encoding="utf-8"
            )
            with (folder / FILES[1]).open("w", newline="", encoding="utf-8") as file:
                columns = ("metric", "subset", "value", "low", "high", "n")
                table = csv.DictWriter(file, columns, delimiter="\t", lineterminator="\n")
                table.writeheader()
                table.writerows({c: _cell(row[c]) for c in columns} for row in results["rows"])
            draw(results, folder / FILES[2], folder / FILES[3])
            out.mkdir(exist_ok=True)
            for name in FILES:
                (folder / name).replace(out / name)
    except OSError as error:
        raise PretrainError(f"cannot write the evaluation into {out}: {error}") from error


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def _plain(value: object) -> object:
    """NaN is no JSON: null."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and value != value else value


def markdown(results: dict[str, Any]) -> str:
    """The rows as a table for a README, and what was not run."""
    lines = [
        f"{results['model']}: 95 % intervals over windows",
        "",
        "| metric | subset | value (95 % interval) | windows |",
        "|---|---|---|---|",
    ]
    for row in results["rows"]:
        lines.append(
            f"| {row['metric']} | {row['subset']} | "
            f"{row['value']:.4f} ({row['low']:.4f} to {row['high']:.4f}) | {row['n']:,} |"
        )
    lines += [""] + [f"Not run: {what}: {why}." for what, why in results["not_run"].items()]
    return "\n".join(lines).rstrip() + "\n"


def draw(results: dict[str, Any], *paths: Path) -> None:
    """One figure: calibration, AUROC by GC content, probes; panels without data say so."""
    import matplotlib as mpl

    with mpl.rc_context(
        {
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": INK,
            "svg.hashsalt": "evaluation",
            "svg.fonttype": "none",
        }
    ):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10.5, 3.4), layout="constrained")
        panels = figure.subplots(1, 3)
        _calibration(panels[0], results["reliability"])
        rows: list[Row] = results["rows"]
        _points(
            panels[1],
            [
                {**r, "subset": r["subset"].removeprefix("GC fifth ").partition(" ")[2].strip("()")}
                for r in rows
                if r["metric"] == "replaced_auroc" and r["subset"].startswith("GC fifth")
            ],
            "Replaced bases by GC of the window",
        )
        _points(panels[2], [r for r in rows if r["metric"] == "probe_auroc"], "Linear probes")
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=200, metadata=metadata)


def _calibration(axes: Axes, table: Sequence[dict[str, float]]) -> None:
    axes.set_title("Calibration", loc="left")
    if not table:
        axes.text(0.5, 0.5, "not run", ha="center", transform=axes.transAxes)
        return
    predicted, observed = ([row[k] for row in table] for k in ("predicted", "observed"))
    top = max(*predicted, *observed) * 1.08
    axes.plot([0, top], [0, top], color=REFERENCE, linewidth=1)
    axes.plot(predicted, observed, "o-", color=MODEL, markersize=4)
    axes.set(
        xlabel="predicted probability of replaced",
        ylabel="share replaced",
        xlim=(0, top),
        ylim=(0, top),
    )


def _points(axes: Axes, rows: Sequence[Row], title: str) -> None:
    axes.set_title(title, loc="left")
    if not rows:
        axes.text(0.5, 0.5, "not run", ha="center", transform=axes.transAxes)
        return
    places = range(len(rows))[::-1]
    axes.axvline(0.5, color=REFERENCE, linewidth=1)
    axes.hlines(places, [r["low"] for r in rows], [r["high"] for r in rows], color=MODEL)
    axes.plot([r["value"] for r in rows], places, "o", color=MODEL, markersize=4)
    axes.set_yticks(list(places), [r["subset"] for r in rows])
    axes.set(xlabel="AUROC, 95 % interval", ylim=(-0.7, len(rows) - 0.3))
