"""What the pipeline makes of sequence without motifs, for an input of just this kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nucel_interp.api.given import (
    DEFAULT_MODEL,
    SequenceInput,
    Tracks,
    reader_of,
    records_of,
    scores_of,
)
from nucel_interp.api.result import TableResult

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.api.given import Model
    from nucel_interp.progress import OnProgress
    from nucel_interp.scoring.scores import Strands


@dataclass(frozen=True, eq=False, repr=False)
class CalibrationResult(TableResult):
    """What `calibrate` counted.

    Attributes:
        runs: A row per run (columns `types.CALIBRATE_COLUMNS`).
        n_units: Number of sequences, or stretches of long ones, in each run.
        n_records: Number of sequences that were given.
        database: Name of the collection that motifs were named by.
        is_track: Was the score a user's track, kept in its place over shuffled letters?
        warnings: Sentences that must be read before any number.
    """

    runs: pd.DataFrame
    n_units: int
    n_records: int
    database: str
    is_track: bool
    warnings: list[str] = field(default_factory=list)

    @property
    def table(self) -> pd.DataFrame:  # type: ignore[override]  # read only
        """The runs."""
        return self.runs

    @property
    def answer(self) -> str:
        """The result in one sentence."""
        from nucel_interp.analysis.calibrate import MAX_E, MAX_P, MAX_Q_GLOBAL
        from nucel_interp.scoring.units import too_few

        n, table = len(self.runs), self.runs
        what = "Shuffled sequence under your track" if self.is_track else "Shuffled sequence"
        found = int((table["motifs"] > 0).sum())
        of_runs = "1 run" if n == 1 else f"{n} runs"
        if few := too_few(self.n_units, self.n_records):
            main = f"no main table ({few})"
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
    sequences: SequenceInput,
    model: Model = DEFAULT_MODEL,
    *,
    runs: int = 5,
    context: int | None = None,
    score: str = "attention",
    track: Tracks | None = None,
    null_track: Tracks | None = None,
    strand: Strands = "both",
    tax: str = "vertebrates",
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> CalibrationResult:
    """Run the motif pipeline on shuffled copies of the input and count what comes out.

    Whatever comes out is false, so the counts say how far to trust a result on an input of this
    size and composition. Shuffles keep each sequence's dinucleotides. A track stays in its place,
    and the letters below it are shuffled (`analysis.score_study.shuffled_studies`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records.
        model: A shipped name, a model folder, or a loaded model; not read if ``track`` is given.
        runs: Number of shuffled inputs, at least 1.
        context: Bases that the model reads at once, longer input in windows; by default what its
            folder says. Of a loaded model it cannot be changed here.
        score: Name of the score per base: "attention", "attention-global", "value-norm",
            "discriminator", "relevance", "influence", or one head as "3:0", layer and head from 0.
        track: Your own score per base: a file (npz, bedGraph, bigWig), arrays by record name, or
            arrays in the records' order; NaN where nothing is known.
        null_track: A track of the same score on shuffled sequence, the null of ``track``; by
            default the track with its bases permuted.
        strand: "both" averages the score on both strands; "forward" reads the given one.
        tax: JASPAR tax group to name motifs with, or "all".
        seed: Seed of every random draw; draws are keyed by it and by each sequence.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        TypeError: Sequences of another form.
        InputError: No sequence, no run, a track that does not fit, or no such score, strand or
            group.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.

    Example:
        >>> import nucel_interp as ni
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=100)
        >>> ni.calibrate({"peak": "ACGTTGCATC" * 10}, runs=1, track={"peak": noise}).answer[:57]
        'Shuffled sequence under your track like yours gives no ma'
    """
    from nucel_interp.analysis.calibrate import count_runs
    from nucel_interp.errors import InputError
    from nucel_interp.match import load_jaspar
    from nucel_interp.progress import Stages
    from nucel_interp.scoring.scores import check_strands

    check_strands(strand)
    if runs < 1:
        raise InputError(f"at least 1 run is needed to count anything, but {runs} were asked for")
    records = records_of(sequences)
    collection = load_jaspar(tax)
    given, null = scores_of(track, null_track, records)
    table, n_units = count_runs(
        records, reader_of(model, context, reads=given is None), collection, runs=runs, score=score,
        strands=strand, seed=seed, track=given, null_track=null, stages=Stages(on_progress),
    )  # fmt: skip
    name = f"{collection.release} {collection.tax}".strip()
    return CalibrationResult(table, n_units, len(records), name, given is not None)
