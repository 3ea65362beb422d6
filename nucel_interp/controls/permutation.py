"""Where a track would have come from by chance: another sequence, or elsewhere on the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.sequences import Sequences

PERMUTATIONS = 200
MIN_STRATUM_SIZE = 10
"""Fewer units of one length (in a half) than this are no basis for permuting their tracks."""


@dataclass(frozen=True, eq=False)
class Null:
    """Rearranged tracks; row 0 of each array is the given arrangement.

    Attributes:
        name: "permutation" or "shift".
        used: (units,) bool, the units that take part.
        begin: (1 + permutations, units) first base of the stretch that gives the unit its track.
        period: (units,) length after which that stretch starts anew.
        phase: (1 + permutations, units) base of the stretch that comes to lie on the unit's first.
    """

    name: str
    used: NDArray[np.bool_]
    begin: NDArray[np.int64]
    period: NDArray[np.int64]
    phase: NDArray[np.int64]


def permute_between_sequences(
    sequences: Sequence[str],
    offsets: NDArray[np.int64],
    half: NDArray[np.bool_],
    distinct: NDArray[np.bool_],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Null:
    """Tracks permuted between units of one length in the same half.

    What a place in the sequence attracts as such stays. Tracks keep the direction they were given
    in, so promoters that all point one way keep their common profile.

    Args:
        sequences: One per unit.
        offsets: (units + 1,).
        half: (units,) bool, the test half.
        distinct: (units,) bool, which take part; the others repeat a sequence.
        seed: Seed of the draws.
        permutations: How many.
    """
    sequences = Sequences.of(sequences)
    lengths = np.diff(offsets)
    rng = np.random.default_rng(seed)
    donor = np.tile(np.arange(len(lengths)), (1 + permutations, 1))
    used = np.zeros(len(lengths), dtype=bool)
    order = sequences.order
    groups: dict[tuple[bool, int], list[int]] = {}
    for unit in order[distinct[order]].tolist():
        groups.setdefault((bool(half[unit]), int(lengths[unit])), []).append(unit)
    for _, members in sorted(groups.items()):
        if len(members) < MIN_STRATUM_SIZE:
            continue
        used[members] = True
        for row in donor[1:]:
            row[members] = rng.permutation(members)
    return Null("permutation", used, offsets[donor], lengths, np.zeros_like(donor))


def shift(
    sequences: Sequence[str],
    offsets: NDArray[np.int64],
    record: NDArray[np.int64],
    distinct: NDArray[np.bool_],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Null:
    """Each record's track moved along it by a random number of bases, the end joined to the start.

    Keeps how a track varies along the sequence, but not what a place as such attracts.

    Args:
        sequences: One per unit.
        offsets: (units + 1,).
        record: (units,) record of each unit; units of one record lie side by side, in order.
        distinct: (units,) bool, which take part; the others repeat a sequence.
        seed: Seed of the draws.
        permutations: How many.
    """
    sequences = Sequences.of(sequences)
    n_units = len(sequences)
    first = np.flatnonzero(np.concatenate([[True], record[1:] != record[:-1]]))
    which = np.cumsum(np.concatenate([[True], record[1:] != record[:-1]])) - 1
    edges = np.append(offsets[first], offsets[-1])
    length = np.diff(edges)
    records = Sequences(
        "".join(sequences.take(np.flatnonzero(which == r))) for r in range(len(first))
    )
    rng = np.random.default_rng(seed)
    by = np.zeros((1 + permutations, len(first)), dtype=np.int64)
    for r in records.order.tolist():
        drawn = rng.integers(max(1, int(length[r])), size=permutations)
        # the same move of the same bases, whichever strand is given
        by[1:, r] = -drawn if records.flipped[r] else drawn
    begin = np.broadcast_to(edges[which], (1 + permutations, n_units))
    phase = (offsets[:-1] - edges[which] + by[:, which]) % np.maximum(length[which], 1)
    return Null("shift", distinct, begin, length[which], phase)
