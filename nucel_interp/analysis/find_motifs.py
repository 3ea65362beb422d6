"""`find_motifs`: everything that `nucel-interp motifs` does between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis import tables
from nucel_interp.analysis.controls import FoldControls, Folds, shuffled_input
from nucel_interp.analysis.crossfit import (
    STEPS,
    Candidate,
    CrossFit,
    crossfit,
    seqlets_of_copy,
)
from nucel_interp.analysis.discovery import Method
from nucel_interp.analysis.find_kmers import study_kmers
from nucel_interp.analysis.looks import Read, composed, composed_copy, looks_at
from nucel_interp.analysis.prepare import Prepared, prepare
from nucel_interp.analysis.result import MotifResult
from nucel_interp.analysis.score_study import untrained_tracks
from nucel_interp.analysis.study import Track
from nucel_interp.analysis.summary import hints_for, run_facts, score_name, warnings_for
from nucel_interp.controls.claims import Claim, control_table
from nucel_interp.match import JasparDatabase, best_match, load_jaspar, match_motifs
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.scores import Strands
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import masked_bases
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Motif, Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.scoring import Scores
    from nucel_model import Nucel

DEFAULT_MODEL = "nucel-mini"


def find_motifs(
    records: list[Record],
    model: str | Nucel = DEFAULT_MODEL,
    *,
    score: str = "attention",
    strands: Strands = "both",
    method: Method = "cluster",
    tax: str = "vertebrates",
    database: JasparDatabase | None = None,
    seed: int = 0,
    track: Sequence[NDArray[np.floating]] | None = None,
    null_track: Sequence[NDArray[np.floating]] | None = None,
    on_progress: OnProgress | None = None,
) -> MotifResult:
    """Find the motifs that a model's attention, or a given track, points at, and test them.

    Motifs of the main table were found anew in at least one half of the sequences and passed the
    held-out test on the other (`analysis.crossfit`).

    Args:
        records: Sequences, as `read_records` gives them.
        model: A shipped name, a folder, or a loaded model; not used if ``track`` is given.
        score: What makes a base important: attention, attention-global, discriminator, or a head as
            ``3:0`` (`score_names`).
        strands: "both" averages the forward and the flipped reverse-complement run.
        method: "cluster" groups seqlets; to compare with: "kmer" looks for over-represented words
            and at no score at all, "dnabert" follows that model's script (`motifs.dnabert`), with
            its score unless ``track`` is given.
        tax: JASPAR tax group to name motifs with, or "all".
        database: Name motifs with this collection instead (`load_database`).
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
    database = load_jaspar(tax) if database is None else database
    prepared = prepare(
        records, model, score=score, strands=strands, seed=seed,
        track=track, null_track=null_track, stages=stages, method=method,
    )  # fmt: skip
    with stages.stage("finding motifs", STEPS) as step:
        fitted = crossfit(prepared.scored.folds, method=method, seed=seed, on_progress=step)
    with stages.stage("the same on shuffled input", 1):
        control = shuffled_input(prepared.scored.controls, method, seed)
    named = {f"motif_{i}": c for i, c in enumerate(fitted.candidates, start=1)}
    pwms = {i: Motif(i, c.found.motif.pwm, c.found.n_seqlets) for i, c in named.items()}
    with stages.stage("naming motifs", 1):
        matches = match_motifs(list(pwms.values()), database)
    random_weights = _random_weights(prepared, records, fitted, score, strands, seed, stages)
    with stages.stage("controls at motif sites", 1):
        passing = {i: c for i, c in named.items() if c.passes}
        read = _read(prepared, fitted, random_weights, score, method, null_track is not None)
        claims = {} if read is None else looks_at(passing, prepared.scored.folds, read, seed)
    main, untested = _motif_tables(
        prepared, records, fitted, named, matches, random_weights, claims, method, seed, stages
    )
    study, units, scores = prepared.study, prepared.units, prepared.scored.scores
    sites = {i: c.sites for i, c in named.items()}
    inside = covered(fitted.seqlets, study.offsets)
    permuted = method != "kmer" and prepared.model is None and null_track is None
    return MotifResult(
        records=records,
        motifs=main,
        untested=untested,
        matches=matches,
        kmers=study_kmers(prepared.scored.folds, fitted.called, sites),
        heads=prepared.scored.heads,
        sites=tables.site_table(sites, inside, records, units, study),
        seqlets=tables.seqlet_table(fitted.seqlets, fitted.called, records, units, study),
        pwms=pwms,
        targets={m.id: m for m in database.motifs if m.id in set(matches["Target_ID"])},
        tracks=_per_record(fitted.track, records),
        controls=control_table([one for of_motif in claims.values() for one in of_motif]),
        replaced=None
        if scores is None or scores.replaced is None
        else _per_record(scores.replaced, records),
        summary=run_facts(
            records, prepared, fitted, stages, main, untested,
            score=score, method=method, strands=strands, seed=seed,
            database=database, control=control, claims=claims,
        ),
        scores=scores,
        study=study,
        calls=fitted.seqlets,
        copy=None if scores is None else composed_copy(prepared.scored.folds),
        copy_calls=None
        if scores is None
        else seqlets_of_copy(prepared.scored.folds, fitted.called),
        n_layers=0 if prepared.model is None else prepared.model.config.num_hidden_layers,
        warnings=warnings_for(records, prepared, fitted, permuted)
        + hints_for(prepared, score, method, len(main)),
    )  # fmt: skip


