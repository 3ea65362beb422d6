"""Does the model look at each motif? Heads, and the score, against every control at held-out sites.

Each half's sites are those of the matrix that the other half gave, and each half is measured with
the head that the other half chose: what is measured helped to find neither the matrix nor the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.crossfit import Candidate
from nucel_interp.analysis.study import Copy, Study, Track
from nucel_interp.controls.beyond import Question, at_questions, beyond_controls
from nucel_interp.controls.claims import BEST_HEAD, Claim
from nucel_interp.controls.occurrences import find_occurrences
from nucel_interp.motifs.pwm import consensus

if TYPE_CHECKING:
    from nucel_interp.scoring import Scores

MOST_COPIES = 3
"""Shuffled copies whose scores are compared with."""


@dataclass(frozen=True, eq=False)
class Read:
    """What was read of one model, or given as a track.

    Attributes:
        model: Its name, or the track's.
        n_heads: Heads of a layer; 0 without a model.
        real: Every head; None without a model.
        random_weights: Every head of the randomly initialised control.
        shuffled: Every head on a shuffled copy.
        score: Its name.
        track: (bases,) the score; each half's from the fold that tests it.
        random_weights_track: The score of the randomly initialised control.
        shuffled_tracks: The score of shuffled copies.
    """

    model: str
    n_heads: int
    real: Scores | None
    random_weights: Scores | None
    shuffled: Scores | None
    score: str
    track: Track
    random_weights_track: Track | None
    shuffled_tracks: Sequence[Track]

    def label(self, head: int) -> str:
        """``layer:head``, both from 0."""
        return ":".join(map(str, divmod(head, self.n_heads)))


def composed(tracks: Sequence[Track], folds: Sequence[Study]) -> Track:
    """One track from each fold's: every base from the fold that has it in its test half."""
    if len(folds) == 1:
        return tracks[0]
    return np.where(folds[0].in_test, tracks[0], tracks[1])


def composed_copy(folds: Sequence[Study], copy: int = 0) -> Copy:
    """A shuffled copy of every unit, each with the score of the fold that tests it."""
    track = composed([f.copies[copy].track for f in folds], folds)
    return Copy(folds[0].copies[copy].sequences, track)


def looks_at(
    named: dict[str, Candidate], folds: Sequence[Study], read: Read, seed: int
) -> dict[str, list[Claim]]:
    """For every motif that was tested: what its best head, and the score, have beyond the controls.

    Args:
        named: Motif id -> motif.
        folds: The same units with either half as test half.
        read: What the model gave.
        seed: Of the decoys.

    Returns:
        Motif id -> the claim about the best head, if a model was read, and that about the score.
    """
    if len(folds) < 2 or not named:
        return {}
    questions = _questions(named, folds, seed)
    first = folds[0]
    used = first.sequences.distinct

    def at(tracks: NDArray[np.floating]) -> list:
        return at_questions(questions, tracks, first.offsets, first.test, used)

    score = beyond_controls(
        questions,
        at(read.track[None]),
        first.test,
        random_weights=None
        if read.random_weights_track is None
        else at(read.random_weights_track[None]),
        shuffled=[at(t[None]) for t in read.shuffled_tracks[:MOST_COPIES]],
    )
    spoken = read.score if read.real is None else f"{read.score} score"
    found = {
        motif: [Claim(one, read.model, spoken, len(named))]
        for motif, one in zip(named, score, strict=True)
    }
    if read.real is not None:
        heads = beyond_controls(
            questions,
            at(read.real.received),
            first.test,
            random_weights=None
            if read.random_weights is None
            else at(read.random_weights.received),
            shuffled=[] if read.shuffled is None else [at(read.shuffled.received)],
        )
        for motif, one in zip(named, heads, strict=True):
            found[motif].insert(0, Claim(one, read.model, BEST_HEAD, len(named), read.label))
    return found


def _questions(named: dict[str, Candidate], folds: Sequence[Study], seed: int) -> list[Question]:
    """Sites of each half's matrix, to be measured on the half that tested it."""
    first = folds[0]
    used = first.sequences.distinct
    known = ~np.isnan(first.track)
    wanted = [(motif, fold) for motif, one in named.items() for fold in sorted(one.fits)]
    found = find_occurrences(
        first.sequences,
        known,
        [named[motif].fits[fold].found.motif for motif, fold in wanted],
        used,
        first.test,
        seed,
    )
    questions = []
    for motif, one in named.items():
        parts = [
            (o, folds[fold].test)
            for (name, fold), o in zip(wanted, found, strict=True)
            if name == motif
        ]
        questions.append(Question(f"{motif} {consensus(one.found.motif.pwm)}", parts))
    return questions
