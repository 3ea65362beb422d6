"""`nucel-interp compare`: several models on the same sequences, from FASTA to a folder."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_if_cold, set_threads
from nucel_interp.cli.options import Tax
from nucel_interp.cli.progress import reporter
from nucel_interp.cli.terminal import with_interval
from nucel_interp.progress import say

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from nucel_interp.compare.models.result import ComparisonResult
    from nucel_interp.match import JasparDatabase
    from nucel_interp.types import Motif

MODELS = "--models"
TABLES = (
    "models", "snr", "recovery", "recall", "layers", "distances", "heads", "differences",
    "controls", "shuffled", "cls_row", "tracks",
)  # fmt: skip
MOST_ROWS = 12


class ManyModels(TyperCommand):
    """Takes ``--models A B C`` as well as ``--models A --models B``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        spread: list[str] = []
        values = 0
        for arg in args:
            if arg == MODELS:
                values = 1
                spread.append(arg)
            elif values and not arg.startswith("-"):
                spread += [arg] if values == 1 else [MODELS, arg]
                values += 1
            else:
                values = 0
                spread.append(arg)
        return super().parse_args(ctx, spread)


Models = Annotated[
    list[str],
    typer.Option(
        MODELS, metavar="A B ...", help="Shipped names or model folders, one after the other."
    ),
]
SitesFile = Annotated[
    Path | None,
    typer.Option(
        "--sites",
        help="BED: where to measure; column 1 a record or chromosome, column 4 the motif.",
    ),
]
MotifNames = Annotated[
    str | None,
    typer.Option(
        "--motifs",
        metavar="CTCF,MA0139.2",
        help="Without --sites: JASPAR (or --db) ids or names at whose FIMO sites to measure; else "
        "the motif that most more sequences hold than shuffled copies.",
    ),
]
ClsRow = Annotated[
    bool,
    typer.Option("--cls-row", help="Also measure what [CLS] attends to, as DNABERT's script does."),
]
TrackFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--track",
        help="Also measure a score of your own, as of nucel-interp attribute: npz, bedGraph or "
        "bigWig; may be given several times.",
    ),
]


