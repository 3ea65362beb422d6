"""High-attention k-mers, gapped and ungapped: chosen on the discovery half, tested on the other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers.counting import KmerIndex, kmer_words, letter_places
from nucel_interp.kmers.enrichment import chance_inside, placement_p, sign_test
from nucel_interp.types import KMER_COLUMNS, reverse_complement

if TYPE_CHECKING:
    import pandas as pd

K = 7
MIN_K, MAX_K = 4, 12
WIDEST = 21
"""Bases a gapped word may span: those of a seqlet."""
SELECT_P = 0.01
DISTANCE_BP = 10
"""Width of the bins in which distances from a unit's middle are compared."""
MIN_Z = 1.9
"""Words below this do not reach `SELECT_P`."""
MAX_SELECTED = 200
"""Of ungapped and of gapped words, each."""

Text = tuple[list[str], NDArray[np.bool_]]
"""Units' sequences, and (bases,) bool: inside a seqlet?"""


@dataclass(frozen=True, eq=False)
class _Half:
    """Units that take part in a test, and which of them are equal."""

    units: NDArray[np.bool_]
    group: NDArray[np.int64] | None

    def sign_p(self, word: _Word) -> float:
        """More often in the units' seqlets than in those of their shuffled copies?"""
        return sign_test(word.here[self.units], word.there[:, self.units], self._group)

    def placement_p(self, hit: NDArray[np.bool_], chance: NDArray[np.float64]) -> float:
        """More often in the units' seqlets than at random places?"""
        return placement_p(hit[self.units], chance[self.units], self._group)

    @property
    def _group(self) -> NDArray[np.int64] | None:
        return None if self.group is None else self.group[self.units]


@dataclass(frozen=True, eq=False)
class _Word:
    """A candidate, and which units hold it in a seqlet.

    Attributes:
        z: Excess over the shuffled copies on the discovery half.
        here: (units,) bool.
        there: (copies, units) bool.
    """

    letters: str
    code: int
    gap: int
    z: float
    here: NDArray[np.bool_]
    there: NDArray[np.bool_]


