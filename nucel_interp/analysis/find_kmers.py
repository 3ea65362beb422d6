"""`find_kmers`: everything that `nucel-interp kmers` does between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.crossfit import how_called
from nucel_interp.analysis.held_out import Called, call
from nucel_interp.analysis.prepare import prepare
from nucel_interp.analysis.study import Study
from nucel_interp.errors import InputError
from nucel_interp.kmers import Fold, KmerIndex, kmer_table, word_form
from nucel_interp.kmers.table import MAX_K, MIN_K, K
from nucel_interp.motifs.testing import site_bases
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.scores import Strands
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import Calling
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Record, Site

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel


@dataclass(frozen=True, eq=False)
class KmerResult:
    """The result of `find_kmers`.

    Attributes:
        kmers: Columns `types.KMER_COLUMNS`; ``motif_id`` is empty, since no motifs were looked for.
        calling: Where seqlets were called in either half, and the false discovery rates there.
        n_units: How many sequences were counted; long records count as several.
        permuted_null: Was the null the user's own track with its bases permuted?
    """

    kmers: pd.DataFrame
    calling: Calling
    n_units: int
    permuted_null: bool

    @property
    def answer(self) -> str:
        """What was found, in one sentence."""
        n = len(self.kmers)
        if self.n_units < MIN_UNITS:
            what = "not tested" if n else "there is nothing to test on"
            return (
                f"{n:,} k-mers stand out in seqlets, {what}: {self.n_units} sequences, "
                f"{MIN_UNITS} needed"
            )
        against = self.kmers["test_q"] < 0.05
        both = int((against & (self.kmers["contrast_q"] < 0.05)).sum())
        return (
            f"{n:,} k-mers chosen on either half; on the other {int(against.sum()):,} are more "
            f"often in seqlets than in those of shuffled sequence (q < 0.05), and {both:,} of "
            "these also more often than at random places of the same sequences"
        )


def find_kmers(
    records: list[Record],
    model: str | Nucel = "nucel-mini",
    *,
    k: int = K,
    score: str = "attention",
    strands: Strands = "both",
    seed: int = 0,
    track: Sequence[NDArray[np.floating]] | None = None,
    null_track: Sequence[NDArray[np.floating]] | None = None,
    on_progress: OnProgress | None = None,
) -> KmerResult:
    """Find the k-mers, gapped and ungapped, that stand where a score is high, and test them.

    Args:
        records: Sequences, as `read_records` gives them.
        model: A shipped name, a folder, or a loaded model; not used if ``track`` is given.
        k: Letters of a word, 4 to 12; gapped words have half of them, rounded down, on each side.
        score: What makes a base important: attention, attention-global, discriminator, or a head as
            ``3:0`` (`score_names`).
        strands: "both" averages the forward and the flipped reverse-complement run.
        seed: Of every random draw; draws are keyed by it and by each sequence.
        track: One array per record, as long as the record, NaN where nothing is known.
        null_track: The same score on shuffled sequence; only with ``track``.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        TypeError: ``records`` are no `Record`s.
        InputError: No records, a track that does not fit, or k out of range.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    if not MIN_K <= k <= MAX_K:
        raise InputError(f"k-mers of {k} letters were asked for; give a number from 4 to 12")
    stages = Stages(on_progress)
    prepared = prepare(
        records, model, score=score, strands=strands, seed=seed,
        track=track, null_track=null_track, stages=stages,
    )  # fmt: skip
    folds = prepared.scored.folds
    with stages.stage("counting k-mers", len(folds) + 1) as step:
        called = []
        for fold in folds:
            called.append(call(fold))
            step(1)
        table = study_kmers(folds, called, {}, k)
    permuted = track is not None and null_track is None
    return KmerResult(table, how_called(folds, called), len(prepared.units), permuted)


def study_kmers(
    folds: list[Study], called: list[Called], sites: dict[str, list[Site]], k: int = K
) -> pd.DataFrame:
    """`kmer_table` of an input, each word with the motif that holds over half of its places.

    Args:
        folds: The same units with either half as test half, or a single one without.
        called: Seqlets of each.
        sites: Each motif's sites, by the motif's id.
        k: Letters of a word.
    """
    study = folds[0]
    halves = [
        Fold(
            inside=covered(mine.seqlets, study.offsets),
            copies_inside=[covered(s, study.offsets) for s in mine.copy_seqlets],
            track=fold.track,
            test=fold.test,
            group=study.layout.sequences.rank,
        )
        for fold, mine in zip(folds, called, strict=True)
    ]
    table = kmer_table(study.sequences, [c.sequences for c in study.copies], halves, k)
    if not len(table) or not sites:
        return table
    under = {i: site_bases(s, study.offsets) for i, s in sites.items()}
    owners = {}
    for form, words in groupby(sorted(table["kmer"], key=word_form), key=word_form):
        index = KmerIndex(study.sequences, *form)
        for word in words:
            code = int(KmerIndex([word], *form).code[0])
            middles = index.places(code) + index.width // 2
            share = {i: float(u[middles].mean()) for i, u in under.items()}
            best = max(share, key=lambda i: share[i])
            owners[word] = best if share[best] > 0.5 else ""
    table["motif_id"] = table["kmer"].map(owners)
    return table
