"""`nucel-interp match`: name motifs by JASPAR, or by a motif file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_if_cold, say_of_table


def match(
    motifs: Annotated[
        Path, typer.Argument(metavar="MOTIFS", help="MEME file, such as motifs.meme.")
    ],
    out: options.OutFile = Path("-"),
    tax: options.TaxGroup = options.Tax.vertebrates,
    db: options.Database = None,
    format: options.FileFormat = None,
    force: options.Force = False,
) -> None:
    """Compare motifs with JASPAR, or your own.

    By Tomtom, with E-values, and q over all pairs.

    Example: nucel-interp match out/motifs.meme -o matches.tsv
    """
    from nucel_interp.api.match_motifs import match_motifs
    from nucel_interp.io.outputs import check_free

    check_free(out, force=force)
    say_if_cold()
    result = match_motifs(motifs, db, tax=tax.value)
    result.save(out, force=force, form=options.form_of(format))
    say_of_table(result, out)
