"""`find_seqlets`: everything that `nucel-interp seqlets` does between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.crossfit import how_called, tested_seqlets
from nucel_interp.analysis.held_out import call
from nucel_interp.analysis.prepare import prepare
from nucel_interp.analysis.tables import seqlet_table
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.scores import Strands
from nucel_interp.seqlets import Calling
from nucel_interp.types import Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel


@dataclass(frozen=True, eq=False)
class SeqletResult:
    """The result of `find_seqlets`.

    Attributes:
        seqlets: Columns `types.SEQLET_COLUMNS`, in the order of the records; the same rows as
            `find_motifs` gives.
        calling: Where they were called in either half, and the false discovery rates there.
        permuted_null: Was the null the user's own track with its bases permuted? That tests only
            whether high values stand together.
    """

    seqlets: pd.DataFrame
    calling: Calling
    permuted_null: bool


def find_seqlets(
    records: list[Record],
    model: str | Nucel = "nucel-mini",
    *,
    score: str = "attention",
    strands: Strands = "both",
    seed: int = 0,
    track: Sequence[NDArray[np.floating]] | None = None,
    null_track: Sequence[NDArray[np.floating]] | None = None,
    on_progress: OnProgress | None = None,
) -> SeqletResult:
    """Call the stretches where a model's score, or a given track, exceeds its null.

    Args:
        records: Sequences, as `read_records` gives them.
        model: A shipped name, a folder, or a loaded model; not used if ``track`` is given.
        score: What makes a base important: attention, attention-global, discriminator, or a head as
            ``3:0`` (`score_names`).
        strands: "both" averages the forward and the flipped reverse-complement run.
        seed: Of every random draw; draws are keyed by it and by each sequence.
        track: One array per record, as long as the record, NaN where nothing is known.
        null_track: The same score on shuffled sequence; only with ``track``.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        TypeError: ``records`` are no `Record`s.
        InputError: No records, or a track that does not fit.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    stages = Stages(on_progress)
    prepared = prepare(
        records, model, score=score, strands=strands, seed=seed,
        track=track, null_track=null_track, stages=stages,
    )  # fmt: skip
    with stages.stage("calling seqlets", 1):
        folds = prepared.scored.folds
        called = [call(fold) for fold in folds]
        mine = tested_seqlets(folds, called)
        table = seqlet_table(mine, called, records, prepared.units, prepared.study)
    permuted = track is not None and null_track is None
    return SeqletResult(table, how_called(folds, called), permuted)
