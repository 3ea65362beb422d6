"""Whether what is measured was learned by heart: sequence that two parts share.

Parts made by shuffling windows of a genome share stretches, and sequences are found again on the
other strand; accuracy on such a split says little. A sequence of dev or test counts as near where
at least half of its distinct 20-mers, strand-collapsed, stand in one and the same train sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_model import tokenizer
from nucel_pretrain.finetune.dataset import Dataset, Part

WORD = 20
"""Random sequence hardly ever shares one: 4^20 is a trillion."""
NEAR = 0.5
COMMON = 1000
"""20-mers in more train sequences than this are repeats, and would take pairs without end."""
PAIRS = 20_000_000
"""Pairs of a word and a train sequence that are held at once; with more, words are thinned out."""
WORTH_A_WARNING = 0.01


@dataclass(frozen=True)
class Leak:
    """What a part shares with train.

    Attributes:
        part: "dev" or "test".
        n: Sequences of the part.
        copies: Number of sequences that stand in train letter by letter, on either strand.
        near: Number of sequences that are near a train sequence, copies among them.
    """

    part: str
    n: int
    copies: int
    near: int

    @property
    def serious(self) -> bool:
        """Whether the part should not be believed."""
        return self.near > WORTH_A_WARNING * self.n

    def __str__(self) -> str:
        """In words."""
        return (
            f"{self.near:,} of {self.n:,} {self.part} sequences ({self.near / self.n:.1%}) share "
            f"at least half of their {WORD}-mers with one train sequence, {self.copies:,} of them "
            "all letters; either strand counts"
        )


def find_leaks(data: Dataset) -> list[Leak]:
    """Compare dev and test with train; about linear in the number of bases."""
    words, owner = _words(data.parts["train"])
    order = np.argsort(words, kind="stable")
    words, owner = words[order], owner[order]
    copies = {_collapsed(s) for s in data.parts["train"].sequences}
    return [_leak(name, data.parts[name], words, owner, copies) for name in ("dev", "test")]


def _leak(
    name: str,
    part: Part,
    words: NDArray[np.int64],
    owner: NDArray[np.int64],
    copies: set[str],
) -> Leak:
    mine, row = _words(part)
    low = np.searchsorted(words, mine, side="left")
    high = np.searchsorted(words, mine, side="right")
    times = np.where(high - low > COMMON, 0, high - low)
    thin = -(-int(times.sum()) // PAIRS)
    if thin > 1:  # a random share of all words, the same ones in every sequence
        spread = (mine.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
        drawn = spread % np.uint64(thin) == 0
        low, times, row = low[drawn], times[drawn], row[drawn]
    total = np.bincount(row, minlength=len(part))
    some = times > 0
    low, times, row = low[some], times[some], row[some]
    # every (sequence of the part, train sequence) that a word makes, end to end
    first = np.repeat(low - np.concatenate([[0], np.cumsum(times)[:-1]]), times)
    hit = owner[np.arange(times.sum()) + first]
    pair = np.repeat(row, times) * (int(owner.max(initial=0)) + 1) + hit
    pairs, shared = np.unique(pair, return_counts=True)
    best = np.zeros(len(part), dtype=np.int64)
    np.maximum.at(best, pairs // (int(owner.max(initial=0)) + 1), shared)
    same = np.array([_collapsed(s) in copies for s in part.sequences], dtype=bool)
    near = same | ((total > 0) & (best >= NEAR * total))
    return Leak(name, len(part), int(same.sum()), int(near.sum()))


def _words(part: Part) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct strand-collapsed words of each sequence as numbers, and whose they are."""
    power = 4 ** np.arange(WORD, dtype=np.int64)
    found, owner = [], []
    for number, sequence in enumerate(part.sequences):
        code = tokenizer.encode(sequence).astype(np.int64) - tokenizer.A
        if len(code) < WORD:
            continue
        view = np.lib.stride_tricks.sliding_window_view(code, WORD)
        view = view[((view >= 0) & (view < 4)).all(axis=1)]
        words = np.unique(np.minimum(view @ power, (3 - view) @ power[::-1]))
        found.append(words)
        owner.append(np.full(len(words), number, dtype=np.int64))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(found), np.concatenate(owner)


def _collapsed(sequence: str) -> str:
    from nucel_pretrain.finetune.classifier import reverse_complement

    return min(sequence, reverse_complement(sequence))
