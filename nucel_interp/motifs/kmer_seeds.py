"""The k-mer whose presence in units most exceeds its presence in their shuffled copies.

Which words are present is counted once and then kept up to date as bases close, so that the search
for the next seed costs what has changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers import kmer_words
from nucel_interp.motifs.open_text import OpenText

SEED_KS = (6, 7, 8)
MIN_SEED_Z = 3.0


class OpenWords:
    """Canonical k-mers that lie wholly in open bases, of a text and of its copies."""

    def __init__(self, texts: Sequence[OpenText]) -> None:
        """``texts``: The units, then each shuffled copy of them."""
        self._texts = texts
        self._of_length = {k: _Words(texts, k) for k in SEED_KS}

    def excess(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Codes of k-mers, and z of the number of units that hold each, given the copies.

        Under the null a unit hit T times among itself and its K copies is a real hit with
        probability T / (K + 1); mean and variance of the sum give z (the exact test is
        `kmers.sign_test`).
        """
        for number, text in enumerate(self._texts):
            closed = text.newly_closed()
            if len(closed):
                for words in self._of_length.values():
                    words.close(number, closed)
        return self._of_length[k].excess()


def best_seed(words: OpenWords) -> str | None:
    """The k-mer most over-represented in real sequence, or None if none stands out."""
    best: tuple[float, str] | None = None
    for k in SEED_KS:
        codes, z = words.excess(k)
        if not len(codes):
            continue
        top = int(np.argmax(z))
        if best is None or z[top] > best[0]:
            best = (float(z[top]), kmer_words(codes[top : top + 1], k)[0])
    return best[1] if best is not None and best[0] >= MIN_SEED_Z else None


class _Words:
    """The open words of one length; a key is a word in a unit, a copy's unit being its original."""

    def __init__(self, texts: Sequence[OpenText], k: int) -> None:
        self._k = k
        self._open: list[NDArray[np.bool_]] = []
        keys = []
        for text in texts:
            index = text.index(k)
            here = index.whole(text.open[: len(index.code)])
            self._open.append(here)
            keys.append(index.unit[here] * 4**k + index.code[here])
        every, slot = np.unique(np.concatenate(keys), return_inverse=True)
        self._count = np.zeros((len(texts), len(every)), dtype=np.int32)
        self._slot = []
        ends = np.cumsum([len(key) for key in keys])
        for here, mine, count in zip(
            self._open, np.split(slot, ends[:-1]), self._count, strict=True
        ):
            place = np.full(len(here), -1, dtype=np.int32)
            place[here] = mine
            self._slot.append(place)
            count += np.bincount(mine, minlength=len(every)).astype(np.int32)
        self._codes, self._of_code = np.unique(every % 4**k, return_inverse=True)

    def close(self, number: int, bases: NDArray[np.int64]) -> None:
        """Take away the words of one text that hold any of these bases."""
        start = np.unique((bases[:, None] - np.arange(self._k)).ravel())
        start = start[start >= 0]
        start = start[self._open[number][start]]
        self._open[number][start] = False
        np.subtract.at(self._count[number], self._slot[number][start], 1)

    def excess(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """See `OpenWords.excess`."""
        n = len(self._count)
        present = self._count > 0
        hits = present.sum(axis=0)
        size = len(self._codes)
        observed = np.bincount(self._of_code, present[0], minlength=size)
        # sums of whole numbers: exact, so the order of the units cannot break a tie
        total = np.bincount(self._of_code, hits, minlength=size)
        variance = np.bincount(self._of_code, hits * (n - hits), minlength=size) / n**2
        z = (observed - total / n) / np.sqrt(np.maximum(variance, 0.25))
        return self._codes[total > 0], z[total > 0]
