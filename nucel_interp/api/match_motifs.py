"""Names for motifs: Tomtom against JASPAR, or against a collection of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nucel_interp.api.given import database_of
from nucel_interp.api.result import TableResult

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.match import JasparDatabase
    from nucel_interp.types import Motif

MAX_Q_GLOBAL = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class MatchResult(TableResult):
    """What `match_motifs` found.

    Attributes:
        matches: A row per motif and matrix with an E-value up to the largest wanted, best first
            within each motif (columns `types.MATCH_COLUMNS`, explained at `match.match_table`).
        n_motifs: Number of motifs that were looked up.
        database: Name of the collection.
        e_threshold: Largest E-value of a row.
        warnings: Motifs of which columns were left out of the comparison.
    """

    matches: pd.DataFrame
    n_motifs: int
    database: str
    e_threshold: float
    warnings: list[str] = field(default_factory=list)

    @property
    def table(self) -> pd.DataFrame:  # type: ignore[override]  # read only
        """The matches."""
        return self.matches

    @property
    def answer(self) -> str:
        """How many motifs have a match, in one sentence."""
        sure = self.matches["q_global"] <= MAX_Q_GLOBAL
        named = self.matches.loc[sure, "Query_ID"].nunique()
        s, rows = "" if self.n_motifs == 1 else "s", len(self.matches)
        # of a few targets every one has E <= 10, so that the number of rows says nothing
        return (
            f"{named} of {self.n_motifs} motif{s} {'has' if named == 1 else 'have'} a match with "
            f"q_global <= {MAX_Q_GLOBAL:g} in {self.database}; {rows:,} "
            f"row{'' if rows == 1 else 's'}, those with E <= {self.e_threshold:g}"
        )


def match_motifs(
    motifs: str | Path | Sequence[Motif],
    database: str | Path | JasparDatabase | None = None,
    *,
    tax: str = "vertebrates",
    e_threshold: float = 10.0,
) -> MatchResult:
    """Look motifs up in a collection by Tomtom: E-values, and q over all pairs.

    Columns with under 0.25 bits at either end are left out of the comparison, and motifs of which
    too little is left are not compared, with a warning (`match.match_table`).

    Args:
        motifs: A MEME file, or motifs with different ids.
        database: Collection to look the motifs up in, in place of JASPAR: a MEME file, or the
            collection that `load_database` gives.
        tax: JASPAR tax group to look in, or "all".
        e_threshold: Largest E-value of a row.

    Raises:
        InputError: A file that cannot be read, no such tax group, two motifs with the same id, or
            ``e_threshold`` is not above 0.

    Example:
        >>> import nucel_interp as ni
        >>> ctcf = next(m for m in ni.load_jaspar().motifs if m.name == "CTCF")
        >>> found = ni.match_motifs([ctcf])
        >>> found.matches.iloc[0]["Target_name"]
        'CTCF'
    """
    from nucel_interp.io.meme import read_meme
    from nucel_interp.match import ends, match_table
    from nucel_interp.motifs.similarity import END_BITS

    is_file = isinstance(motifs, (str, Path))
    queries = read_meme(motifs) if isinstance(motifs, (str, Path)) else list(motifs)
    collection = database_of(database, tax)
    table = match_table(queries, collection, e_threshold)
    name = f"{collection.release} {collection.tax}".strip()
    warnings = []
    for given, of in ((queries, str(motifs) if is_file else "yours"), (collection.motifs, name)):
        cut = [motif for motif in given if ends(motif)]
        if cut:
            warnings.append(
                f"{len(cut):,} of {len(given):,} motifs of {of} have columns under {END_BITS:g} "
                f"bits at their ends ({cut[0].id}: {ends(cut[0])}), which are not compared: "
                "Query_ends and Target_ends count them"
            )
    return MatchResult(table, len(queries), name, e_threshold, warnings)
