"""Groups in the graph of neighbours, by Leiden; and how much they depend on its random start.

Leiden (Traag, Waltman & van Eck, Sci Rep 2019, 9:5233) comes from graspologic-native, the one
build under a permissive licence; this is the only module that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

RESOLUTION = 6.0
"""Of modularity: high, so that a motif of twenty seqlets is not swallowed by a common one. Two
groups of one motif are merged later; one group of two motifs is not parted."""
N_SEEDS = 5


@dataclass(frozen=True, eq=False)
class Communities:
    """A partition of the graph's nodes.

    Attributes:
        label: (nodes,) community of each, 0 the largest.
        stability: Mean adjusted Rand index (Hubert & Arabie, J Classif 1985, 2:193) between the
            partitions of all seeds: 1 if the random
            start does not matter, 0 if nothing but chance joins them.
    """

    label: NDArray[np.int64]
    stability: float


def find_communities(graph: sp.csr_matrix, seed: int = 0) -> Communities:
    """The best of several Leiden partitions by modularity.

    Args:
        graph: (nodes, nodes) symmetric, weights above 0.
        seed: Seed of the random starts.
    """
    from graspologic_native import leiden_csr
    from sklearn.metrics import adjusted_rand_score

    n = graph.shape[0]
    if graph.nnz == 0:
        return Communities(np.arange(n), 1.0)
    found = []
    for start in range(N_SEEDS):
        quality, label = leiden_csr(
            graph.indptr.astype(np.int64), graph.indices.astype(np.int32),
            graph.data.astype(np.float64), n,
            resolution=RESOLUTION, iterations=2, seed=seed * N_SEEDS + start,
        )  # fmt: skip
        found.append((quality, np.array([label[node] for node in range(n)], dtype=np.int64)))
    pairs = [adjusted_rand_score(a, b) for (_, a), (_, b) in combinations(found, 2)]
    best = max(range(N_SEEDS), key=lambda i: (found[i][0], -i))
    return Communities(_by_size(found[best][1]), float(np.mean(pairs)))


def _by_size(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers anew, the largest first, of equal ones the one with the earlier node."""
    _, first, inverse, counts = np.unique(
        label, return_index=True, return_inverse=True, return_counts=True
    )
    place = np.empty(len(counts), dtype=np.int64)
    place[np.lexsort((first, -counts))] = np.arange(len(counts))
    return np.asarray(place[inverse], dtype=np.int64)
