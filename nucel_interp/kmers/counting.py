"""Canonical k-mers of many sequences at once, as integers; a unit has one once or not at all.

A gapped k-mer is two halves with any letters between: ``TGGNNNNNNNCCA`` is six letters with a gap
of seven. Factors that bind as pairs leave such words (van Helden, Rios and Collado-Vides, Nucleic
Acids Res 2000, 28:1808). The halves are equally long, so that the other strand of a word is a word
of the same form, and both are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nucel_interp.sequences import Sequences
from nucel_interp.types import BASES, as_sequences

_CODE = np.full(256, -1, dtype=np.int8)
for _i, _letter in enumerate(BASES):
    _CODE[ord(_letter)] = _i


def base_codes(sequences: Sequence[str]) -> NDArray[np.int8]:
    """(bases,) 0..3 for A, C, G, T of all sequences laid end to end; -1 for any other letter."""
    text = "".join(as_sequences(sequences))
    return _CODE[np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8)]


def read_words(
    letters: NDArray[np.integer], places: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """The word at every place of some letters, and the word on the other strand, as numbers.

    Args:
        letters: (..., n) bases 0..3, -1 for none.
        places: Positions of a word's letters, counted from its first; at most 15.

    Returns:
        Word, word on the other strand, and whether no letter is missing, without which the numbers
        mean nothing; (..., n - places[-1]) each.
    """
    starts = max(0, letters.shape[-1] - places[-1])
    shape = (*letters.shape[:-1], starts)
    forward, other = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    whole = np.ones(shape, dtype=bool)
    for i, place in enumerate(places):
        here = letters[..., place : place + starts].astype(np.int32)
        whole &= here >= 0
        forward = forward * 4 + here
        other += (3 - here) << (2 * i)
    return forward, other, whole


class KmerIndex:
    """Where every canonical k-mer of a set of units begins.

    Attributes:
        k: Letters of a word, at most 12.
        gap: Bases between its halves; 0 is a plain k-mer.
        width: Bases from its first letter to its last, ``k + gap``.
        unit: (positions,) number of the unit each base lies in.
        code: (positions,) canonical code of the word that begins at each base; -1 where a word
            would cross the end of its unit or one of its letters is not A, C, G, T.
    """

    def __init__(self, sequences: Sequence[str], k: int, gap: int = 0) -> None:
        if gap and k % 2:
            raise ValueError(f"a gapped word has two equal halves; got {k} letters")
        self.k = k
        self.gap = gap
        self.width = k + gap
        sequences = Sequences.of(sequences)
        letters = base_codes(sequences)
        self.unit = sequences.number
        code = np.full(len(letters), -1, dtype=np.int64)
        forward, other, whole = read_words(letters, letter_places(k, gap))
        n = len(forward)
        whole &= self.unit[:n] == self.unit[len(letters) - n :]
        code[:n] = np.where(whole, np.minimum(forward, other), -1)
        self.code = code

    def whole(self, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(positions,) begins a word here, and lies wholly ``inside`` ((bases,) bool)?"""
        within = np.zeros(len(inside), dtype=bool)
        if len(inside) >= self.width:
            total = np.concatenate([[0], np.cumsum(~inside)])
            within[: len(inside) - self.width + 1] = total[self.width :] == total[: -self.width]
        return within & (self.code >= 0)

    def present(self, inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct (unit, code) pairs among words that lie wholly ``inside`` ((bases,) bool)."""
        chosen = self.whole(inside)
        pairs = np.unique(self.unit[chosen] * 4**self.k + self.code[chosen])
        return pairs // 4**self.k, pairs % 4**self.k

    def places(self, code: int) -> NDArray[np.int64]:
        """Where the word begins, in ascending order."""
        order, ladder = self._sorted
        first, last = np.searchsorted(ladder, [code, code + 1])
        return np.sort(order[first:last])

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.code, kind="stable")
        return order, self.code[order]


def letter_places(k: int, gap: int = 0) -> list[int]:
    """Where a word's letters stand, counted from its first."""
    return [i if not gap or i < k // 2 else i + gap for i in range(k)]


def kmer_words(codes: NDArray[np.int64], k: int, gap: int = 0) -> list[str]:
    """Letters of k-mer codes, with N in the gap."""
    shifts = 2 * np.arange(k - 1, -1, -1)
    letters = np.frombuffer(BASES.encode(), dtype=np.uint8)
    digits = (codes[:, None] >> shifts) & 3
    words = (letters[row].tobytes().decode() for row in digits)
    return [f"{w[: k // 2]}{'N' * gap}{w[k // 2 :]}" for w in words]


def word_form(word: str) -> tuple[int, int]:
    """How many letters and how wide a gap a word has, as `kmer_words` spells it."""
    gap = word.count("N")
    return len(word) - gap, gap
