"""Does the model look at each motif? Heads, and the score, against every control at held-out sites.

Each half's sites are those of the matrix that the other half gave, and each half is measured with
the head that the other half chose: what is measured helped to find neither the matrix nor the head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.crossfit import Candidate
from nucel_interp.analysis.study import Copy, Study, Track
from nucel_interp.bootstrap import UNKNOWN, ConfidenceInterval
from nucel_interp.controls.beyond import (
    AtQuestions,
    Heads,
    Question,
    at_questions,
    beyond_controls,
)
from nucel_interp.controls.claims import BEST_HEAD, Claim
from nucel_interp.controls.fold import Parts, fold_at_sites
from nucel_interp.controls.occurrences import find_occurrences
from nucel_interp.motifs.pwm import consensus
from nucel_interp.types import HEAD_SITE_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.scoring import Scores

MOST_COPIES = 3
"""Shuffled copies whose scores are compared with."""


@dataclass(frozen=True, eq=False)
class Read:
    """What was read of one model, or given as a track.

    Attributes:
        model: Name of the model, or of the track.
        n_heads: Heads of a layer; 0 without a model.
        real: Every head; None without a model.
        random_control: Every head of the randomly initialised control.
        shuffled: Every head on each shuffled copy.
        score: Name of the score.
        track: (bases,) the score; each half's from the fold that tests it.
        random_control_track: The score of the randomly initialised control.
        shuffled_tracks: The score of shuffled copies.
    """

    model: str
    n_heads: int
    real: Scores | None
    random_control: Scores | None
    shuffled: Sequence[Scores]
    score: str
    track: Track
    random_control_track: Track | None
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
        folds: Two studies of the same units, each with the other half as test half.
        read: Attention and score of the model and of its controls.
        seed: Seed of the decoys.

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
        random_control=None
        if read.random_control_track is None
        else at(read.random_control_track[None]),
        shuffled=[at(t[None]) for t in read.shuffled_tracks[:MOST_COPIES]],
    )
    spoken = read.score if read.real is None else f"{read.score} score"
    found = {
        motif: [Claim(one, read.model, spoken, len(named))]
        for motif, one in zip(named, score, strict=True)
    }
    if read.real is not None:
        real = at(read.real.received)
        random = None if read.random_control is None else at(read.random_control.received)
        heads = beyond_controls(
            questions,
            real,
            first.test,
            random_control=random,
            shuffled=[at(copy.received) for copy in read.shuffled[:MOST_COPIES]],
        )
        begin = 0
        for motif, question, one in zip(named, questions, heads, strict=True):

            def fold(
                scores: Scores | None, chosen: Heads, parts: Parts = question.parts
            ) -> ConfidenceInterval:
                if scores is None:
                    return UNKNOWN
                return fold_at_sites(
                    scores.received, chosen, parts, first.offsets, first.test, len(named)
                )

            mine = slice(begin, begin + len(question.parts))
            begin = mine.stop
            claim = Claim(
                one,
                read.model,
                BEST_HEAD,
                len(named),
                read.label,
                fold(read.real, one.heads),
                fold(read.random_control, one.control_heads),
                _by_head(question, real[mine]),
                None if random is None else _by_head(question, random[mine]),
            )
            found[motif].insert(0, claim)
    return found


def _by_head(question: Question, at: AtQuestions) -> NDArray[np.float64]:
    """(heads,) AUROC at the sites, averaged over the sequences that hold one."""
    values = [
        own.values[:, where[o.own.cell_unit]]
        for (o, where), (own, _) in zip(question.parts, at, strict=True)
    ]
    together = np.concatenate(values, axis=1)
    if not together.shape[1]:
        return np.full(len(together), np.nan)
    return np.asarray(together.mean(axis=1) + 0.5)


def head_sites(claims: Mapping[str, Sequence[Claim]], kinds: Sequence[str]) -> pd.DataFrame:
    """Every head at every motif's held-out sites (columns `types.HEAD_SITE_COLUMNS`).

    Args:
        claims: Motif id -> claims, as `looks_at` gives them.
        kinds: "local" or "global", by layer.
    """
    import pandas as pd

    rows = []
    for motif, (best, *_) in claims.items():
        if best.by_head is None:
            continue
        n_heads = len(best.by_head) // len(kinds)
        for i, auroc in enumerate(best.by_head.tolist()):
            layer, head = divmod(i, n_heads)
            control = np.nan if best.control_by_head is None else best.control_by_head[i]
            rows.append((motif, layer, head, kinds[layer], auroc, control))
    return pd.DataFrame(rows, columns=HEAD_SITE_COLUMNS)


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
