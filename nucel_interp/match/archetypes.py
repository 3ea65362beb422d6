"""Archetypes: groups of matrices too alike for a match to tell between them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from nucel_interp.motifs.similarity import tomtom
from nucel_interp.types import Motif

_FEWEST_BITS = 4.0  # with less, a motif is like everything
CUT = 0.7
# -log10 p beyond which more similar means nothing: without a cap a matrix's comparison with itself
# (1e-25 to 1e-130, by width) outweighs its relatives, and the three CTCF matrices fall apart
CAP = 15.0
ALIKE = 1e-2


def archetypes(motifs: Sequence[Motif], first: int = 1, against: Sequence[Motif] = ()) -> list[str]:
    """An archetype per motif, numbered from ``first`` and named after its most central member.

    Complete linkage on the correlation distance between rows of -log10 Tomtom p, capped at 15, cut
    at 0.7: the recipe of Vierstra et al. (Nature 2020, 583:729) with p in place of E. The central
    member is the one whose row correlates best, on average, with those of all members.

    Args:
        motifs: Motifs to group.
        first: Number of the first group.
        against: Further motifs that every row is compared with: a handful of motifs says too
            little about each other for a correlation to mean anything. Members of a group must
            then also be alike themselves, pair by pair (Tomtom p at most 0.01).

    Returns:
        "A052_CTCF" and the like; one per motif, in their order.
    """
    if len(motifs) == 1:
        return [_name(first, motifs[0])]
    compared = tomtom(motifs, [*motifs, *against], min_bits=_FEWEST_BITS)
    profile = -np.log10(np.maximum(compared.p, 10**-CAP))
    # a motif that was not compared has a flat row, and a flat row no correlation
    distance = np.nan_to_num(pdist(profile, metric="correlation"), nan=1.0)
    if against:
        # rows may also correlate because two motifs are alike others in the same weak way
        own = compared.p[:, : len(motifs)]
        distance[squareform(np.minimum(own, own.T), checks=False) > ALIKE] = 1.0
    numbers = fcluster(linkage(distance, method="complete"), CUT, criterion="distance")
    square = squareform(distance)
    names: dict[int, str] = {}
    for number in numbers.tolist():  # numbered by first member
        if number not in names:
            members = np.flatnonzero(numbers == number)
            centre = members[np.argmin(square[np.ix_(members, members)].sum(axis=1))]
            names[number] = _name(first + len(names), motifs[centre])
    return [names[number] for number in numbers.tolist()]


def _name(number: int, motif: Motif) -> str:
    word = re.sub(r"\s+", "_", motif.name or motif.id)
    return f"A{number:03d}_{word}"
