"""Words that seqlets share far more often than shuffled ones: the second source of motifs.

A community needs a seqlet's nearest neighbours to be of its own kind; a motif of twenty sites among
thousands has too few for that, but its word stands out against chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers.counting import read_words

SEED_KS = (6, 7, 8)
MIN_Z = 4.0
MAX_SEEDS = 40
_SHARED = 0.5
"""A word is no seed of its own if so large a part of its seqlets hold a better one."""


def canonical_words(codes: NDArray[np.int8], k: int) -> NDArray[np.int64]:
    """(rows, width - k + 1) strand-collapsed words as numbers; -1 where a base is missing."""
    forward, other, whole = read_words(codes, range(k))
    return np.where(whole, np.minimum(forward, other), -1).astype(np.int64)


def word_letters(word: int, k: int) -> NDArray[np.int64]:
    """(k,) bases 0..3 of a word's number."""
    return (word >> (2 * np.arange(k - 1, -1, -1))) & 3


def commonest_word(codes: NDArray[np.int8], k: int) -> NDArray[np.int64] | None:
    """(k,) bases of the canonical word that most rows hold; of equal ones the first by letters."""
    words, times, _ = _held(codes, k)
    return word_letters(int(words[np.argmax(times)]), k) if len(words) else None


def enriched_words(
    codes: NDArray[np.int8], null: NDArray[np.int8]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Words held by more rows than the null expects, the most surprising first.

    Surprise is (held - expected) / sqrt(expected), a row counted once; the expected number is the
    null's, one row of it added so that a word unseen there is not infinitely surprising.

    Args:
        codes: (rows, width) bases 0..3, -1 for none.
        null: (rows, width) bases of shuffled sequence, coded like ``codes``; any number of rows.

    Returns:
        Pairs (bases of the word, rows that hold it).
    """
    found: list[tuple[float, int, int]] = []
    tables = {}
    for k in SEED_KS:
        words, times, pairs = _held(codes, k)
        if not len(words):
            continue
        tables[k] = pairs
        null_words, null_times, _ = _held(null, k)
        place = np.searchsorted(null_words, words)
        place = np.minimum(place, max(0, len(null_words) - 1))
        known = (null_words[place] == words) if len(null_words) else np.zeros(len(words), bool)
        seen = np.where(known, null_times[place] if len(null_words) else 0, 0)
        expected = (seen + 1) * len(codes) / max(1, len(null))
        z = (times - expected) / np.sqrt(expected)
        for i in np.flatnonzero(z >= MIN_Z):
            found.append((float(z[i]), k, int(words[i])))
    found.sort(key=lambda f: (-f[0], f[1], f[2]))
    taken = np.zeros(len(codes), dtype=bool)
    seeds = []
    for _, k, word in found:
        rows, held = tables[k]
        here = rows[held == word]
        if taken[here].mean() > _SHARED:
            continue
        taken[here] = True
        seeds.append((word_letters(word, k), here))
        if len(seeds) == MAX_SEEDS:
            break
    return seeds


def _held(
    codes: NDArray[np.int8], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Words, number of rows that hold each, and all distinct (row, word) pairs as two columns."""
    words = canonical_words(codes, k)
    row = np.broadcast_to(np.arange(len(codes))[:, None], words.shape)
    whole = words >= 0
    pairs = np.unique(row[whole] * 4**k + words[whole])
    rows, held = pairs // 4**k, pairs % 4**k
    unique, times = np.unique(held, return_counts=True)
    return unique, times, (rows, held)
