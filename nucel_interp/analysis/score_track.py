"""From what a model was read for to one track: heads chosen, or a single number per base."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.study import Track
from nucel_interp.score_names import DISCRIMINATOR, OF_HEADS, VALUE_NORM, fixed_heads, is_head
from nucel_interp.scoring import Scores, attention_score, head_table
from nucel_interp.scoring.attention import end_bins, smooth, standardise
from nucel_interp.types import HEAD_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import AnyConfig


def score_track(
    config: AnyConfig, real: Scores, null: list[Scores], in_test: NDArray[np.bool_], score: str
) -> tuple[Track, list[Track], pd.DataFrame]:
    """The score as z against shuffled copies, smoothed over three bases.

    Args:
        config: Configuration of the model.
        real: Scores of the sequences, read for ``score`` (`readers.reader_of`).
        null: Scores of their shuffled copies, base for base.
        in_test: (bases,) bool, True at bases of the test half, which takes no part in choice or
            scaling.
        score: Name of the score.

    Returns:
        Track (bases,), one null track per copy, and `types.HEAD_COLUMNS`, empty unless the score is
        made of heads.
    """
    import pandas as pd

    if score in OF_HEADS or is_head(score):
        real, *null = (_of_heads(s, score) for s in (real, *null))
        track, null_tracks, choice = attention_score(
            real, null, in_test, fixed_heads(score, config)
        )
        return track, null_tracks, head_table(config, real, choice)
    tracks = [smooth(_single(s, score), s.offsets) for s in (real, *null)]
    bins = end_bins(real.offsets, ~np.isnan(tracks[0]) & ~in_test)
    track, null_tracks = standardise(tracks[0], tracks[1:], bins, in_test)
    return track, null_tracks, pd.DataFrame(columns=HEAD_COLUMNS)


def _of_heads(scores: Scores, score: str) -> Scores:
    """With each head's track of this score in the place of attention received."""
    if score != VALUE_NORM:
        return scores
    assert scores.also is not None
    return replace(scores, received=scores.also.astype(np.float16))


def _single(scores: Scores, score: str) -> NDArray[np.float32]:
    """(bases,) high = important."""
    if score == DISCRIMINATOR:
        assert scores.replaced is not None
        return -scores.replaced
    assert scores.also is not None
    return scores.also[0]
