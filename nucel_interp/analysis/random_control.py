"""The randomly initialised control of a model: its heads and its score on the same sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.score_study import Texts, both_halves
from nucel_interp.analysis.score_track import score_track
from nucel_interp.analysis.study import Track
from nucel_interp.progress import Stages
from nucel_interp.scoring import Scores, score_sequences
from nucel_interp.scoring.readers import reader_of, with_heads_like
from nucel_interp.scoring.scores import Strands
from nucel_interp.types import Record
from nucel_model import Nucel


def random_control_tracks(
    model: Nucel,
    records: list[Record],
    texts: Texts,
    test: NDArray[np.bool_],
    *,
    score: str,
    strands: Strands,
    seed: int,
    stages: Stages,
) -> tuple[Scores, list[Track]]:
    """Every head of a randomly initialised model of the same shape, and its score, per fold.

    No score is made for ``discriminator``: without a trained head there is nothing to compare with.
    """
    from nucel_model import random_control

    control = with_heads_like(random_control(model, seed), model, seed)
    given = [[r.sequence for r in records], texts.copies[0]]
    with stages.stage("reading with random weights", 2 * texts.sequences.n_bases) as step:
        real, null = (
            score_sequences(control, some, strands=strands, also=reader_of(score), on_progress=step)
            for some in given
        )
    if score == "discriminator":
        return real, []
    return real, [
        score_track(control.config, real, [null], half[texts.sequences.number], score)[0]
        for half in both_halves(test)
    ]
