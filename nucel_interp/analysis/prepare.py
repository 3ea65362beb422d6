"""From records to a scored study: what `find_motifs` and `find_seqlets` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.inputs import check_input
from nucel_interp.analysis.study import Stages, Study
from nucel_interp.analysis.tracks import (
    TRACK_UNIT_BP,
    Scored,
    ScoreName,
    Texts,
    make_texts,
    model_study,
    track_study,
)
from nucel_interp.scoring import cut_units, split_units
from nucel_interp.scoring.runner import Strands
from nucel_interp.scoring.units import MIN_UNITS, Unit
from nucel_interp.types import Record

if TYPE_CHECKING:
    from nucel_model import Nucel


@dataclass(frozen=True, eq=False)
class Prepared:
    """Records cut into units, split, shuffled and scored.

    Attributes:
        model: None for a user's track.
        units: What the statistics count.
        split_rule: How the halves were made, in words.
        texts: The units' shuffled copies.
        scored: Their scores.
    """

    model: Nucel | None
    units: list[Unit]
    split_rule: str
    texts: Texts
    scored: Scored

    @property
    def study(self) -> Study:
        """The input with its nulls."""
        return self.scored.study


def prepare(
    records: list[Record],
    model: str | Nucel,
    *,
    score: ScoreName,
    strands: Strands,
    seed: int,
    track: Sequence[NDArray[np.floating]] | None,
    null_track: Sequence[NDArray[np.floating]] | None,
    stages: Stages,
) -> Prepared:
    """Cut, split, shuffle and score the records; for the arguments see `find_motifs`.

    Raises:
        InputError: No records, or a track that does not fit.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    check_input(records, track, null_track)
    loaded = None if track is not None else _loaded(model)
    longest = loaded.config.context_bp if loaded is not None else TRACK_UNIT_BP
    units = cut_units(records, longest)
    test, split_rule = split_units(records, units, seed)
    if len(units) < MIN_UNITS:
        test, split_rule = np.zeros(len(units), dtype=bool), "not split: too few sequences"
    texts = make_texts(records, units, seed, stages)
    if loaded is not None:
        scored = model_study(
            loaded, records, texts, test, score=score, strands=strands, seed=seed, stages=stages
        )
    else:
        assert track is not None
        scored = track_study(track, null_track, texts, test, seed)
    return Prepared(loaded, units, split_rule, texts, scored)


def _loaded(model: str | Nucel) -> Nucel:
    from nucel_model import from_pretrained

    return from_pretrained(model) if isinstance(model, str) else model
