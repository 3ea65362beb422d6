"""Who is most like whom: the graph of nearest neighbours among seqlets."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

N_NEIGHBOURS = 15
_BLOCK = 500


def neighbour_graph(vectors: sp.csr_matrix, k: int = N_NEIGHBOURS) -> sp.csr_matrix:
    """Each seqlet joined to the ``k`` most like it, by the cosine of their vectors.

    Rows are compared a block at a time, so memory grows with the number of seqlets, not with its
    square.

    Args:
        vectors: (seqlets, features), rows of length 1.
        k: Neighbours of each; fewer where fewer share a feature.

    Returns:
        (seqlets, seqlets) symmetric float64: an edge is there if either end chose the other.
    """
    n = vectors.shape[0]
    k = min(k, n - 1)
    if k < 1:
        return sp.csr_matrix((n, n))
    across = vectors.T.tocsr()
    rows, columns, weights = [], [], []
    for begin in range(0, n, _BLOCK):
        likeness = (vectors[begin : begin + _BLOCK] @ across).toarray()
        here = np.arange(begin, begin + len(likeness))
        likeness[here - begin, here] = -1
        nearest = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        rows.append(np.repeat(here, k))
        columns.append(nearest.ravel())
        weights.append(np.take_along_axis(likeness, nearest, axis=1).ravel())
    weight = np.concatenate(weights).astype(np.float64)
    joined = weight > 0
    edges = (np.concatenate(rows)[joined], np.concatenate(columns)[joined])
    graph = sp.csr_matrix((weight[joined], edges), shape=(n, n))
    graph = graph.maximum(graph.T).tocsr()
    graph.sort_indices()
    return graph
