"""High-attention k-mers, gapped and ungapped: chosen on either half, tested on the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers.contrast import WordPlaces
from nucel_interp.kmers.counting import KmerIndex, kmer_words, word_form
from nucel_interp.kmers.enrichment import placement_p, sign_test
from nucel_interp.types import KMER_COLUMNS, reverse_complement

if TYPE_CHECKING:
    import pandas as pd

K = 7
MIN_K, MAX_K = 4, 12
WIDEST = 21
"""Bases a gapped word may span: those of a seqlet."""
SELECT_P = 0.01
MIN_Z = 1.9
"""Words below this do not reach `SELECT_P`."""
MAX_SELECTED = 200
"""Of ungapped and of gapped words, each, in each half."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Distinct (unit, code) pairs."""


@dataclass(frozen=True, eq=False)
class Half:
    """One half to choose words on, the other to test them on, and the seqlets called for it.

    Attributes:
        inside: (bases,) bool, inside a seqlet?
        copies_inside: (bases,) bool for each shuffled copy, inside a seqlet?
        track: (bases,) score of the real units.
        test: (units,) bool; all False where nothing is split.
        group: (units,) a number that equal sequences share; None if there are none.
    """

    inside: NDArray[np.bool_]
    copies_inside: list[NDArray[np.bool_]]
    track: NDArray[np.floating]
    test: NDArray[np.bool_]
    group: NDArray[np.int64] | None = None

    @property
    def tested(self) -> bool:
        """Is there a half to test on?"""
        return bool(self.test.any())

    def sign_p(self, word: _Word, units: NDArray[np.bool_]) -> float:
        """More often in these units' seqlets than in those of their shuffled copies?"""
        return sign_test(word.here[units], word.there[:, units], self._group(units))

    def placement_p(self, hit: NDArray[np.bool_], chance: NDArray[np.float64]) -> float:
        """More often in the test units' seqlets than at random places?"""
        return placement_p(hit[self.test], chance[self.test], self._group(self.test))

    def _group(self, units: NDArray[np.bool_]) -> NDArray[np.int64] | None:
        return None if self.group is None else self.group[units]


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
    z: float
    here: NDArray[np.bool_]
    there: NDArray[np.bool_]


@dataclass(eq=False)
class _Fit:
    """A word that one fold chose, with its tests; q-values follow once all words are tested."""

    word: _Word
    fold: Half
    discovery_p: float
    by_chance: float = math.nan
    scores: tuple[NDArray[np.float64], NDArray[np.float64]] = field(init=False)
    p: dict[str, float] = field(default_factory=dict)
    q: dict[str, float] = field(default_factory=dict)

    def test(self, places: WordPlaces) -> None:
        """Fill in the numbers of the test half, and the scores."""
        hit, chance = places.contrast(self.word.code)
        self.scores = places.scores(self.word.code)
        if self.fold.tested:
            test = self.fold.test
            self.by_chance = math.fsum(chance[test])
            self.p["test"] = self.fold.sign_p(self.word, test)
            self.p["contrast"] = self.fold.placement_p(hit, chance)

    def here(self, units: NDArray[np.bool_]) -> int:
        """How many of these units hold it in a seqlet."""
        return int(self.word.here[units].sum())

    def there(self, units: NDArray[np.bool_]) -> float:
        """The same of the shuffled copies, their mean."""
        return float(self.word.there[:, units].sum(axis=1).mean())


