"""What the pipeline makes of sequence without motifs, for an input of just this kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from nucel_interp.analysis.crossfit import crossfit, how_called
from nucel_interp.analysis.inputs import check_input
from nucel_interp.analysis.prepare import cut_and_split
from nucel_interp.analysis.score_study import shuffled_studies
from nucel_interp.analysis.study import Study
from nucel_interp.match import JasparDatabase, match_table
from nucel_interp.progress import Stages
from nucel_interp.scoring.scores import Strands
from nucel_interp.types import CALIBRATE_COLUMNS, Motif, Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

MAX_E = 0.05
MAX_Q_GLOBAL = 0.05
MAX_P = 1e-3


def count_runs(
    records: list[Record],
    model: Nucel | None,
    database: JasparDatabase,
    *,
    runs: int,
    score: str,
    strands: Strands,
    seed: int,
    track: Sequence[ArrayLike] | None,
    null_track: Sequence[ArrayLike] | None,
    stages: Stages,
) -> tuple[pd.DataFrame, int]:
    """Run the pipeline on shuffled copies and count; for the arguments see `api.calibrate`.

    Returns:
        One row per run (columns `types.CALIBRATE_COLUMNS`), and the number of units of each.

    Raises:
        InputError: No records, or a track that does not fit.
        FolderError, ConfigError: The model lacks what the score needs.
    """
    import pandas as pd

    records, track, null_track = check_input(records, track, null_track)
    units, test, _ = cut_and_split(records, model, seed)
    studies = shuffled_studies(
        model, records, units, test, runs=runs, score=score, strands=strands, seed=seed,
        stages=stages, track=track, null_track=null_track,
    )  # fmt: skip
    rows = []
    first = next(studies)  # the scoring is a stage of its own
    with stages.stage("motifs in shuffled sequence", runs) as step:
        for run in range(1, runs + 1):
            study = first if run == 1 else next(studies)
            rows.append((run, *_counts(study, database, seed)))
            step(1)
    return pd.DataFrame(rows, columns=CALIBRATE_COLUMNS), len(units)


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
        database: Collection of matrices that motifs are named by.

    Returns:
        Distinct names with E < 0.05, with q_global < 0.05, with p < 1e-3.
    """
    matches = match_table(motifs, database)
    best = matches.drop_duplicates("Query_ID")  # sorted by p within each query

    def below(column: str, limit: float) -> int:
        return int(best.loc[best[column] < limit, "Target_name"].nunique())

    return below("E-value", MAX_E), below("q_global", MAX_Q_GLOBAL), below("p-value", MAX_P)
