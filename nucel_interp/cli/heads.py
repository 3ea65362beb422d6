"""`nucel-interp heads`: which head attends to which motif."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Format, Strand, Tax

MaybeFolder = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder to write, with a figure; else the table is printed."),
]


def heads(
    sequences: options.Input,
    motifs: options.MotifFile = None,
    motif: options.MotifNames = None,
    out: MaybeFolder = None,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    tax: options.TaxGroup = Tax.vertebrates,
    db: options.Database = None,
    strand: options.Strands = Strand.both,
    format: options.TableFormat = Format.tsv,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Which head attends to which motif.

    Every head against every motif, beyond decoys, permuted tracks and random weights.

    Example: nucel-interp heads peaks.fa --motifs out/motifs.meme -o heads
    """
    from nucel_interp.api.head_motifs import head_motifs
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_folder
    from nucel_interp.io.tables import to_json, to_tsv

    if motifs is not None and motif is not None:
        raise typer.BadParameter("give --motifs or --motif, not both")
    if out is not None:
        check_folder(out, force=force)
    set_threads(threads)
    with reporter() as on_progress:
        result = head_motifs(
            sequences,
            motifs,
            model,
            motif=motif,
            context=context,
            tax=tax.value,
            database=db,
            strand=strand.value,
            seed=seed,
            on_progress=on_progress,
        )
    if out is None:
        table = result.head_motifs
        typer.echo(to_json(table) if format is Format.json else to_tsv(table), nl=False)
    else:
        result.save(out, force=force, command=["nucel-interp", *sys.argv[1:]])
    for line in result.sentences:
        typer.echo(line, err=out is None)
    if out is not None:
        typer.echo(f"Table: {out / 'head_motifs.tsv'}; figure: {out / 'figures'}")
