"""Names for motifs: matches in JASPAR, with E-values and corrections over all pairs."""

from nucel_interp.match.by_name import motifs_by_name
from nucel_interp.match.jaspar import JasparDatabase, load_database, load_jaspar
from nucel_interp.match.table import best_match, ends, match_table

__all__ = [
    "JasparDatabase",
    "best_match",
    "ends",
    "load_database",
    "load_jaspar",
    "match_table",
    "motifs_by_name",
]
