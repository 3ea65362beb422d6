"""The table of matches: Tomtom's columns, then ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from nucel_interp.errors import InputError
from nucel_interp.match.jaspar import JasparDatabase
from nucel_interp.motifs.pwm import consensus, total_information
from nucel_interp.motifs.similarity import tomtom
from nucel_interp.types import MATCH_COLUMNS, Motif

# With less, a query is like everything, and counting it would blur the correction for the others.
MIN_BITS = 4.0
MIN_WIDTH = 5

_NUMBERS = {
    "Optimal_offset": "int64", "Overlap": "int64",
    "p-value": "float64", "E-value": "float64", "q-value": "float64", "q_global": "float64",
}  # fmt: skip


def match_motifs(
    motifs: Sequence[Motif], database: JasparDatabase, e_threshold: float = 10.0
) -> pd.DataFrame:
    """Look motifs up in a collection by Tomtom.

    Queries with under 4 bits of information in total or under 5 columns are not compared: they
    get no rows and are not counted in ``q_global``.

    Args:
        motifs: The queries; ids must differ.
        database: What to look in.
        e_threshold: Largest E-value of a row.

    Returns:
        `types.MATCH_COLUMNS`, sorted by query in the given order, then p-value, then Target_ID:

        - Optimal_offset: columns by which the query begins to the right of the target (negative:
          to the left), the target turned as Orientation says.
        - E-value: p-value times the number of targets.
        - q-value: Benjamini-Hochberg over the targets of this query, as Tomtom's column.
        - q_global: Benjamini-Hochberg over all queries and targets together; the one to trust
          when several motifs were looked up.
        - Query_consensus, Target_consensus: IUPAC, each as its own matrix stands.
        - archetype, archetype_members: the target's group of look-alikes, and their names.

    Raises:
        InputError: Two queries have the same id, or ``e_threshold`` is not above 0.
    """
    if not e_threshold > 0:
        raise InputError(f"The largest E-value must be above 0, but {e_threshold} was given.")
    ids = [motif.id for motif in motifs]
    if len(set(ids)) < len(ids):
        twice = next(motif_id for motif_id in ids if ids.count(motif_id) > 1)
        raise InputError(f"Two motifs are named {twice}. Give every motif its own id.")
    queries = [
        motif
        for motif in motifs
        if motif.width >= MIN_WIDTH and total_information(motif.pwm) >= MIN_BITS
    ]
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
        },
        columns=MATCH_COLUMNS,
    )


def best_match(matches: pd.DataFrame, motif_id: str) -> pd.Series | None:
    """The row with the smallest p-value for one query; None if it has no row."""
    rows = matches[matches["Query_ID"] == motif_id]
    return None if rows.empty else rows.iloc[int(rows["p-value"].argmin())]
