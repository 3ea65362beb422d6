"""Weights that give decoys' sites the composition of the motif's.

Same matrices' columns do not make same sites: real sites score far above the threshold, a decoy's
chance sites just so, and are nearer to the background. A head that likes GC would show as one
that likes a GC-rich motif.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.sequences import Sequences
from nucel_interp.types import Site

MIN_IN_CELL = 5
Cell = tuple[int, int]


def composition(site: Site, sequences: Sequence[str]) -> Cell:
    """How many G or C, and how many CpG, a site holds; the same on both strands."""
    text = sequences[site.record][site.start : site.end]
    return text.count("G") + text.count("C"), text.count("CG")


def matched_weights(
    own: Sequence[Site], others: Sequence[Site], sequences: Sequences
) -> NDArray[np.float64]:
    """(others,) weights under which the others' sites have the composition of ``own``.

    Every own site (shared out if its sequence holds several) asks for sites with as many G + C
    and CpG, or the nearest such that at least five of the others have; those share its weight.

    Args:
        own: The motif's sites.
        others: All sites of all decoys.
        sequences: Sequences of the units, one per unit.
    """
    cells = [composition(s, sequences) for s in others]
    supply = Counter(cells)
    rich = sorted(cell for cell, n in supply.items() if n >= MIN_IN_CELL)
    if not rich:
        return np.ones(len(others))
    per_unit = Counter(s.record for s in own)
    asked: dict[Cell, float] = {}
    for s in own:
        cell = composition(s, sequences)
        asked[cell] = asked.get(cell, 0.0) + 1 / per_unit[s.record]
    demand: dict[Cell, float] = dict.fromkeys(rich, 0.0)
    for (gc, cpg), share in sorted(asked.items()):
        distance = {cell: abs(cell[0] - gc) + abs(cell[1] - cpg) for cell in rich}
        nearest = [cell for cell in rich if distance[cell] == min(distance.values())]
        for cell in nearest:
            demand[cell] += share * supply[cell] / sum(supply[c] for c in nearest)
    return np.array([demand.get(cell, 0.0) / supply[cell] for cell in cells])