def _random_weights(
    prepared: Prepared,
    records: list[Record],
    fitted: CrossFit,
    score: str,
    strands: Strands,
    seed: int,
    stages: Stages,
) -> tuple[Scores, list[Track]] | None:
    """Heads and score of the randomly initialised control, where that says something."""
    if prepared.scored.scores is None or not fitted.candidates:
        return None
    assert prepared.model is not None
    return untrained_tracks(
        prepared.model, records, prepared.texts, prepared.study.test,
        score=score, strands=strands, seed=seed, stages=stages,
    )  # fmt: skip


def _read(
    prepared: Prepared,
    fitted: CrossFit,
    random_weights: tuple[Scores, list[Track]] | None,
    score: str,
    method: Method,
    has_null_track: bool,
) -> Read | None:
    """What the controls are held against; None where no score was looked at."""
    folds, scored, model = prepared.scored.folds, prepared.scored, prepared.model
    if model is None and folds[0].raw is None:
        return None
    shuffled: list[Track] = []
    if scored.scores is not None:
        copies = zip(*(f.copies for f in folds), strict=True)
        shuffled = [composed([c.track for c in of_folds], folds) for of_folds in copies]
    elif has_null_track:
        nulls = zip(*(f.threshold_null for f in folds), strict=True)
        shuffled = [composed(list(of_folds), folds) for of_folds in nulls]
    theirs = None if random_weights is None or not random_weights[1] else random_weights[1]
    return Read(
        model="your track" if model is None else model.name,
        n_heads=0 if model is None else model.config.num_attention_heads,
        real=scored.scores,
        random_weights=None if random_weights is None else random_weights[0],
        shuffled=scored.shuffled,
        score=score_name(score, method, model is not None),
        track=fitted.track,
        random_weights_track=None if theirs is None else composed(theirs, folds),
        shuffled_tracks=shuffled,
    )


def _motif_tables(
    prepared: Prepared,
    records: list[Record],
    fitted: CrossFit,
    named: dict[str, Candidate],
    matches: pd.DataFrame,
    random_weights: tuple[Scores, list[Track]] | None,
    claims: dict[str, list[Claim]],
    method: Method,
    seed: int,
    stages: Stages,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The main table, and the motifs that are not in it with the reason."""
    folds = prepared.scored.folds
    masked = masked_bases(records)
    scored = prepared.model is not None or folds[0].raw is not None
    rows, reasons = [], []
    with stages.stage("testing motifs", len(named)) as step:
        twins = None if random_weights is None else random_weights[1] or None
        controls = FoldControls(folds, fitted.called, twins, seed)
        for motif_id, one in named.items():
            # nothing is held out where nothing is split: the whole is described
            sites = {i: t.sites for i, t in one.fits.items()} if len(folds) > 1 else {0: one.sites}
            tags = tables.share_tagged(one.found.members, folds[0], masked)
            best = best_match(matches, motif_id)
            # without a score there is nothing that could look at the motif
            looks = controls.of(sites) if scored else Folds()
            claim = claims[motif_id][0] if motif_id in claims else None
            rows.append(tables.motif_row(motif_id, one, looks, best, folds, tags, claim))
            reasons.append(tables.reason_untested(one, len(prepared.units), MIN_UNITS))
            step(1)
    return tables.motif_tables(rows, reasons, method)


def _per_record(values: NDArray[np.float32], records: list[Record]) -> list[NDArray[np.float32]]:
    ends = np.cumsum([len(r) for r in records])
    return np.split(values, ends[:-1])
