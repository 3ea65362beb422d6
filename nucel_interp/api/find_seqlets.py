"""Seqlets: the short intervals where a model's score, or a given track, exceeds its null."""

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
    from nucel_interp.seqlets import Calling

MAX_Q = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class SeqletResult(TableResult):
    """What `find_seqlets` called. `save` writes BED; TSV or JSON by a name that ends so.

    Attributes:
        seqlets: Columns `types.SEQLET_COLUMNS`, in the order of the records, 0-based half-open; the
            same rows as `find_motifs` gives.
        calling: Thresholds of either half, and the false discovery rates there.
        n_records: Number of sequences that were given.
        warnings: Sentences that must be read before any number.
    """

    seqlets: pd.DataFrame
    calling: Calling
    n_records: int
    warnings: list[str] = field(default_factory=list)

    @property
    def table(self) -> pd.DataFrame:  # type: ignore[override]  # read only
        """The seqlets."""
        return self.seqlets

    @property
    def answer(self) -> str:
        """What was called, how sure that is, and what the tags say."""
        table, of = self.seqlets, f"{self.n_records:,} record{'' if self.n_records == 1 else 's'}"
        n = len(table)
        if not n:
            return f"no seqlet in {of}: nothing could be scored"
        text = f"{n:,} seqlet{'' if n == 1 else 's'} in {table['record'].nunique():,} of {of}"
        if self.calling.reached:
            text += f", at a false discovery rate of {self.calling.rates}"
        text += (
            f"; {(table['q_value'] <= MAX_Q).mean():.0%} have q <= {MAX_Q}, "
            f"{table['low_complexity'].mean():.0%} are of low complexity"
        )
        if not table["soft_masked"].isna().all():
            text += f", {table['soft_masked'].mean():.0%} are soft-masked"
        return text

    def _text(self, ending: str) -> str:
        from nucel_interp.io.tables import to_bed

        return super()._text(ending) if ending in ("json", "tsv") else to_bed(self.seqlets)


def find_seqlets(
    sequences: SequenceInput,
    model: Model = DEFAULT_MODEL,
    *,
    context: int | None = None,
    score: str = "attention",
    track: Tracks | None = None,
    null_track: Tracks | None = None,
    strand: Strands = "both",
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> SeqletResult:
    """Call the intervals where a model's score, or a given track, exceeds its null.

    Intervals of 21 bp around maxima of the 11-bp mean score; the lowest threshold at which shuffled
    copies (or ``null_track``) give at most 5 % of them, chosen on each half of the sequences and
    applied to the other (`seqlets.calling`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records.
        model: A shipped name, a model folder, or a loaded model; not read if ``track`` is given.
        context: Bases that the model reads at once, longer input in windows; by default what its
            folder says. Of a loaded model it cannot be changed here.
        score: Name of the score per base: "attention", "attention-global", "value-norm",
            "discriminator", "relevance", "influence", or one head as "3:0", layer and head from 0.
        track: Your own score per base: a file (npz, bedGraph, bigWig), arrays by record name, or
            arrays in the records' order; NaN where nothing is known.
        null_track: A track of the same score on shuffled sequence, the null of ``track``; by
            default the track with its bases permuted.
        strand: "both" averages the score on both strands; "forward" reads the given one.
        seed: Seed of every random draw; draws are keyed by it and by each sequence.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        TypeError: Sequences of another form.
        InputError: No sequence, a track that does not fit, or no such score or strand.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.

    Example:
        >>> import nucel_interp as ni
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=100)
        >>> noise[40:60] += 5
        >>> found = ni.find_seqlets({"peak": "ACGTTGCATC" * 10}, track={"peak": noise})
        >>> found.seqlets.iloc[0]["record"]
        'peak'
    """
    from nucel_interp.analysis.crossfit import how_called, tested_seqlets
    from nucel_interp.analysis.held_out import call
    from nucel_interp.analysis.prepare import prepare
    from nucel_interp.analysis.summary import of_the_null
    from nucel_interp.analysis.tables import seqlet_table
    from nucel_interp.progress import Stages
    from nucel_interp.scoring.scores import check_strands

    check_strands(strand)
    records = records_of(sequences)
    given, null = scores_of(track, null_track, records)
    stages = Stages(on_progress)
    prepared = prepare(
        records, reader_of(model, context, reads=given is None), score=score, strands=strand,
        seed=seed, track=given, null_track=null, stages=stages,
    )  # fmt: skip
    with stages.stage("calling seqlets", 1):
        folds = prepared.scored.folds
        called = [call(fold) for fold in folds]
        mine = tested_seqlets(folds, called)
        table = seqlet_table(mine, called, records, prepared.units, prepared.study)
    calling = how_called(folds, called)
    permuted = given is not None and null is None
    return SeqletResult(table, calling, len(records), of_the_null(calling, permuted=permuted))
