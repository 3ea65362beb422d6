"""Where a track would have come from by chance: another sequence, or elsewhere on the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.sequences import Sequences

PERMUTATIONS = 200
MIN_STRATUM_SIZE = 10
"""Fewer units of one length (in a half) than this are no basis for permuting their tracks."""


@dataclass(frozen=True, eq=False)
class Null:
    """Permuted tracks; row 0 of each array is the given arrangement.

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


def strata(
    lengths: NDArray[np.int64], half: NDArray[np.bool_], used: NDArray[np.bool_]
) -> list[NDArray[np.int64]]:
    """Units in use of one length and in one half, where there are `MIN_STRATUM_SIZE` of them.

    Args:
        lengths: (units,) bases.
        half: (units,) bool.
        used: (units,) bool.

    Returns:
        Ascending numbers of the units of each stratum; the first half first, then by length.
    """
    found = []
    for side in (False, True):
        here = used & (half == side)
        for length in np.unique(lengths[here]).tolist():
            members = np.flatnonzero(here & (lengths == length))
            if len(members) >= MIN_STRATUM_SIZE:
                found.append(members)
    return found


def permute_between_sequences(
    sequences: Sequences,
    half: NDArray[np.bool_],
    distinct: NDArray[np.bool_],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Null:
    """Tracks permuted between units of one length in the same half.

    What a place in the sequence attracts as such stays. Tracks keep the direction they were given
    in, so promoters that all point one way keep their common profile.

    Args:
        sequences: Sequences of the units, one per unit.
        half: (units,) bool, the test half.
        distinct: (units,) bool, which take part; the others repeat a sequence.
        seed: Seed of the draws.
        permutations: Number of permutations.
    """
    rng = np.random.default_rng(seed)
    donor = np.tile(np.arange(len(sequences)), (1 + permutations, 1))
    used = np.zeros(len(sequences), dtype=bool)
    for members in strata(sequences.lengths, half, distinct):
        used[members] = True
        # in an order that no file decides
        ordered = members[np.argsort(sequences.rank[members], kind="stable")]
        for row in donor[1:]:
            row[ordered] = rng.permutation(ordered)
    begin = sequences.offsets[donor]
    return Null("permutation", used, begin, sequences.lengths, np.zeros_like(donor))


def shift(
    sequences: Sequences,
    record: NDArray[np.int64],
    distinct: NDArray[np.bool_],
    seed: int,
    permutations: int = PERMUTATIONS,
) -> Null:
    """Each record's track moved along it by a random number of bases, the end joined to the start.

    Keeps how a track varies along the sequence, but not what a place as such attracts.

    Args:
        sequences: Sequences of the units, one per unit.
        record: (units,) record of each unit; units of one record lie side by side, in order.
        distinct: (units,) bool, which take part; the others repeat a sequence.
        seed: Seed of the draws.
        permutations: Number of random shifts.
    """
    which = np.cumsum(np.concatenate([[True], record[1:] != record[:-1]])) - 1
    records = Sequences(
        "".join(sequences.take(np.flatnonzero(which == r))) for r in range(int(which[-1]) + 1)
    )
    rng = np.random.default_rng(seed)
    by = np.zeros((1 + permutations, len(records)), dtype=np.int64)
    for r in records.order.tolist():
        drawn = rng.integers(max(1, int(records.lengths[r])), size=permutations)
        # the same move of the same bases, whichever strand is given
        by[1:, r] = -drawn if records.flipped[r] else drawn
    begin, length = records.offsets[which], records.lengths[which]
    phase = (sequences.offsets[:-1] - begin + by[:, which]) % np.maximum(length, 1)
    return Null("shift", distinct, np.broadcast_to(begin, phase.shape), length, phase)
