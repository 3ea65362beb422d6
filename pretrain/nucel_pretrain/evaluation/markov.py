"""What word counts alone know of a base: two-sided Markov models of the training sequence.

A model of order k gives the probability of a base from the k before it, counted on both strands.
Each order is smoothed by the one below it: p_k = (c + a * p_(k-1)) / (n + a), with c the count of
the word, n that of its first k bases, and p_(-1) = 1/4 (interpolation with a constant weight of
``a`` pseudo-observations; MacKay and Peto 1995). A base is scored by log-sum-exp over the three
alternatives minus the observed base, of the log-probability of all words of length k + 1 that cover
it: high = likely changed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nucel_model import tokenizer

CHUNK = 1 << 24
"""Bases counted at a time."""


def word_counts(stretches: Iterable[NDArray[np.uint8]], length: int) -> NDArray[np.int64]:
    """How often each word occurs on either strand, (4 ** length,); A 0, C 1, G 2, T 3, first high.

    Args:
        stretches: Base ids without anything but A, C, G, T.
        length: Bases per word.
    """
    counts = np.zeros(4**length, dtype=np.int64)
    for stretch in stretches:
        for start in range(0, len(stretch) - length + 1, CHUNK):
            codes = stretch[start : start + CHUNK + length - 1].astype(np.int32) - tokenizer.A
            n = len(codes) - length + 1
            word = np.zeros(n, dtype=np.int32)
            for i in range(length):
                word *= 4
                word += codes[i : i + n]
            counts += np.bincount(word, minlength=4**length)
    return counts + counts[_reverse_complements(length)]


def _reverse_complements(length: int) -> NDArray[np.int64]:
    """Number of the reverse complement of every word."""
    word = np.arange(4**length)
    other = np.zeros_like(word)
    for _ in range(length):
        other = other * 4 + 3 - word % 4
        word = word // 4
    return other


def log_probabilities(
    counts: NDArray[np.int64], order: int, concentration: float
) -> NDArray[np.float64]:
    """Log-probability (nats) of a word's last base given the others, (4 ** (order + 1),).

    Args:
        counts: Counts of words of ``order + 1`` bases or longer; shorter words' are summed from
            them.
        order: Order of the Markov chain, k.
        concentration: a, the weight of the next lower order in observations.
    """
    while counts.size > 4 ** (order + 1):
        counts = counts.reshape(4, -1).sum(axis=0)
    below = (
        np.exp(log_probabilities(counts, order - 1, concentration)) if order else np.full(4, 0.25)
    )
    here = counts.reshape(-1, 4)
    # the lower order knows a context by its last k - 1 bases: repeats for each first base
    prior = np.tile(below, 4).reshape(-1, 4) if order else below[None]
    total = here.sum(axis=1, keepdims=True) + concentration
    return np.log((here + concentration * prior) / total).ravel()


def markov_scores(
    table: NDArray[np.float64], order: int, ids: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Score of every base, (n, bases), nats; words that would leave the window are left out.

    Args:
        table: Result of `log_probabilities` at the same order.
        order: Order of the Markov chain, k.
        ids: (n, bases + 1), [CLS] first, otherwise A, C, G, T only.
    """
    length = order + 1
    codes = ids[:, 1:].astype(np.int64) - tokenizer.A
    n = codes.shape[1] - length + 1
    total = np.zeros((4, *codes.shape))
    word = np.zeros((codes.shape[0], n), dtype=np.int64)
    for i in range(length):
        word = word * 4 + codes[:, i : i + n]
    for i in range(length):
        place = 4 ** (length - 1 - i)
        without = word - codes[:, i : i + n] * place
        for base in range(4):
            total[base][:, i : i + n] += table[without + base * place]
    observed = np.take_along_axis(total, codes[None], axis=0)[0]
    others = np.where(np.arange(4)[:, None, None] == codes[None], -np.inf, total)
    return np.logaddexp.reduce(others, axis=0) - observed
