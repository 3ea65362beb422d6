"""The table of matches: Tomtom's columns, then ours."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.match.jaspar import JasparDatabase
from nucel_interp.motifs.pwm import consensus, total_information
from nucel_interp.motifs.similarity import informative, tomtom
from nucel_interp.types import MATCH_COLUMNS, Motif

# With less, a query is like everything, and counting it would blur the correction for the others.
MIN_BITS = 4.0
MIN_WIDTH = 5
_MOST_NAMED = 5

_NUMBERS = {
    "Optimal_offset": "int64", "Overlap": "int64", "Query_ends": "int64", "Target_ends": "int64",
    "p-value": "float64", "E-value": "float64", "q-value": "float64", "q_global": "float64",
}  # fmt: skip


def match_table(
    motifs: Sequence[Motif], database: JasparDatabase, e_threshold: float = 10.0
) -> pd.DataFrame:
    """Look motifs up in a collection by Tomtom.

    Columns with under 0.25 bits at either end of queries and targets are left out of the
    comparison (`similarity.END_BITS`): flat ends match whatever has a run of N. Queries that then
    have under 4 bits of information in total or under 5 columns are not compared: they get no rows
    and are not counted in ``q_global``.

    Args:
        motifs: The queries; ids must differ.
        database: Collection to search.
        e_threshold: Largest E-value of a row.

    Returns:
        `types.MATCH_COLUMNS`, sorted by query in the given order, then p-value, then Target_ID:

        - Optimal_offset: columns by which the query begins to the right of the target (negative:
          to the left), the target turned as Orientation says. It and Overlap, the aligned columns,
          are of the matrices as they stand, with their ends.
        - E-value: p-value times the number of targets.
        - q-value: Benjamini-Hochberg over the targets of this query, as Tomtom's column.
        - q_global: Benjamini-Hochberg over all queries and targets together; the one to trust
          when several motifs were looked up.
        - Query_consensus, Target_consensus: IUPAC, each as its own matrix stands.
        - archetype, archetype_members: the target's group of look-alikes, and their names.
        - Query_ends, Target_ends: how many columns were left out at both ends together.

    Raises:
        InputError: Two queries have the same id, or ``e_threshold`` is not above 0.

    Warns:
        NucelWarning: Queries were not compared, and why.
    """
    if not e_threshold > 0:
        raise InputError(f"The largest E-value must be above 0, but {e_threshold} was given.")
    ids = [motif.id for motif in motifs]
    if len(set(ids)) < len(ids):
        twice = next(motif_id for motif_id in ids if ids.count(motif_id) > 1)
        raise InputError(f"Two motifs are named {twice}. Give every motif its own id.")
    too_weak = {motif.id: why for motif in motifs if (why := _too_weak(motif))}
    if too_weak:
        named = [f"{name} ({why})" for name, why in [*too_weak.items()][:_MOST_NAMED]]
        more = len(too_weak) - len(named)
        warnings.warn(
            f"{len(too_weak):,} of {len(motifs):,} motifs were not compared, as too little of them "
            f"is informative: {', '.join(named)}{f' and {more:,} more' if more else ''}. At least "
            f"{MIN_WIDTH} columns and {MIN_BITS:g} bits are needed.",
            NucelWarning,
            stacklevel=2,
        )
    queries = [motif for motif in motifs if motif.id not in too_weak]
    targets = database.motifs
    if not queries or not targets:
        return pd.DataFrame(
            {name: pd.Series(dtype=_NUMBERS.get(name, "str")) for name in MATCH_COLUMNS}
        )
    found = tomtom(queries, targets, null=database.null)
    e = found.p * len(targets)
    q = false_discovery_control(found.p, axis=1)
    q_global = false_discovery_control(found.p.ravel()).reshape(found.p.shape)
    target_ids = np.array([target.id for target in targets])
    order = [np.lexsort((target_ids, p)) for p in found.p]
    pairs = [(i, j) for i, row in enumerate(order) for j in row.tolist() if e[i, j] <= e_threshold]
    at = tuple(np.array(pairs, dtype=np.int64).reshape(-1, 2).T)
    query = [queries[i] for i, _ in pairs]
    target = [targets[j] for _, j in pairs]
    archetype = [database.archetypes[motif.id] for motif in target]
    letters = {motif.id: consensus(motif.pwm) for motif in target}
    asked = {motif.id: consensus(motif.pwm) for motif in query}
    return pd.DataFrame(
        {
            "Query_ID": [motif.id for motif in query],
            "Target_ID": [motif.id for motif in target],
            "Optimal_offset": found.offset[at],
            "p-value": found.p[at],
            "E-value": e[at],
            "q-value": q[at],
            "Overlap": found.overlap[at],
            "Query_consensus": [asked[motif.id] for motif in query],
            "Target_consensus": [letters[motif.id] for motif in target],
            "Orientation": found.strand[at].tolist(),
            "Target_name": [motif.name for motif in target],
            "Target_group": [motif.group for motif in target],
            "archetype": archetype,
            "archetype_members": [",".join(database.members[name]) for name in archetype],
            "q_global": q_global[at],
            "Query_ends": [ends(motif) for motif in query],
            "Target_ends": [ends(motif) for motif in target],
        },
        columns=MATCH_COLUMNS,
    )


def ends(motif: Motif) -> int:
    """How many columns at the ends of a motif are left out of the comparison."""
    kept = informative(motif)
    return kept.left + kept.right


def _too_weak(motif: Motif) -> str:
    """Why a query is not compared; "" if it is."""
    kept = informative(motif)
    if kept.width < MIN_WIDTH:
        return "1 column" if kept.width == 1 else f"{kept.width} columns"
    bits = total_information(kept.pwm)
    return "" if bits >= MIN_BITS else f"{bits:.1f} bits"


def best_match(matches: pd.DataFrame, motif_id: str) -> pd.Series | None:
    """The row with the smallest p-value for one query; None if it has no row."""
    rows = matches[matches["Query_ID"] == motif_id]
    return None if rows.empty else rows.iloc[int(rows["p-value"].argmin())]
