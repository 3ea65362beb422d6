"""Seqlets to motifs: neighbours, communities, refinement against shuffled seqlets, merging.

Cost and memory are linear in the number of seqlets: likeness of all pairs is computed among at most
`LANDMARKS` of them, drawn at random; all seqlets then compete for the motifs found. What no motif
explains is looked at again, until nothing new comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.motifs.communities import find_communities
from nucel_interp.motifs.gapped_kmer_seeds import enriched_words
from nucel_interp.motifs.gapped_kmers import gapped_words
from nucel_interp.motifs.neighbours import neighbour_graph
from nucel_interp.motifs.refine import (
    LENIENT,
    MIN_SEQLETS,
    STRICT,
    Group,
    compete,
    distinct,
    merged,
    renamed,
    seed_group,
    without_variants,
    word_group,
)
from nucel_interp.motifs.seqlet_windows import (
    Regions,
    SeqletWindows,
    canonical_order,
    canonical_regions,
)
from nucel_interp.sequences import Sequences

LANDMARKS = 6000
MAX_NULL = 60_000
"""Shuffled seqlets beyond this number say nothing new about a threshold."""
PASSES = 5


@dataclass(frozen=True, eq=False)
class Cluster:
    """A motif and the seqlets that make it.

    Attributes:
        pwm: (4, width) probabilities.
        members: (n,) numbers of the seqlets, as they were given.
    """

    pwm: NDArray[np.float64]
    members: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clustering:
    """All motifs of a set of seqlets, largest first.

    Attributes:
        clusters: Every seqlet is in one of them or in none.
        stability: `Communities.stability` of the first pass; NaN if there was nothing to cluster.
    """

    clusters: list[Cluster]
    stability: float


def cluster_seqlets(
    regions: Regions,
    null: list[Regions],
    background: NDArray[np.float64],
    *,
    flank: int = 0,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> Clustering:
    """Group seqlets into motifs.

    The result depends on the seqlets' sequences alone, not on their order or strand.

    Args:
        regions: The seqlets.
        null: Stretches of shuffled sequence as wide as the seqlets.
        background: (4,) base frequencies of the sequences.
        flank: A site may reach this many bases beyond its seqlet, on either side.
        seed: Seed of the draw of landmarks and of the communities' random starts.
        on_progress: Called with 1 after each of at most `PASSES` passes.
    """
    cores = canonical_regions(regions)
    order = canonical_order(cores)
    cores = _chosen(cores, order)
    if len(cores) < MIN_SEQLETS:
        return Clustering([], float("nan"))
    windows = SeqletWindows(_widened(cores, flank), cores.start + cores.end)
    shuffled = _null_windows(null, flank, seed)
    rng = np.random.default_rng([seed, 11])
    groups: list[Group] = []
    free = np.arange(len(cores))
    stability = float("nan")
    for number in range(PASSES):
        drawn = free
        if len(free) > LANDMARKS:
            drawn = np.sort(rng.permutation(free)[:LANDMARKS])
        if len(drawn) < MIN_SEQLETS:
            break
        communities = find_communities(neighbour_graph(gapped_words(windows.codes[drawn])), seed)
        if number == 0:
            stability = communities.stability
        fresh = _seeds(windows, drawn, communities.label, background)
        rest = windows.take(free)
        for word, rows in enriched_words(rest.codes, shuffled.codes):
            fresh.append(renamed(word_group(rest, word, rows, background), free))
        before = len(groups)
        groups = _refined(groups, fresh, windows, shuffled, background)
        if on_progress is not None:
            on_progress(1)
        if len(groups) <= before:
            break
        taken = np.zeros(len(cores), dtype=bool)
        taken[np.concatenate([group.rows for group in groups])] = True
        free = np.flatnonzero(~taken)
    groups = without_variants(groups, windows, background)
    groups = compete(groups, windows, shuffled, background, STRICT, grow=False)
    groups = sorted(groups, key=lambda group: -len(group.rows))
    clusters = [Cluster(g.pwm(background), np.sort(order[g.rows])) for g in groups]
    return Clustering(clusters, stability)


def _seeds(
    windows: SeqletWindows,
    drawn: NDArray[np.int64],
    label: NDArray[np.int64],
    background: NDArray[np.float64],
) -> list[Group]:
    """One group from every community of at least ten, largest first."""
    sizes = np.bincount(label)
    part, found = windows.take(drawn), []
    for community in np.flatnonzero(sizes >= MIN_SEQLETS):
        group = seed_group(part, np.flatnonzero(label == community), background)
        if group is not None:
            found.append(renamed(group, drawn))
    return found


def _refined(
    groups: list[Group],
    fresh: list[Group],
    windows: SeqletWindows,
    null: SeqletWindows,
    background: NDArray[np.float64],
) -> list[Group]:
    """Old and new groups after competition, without doubles."""
    first = len(groups)
    alone = compete([*groups, *fresh], windows, null, background, LENIENT[0], rivals=first)
    groups = distinct(alone, background)
    for tolerance in (*LENIENT, STRICT):
        groups = compete(groups, windows, null, background, tolerance)
    return compete(merged(groups, background), windows, null, background, STRICT)


def _chosen(regions: Regions, rows: NDArray[np.int64]) -> Regions:
    return Regions(regions.sequences, regions.unit[rows], regions.start[rows], regions.end[rows])


def _widened(regions: Regions, flank: int) -> Regions:
    """The stretches with ``flank`` more bases on either side, as far as their unit goes."""
    start = np.maximum(regions.start - flank, regions.first)
    end = np.minimum(regions.end + flank, regions.sequences.offsets[regions.unit + 1])
    return Regions(regions.sequences, regions.unit, start, end)


def _null_windows(null: list[Regions], flank: int, seed: int) -> SeqletWindows:
    """The shuffled stretches of all copies in one table, at most `MAX_NULL` of them."""
    if not null:
        none = np.zeros(0, dtype=np.int64)
        return SeqletWindows(Regions(Sequences([]), none, none, none))
    sequences = Sequences(s for copy in null for s in copy.sequences)
    bases = np.cumsum([0, *(copy.sequences.n_bases for copy in null)])
    units = np.cumsum([0, *(len(copy.sequences) for copy in null)])
    together = Regions(
        sequences,
        np.concatenate([copy.unit + u for copy, u in zip(null, units, strict=False)]),
        np.concatenate([copy.start + b for copy, b in zip(null, bases, strict=False)]),
        np.concatenate([copy.end + b for copy, b in zip(null, bases, strict=False)]),
    )
    together = canonical_regions(together)
    rows = canonical_order(together)
    if len(rows) > MAX_NULL:
        rows = np.sort(np.random.default_rng([seed, 13]).permutation(len(rows))[:MAX_NULL])
        rows = canonical_order(together)[rows]
    cores = _chosen(together, rows)
    return SeqletWindows(_widened(cores, flank), cores.start + cores.end)
