"""What the pipeline makes of sequence without motifs, for an input of just this kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.crossfit import crossfit, how_called
from nucel_interp.analysis.inputs import check_input
from nucel_interp.analysis.prepare import cut_and_split
from nucel_interp.analysis.score_study import shuffled_studies
from nucel_interp.analysis.study import Study
from nucel_interp.errors import InputError
from nucel_interp.match import JasparDatabase, load_jaspar, match_motifs
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.device import load_model
from nucel_interp.scoring.scores import Strands
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.types import CALIBRATE_COLUMNS, Motif, Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

RUNS = 5
MAX_E = 0.05
MAX_Q_GLOBAL = 0.05
MAX_P = 1e-3


@dataclass(frozen=True, eq=False)
class Calibration:
    """The result of `calibrate`.

    Attributes:
        runs: One row per run (columns `types.CALIBRATE_COLUMNS`).
        n_units: Sequences, or stretches of long ones, in each run.
        database: What motifs were named by.
        is_track: Was the score a user's track, kept in its place over shuffled letters?
        seconds: By stage.
    """

    runs: pd.DataFrame
    n_units: int
    database: str
    is_track: bool
    seconds: dict[str, float]

    @property
    def answer(self) -> str:
        """The result in one sentence."""
        n, table = len(self.runs), self.runs
        what = "Shuffled sequence under your track" if self.is_track else "Shuffled sequence"
        found = int((table["motifs"] > 0).sum())
        of_runs = "1 run" if n == 1 else f"{n} runs"
        if self.n_units < MIN_UNITS:
            main = (
                f"no main table ({self.n_units} sequence{'' if self.n_units == 1 else 's'}, "
                f"{MIN_UNITS} needed)"
            )
        else:
            main = f"a motif in the main table in {found} of {of_runs}"
            if found:
                main += f" (on average {table['motifs'].mean():.1f})"
        return (
            f"{what} like yours gives {main}, on average {table['candidates'].mean():.1f} "
            f"candidates, and {table['names_E'].mean():.1f} names in {self.database} at "
            f"E < {MAX_E} ({table['names_q_global'].mean():.1f} at q_global < {MAX_Q_GLOBAL}, "
            f"{table['names_p'].mean():.1f} at p < {MAX_P:g})."
        )


def calibrate(
    records: list[Record],
    model: str | Nucel = "nucel-mini",
    *,
    runs: int = RUNS,
    score: str = "attention",
    strands: Strands = "both",
    tax: str = "vertebrates",
    seed: int = 0,
    track: Sequence[NDArray[np.floating]] | None = None,
    null_track: Sequence[NDArray[np.floating]] | None = None,
    on_progress: OnProgress | None = None,
) -> Calibration:
    """Run the motif pipeline on shuffled copies of the input and count what comes out.

    Whatever comes out is false, so the counts say how far to trust a result on an input of this
    size and composition. Shuffles keep each sequence's dinucleotides. For how copies serve as each
    other's null, and what happens to a track, see `analysis.tracks.shuffled_studies`.

    Args:
        records: Sequences, as `read_records` gives them.
        model: A shipped name, a folder, or a loaded model; not used if ``track`` is given.
        runs: How many shuffled inputs.
        score: What makes a base important: attention, attention-global, discriminator, or a head as
            ``3:0`` (`score_names`).
        strands: "both" averages the forward and the flipped reverse-complement run.
        tax: JASPAR tax group to name motifs with, or "all".
        seed: Of every random draw; draws are keyed by it and by each sequence.
        track: One array per record, as long as the record, NaN where nothing is known.
        null_track: The same score on shuffled sequence; only with ``track``.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No records, no run asked for, or a track that does not fit.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    import pandas as pd

    if runs < 1:
        raise InputError(f"at least 1 run is needed to count anything, but {runs} were asked for")
    records, track, null_track = check_input(records, track, null_track)
    stages, database = Stages(on_progress), load_jaspar(tax)
    loaded = None if track is not None else load_model(model)
    units, test, _ = cut_and_split(records, loaded, seed)
    studies = shuffled_studies(
        loaded, records, units, test, runs=runs, score=score, strands=strands, seed=seed,
        stages=stages, track=track, null_track=null_track,
    )  # fmt: skip
    rows = []
    first = next(studies)  # the scoring is a stage of its own
    with stages.stage("motifs in shuffled sequence", runs) as step:
        for run in range(1, runs + 1):
            study = first if run == 1 else next(studies)
            rows.append((run, *_counts(study, database, seed)))
            step(1)
    return Calibration(
        runs=pd.DataFrame(rows, columns=CALIBRATE_COLUMNS),
        n_units=len(units),
        database=f"{database.release} {database.tax}".strip(),
        is_track=loaded is None,
        seconds=stages.seconds,
    )


def _counts(
    folds: list[Study], database: JasparDatabase, seed: int
) -> tuple[int, float, int, int, int, int, int]:
    """A row of the table, without the run's number."""
    fitted = crossfit(folds, seed=seed)
    motifs = [
        Motif(f"motif_{i}", c.found.motif.pwm, c.found.n_seqlets)
        for i, c in enumerate(fitted.candidates, start=1)
    ]
    return (
        len(fitted.seqlets),
        how_called(folds, fitted.called).fdr,
        len(motifs),
        sum(c.passes for c in fitted.candidates),
        *count_names(motifs, database),
    )


def count_names(motifs: Sequence[Motif], database: JasparDatabase) -> tuple[int, int, int]:
    """How many different names a set of motifs gets: their best matches below three thresholds.

    Args:
        motifs: All of one result; ``q_global`` is corrected over them.
        database: Where names come from.

    Returns:
        Distinct names with E < 0.05, with q_global < 0.05, with p < 1e-3.
    """
    matches = match_motifs(motifs, database)
    best = matches.drop_duplicates("Query_ID")  # sorted by p within each query

    def below(column: str, limit: float) -> int:
        return int(best.loc[best[column] < limit, "Target_name"].nunique())

    return below("E-value", MAX_E), below("q_global", MAX_Q_GLOBAL), below("p-value", MAX_P)
