"""`nucel-interp compare`: several models on the same sequences, from FASTA to a folder."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_if_cold, set_threads
from nucel_interp.cli.options import Tax
from nucel_interp.cli.progress import reporter
from nucel_interp.cli.terminal import with_interval
from nucel_interp.progress import say
from nucel_runtime.program import SEVERAL

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from nucel_interp.api.compare_models import ComparisonResult

MOST_ROWS = 12


Models = Annotated[
    list[str],
    typer.Option(
        "--models",
        metavar="NAME" + SEVERAL,
        help="Shipped names or model folders, one after the other.",
    ),
]
SitesFile = Annotated[
    Path | None,
    typer.Option(
        "--sites",
        help="BED: where to measure; column 1 a record or chromosome, column 4 the motif.",
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
    motifs: options.MotifFile = None,
    motif: options.MotifNames = None,
    track: TrackFiles = None,
    tax: options.TaxGroup = Tax.vertebrates,
    db: options.Database = None,
    cls_row: ClsRow = False,
    context: options.Context = None,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Compare models at the sites of motifs.

    Compare models on the same windows: attention at motif sites, with every control beside it.

    Example: nucel-interp compare peaks.fa --models nucel-mini my-nt-folder -o compared
    """
    from nucel_interp.api.compare_models import compare_models
    from nucel_interp.io.outputs import check_folder

    if sum(one is not None for one in (sites, motifs, motif)) > 1:
        raise typer.BadParameter("give --sites, --motifs or --motif, not two of them")
    check_folder(out, force=force)
    set_threads(threads)
    say_if_cold()
    with reporter() as on_progress:
        result = compare_models(
            sequences,
            models,
            sites=sites,
            motifs=motifs,
            motif=motif,
            tracks=track,
            tax=tax.value,
            database=db,
            cls_row=cls_row,
            context=context,
            seed=seed,
            on_progress=on_progress,
        )
    result.save(out, force=force, command=["nucel-interp", *sys.argv[1:]])
    _summarise(result, out)


def _summarise(result: ComparisonResult, out: Path) -> None:
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
    typer.echo(result.answer)
    typer.echo(f"Report: {out / 'report.html'}  ({result.run.seconds:.0f} s)")


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
