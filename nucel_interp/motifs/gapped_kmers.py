"""Seqlets as bags of gapped words, the space in which their likeness is measured.

A gapped word is four bases within nine positions, the first included: 56 patterns of gaps, 256
words each. A word and its reverse complement are one, so likeness does not depend on the strands
on which seqlets happen to be written. Gapped k-mers tolerate shifts and variable positions (Ghandi
et al., PLoS Comput Biol 2014, 10:e1003711).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from nucel_interp.kmers.counting import read_words

LETTERS = 4
SPAN = 9
_PATTERNS = [(0, *rest) for rest in combinations(range(1, SPAN), LETTERS - 1)]
_NUMBER = {pattern: i for i, pattern in enumerate(_PATTERNS)}


def gapped_words(codes: NDArray[np.int8]) -> sp.csr_matrix:
    """Weights of the gapped words of each seqlet, every row of length 1.

    A word seen once in the collection joins nothing and is left out; the others weigh
    (1 + ln count) ln(seqlets / seqlets that have it).

    Args:
        codes: (seqlets, width) 0..3 for A, C, G, T; -1 where there is no base.

    Returns:
        (seqlets, words) sparse float32; a row is empty if the seqlet shares no word.
    """
    n = len(codes)
    keys, rows = [], []
    for number, pattern in enumerate(_PATTERNS):
        forward, other, whole = read_words(codes, pattern)
        mirrored = _NUMBER[tuple(sorted(pattern[-1] - place for place in pattern))]
        word = np.minimum(number * 4**LETTERS + forward, mirrored * 4**LETTERS + other)
        keys.append(word[whole])
        rows.append(np.nonzero(whole)[0].astype(np.int32))
    shape = (n, len(_PATTERNS) * 4**LETTERS)
    column, row = np.concatenate(keys), np.concatenate(rows)
    table = sp.csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=shape)
    table.sum_duplicates()
    held_by = np.bincount(table.indices, minlength=shape[1])
    table = table[:, held_by > 1]
    weight = np.log(n / held_by[held_by > 1]).astype(np.float32)
    table.data = (1 + np.log(table.data)) * weight[table.indices]
    length2 = np.asarray(table.multiply(table).sum(axis=1)).ravel()
    scale = 1 / np.sqrt(np.maximum(length2, 1e-12))
    table.data *= np.repeat(scale, np.diff(table.indptr)).astype(np.float32)
    return table
