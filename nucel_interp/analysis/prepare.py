"""From records to a scored study: what motifs, seqlets and k-mers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.analysis.discovery import Method
from nucel_interp.analysis.inputs import check_input
from nucel_interp.analysis.score_study import (
    TRACK_UNIT_BP,
    Scored,
    Texts,
    make_texts,
    model_study,
    sequence_study,
    track_study,
)
from nucel_interp.analysis.study import Study
from nucel_interp.baselines.cls_row import cls_row_scores
from nucel_interp.errors import InputError
from nucel_interp.progress import Stages
from nucel_interp.scoring import cut_units, split_units
from nucel_interp.scoring.device import load_model
from nucel_interp.scoring.scores import Strands
from nucel_interp.scoring.units import MIN_UNITS, Unit
from nucel_interp.types import Record

if TYPE_CHECKING:
    from nucel_model import Nucel


@dataclass(frozen=True, eq=False)
class Prepared:
    """Records cut into units, split, shuffled and scored.

    Attributes:
        model: None for a user's track.
        units: Pieces of records that the statistics count.
        split_rule: Sentence that says how the halves were made.
        texts: The units' shuffled copies.
        scored: Scores of the units.
    """

    model: Nucel | None
    units: list[Unit]
    split_rule: str
    texts: Texts
    scored: Scored

    @property
    def study(self) -> Study:
        """The input with its nulls; the first fold."""
        return self.scored.folds[0]


def prepare(
    records: list[Record],
    model: str | Path | Nucel | None,
    *,
    score: str,
    strands: Strands,
    seed: int,
    track: Sequence[ArrayLike] | None,
    null_track: Sequence[ArrayLike] | None,
    stages: Stages,
    method: Method = "cluster",
) -> Prepared:
    """Cut, split, shuffle and score the records; for the arguments see `analyse_motifs`.

    Raises:
        InputError: No records, or a track that does not fit.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    records, track, null_track = check_input(records, track, null_track)
    loaded = None
    if track is None and method != "kmer":
        if model is None:
            raise InputError("neither a model nor a track was given")
        loaded = load_model(model)
    units, test, split_rule = cut_and_split(records, loaded, seed)
    texts = make_texts(records, units, seed, stages)
    if method == "kmer":
        scored = sequence_study(texts, test, seed)
    elif loaded is not None and method == "dnabert":
        with stages.stage("reading with the model", sum(map(len, records))) as step:
            rows = cls_row_scores(loaded, [r.sequence for r in records], on_progress=step)
        scored = track_study(rows, None, texts, test, seed)
    elif loaded is not None:
        scored = model_study(
            loaded, records, texts, test, score=score, strands=strands, seed=seed, stages=stages
        )
    else:
        assert track is not None
        scored = track_study(track, null_track, texts, test, seed)
    return Prepared(loaded, units, split_rule, texts, scored)


def cut_and_split(
    records: list[Record], model: Nucel | None, seed: int
) -> tuple[list[Unit], NDArray[np.bool_], str]:
    """Units no longer than the model's context, their test half, and how it was made.

    With fewer than `MIN_UNITS` there is no test half.
    """
    units = cut_units(records, TRACK_UNIT_BP if model is None else model.config.context_bp)
    test, rule = split_units(records, units, seed)
    if len(units) < MIN_UNITS:
        return units, np.zeros(len(units), dtype=bool), "not split: too few sequences"
    return units, test, rule
