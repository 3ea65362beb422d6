"""High-attention k-mers: chosen on the discovery half, tested on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers.counting import KmerIndex, kmer_words
from nucel_interp.kmers.enrichment import sign_test
from nucel_interp.types import KMER_COLUMNS, reverse_complement

if TYPE_CHECKING:
    import pandas as pd

K = 7
SELECT_P = 0.01
MAX_SELECTED = 200


def kmer_table(
    real: tuple[list[str], NDArray[np.bool_]],
    copies: list[tuple[list[str], NDArray[np.bool_]]],
    track: NDArray[np.floating],
    test: NDArray[np.bool_],
    k: int = K,
    group: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """k-mers over-represented in seqlets, each counted once per unit, both strands as one.

    A k-mer is selected if, on the discovery half, its presence in a unit's seqlets exceeds that in
    the seqlets of the unit's shuffled copies with p < 0.01 (`sign_test`; the best 200 at most).
    ``test_p`` is the same on the other half, ``test_q`` its Benjamini-Hochberg value over the
    selected.

    Args:
        real: Sequences of the units, and (bases,) bool, True inside a seqlet.
        copies: The same of each shuffled copy.
        track: (bases,) score of the real units.
        test: (units,) bool.
        k: Word length.
        group: (units,) a number that equal sequences share: they count once in both p-values.

    Returns:
        `types.KMER_COLUMNS`, sorted by test_p; ``motif_id`` is left empty.
    """
    import pandas as pd
    from scipy.stats import false_discovery_control

    n = len(test)
    indices = [KmerIndex(sequences, k) for sequences, _ in (real, *copies)]
    pairs = [
        index.present(inside) for index, (_, inside) in zip(indices, (real, *copies), strict=True)
    ]
    keys = [unit * 4**k + code for unit, code in pairs]
    present, hits = np.unique(np.concatenate(keys), return_counts=True)
    is_real = np.isin(present, keys[0], assume_unique=True)
    unit, code = present // 4**k, present % 4**k
    n_versions = len(copies) + 1
    codes, where = np.unique(code, return_inverse=True)
    train = ~test[unit]
    # sums of whole numbers: exact, so the order of the units cannot break a tie
    excess = np.bincount(where, (is_real * n_versions - hits) * train, minlength=len(codes))
    spread = np.bincount(where, hits * (n_versions - hits) * train, minlength=len(codes))
    z = excess / n_versions / np.sqrt(np.maximum(spread / n_versions**2, 0.25))
    candidates = codes[np.argsort(-z, kind="stable")][: 2 * MAX_SELECTED]

    def presence(which: int, wanted: int) -> NDArray[np.bool_]:
        flags = np.zeros(n, dtype=bool)
        flags[pairs[which][0][pairs[which][1] == wanted]] = True
        return flags

    def p_of(here: NDArray[np.bool_], there: NDArray[np.bool_], half: NDArray[np.bool_]) -> float:
        return sign_test(here[half], there[:, half], None if group is None else group[half])

    rows = []
    for wanted in candidates:
        here = presence(0, wanted)
        there = np.stack([presence(i + 1, wanted) for i in range(len(copies))])
        p = p_of(here, there, ~test)
        if p >= SELECT_P:
            continue
        word = kmer_words(np.array([wanted]), k)[0]
        starts = np.flatnonzero(indices[0].code == wanted)
        at = track[(starts[:, None] + np.arange(k)).ravel()]
        rows.append(
            {
                "kmer": word,
                "reverse_complement": reverse_complement(word),
                "mean_score": float(np.nanmean(at)) if np.isfinite(at).any() else np.nan,
                "discovery_sequences": int(here[~test].sum()),
                "discovery_shuffled": float(there[:, ~test].sum(axis=1).mean()),
                "discovery_p": p,
                "test_sequences": int(here[test].sum()),
                "test_shuffled": float(there[:, test].sum(axis=1).mean()) if test.any() else np.nan,
                "test_p": p_of(here, there, test) if test.any() else np.nan,
                "motif_id": "",
            }
        )
    rows = sorted(rows, key=lambda r: (r["discovery_p"], r["kmer"]))[:MAX_SELECTED]
    if rows and test.any():
        for row, q in zip(rows, false_discovery_control([r["test_p"] for r in rows]), strict=True):
            row["test_q"] = float(q)
    frame = pd.DataFrame(rows, columns=KMER_COLUMNS)
    return frame.sort_values(["test_p", "discovery_p", "kmer"], kind="stable").reset_index(
        drop=True
    )
