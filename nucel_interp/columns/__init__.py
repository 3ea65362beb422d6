"""Every column of every table that is written: its meaning and its unit, in the order written.

The lists of columns that the code uses are made from these (`types.MOTIF_COLUMNS` and the like),
and so are the pages of the documentation.
"""

from __future__ import annotations

from nucel_interp.columns import agree, compare, heads, motifs, predictions
from nucel_interp.columns.base import Columns

TABLES: dict[str, dict[str, Columns]] = {
    "motifs": motifs.TABLES,
    "seqlets": {"seqlets.bed": motifs.SEQLETS},
    "kmers": {"kmers.tsv": motifs.KMERS},
    "match": {"matches.tsv": motifs.MATCHES},
    "calibrate": {"calibrate.tsv": motifs.CALIBRATION},
    "heads": heads.TABLES,
    "compare": compare.TABLES,
    "agree": agree.TABLES,
    "attribute": predictions.ATTRIBUTE_TABLES,
    "substitution": predictions.SUBSTITUTION_TABLES,
    "variants": predictions.VARIANT_TABLES,
}
"""Command -> file name -> its columns."""

PREFIXES = {"change_": predictions.CHANGE}
"""Columns whose names go on with a label of the user's model."""


def described(command: str, file: str) -> Columns:
    """The columns of one file of one command.

    Args:
        command: Name of the command, such as ``motifs``.
        file: Name of the file, such as ``motifs.tsv``.

    Raises:
        KeyError: No such command, or it writes no such table.
    """
    return TABLES[command][file]


def meaning(command: str, file: str, column: str) -> tuple[str, str] | None:
    """Meaning and unit of one column; None if it is not described.

    Args:
        command: Name of the command.
        file: Name of the file.
        column: Name of the column, as in its header.
    """
    found = TABLES.get(command, {}).get(file, {}).get(column)
    if found is not None:
        return found
    return next((text for start, text in PREFIXES.items() if column.startswith(start)), None)
