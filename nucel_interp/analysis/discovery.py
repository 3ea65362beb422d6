"""From a half of the sequences to motifs, by methods that share one interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.study import Study
from nucel_interp.baselines.dnabert import DnabertMotif, dnabert_motifs
from nucel_interp.motifs.clustering import cluster_seqlets
from nucel_interp.motifs.kmer_motifs import kmer_motifs
from nucel_interp.motifs.pwm import total_information
from nucel_interp.motifs.seqlet_windows import Regions
from nucel_interp.seqlets import Calls
from nucel_interp.types import Motif

Method = Literal["both", "cluster", "kmer", "dnabert"]
METHODS: tuple[Method, ...] = get_args(Method)
FoundBy = Literal["score", "sequence", "both"]
FLANK_BP = 5
"""Seqlets are widened by this much on either side before motifs are sought in them: a score may
peak beside the motif. Of 0, 2, 5 and 10, five gave the shipped CTCF peaks the best held-out p."""
MIN_SEQUENCES = 10
MIN_BITS = 6.0


@dataclass(frozen=True, eq=False)
class Discovered:
    """A motif, and the seqlets that built it.

    Attributes:
        motif: Matrix of the motif; ``n_sites`` is the number of seqlets.
        members: Seqlets that built it; of a motif found by sequence alone its occurrences.
        found_by: "score" if built from what the score points at, "sequence" if from enriched words,
            "both" if the other source gave a like motif.
        dnabert: Numbers that the script itself gives; None for other methods.
    """

    motif: Motif
    members: Calls
    found_by: FoundBy = "score"
    dnabert: DnabertMotif | None = None

    @property
    def n_seqlets(self) -> int:
        """How many seqlets built it."""
        return len(self.members)


@dataclass(frozen=True, eq=False)
class Discovery:
    """Motifs in the order in which a method ranks them.

    Attributes:
        found: Motifs of each source, one source after the other.
        stability: `Clustering.stability` of the first.
        source: Number of each motif's source, where there are several.
    """

    found: list[Discovered]
    stability: float = float("nan")
    source: list[int] = field(default_factory=list)


def discover_motifs(
    study: Study,
    seqlets: Calls,
    chosen: NDArray[np.bool_],
    background: NDArray[np.float64],
    *,
    method: Method = "both",
    second: Calls | None = None,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> Discovery:
    """Motifs of the chosen units.

    Of equal sequences only the first is read: a word that ten copies of one sequence share is no
    motif.

    Args:
        study: Sequences and their shuffled copies; for "dnabert" also the score.
        seqlets: Seqlets of all units; "kmer" and "dnabert" do not look at them.
        chosen: (units,) bool.
        background: (4,) base frequencies.
        method: "cluster" groups seqlets (`cluster_seqlets`); "kmer" looks for over-represented
            words anywhere (`motifs.kmer_motifs`); "both" gives the motifs of these two, which have
            yet to compete (`analysis.rivals`); "dnabert" is that model's script.
        second: Seqlets of a second reading, clustered apart; for the method "both".
        seed: Seed of the clustering.
        on_progress: Called with 1 after each pass of the clustering.
    """
    chosen = chosen & study.layout.sequences.first
    if method == "dnabert":
        return _by_dnabert(study, chosen)
    if method == "kmer":
        return _by_words(study, chosen, background)
    mine = seqlets.take(chosen[seqlets.unit])
    clusters = _by_clusters(study, mine, background, seed, on_progress)
    if method == "cluster":
        return clusters
    found, source = list(clusters.found), [0] * len(clusters.found)
    if second is not None:
        theirs = second.take(chosen[second.unit])
        alone = _by_clusters(study, theirs, background, seed, None).found
        found, source = [*found, *alone], source + [1] * len(alone)
    words = _by_words(study, chosen, background).found
    return Discovery([*found, *words], clusters.stability, source + [2] * len(words))


def _by_clusters(
    study: Study,
    seqlets: Calls,
    background: NDArray[np.float64],
    seed: int,
    on_progress: Callable[[int], None] | None,
) -> Discovery:
    """The null is what shuffled copies have in the seqlets' places."""
    first = study.offsets[seqlets.unit]
    start, end = first + seqlets.start, first + seqlets.end
    real = Regions(study.sequences, seqlets.unit, start, end)
    null = [Regions(copy.sequences, seqlets.unit, start, end) for copy in study.copies]
    result = cluster_seqlets(
        real, null, background, flank=FLANK_BP, seed=seed, on_progress=on_progress
    )
    found = [
        Discovered(Motif("motif", c.pwm, len(c.members)), seqlets.take(c.members))
        for c in result.clusters
    ]
    return Discovery([d for d in found if _worth_testing(d)], result.stability)


def _by_words(
    study: Study, chosen: NDArray[np.bool_], background: NDArray[np.float64]
) -> Discovery:
    """Over-represented words of whole units against whole copies: sequence alone."""
    unit = np.flatnonzero(chosen)
    start, end = study.offsets[unit], study.offsets[unit + 1]
    real = Regions(study.sequences, unit, start, end)
    null = [Regions(copy.sequences, unit, start, end) for copy in study.copies]
    found = []
    for one in kmer_motifs(real, null, background):
        at = np.asarray(one.place, dtype=np.int64)
        calls = _calls(at, at + one.motif.width, study.offsets)
        found.append(Discovered(one.motif, calls, "sequence"))
    return Discovery(found)


def _by_dnabert(study: Study, chosen: NDArray[np.bool_]) -> Discovery:
    """Positives are the units, negatives their first shuffled copies."""
    unit = np.flatnonzero(chosen)
    score: NDArray[np.floating] = study.track if study.raw is None else study.raw
    scores = [score[study.offsets[u] : study.offsets[u + 1]] for u in unit]
    negatives = [study.copies[0].sequences[u] for u in unit.tolist()]
    found = []
    for one in dnabert_motifs([study.sequences[u] for u in unit.tolist()], scores, negatives):
        places = np.array(one.instances, dtype=np.int64).reshape(-1, 3)
        at = study.offsets[unit[places[:, 0]]]
        calls = _calls(at + places[:, 1], at + places[:, 2], study.offsets)
        found.append(Discovered(one.motif, calls, dnabert=one))
    return Discovery(found)


def _worth_testing(one: Discovered) -> bool:
    """Ten sequences and six bits: less cannot be told from chance, nor named."""
    in_units = len(np.unique(one.members.unit))
    return in_units >= MIN_SEQUENCES and total_information(one.motif.pwm) >= MIN_BITS


def _calls(start: NDArray[np.int64], end: NDArray[np.int64], offsets: NDArray[np.int64]) -> Calls:
    """Places counted over all units, as intervals in units, no further than these go."""
    unit = np.searchsorted(offsets, (start + end) // 2, side="right") - 1
    first, length = offsets[unit], np.diff(offsets)[unit]
    score = np.full(len(unit), np.nan)
    return Calls(unit, np.maximum(start - first, 0), np.minimum(end - first, length), score)
