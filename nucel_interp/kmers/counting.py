"""Canonical k-mers of many sequences at once, as integers; a unit has one once or not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import BASES

_CODE = np.full(256, -1, dtype=np.int64)
for _i, _letter in enumerate(BASES):
    _CODE[ord(_letter)] = _i


class KmerIndex:
    """Where every canonical k-mer of a set of units begins.

    Attributes:
        k: Word length, at most 12.
        unit: (positions,) number of the unit each base lies in.
        code: (positions,) canonical code of the word that begins at each base; -1 where a word
            would cross the end of its unit or holds a letter other than A, C, G, T.
    """

    def __init__(self, sequences: list[str], k: int) -> None:
        self.k = k
        letters = _CODE[np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8)]
        lengths = np.array([len(s) for s in sequences], dtype=np.int64)
        self.unit = np.repeat(np.arange(len(sequences)), lengths)
        n = len(letters)
        code = np.full(n, -1, dtype=np.int64)
        if n >= k:
            forward = np.zeros(n - k + 1, dtype=np.int64)
            other = np.zeros(n - k + 1, dtype=np.int64)
            good = np.ones(n - k + 1, dtype=bool)
            for i in range(k):
                here = letters[i : n - k + 1 + i]
                good &= here >= 0
                forward = forward * 4 + here
                other += (3 - here) << (2 * i)
            good &= self.unit[: n - k + 1] == self.unit[k - 1 :]
            code[: n - k + 1] = np.where(good, np.minimum(forward, other), -1)
        self.code = code

    def present(self, inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct (unit, code) pairs among words that lie wholly ``inside`` ((bases,) bool)."""
        total = np.concatenate([[0], np.cumsum(~inside)])
        whole = np.zeros(len(inside), dtype=bool)
        if len(inside) >= self.k:
            whole[: len(inside) - self.k + 1] = total[self.k :] == total[: -self.k]
        chosen = whole & (self.code >= 0)
        pairs = np.unique(self.unit[chosen] * 4**self.k + self.code[chosen])
        return pairs // 4**self.k, pairs % 4**self.k


def kmer_words(codes: NDArray[np.int64], k: int) -> list[str]:
    """Letters of k-mer codes."""
    shifts = 2 * np.arange(k - 1, -1, -1)
    letters = np.frombuffer(BASES.encode(), dtype=np.uint8)
    digits = (codes[:, None] >> shifts) & 3
    return [letters[row].tobytes().decode() for row in digits]