def kmer_table(
    sequences: Sequence[str], copies: Sequence[Sequence[str]], folds: Sequence[Half], k: int = K
) -> pd.DataFrame:
    """k-mers over-represented in seqlets, each counted once per unit, both strands as one.

    Plain words have ``k`` letters; gapped ones two halves of ``k // 2`` with 1 to
    21 - 2 (k // 2) bases between. A fold chooses a word if, on its discovery half, its presence in
    a unit's seqlets exceeds that in the seqlets of the unit's shuffled copies with p < 0.01
    (`sign_test`; the best 200 plain and 200 gapped at most). On the other half it is tested twice:

    - ``test_p``, against shuffled sequence: the same again. Says that the word is frequent where
      the score is high, be it because the sequences hold it or because the score looks there.
    - ``contrast_p``, high against low score: do the units' seqlets hold the word more often than
      random places in the same units would, and than seqlets do at that distance from the middle
      (`placement_p`)? Occurrences that are half inside count on neither side.
      ``test_by_chance`` units would have it in a seqlet. Says that the score looks at the word, or
      at bases of its composition.

    A word that both folds chose is one row: counts are summed, and p is the smaller of the two
    times two (Bonferroni; the two are not independent once both folds have chosen the word, since
    each half was then used twice, so they are not multiplied). q is the smaller of the folds'
    Benjamini-Hochberg values, each over that fold's words, times the number of folds, whether both
    chose the word or not. False discoveries are then at most those of the folds together, and each
    fold's share among the words given at q is at most q over the number of folds: so the rate is at
    most q, whatever the folds have to do with each other.

    Args:
        sequences: (units,) sequence of each unit.
        copies: Sequences of the units' shuffled copies, a list per copy.
        folds: Either half as test half, or a single one; without a test half nothing is tested.
        k: Letters, 4 to 12.

    Returns:
        `types.KMER_COLUMNS`, sorted by test_p; ``motif_id`` is left empty. ``mean_score`` and
        ``score_elsewhere`` are means over the units that hold the word in the test halves of the
        folds that chose it (in all units without a test half): of the score at its letters, and at
        the same units' other bases.

    Raises:
        ValueError: ``k`` is out of range.
    """
    import pandas as pd

    if not MIN_K <= k <= MAX_K:
        raise ValueError(f"k must be from {MIN_K} to {MAX_K}; got {k}")
    texts, half = [sequences, *copies], k // 2 * 2
    plain = _choose(k, [0], texts, folds)
    gapped = _choose(half, range(1, WIDEST - half + 1), texts, folds)
    fits = [a + b for a, b in zip(plain, gapped, strict=True)]
    _test(fits, sequences, folds)
    by_word: dict[str, list[_Fit]] = {}
    for fit in (f for chosen in fits for f in chosen):
        by_word.setdefault(fit.word.letters, []).append(fit)
    frame = pd.DataFrame([_row(word, mine) for word, mine in by_word.items()], columns=KMER_COLUMNS)
    order = ["test_p", "discovery_p", "kmer"]
    return frame.sort_values(order, kind="stable").reset_index(drop=True)


def _row(word: str, fits: list[_Fit]) -> dict[str, object]:
    tested = [f for f in fits if f.fold.tested]
    row: dict[str, object] = {
        "kmer": word,
        "reverse_complement": reverse_complement(word),
        "gap": word_form(word)[1],
        "halves_found": len(tested),
        "mean_score": _mean([f.scores[0] for f in fits]),
        "score_elsewhere": _mean([f.scores[1] for f in fits]),
        "discovery_sequences": sum(f.here(~f.fold.test) for f in fits),
        "discovery_shuffled": math.fsum(f.there(~f.fold.test) for f in fits),
        "discovery_p": _doubled([f.discovery_p for f in fits]),
        "test_sequences": sum(f.here(f.fold.test) for f in fits),
        "motif_id": "",
    }
    if not tested:
        return row
    row["test_shuffled"] = math.fsum(f.there(f.fold.test) for f in tested)
    row["test_by_chance"] = math.fsum(f.by_chance for f in tested)
    for name in ("test", "contrast"):
        row[f"{name}_p"] = _doubled([f.p[name] for f in tested])
        row[f"{name}_q"] = min(f.q[name] for f in tested)
    return row


def _doubled(p: list[float]) -> float:
    """The smallest times their number."""
    return min(1.0, len(p) * min(p))


def _mean(parts: list[NDArray[np.float64]]) -> float:
    values = np.concatenate(parts)
    return math.fsum(values) / len(values) if len(values) else math.nan