def compare(
    sequences: options.Input,
    models: Models,
    out: options.OutFolder,
    sites: SitesFile = None,
    motifs: MotifNames = None,
    track: TrackFiles = None,
    tax: options.TaxGroup = Tax.vertebrates,
    db: options.Database = None,
    cls_row: ClsRow = False,
    context: options.Context = None,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Compare models on the same windows: attention at motif sites, with every control beside it.

    Example: nucel-interp compare peaks.fa --models nucel-mini my-nt-folder -o compared
    """
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.sites import read_sites
    from nucel_interp.io.tracks import read_tracks

    if sites is not None and motifs is not None:
        raise typer.BadParameter("give --sites or --motifs, not both")
    started = perf_counter()
    with OutputFolder(out, force=force) as folder:
        records = read_records(sequences)
        given = None if sites is None else read_sites(sites)
        tracks = {name: read_tracks(p, records) for name, p in _track_names(track or []).items()}
        set_threads(threads)
        from nucel_interp.compare.models.compare_models import compare_models
        from nucel_interp.match import load_database, load_jaspar
        from nucel_interp.scoring.device import facts_of_several, load_model

        say_if_cold()
        loaded = [load_model(name, context) for name in models]
        database = load_jaspar(tax.value) if db is None else load_database(db, tax.value)
        asked = _motifs(motifs, database, own=db is not None) if sites is None else None
        with reporter() as on_progress:
            result = compare_models(
                records,
                loaded,
                sites=given,
                motifs=asked,
                tracks=tracks,
                database=database,
                seed=seed,
                cls_row=cls_row,
                on_progress=on_progress,
            )
        run = run_info(
            ["nucel-interp", *sys.argv[1:]],
            inputs=[p for p in (sequences, sites, db, *(track or [])) if p is not None],
            model=", ".join(result.summary["models"]),
            model_sha256=result.summary["model_sha256"],
            **facts_of_several({m.name: m for m in loaded}),
            seed=seed,
            threads=threads,
            seconds=round(perf_counter() - started, 1),
        )
        _write(result, run, folder)
    _summarise(result, out, perf_counter() - started)


def _track_names(paths: list[Path]) -> dict[str, Path]:
    """The part of each path that tells it from the others, its file's name at least."""
    for depth in range(1, 1 + max((len(p.parts) for p in paths), default=0)):
        names = ["/".join(p.parts[-depth:]) for p in paths]
        if len(set(names)) == len(paths):
            return dict(zip(names, paths, strict=True))
    return {str(p): p for p in paths}  # one file twice


def _motifs(asked: str | None, database: JasparDatabase, *, own: bool) -> list[Motif] | None:
    """Those named; a user's own collection as a whole if none is; None if one is to be chosen."""
    from nucel_interp.compare.models.motif_sites import pick_motifs

    if asked is not None:
        return pick_motifs([word.strip() for word in asked.split(",") if word.strip()], database)
    return pick_motifs([m.id for m in database.motifs], database) if own else None


def _write(result: ComparisonResult, run: dict[str, Any], folder: Path) -> None:
    """All files of the output folder; see the README's table."""
    from nucel_interp.io.tables import write_json, write_tsv
    from nucel_interp.plots import save_figure
    from nucel_interp.plots.comparison import comparison_figures
    from nucel_interp.report import build_comparison, verdict

    result.summary["answer"] = verdict(result)
    result.summary["warnings"] = result.warnings
    for name in TABLES:
        table = getattr(result, name)
        if table is not None:
            write_tsv(table, folder / f"{name}.tsv")
    figures = comparison_figures(result)
    page = build_comparison(result, run, figures)
    (folder / "report.html").write_text(page, encoding="utf-8")
    for stem, (figure, data) in figures.items():
        save_figure(figure, folder / "figures", stem, data)
    write_json(result.summary, folder / "summary.json")
    write_json(run, folder / "run.json")


def _summarise(result: ComparisonResult, out: Path, seconds: float) -> None:
    """What was found, in words and a small table, and where it was written."""
    from rich.console import Console
    from rich.table import Table

    for warning in result.warnings:
        say(f"note: {warning}")
    facts = result.summary
    typer.echo(
        f"{facts['n_sites']:,} sites ({', '.join(facts['motifs'])}; {facts['sites_from']}) in "
        f"{facts['n_with_site']:,} of {facts['n_sequences']:,} sequences, windows of "
        f"{facts['window_bp']:,} bp or less."
    )
    rows = result.snr
    rows = rows[
        (rows["definition"] == "mean_ratio") & (rows["layers"] == "all") & (rows["heads"] == "best")
    ]
    if facts["frames"] == 1:  # matched is the same
        rows = rows[rows["resolution"] == "native"]
    rows = rows.merge(result.recovery, on=["model", "resolution", "motif"], suffixes=("", "_r"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("model", "motif", "resolution", "signal-to-noise", "AUROC", "decoys", "n"):
        table.add_column(title, no_wrap=True)
    _add(table, rows.head(4 * MOST_ROWS), "model")
    if result.tracks is not None:
        own = result.tracks[result.tracks["definition"] == "mean_ratio"]
        _add(table, own.assign(resolution="own track, " + own["values"]), "track")
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    typer.echo("Mean attention inside sites over outside, median of sequences, 95 % intervals; the")
    typer.echo("head is chosen on one half of the sequences and measured on the other.")
    typer.echo(facts["answer"])
    typer.echo(f"Report: {Path(out) / 'report.html'}  ({seconds:.0f} s)")


def _add(table: Table, rows: pd.DataFrame, name: str) -> None:
    """Rows of numbers with their intervals."""
    from rich.text import Text

    for row in rows.to_dict("records"):
        table.add_row(
            Text(row[name]),
            Text(row["motif"]),
            row["resolution"],
            with_interval(row["snr"], row["low"], row["high"]),
            with_interval(row["auroc"], row["auroc_low"], row["auroc_high"]),
            with_interval(row["decoy_auroc"], math.nan, math.nan),
            str(row["n_sequences"]),
        )
