"""`nucel-interp match`: name motifs by JASPAR, or by a motif file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_if_cold
from nucel_interp.cli.options import Format, Tax

SURE = 0.05


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
    from nucel_interp.io.meme import read_meme
    from nucel_interp.io.outputs import check_free, write_atomic
    from nucel_interp.io.tables import to_json, to_tsv
    from nucel_interp.match import ends, load_database, load_jaspar, match_motifs
    from nucel_interp.motifs.similarity import END_BITS
    from nucel_interp.progress import say

    check_free(out, force=force)
    queries = read_meme(motifs)
    say_if_cold()
    database = load_jaspar(tax.value) if db is None else load_database(db, tax.value)
    table = match_motifs(queries, database)
    write_atomic(out, to_json(table) if format is Format.json else to_tsv(table), force=force)
    where = f"{database.release} {database.tax}".strip()
    for given, of in ((queries, f"{motifs}"), (database.motifs, where)):
        cut = [motif for motif in given if ends(motif)]
        if cut:
            say(
                f"note: {len(cut):,} of {len(given):,} motifs of {of} have columns under "
                f"{END_BITS:g} bits at their ends ({cut[0].id}: {ends(cut[0])}), which are not "
                "compared: Query_ends and Target_ends count them"
            )
    named = table.loc[table["q_global"] <= SURE, "Query_ID"].nunique()
    # of a few targets every one has E <= 10, so that the number of rows says nothing
    say(
        f"{named} of {len(queries)} motifs have a match with q_global <= {SURE:g} in {where}; "
        f"{len(table):,} rows, those with E <= 10"
    )