def kmer_table(
    real: Text,
    copies: list[Text],
    track: NDArray[np.floating],
    test: NDArray[np.bool_],
    k: int = K,
    group: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """k-mers over-represented in seqlets, each counted once per unit, both strands as one.

    Plain words have ``k`` letters; gapped ones two halves of ``k // 2`` with 1 to
    21 - 2 (k // 2) bases between. A word is selected if, on the discovery half, its presence in a
    unit's seqlets exceeds that in the seqlets of the unit's shuffled copies with p < 0.01
    (`sign_test`; the best 200 plain and 200 gapped at most). On the other half it is tested twice,
    Benjamini-Hochberg over all selected words in both:

    - ``test_p``, against shuffled sequence: the same again. Says that the word is frequent where
      the score is high, be it because the sequences hold it or because the score looks there.
    - ``contrast_p``, high against low score: do the units' seqlets hold the word more often than
      random places in the same units would, and than seqlets do at that distance from the middle
      (`placement_p`)? Occurrences that are half inside count on neither side.
      ``test_by_chance`` units would have it in a seqlet. Says that the score looks at the word, or
      at bases of its composition.

    Args:
        real: Sequences of the units, and (bases,) bool, True inside a seqlet.
        copies: The same of each shuffled copy.
        track: (bases,) score of the real units.
        test: (units,) bool.
        k: Letters, 4 to 12.
        group: (units,) a number that equal sequences share: they count once in every p-value.

    Returns:
        `types.KMER_COLUMNS`, sorted by test_p; ``motif_id`` is left empty. ``mean_score`` and
        ``score_elsewhere`` are means over the units of the test half that hold the word (of all
        units without a test half): of the score at its letters, and at the same units' other bases.

    Raises:
        ValueError: ``k`` is out of range.
    """
    import pandas as pd
    from scipy.stats import false_discovery_control

    if not MIN_K <= k <= MAX_K:
        raise ValueError(f"k must be from {MIN_K} to {MAX_K}; got {k}")
    discovery, held_out = _Half(~test, group), _Half(test, group)
    chosen = [
        *_select(k, [0], real, copies, discovery),
        *_select(k // 2 * 2, range(1, WIDEST - k // 2 * 2 + 1), real, copies, discovery),
    ]
    described = held_out.units if test.any() else np.ones(len(test), dtype=bool)
    places = _Places(real, track, described)
    rows = []
    for word, p in sorted(chosen, key=lambda c: c[0].gap):  # one index at a time
        hit, chance = places.contrast(word)
        mean, elsewhere = places.scores(word)
        row = {
            "kmer": word.letters,
            "reverse_complement": reverse_complement(word.letters),
            "gap": word.gap,
            "mean_score": mean,
            "score_elsewhere": elsewhere,
            "discovery_sequences": int(word.here[~test].sum()),
            "discovery_shuffled": float(word.there[:, ~test].sum(axis=1).mean()),
            "discovery_p": p,
            "test_sequences": int(word.here[test].sum()),
            "motif_id": "",
        }
        if test.any():
            row |= {
                "test_shuffled": float(word.there[:, test].sum(axis=1).mean()),
                "test_by_chance": math.fsum(chance[test]),
                "test_p": held_out.sign_p(word),
                "contrast_p": held_out.placement_p(hit, chance),
            }
        rows.append(row)
    if rows and test.any():
        for name in ("test", "contrast"):
            values = false_discovery_control([row[f"{name}_p"] for row in rows])
            for row, q in zip(rows, values, strict=True):
                row[f"{name}_q"] = float(q)
    frame = pd.DataFrame(rows, columns=KMER_COLUMNS)
    order = ["test_p", "discovery_p", "kmer"]
    return frame.sort_values(order, kind="stable").reset_index(drop=True)


def _select(
    k: int, gaps: Iterable[int], real: Text, copies: list[Text], half: _Half
) -> list[tuple[_Word, float]]:
    """The words of these forms that stand out on the discovery half, each with its p."""
    best: list[_Word] = []
    for gap in gaps:
        least = best[-1].z if len(best) == 2 * MAX_SELECTED else MIN_Z
        found = [*best, *_candidates(k, gap, real, copies, half.units, least)]
        best = sorted(found, key=lambda w: (-w.z, w.letters))[: 2 * MAX_SELECTED]
    tested = [(word, half.sign_p(word)) for word in best]
    chosen = [(word, p) for word, p in tested if p < SELECT_P]
    return sorted(chosen, key=lambda c: (c[1], c[0].letters))[:MAX_SELECTED]


def _candidates(
    k: int, gap: int, real: Text, copies: list[Text], discovery: NDArray[np.bool_], least: float
) -> list[_Word]:
    """Words of one form with the highest z on the discovery half, ``least`` or more.

    Under the null a unit hit T times among itself and its copies is a real hit with probability
    T / (copies + 1); mean and variance of the sum give z.
    """
    n, versions = len(discovery), (real, *copies)
    pairs = [KmerIndex(sequences, k, gap).present(inside) for sequences, inside in versions]
    keys = [code * n + unit for unit, code in pairs]
    present, hits = np.unique(np.concatenate(keys), return_counts=True)
    is_real = np.isin(present, keys[0], assume_unique=True)
    codes, where = np.unique(present // n, return_inverse=True)
    chosen = discovery[present % n]
    # sums of whole numbers: exact, so the order of the units cannot break a tie
    excess = np.bincount(where, (is_real * len(versions) - hits) * chosen, minlength=len(codes))
    spread = np.bincount(where, hits * (len(versions) - hits) * chosen, minlength=len(codes))
    z = excess / len(versions) / np.sqrt(np.maximum(spread / len(versions) ** 2, 0.25))
    sorted_keys = [np.sort(key) for key in keys]
    words = []
    for i in np.argsort(-z, kind="stable")[: 2 * MAX_SELECTED]:
        if z[i] < least:
            break
        code = int(codes[i])
        flags = np.zeros((len(versions), n), dtype=bool)
        for row, key in zip(flags, sorted_keys, strict=True):
            first, last = np.searchsorted(key, [code * n, (code + 1) * n])
            row[key[first:last] - code * n] = True
        letters = kmer_words(codes[i : i + 1], k, gap)[0]
        words.append(_Word(letters, code, gap, float(z[i]), flags[0], flags[1:]))
    return words


class _Places:
    """Where words stand in the real units, inside seqlets and outside, and the score there."""

    def __init__(
        self, real: Text, track: NDArray[np.floating], described: NDArray[np.bool_]
    ) -> None:
        self.sequences, self.inside = real
        self.known = np.isfinite(track)
        self.described = described
        self.lengths = np.array([len(s) for s in self.sequences], dtype=np.int64)
        self.n = len(self.lengths)
        self.offsets = np.cumsum(self.lengths) - self.lengths
        self.unit = np.repeat(np.arange(self.n), self.lengths)
        # as whole numbers the scores add up to the same sum in any order, so on either strand
        values = np.where(self.known, track, 0).astype(np.float64)
        self.scale = 2.0**30 / (np.abs(values).max(initial=0) or 1.0)
        self.score = np.rint(values * self.scale)
        self.total = np.bincount(self.unit, self.score, self.n)
        self.n_known = np.bincount(self.unit[self.known], minlength=self.n)
        self._form = (0, 0)

    def contrast(self, word: _Word) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """(units,) does a seqlet hold the word, and how likely is that by chance?

        The chance is the larger of two: of random places in the unit, and of the seqlets of all
        units at the same distances from the middle. Peaks have their motif in the middle, and a
        score may rise there whatever it finds.
        """
        self._read(len(word.letters) - word.gap, word.gap)
        at = self.index.places(word.code)
        at = at[self.is_inside[at] | self.is_outside[at]]
        held = np.bincount(self.unit[at], minlength=self.n)
        hit = np.bincount(self.unit[at], self.is_inside[at], self.n) > 0
        anywhere = chance_inside(held, self.n_inside, self.n_outside)
        # the sum over occurrences bounds the chance of any; sorted, to add up alike in any order
        order = at[np.lexsort((self.by_distance[self.distance[at]], self.unit[at]))]
        there = np.bincount(self.unit[order], self.by_distance[self.distance[order]], self.n)
        return hit, np.maximum(anywhere, np.minimum(there, 1.0))

    def scores(self, word: _Word) -> tuple[float, float]:
        """Mean score at the word's letters and at the same units' other bases; NaN if unknown."""
        self._read(len(word.letters) - word.gap, word.gap)
        at = self.index.places(word.code)[:, None] + letter_places(self.index.k, word.gap)
        at = np.unique(at)
        at = at[self.known[at]]
        under = np.bincount(self.unit[at], minlength=self.n)
        inside = np.bincount(self.unit[at], self.score[at], self.n)
        chosen = self.described & (under > 0) & (self.n_known > under)
        return (
            self._mean(inside[chosen] / under[chosen]),
            self._mean((self.total - inside)[chosen] / (self.n_known - under)[chosen]),
        )

    def _read(self, k: int, gap: int) -> None:
        """The index of one form of words, made once while its words come one after the other."""
        if self._form == (k, gap):
            return
        self._form, self.index = (k, gap), KmerIndex(self.sequences, k, gap)
        self.is_inside = self.index.whole(self.inside & self.known)
        self.is_outside = self.index.whole(~self.inside & self.known)
        self.n_inside = np.bincount(self.unit[self.is_inside], minlength=self.n)
        self.n_outside = np.bincount(self.unit[self.is_outside], minlength=self.n)
        middle = 2 * (np.arange(len(self.unit)) - self.offsets[self.unit]) + self.index.width - 1
        self.distance = np.abs(middle - self.lengths[self.unit] + 1) // (2 * DISTANCE_BP)
        bins = int(self.distance.max(initial=0)) + 1
        inside = np.bincount(self.distance[self.is_inside], minlength=bins)
        outside = np.bincount(self.distance[self.is_outside], minlength=bins)
        self.by_distance = inside / np.maximum(inside + outside, 1)

    def _mean(self, values: NDArray[np.float64]) -> float:
        return math.fsum(values) / len(values) / self.scale if len(values) else math.nan
