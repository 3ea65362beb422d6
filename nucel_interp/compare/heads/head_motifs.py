"""Which head attends to which motif, against decoys of the motif and permuted tracks.

For a head and a motif, every sequence with a site gives one number: the AUROC of the head's track
in that sequence, site bases against all others. So does every sequence with a site of a decoy, for
each decoy. The statistic is the difference of the two means,

    t = (difference - what permuted tracks give on average) / standard error.

The standard error comes from the sequences' contributions to the difference (a sequence with both
kinds of site contributes to both means at once) and from the decoys' (two-way clusters: Cameron,
Gelbach and Miller, J Bus Econ Stat 2011, 29:238), so that it depends less on which decoys
were drawn.

Decoys have the motif's width, information and GC, and their sites are weighted to the GC and CpG of
the motif's sites: a head that likes GC or CpG gains nothing. Permuted tracks keep what a place in
the sequence attracts as such: motifs in the middle of peaks gain nothing either. What decoys cannot
undo is any other liking for short words that the motif holds; hence the randomly
initialised control beside it.

Both t and its null are studentised, so that motifs with many and with few sites are on one scale
(Janssen, Stat Probab Lett 1997, 36:9); the family-wise p is that of the largest t over all heads
and motifs per permutation (Westfall and Young 1993). p is one-sided: more attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.heads.statistic import Association, associate
from nucel_interp.controls.beyond import (
    AtQuestions,
    Beyond,
    at_questions,
    beyond_controls,
    both_ways,
)
from nucel_interp.controls.occurrences import MotifOccurrences, find_occurrences
from nucel_interp.controls.permutation import PERMUTATIONS, Null, permute_between_sequences, shift
from nucel_interp.progress import OnProgress
from nucel_interp.scoring.attention import end_bins
from nucel_interp.sequences import Sequences
from nucel_interp.types import Motif

LONG_BP = 1000
"""Records beyond this get circular shifts as a second null."""


@dataclass(frozen=True, eq=False)
class HeadMotifs:
    """What `measure_heads` found.

    Attributes:
        occurrences: Sites of every motif and of its decoys, in the given order.
        model: Over the tested motifs, in that order.
        random_control: Association of the randomly initialised control's heads with the motifs;
            None if it was not given.
        null: "permutation" or "shift".
        used: (units,) bool, the distinct units that took part.
        in_test: (units,) bool.
        permutations: Number of permutations of tracks between sequences.
        beyond: AUROC of the chosen heads beyond every control, for every motif, tested or not.
    """

    occurrences: list[MotifOccurrences]
    model: Association
    random_control: Association | None
    null: str
    used: NDArray[np.bool_]
    in_test: NDArray[np.bool_]
    permutations: int
    beyond: list[Beyond]

    @property
    def tested(self) -> list[MotifOccurrences]:
        """The motifs with enough sites."""
        return [o for o in self.occurrences if not o.reason]


def measure_heads(
    sequences: Sequences,
    received: NDArray[np.floating],
    motifs: Sequence[Motif],
    in_test: NDArray[np.bool_],
    *,
    record: NDArray[np.int64] | None = None,
    random_control: NDArray[np.floating] | None = None,
    copies: Sequence[NDArray[np.floating]] = (),
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    on_progress: OnProgress | None = None,
) -> HeadMotifs:
    """Test every head against every motif.

    Tracks are permuted between units of one length within a half. If fewer than half of the units
    share their length with nine others, tracks are shifted along their own record instead, after
    the mean rank at each distance from the nearer end was taken out. If most bases lie in records
    over 1 kb, shifts are a second null. Units of equal sequence, on either strand, count once.

    Args:
        sequences: Sequences of the units, one per unit.
        received: (heads, bases); NaN where there is none (N).
        motifs: Motifs to test; their sites are FIMO's, p < 1e-4, background of the sequences.
        in_test: (units,) bool. For each motif the head is chosen on the other half.
        record: (units,) which record each unit was cut from; each its own if not given.
        random_control: (heads, bases) attention received in a randomly initialised network, as
            ``received``.
        copies: (heads, bases) attention received in each shuffled copy of the sequences, as
            ``received``.
        seed: Seed of the decoys and permutations.
        permutations: Number of permutations of tracks between sequences.
        on_progress: Called as ``on_progress(done, total, stage)``.
    """
    offsets, lengths = sequences.offsets, sequences.lengths
    record = np.arange(len(sequences)) if record is None else np.asarray(record)
    distinct = sequences.distinct
    null = permute_between_sequences(sequences, in_test, distinct, seed, permutations)
    of_record = np.bincount(record, lengths)[record]
    second: Null | None = None
    if np.count_nonzero(null.used) < np.count_nonzero(distinct) / 2:
        null = shift(sequences, record, distinct, seed, permutations)
    elif lengths[of_record > LONG_BP].sum() > lengths.sum() / 2:
        second = shift(sequences, record, distinct, seed, permutations)
    known = ~np.isnan(received[0])
    found = find_occurrences(
        sequences, known, motifs, null.used, in_test, seed, on_progress
    )  # fmt: skip
    tested = [o for o in found if not o.reason]
    bins = end_bins(offsets, known) if null.name == "shift" else None

    def of(tracks: NDArray[np.floating], stage: str) -> Association:
        return associate(tracks, offsets, tested, null, second, in_test, bins, stage, on_progress)

    questions = [both_ways(label(o.motif), o, np.asarray(in_test, dtype=bool)) for o in found]

    def at(tracks: NDArray[np.floating]) -> AtQuestions:
        return at_questions(questions, tracks, offsets, in_test, null.used)

    return HeadMotifs(
        occurrences=found,
        model=of(received, "testing heads against motifs"),
        random_control=None
        if random_control is None
        else of(random_control, "testing the randomly initialised control"),
        null=null.name,
        used=null.used,
        in_test=np.asarray(in_test, dtype=bool),
        permutations=permutations,
        beyond=beyond_controls(
            questions,
            at(received),
            in_test,
            random_control=None if random_control is None else at(random_control),
            shuffled=[at(c) for c in copies],
        ),
    )


def label(motif: Motif) -> str:
    """``MA0139.2 CTCF``, or the id alone where there is no other name."""
    return motif.id if motif.name == motif.id else f"{motif.id} {motif.name}".strip()
