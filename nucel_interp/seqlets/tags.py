"""What a reader should know about a seqlet before believing it: repeats and simple sequence.

Tags only: nothing is dropped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nucel_interp.seqlets.calling import Calls
from nucel_interp.types import BASES, Record, as_records, as_sequences

LOW_COMPLEXITY_BITS = 2.0
"""Repeats of one to four bases reach at most log2(4) bits of dinucleotide entropy.

Of random 21-mers 8 in a million do (of such with 70 % A and T, 1.2 in a thousand); of seqlets cut
short by the end of a sequence, at most 0.03 % of 16-mers and 1 % of 11-mers.
"""
_ROUNDING = 1e-9


def dinucleotide_entropy(
    calls: Calls, sequences: Sequence[str], offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Entropy of each seqlet's overlapping dinucleotides; the same on both strands.

    Args:
        calls: Intervals in units.
        sequences: Sequences of the units, one string per unit.
        offsets: (units + 1,) where each unit begins among all bases.

    Returns:
        (n,) bits, from 0 (one base repeated) to 4. Dinucleotides with a letter other than A, C, G
        and T are left out; without any other it is 0.
    """
    look_up = np.full(256, 4, dtype=np.uint8)
    look_up[np.frombuffer(BASES.encode(), dtype=np.uint8)] = np.arange(4)
    text = "".join(as_sequences(sequences))
    code = look_up[np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8)]
    pair = np.where((code[:-1] < 4) & (code[1:] < 4), 4 * code[:-1] + code[1:], 16)
    counts = np.zeros((len(calls), 17))
    first = offsets[calls.unit] + calls.start
    n_pairs = calls.end - calls.start - 1
    for step in range(int(n_pairs.max(initial=0))):
        rows = np.flatnonzero(step < n_pairs)
        counts[rows, pair[first[rows] + step]] += 1
    counts = counts[:, :16]
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    # sorted, because both strands have the same shares in another order, and sums would round apart
    share.sort(axis=1)
    logs = np.log2(share, out=np.zeros_like(share), where=share > 0)
    entropy: NDArray[np.float64] = -(share * logs).sum(axis=1)
    return np.abs(entropy)


def low_complexity(
    calls: Calls, sequences: Sequence[str], offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n,) True where `dinucleotide_entropy` is at most `LOW_COMPLEXITY_BITS`."""
    return dinucleotide_entropy(calls, sequences, offsets) <= LOW_COMPLEXITY_BITS + _ROUNDING


def masked_bases(records: Sequence[Record]) -> NDArray[np.bool_] | None:
    """(bases,) True where the file has lower case; None if it makes no use of case."""
    records = as_records(records)
    if all(record.masked is None for record in records):
        return None
    ends = np.cumsum([0, *map(len, records)])
    masked = np.zeros(int(ends[-1]), dtype=bool)
    for record, (begin, _) in zip(records, pairwise(ends.tolist()), strict=True):
        for start, end in record.masked or ():
            masked[begin + start : begin + end] = True
    return masked


def soft_masked(
    calls: Calls, masked: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n,) True where over half of the seqlet's bases are masked.

    Args:
        calls: Intervals in units.
        masked: (bases,) as `masked_bases` gives them; units are records end to end.
        offsets: (units + 1,) where each unit begins among all bases.
    """
    before = np.concatenate([[0], np.cumsum(masked)])
    at = offsets[calls.unit]
    inside = before[at + calls.end] - before[at + calls.start]
    tagged: NDArray[np.bool_] = 2 * inside > calls.end - calls.start
    return tagged
