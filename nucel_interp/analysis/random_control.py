"""The randomly initialised control of a model: its heads and its score on the same sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.score_study import Texts, both_halves
from nucel_interp.analysis.study import Track
from nucel_interp.progress import Stages
from nucel_interp.score_names import fixed_heads
from nucel_interp.scoring import Scores, attention_score, score_sequences
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

    control = random_control(model, seed)
    with stages.stage("reading with random weights", 2 * texts.sequences.n_bases) as step:
        real = score_sequences(
            control, [r.sequence for r in records], strands=strands, on_progress=step
        )
        null = score_sequences(control, texts.copies[0], strands=strands, on_progress=step)
    if score == "discriminator":
        return real, []
    fixed = fixed_heads(score, control.config)
    return real, [
        attention_score(real, [null], half[texts.sequences.number], fixed)[0]
        for half in both_halves(test)
    ]