def _test(fits: list[list[_Fit]], sequences: Sequence[str], folds: Sequence[Half]) -> None:
    """Test every fold's words, one form of words at a time."""
    from scipy.stats import false_discovery_control

    everyone = np.ones(len(sequences), dtype=bool)
    places = [
        WordPlaces(sequences, f.inside, f.track, f.test if f.tested else everyone) for f in folds
    ]
    for form in sorted({word_form(f.word.letters) for chosen in fits for f in chosen}):
        index = KmerIndex(sequences, *form)
        for chosen, where in zip(fits, places, strict=True):
            mine = [f for f in chosen if word_form(f.word.letters) == form]
            if mine:
                where.read(index)
            for fit in mine:
                fit.test(where)
    for chosen, fold in zip(fits, folds, strict=True):
        for name in ("test", "contrast") if chosen and fold.tested else ():
            values = false_discovery_control([f.p[name] for f in chosen])
            for fit, q in zip(chosen, values, strict=True):
                fit.q[name] = min(1.0, len(folds) * float(q))


def _choose(
    k: int, gaps: Iterable[int], texts: Sequence[Sequence[str]], folds: Sequence[Half]
) -> list[list[_Fit]]:
    """The words of these forms that stand out on each fold's discovery half."""
    best: list[list[_Word]] = [[] for _ in folds]
    for gap in gaps:
        pairs: list[list[Pairs]] = [[] for _ in folds]
        for i, text in enumerate(texts):
            index = KmerIndex(text, k, gap)
            for mine, fold in zip(pairs, folds, strict=True):
                mine.append(index.present(fold.copies_inside[i - 1] if i else fold.inside))
        for i, fold in enumerate(folds):
            least = best[i][-1].z if len(best[i]) == 2 * MAX_SELECTED else MIN_Z
            found = [*best[i], *_candidates(k, gap, pairs[i], ~fold.test, least)]
            best[i] = sorted(found, key=lambda w: (-w.z, w.letters))[: 2 * MAX_SELECTED]
    chosen = []
    for words, fold in zip(best, folds, strict=True):
        fits = [_Fit(word, fold, fold.sign_p(word, ~fold.test)) for word in words]
        fits = [f for f in fits if f.discovery_p < SELECT_P]
        chosen.append(sorted(fits, key=lambda f: (f.discovery_p, f.word.letters))[:MAX_SELECTED])
    return chosen


def _candidates(
    k: int, gap: int, pairs: list[Pairs], discovery: NDArray[np.bool_], least: float
) -> list[_Word]:
    """Words of one form with the highest z on the discovery half, ``least`` or more.

    Under the null a unit hit T times among itself and its copies is a real hit with probability
    T / (copies + 1); mean and variance of the sum give z.
    """
    n, versions = len(discovery), len(pairs)
    keys = [code * n + unit for unit, code in pairs]
    present, hits = np.unique(np.concatenate(keys), return_counts=True)
    is_real = np.isin(present, keys[0], assume_unique=True)
    codes, where = np.unique(present // n, return_inverse=True)
    chosen = discovery[present % n]
    # sums of whole numbers: exact, so the order of the units cannot break a tie
    excess = np.bincount(where, (is_real * versions - hits) * chosen, minlength=len(codes))
    spread = np.bincount(where, hits * (versions - hits) * chosen, minlength=len(codes))
    z = excess / versions / np.sqrt(np.maximum(spread / versions**2, 0.25))
    sorted_keys = [np.sort(key) for key in keys]
    words = []
    for i in np.argsort(-z, kind="stable")[: 2 * MAX_SELECTED]:
        if z[i] < least:
            break
        code = int(codes[i])
        flags = np.zeros((versions, n), dtype=bool)
        for row, key in zip(flags, sorted_keys, strict=True):
            first, last = np.searchsorted(key, [code * n, (code + 1) * n])
            row[key[first:last] - code * n] = True
        letters = kmer_words(codes[i : i + 1], k, gap)[0]
        words.append(_Word(letters, code, float(z[i]), flags[0], flags[1:]))
    return words
