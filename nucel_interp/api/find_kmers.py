"""k-mers that stand where a score is high: chosen on one half, tested on the other."""

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
class KmerResult(TableResult):
    """What `find_kmers` found.

    Attributes:
        kmers: Columns `types.KMER_COLUMNS`; ``motif_id`` is empty, since no motifs were looked for.
        calling: Thresholds of the seqlets in either half, and the false discovery rates there.
        n_units: Number of sequences that were counted; long records count as several.
        n_records: Number of sequences that were given.
        warnings: Sentences that must be read before any number.
    """

    kmers: pd.DataFrame
    calling: Calling
    n_units: int
    n_records: int
    warnings: list[str] = field(default_factory=list)

    @property
    def table(self) -> pd.DataFrame:  # type: ignore[override]  # read only
        """The k-mers."""
        return self.kmers

    @property
    def answer(self) -> str:
        """What was found, in one sentence."""
        from nucel_interp.scoring.units import too_few

        n = len(self.kmers)
        words = f"{n:,} k-mer{'' if n == 1 else 's'}"
        if few := too_few(self.n_units, self.n_records):
            what = "not tested" if n else "there is nothing to test on"
            return f"{words} stand{'s' if n == 1 else ''} out in seqlets, {what}: {few}"
        against = self.kmers["test_q"] < MAX_Q
        both = int((against & (self.kmers["contrast_q"] < MAX_Q)).sum())
        return (
            f"{words} chosen on either half; on the other {int(against.sum()):,} are more "
            f"often in seqlets than in those of shuffled sequence (q < {MAX_Q}), and {both:,} of "
            "these also more often than at random places of the same sequences"
        )


def find_kmers(
    sequences: SequenceInput,
    model: Model = DEFAULT_MODEL,
    *,
    k: int = 7,
    context: int | None = None,
    score: str = "attention",
    track: Tracks | None = None,
    null_track: Tracks | None = None,
    strand: Strands = "both",
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> KmerResult:
    """Find the k-mers, gapped and ungapped, that stand where a score is high, and test them.

    They are chosen on each half of the sequences and tested on the other, against shuffled sequence
    and against random places in the same sequences; each counts once per sequence (`kmers.table`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records; at least
            40 to be tested.
        model: A shipped name, a model folder, or a loaded model; not read if ``track`` is given.
        k: Letters of a k-mer, 4 to 12; gapped ones have half of them, rounded down, on each side.
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
        InputError: No sequence, a track that does not fit, no such score or strand, or k out
            of range.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.

    Example:
        >>> import nucel_interp as ni
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=100)
        >>> noise[40:60] += 5
        >>> ni.find_kmers({"peak": "ACGTTGCATC" * 10}, k=6, track={"peak": noise}).answer
        '13 k-mers stand out in seqlets, not tested: 1 sequence, 40 needed'
    """
    from nucel_interp.analysis.crossfit import how_called
    from nucel_interp.analysis.held_out import call
    from nucel_interp.analysis.kmers import study_kmers
    from nucel_interp.analysis.prepare import prepare
    from nucel_interp.analysis.summary import of_the_null
    from nucel_interp.errors import InputError
    from nucel_interp.kmers.table import MAX_K, MIN_K
    from nucel_interp.progress import Stages
    from nucel_interp.scoring.scores import check_strands

    check_strands(strand)
    if not MIN_K <= k <= MAX_K:
        raise InputError(
            f"k-mers of {k} letters were asked for; give a number from {MIN_K} to {MAX_K}"
        )
    records = records_of(sequences)
    given, null = scores_of(track, null_track, records)
    stages = Stages(on_progress)
    prepared = prepare(
        records, reader_of(model, context, reads=given is None), score=score, strands=strand,
        seed=seed, track=given, null_track=null, stages=stages,
    )  # fmt: skip
    folds = prepared.scored.folds
    with stages.stage("counting k-mers", len(folds) + 1) as step:
        called = []
        for fold in folds:
            called.append(call(fold))
            step(1)
        table = study_kmers(folds, called, {}, k)
    calling = how_called(folds, called)
    permuted = given is not None and null is None
    return KmerResult(
        table,
        calling,
        len(prepared.units),
        len(records),
        of_the_null(calling, permuted=permuted),
    )
