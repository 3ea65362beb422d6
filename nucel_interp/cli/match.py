"""`nucel-interp match`: name motifs by JASPAR, or by a motif file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.options import Format, Tax


def match(
    motifs: Annotated[
        Path, typer.Argument(metavar="MOTIFS", help="MEME file, such as motifs.meme.")
    ],
    out: options.OutFile = Path("-"),
    tax: options.TaxGroup = Tax.vertebrates,
    db: options.Database = None,
    format: options.TableFormat = Format.tsv,
    force: options.Force = False,
) -> None:
    """Compare motifs with JASPAR, or your own, by Tomtom: E-values, and q over all pairs.

    Example: nucel-interp match out/motifs.meme -o matches.tsv
    """
    from nucel_interp.cli.terminal import say
    from nucel_interp.io.meme import read_meme
    from nucel_interp.io.outputs import write_atomic
    from nucel_interp.io.tables import to_json, to_tsv
    from nucel_interp.match import load_database, load_jaspar, match_motifs
    from nucel_interp.motifs.similarity import notice

    queries = read_meme(motifs)
    cold = notice()
    if cold:
        say(cold)
    database = load_jaspar(tax.value) if db is None else load_database(db, tax.value)
    table = match_motifs(queries, database)
    write_atomic(out, to_json(table) if format is Format.json else to_tsv(table), force=force)
    named = table["Query_ID"].nunique()
    where = f"{database.release} {database.tax}".strip()
    say(f"{named} of {len(queries)} motifs have a match with E <= 10 in {where}")
