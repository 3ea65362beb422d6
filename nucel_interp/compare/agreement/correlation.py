"""How far two tracks agree base by base, and what their position in the sequence would give.

The agreement of a sequence is a sum over its bases: of two tracks' ranks, centred and scaled to
length one, it is Spearman's coefficient; of centred ranks and a site mask over n1 n0 it is AUROC
less one half. What position alone gives is the same sum with one of the two taken from another
sequence of equal length: ends, and the middle of a peak, stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from nucel_interp.controls.permutation import permute_between_sequences, strata
from nucel_interp.sequences import Sequences

PERMUTATIONS = 1000
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bases:
    """Sequences laid end to end: what every track of one comparison is aligned to.

    Attributes:
        sequences: Sequences, each once.
        second_half: (sequences,) bool; heads are chosen on one half and measured on the other.
        known: (bases,) bases that count: those for which every track has a number.
        seed: Seed of intervals and permutations.
        directed: Whether the given strand means something; else a letter counts as its complement,
            and a place as its mirror image.
    """

    sequences: Sequences
    second_half: NDArray[np.bool_]
    known: NDArray[np.bool_]
    seed: int = 0
    directed: bool = False

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(sequences + 1,) where each begins."""
        return self.sequences.offsets

    @cached_property
    def bootstrap(self) -> NDArray[np.int64]:
        """(draws, sequences) of `Sequences.bootstrap`: the same for all tables."""
        return self.sequences.bootstrap(self.seed)

    @cached_property
    def known_places(self) -> list[NDArray[np.int64]]:
        """(sequences, bases of each) of those with as many bases that count, one array a number."""
        found: dict[int, list[NDArray[np.int64]]] = {}
        for begin, end in pairwise(self.offsets.tolist()):
            at = begin + np.flatnonzero(self.known[begin:end])
            found.setdefault(at.size, []).append(at)
        return [np.stack(places) for size, places in found.items() if size]

    @cached_property
    def _permuted(self) -> dict[tuple[bytes, int], tuple[NDArray[np.bool_], NDArray[np.int64]]]:
        return {}

    def permuted(
        self, used: NDArray[np.bool_], permutations: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which sequences take part, and (permutations, sequences) whose track each is given."""
        key = (used.tobytes(), permutations)
        if key not in self._permuted:
            null = permute_between_sequences(
                self.sequences, self.second_half, used, self.seed, permutations
            )
            donor = np.searchsorted(self.offsets[:-1], null.begin[1:], side="left")
            self._permuted[key] = null.used, donor
        return self._permuted[key]

    def sum(self, values: NDArray[np.floating]) -> Array:
        """(..., bases) summed over each sequence."""
        if not len(self.sequences):
            return np.zeros((*values.shape[:-1], 0))
        empty = self.sequences.lengths == 0
        padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        total = np.add.reduceat(padded, self.offsets[:-1], axis=-1)
        return np.asarray(np.where(empty, 0.0, total), dtype=np.float64)

    def strata(self, used: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
        """Sequences in use, of one length and in one half: those whose tracks may be permuted."""
        return strata(self.sequences.lengths, self.second_half, used)

    def rows(self, track: NDArray[np.floating], members: NDArray[np.int64]) -> Array:
        """(members, bases of each) of sequences of one length."""
        length = int(self.sequences.lengths[members[0]])
        return np.asarray(track[self.offsets[members][:, None] + np.arange(length)], np.float64)


@dataclass(frozen=True, eq=False)
class Agreement:
    """Of two tracks, sequence by sequence.

    Attributes:
        values: (sequences,) NaN where it is not defined.
        expected: (sequences,) mean over the other sequences of its length and half, one of the two
            tracks being theirs; NaN with fewer than `permutation.MIN_STRATUM_SIZE` such.
        p: Chance that tracks permuted between sequences agree as much, in either direction from
            what is expected; NaN without such sequences.
    """

    values: Array
    expected: Array
    p: float


def centred(track: NDArray[np.floating], bases: Bases) -> Array:
    """Ranks within each sequence less their mean, (..., bases); 0 where a base does not count."""
    out = np.zeros(track.shape)
    for at in bases.known_places:
        out[..., at] = rankdata(track[..., at], axis=-1) - (at.shape[1] + 1) / 2
    return out


def scaled(track: NDArray[np.floating], bases: Bases) -> Array:
    """Centred ranks of length one in each sequence; all 0 where the track has no contrast."""
    ranks = centred(track, bases)
    length = np.sqrt(bases.sum(ranks**2))
    each = length[..., bases.sequences.number]
    return np.divide(ranks, each, out=np.zeros_like(ranks), where=each > 0)


def site_weights(is_site: NDArray[np.bool_], bases: Bases) -> tuple[Array, NDArray[np.bool_]]:
    """Weights of the bases, and which sequences have site bases and others.

    The sum of weights times centred ranks is AUROC - 1/2 of site bases against all others of the
    sequence, ties counting half (Mann and Whitney 1947).
    """
    inside = is_site & bases.known
    n1, n = bases.sum(inside.astype(float)), bases.sum(bases.known.astype(float))
    defined = (n1 > 0) & (n1 < n)
    factor = np.where(defined, 1 / np.maximum(n1 * (n - n1), 1), 0.0)
    return np.where(inside, factor[bases.sequences.number], 0.0), defined


def agreement(
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    bases: Bases,
    *,
    used: NDArray[np.bool_] | None = None,
    permutations: int = PERMUTATIONS,
) -> Agreement:
    """Sums of ``a`` times ``b`` within sequences, and with ``b`` from others.

    Args:
        a: (bases,) as `scaled`, `centred` or `site_weights` give it.
        b: (bases,)
        bases: Sequences that ``a`` and ``b`` are aligned to, laid end to end.
        used: (sequences,) bool, those where it is defined; all if not given.
        permutations: Number of permutations for p; 0 leaves p out.
    """
    n = len(bases.sequences)
    used = np.ones(n, dtype=bool) if used is None else used
    values = np.where(used, bases.sum(a * b), np.nan)
    expected = np.full(n, np.nan)
    for members in bases.strata(used):
        x, y = bases.rows(a, members), bases.rows(b, members)
        own = (x * y).sum(axis=1)
        # the other's track in place of a or of b: the same for (a, b) as for (b, a)
        both = x @ y.sum(axis=0) + y @ x.sum(axis=0) - 2 * own
        expected[members] = both / (2 * (len(members) - 1))
    p = _permutation_p(a, b, values, bases, used, permutations) if permutations else float("nan")
    return Agreement(values, expected, p)


def _permutation_p(
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    values: Array,
    bases: Bases,
    used: NDArray[np.bool_],
    permutations: int,
) -> float:
    taking_part, donor = bases.permuted(used, permutations)
    if not taking_part.any():
        return float("nan")
    total = np.zeros(permutations)
    for members in bases.strata(taking_part):
        crossed = bases.rows(a, members) @ bases.rows(b, members).T
        place = np.searchsorted(members, donor[:, members])
        total += crossed[np.arange(len(members)), place].sum(axis=1)
    observed = values[taking_part].sum()
    centre = total.mean()
    # sums in another order differ in their last digits
    beyond = np.abs(total - centre) >= np.abs(observed - centre) - 1e-9
    return float((1 + beyond.sum()) / (1 + permutations))
