"""The search for motifs: scored, found, tested, named, held against controls, put into tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

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
from nucel_interp.analysis.kmers import study_kmers
from nucel_interp.analysis.looks import Read, composed, composed_copy, head_sites, looks_at
from nucel_interp.analysis.prepare import Prepared, prepare
from nucel_interp.analysis.random_control import random_control_tracks
from nucel_interp.analysis.result import MotifAnalysis
from nucel_interp.analysis.study import Track
from nucel_interp.analysis.summary import hints_for, run_facts, score_name, warnings_for
from nucel_interp.controls.claims import Claim, control_table
from nucel_interp.match import JasparDatabase, best_match, load_jaspar, match_table
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.scores import Strands
from nucel_interp.scoring.units import too_few
from nucel_interp.seqlets import masked_bases
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Motif, Record, Site

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.scoring import Scores
    from nucel_model import Nucel


@dataclass(frozen=True)
class Settings:
    """How motifs are searched for; see `analyse_motifs`.

    Attributes:
        score: Name of the score per base (`score_names`).
        strand: Strands that the score is averaged over.
        method: "cluster", "kmer" or "dnabert".
        seed: Seed of every random draw.
        has_null_track: Was a null given for the user's track?
    """

    score: str
    strand: Strands
    method: Method
    seed: int
    has_null_track: bool


@dataclass(frozen=True, eq=False)
class Named:
    """Candidates by their ids, best first, with their names.

    Attributes:
        candidates: Motif id -> motif with its tests.
        pwms: Motif id -> matrix.
        matches: Tomtom matches of all (`types.MATCH_COLUMNS`).
    """

    candidates: dict[str, Candidate]
    pwms: dict[str, Motif]
    matches: pd.DataFrame

    @property
    def sites(self) -> dict[str, list[Site]]:
        """Sites of each motif in all units."""
        return {i: c.sites for i, c in self.candidates.items()}


def analyse_motifs(
    records: list[Record],
    model: str | Path | Nucel | None,
    *,
    score: str = "attention",
    strand: Strands = "both",
    method: Method = "both",
    database: JasparDatabase | None = None,
    seed: int = 0,
    track: Sequence[ArrayLike] | None = None,
    null_track: Sequence[ArrayLike] | None = None,
    on_progress: OnProgress | None = None,
) -> MotifAnalysis:
    """Find the motifs that a model's attention, or a given track, points at, and test them.

    Motifs of the main table were found anew in at least one half of the sequences and passed the
    held-out test on the other (`analysis.crossfit`).

    Args:
        records: Sequences, as `read_records` gives them.
        model: A shipped name, a folder, or a loaded model; None where none is read, for a track
            and the method "kmer".
        score: Name of the score per base: attention, attention-global, discriminator, or a head as
            ``3:0`` (`score_names`).
        strand: "both" averages the forward and the flipped reverse-complement run.
        method: Source of the motifs. "both": seqlets, and over-represented words whatever the
            score, which compete; "cluster": seqlets alone; "kmer": words alone, and no score is
            looked at; "dnabert" follows that model's script (`baselines.dnabert`), to compare with,
            with its score unless ``track`` is given.
        database: Collection to name motifs with; JASPAR's vertebrates if not given.
        seed: Seed of every random draw; draws are keyed by it and by each sequence.
        track: A score made elsewhere: an array per record, as long as the record, NaN where nothing
            is known.
        null_track: A track of the same score on shuffled sequence, an array per record; only with
            ``track``.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        TypeError: ``records`` are no `Record`s.
        InputError: No records, or a track that does not fit.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    stages = Stages(on_progress)
    database = load_jaspar() if database is None else database
    settings = Settings(score, strand, method, seed, null_track is not None)
    prepared = prepare(
        records, model, score=score, strands=strand, seed=seed,
        track=track, null_track=null_track, stages=stages, method=method,
    )  # fmt: skip
    fitted, control = _fitted(prepared, settings, stages)
    named = _named(fitted, database, stages)
    random_control = _random_control(prepared, records, fitted, settings, stages)
    claims = _claims(prepared, fitted, named, random_control, settings, stages)
    main, untested = _motif_tables(
        prepared, records, fitted, named, random_control, claims, settings, stages
    )
    summary = run_facts(
        records, prepared, fitted, stages, main, untested,
        score=score, method=method, strands=strand, seed=seed,
        database=database, control=control, claims=claims,
    )  # fmt: skip
    return _result(prepared, records, fitted, named, main, untested, claims, database, summary,
                   settings)  # fmt: skip


def _fitted(
    prepared: Prepared, settings: Settings, stages: Stages
) -> tuple[CrossFit, tuple[int, int]]:
    """Motifs of either half with their tests; motifs and seqlets of the same on shuffled input."""
    with stages.stage("finding motifs", STEPS) as step:
        fitted = crossfit(
            prepared.scored.folds, method=settings.method, seed=settings.seed, on_progress=step
        )
    with stages.stage("the same on shuffled input", 1):
        control = shuffled_input(prepared.scored.controls, settings.method, settings.seed)
    return fitted, control


def _named(fitted: CrossFit, database: JasparDatabase, stages: Stages) -> Named:
    """Ids in the order of rank, and what the collection says of each motif."""
    candidates = {f"motif_{i}": c for i, c in enumerate(fitted.candidates, start=1)}
    pwms = {i: Motif(i, c.found.motif.pwm, c.found.n_seqlets) for i, c in candidates.items()}
    with stages.stage("naming motifs", 1):
        matches = match_table(list(pwms.values()), database)
    return Named(candidates, pwms, matches)


def _random_control(
    prepared: Prepared,
    records: list[Record],
    fitted: CrossFit,
    settings: Settings,
    stages: Stages,
) -> tuple[Scores, list[Track]] | None:
    """Heads and score of the randomly initialised control, where that says something."""
    if prepared.scored.scores is None or not fitted.candidates:
        return None
    assert prepared.model is not None
    return random_control_tracks(
        prepared.model, records, prepared.texts, prepared.study.test,
        score=settings.score, strands=settings.strand, seed=settings.seed, stages=stages,
    )  # fmt: skip


def _claims(
    prepared: Prepared,
    fitted: CrossFit,
    named: Named,
    random_control: tuple[Scores, list[Track]] | None,
    settings: Settings,
    stages: Stages,
) -> dict[str, list[Claim]]:
    """For every motif that passes: does the model, or the score, look at its sites?"""
    with stages.stage("controls at motif sites", 1):
        passing = {i: c for i, c in named.candidates.items() if c.passes}
        read = _read(prepared, fitted, random_control, settings)
        return {} if read is None else looks_at(passing, prepared.scored.folds, read, settings.seed)


def _read(
    prepared: Prepared,
    fitted: CrossFit,
    random_control: tuple[Scores, list[Track]] | None,
    settings: Settings,
) -> Read | None:
    """What the controls are held against; None where no score was looked at."""
    folds, scored, model = prepared.scored.folds, prepared.scored, prepared.model
    if model is None and folds[0].raw is None:
        return None
    shuffled: list[Track] = []
    if scored.scores is not None:
        copies = zip(*(f.copies for f in folds), strict=True)
        shuffled = [composed([c.track for c in of_folds], folds) for of_folds in copies]
    elif settings.has_null_track:
        nulls = zip(*(f.threshold_null for f in folds), strict=True)
        shuffled = [composed(list(of_folds), folds) for of_folds in nulls]
    theirs = None if random_control is None or not random_control[1] else random_control[1]
    return Read(
        model="your track" if model is None else model.name,
        n_heads=0 if model is None else model.config.num_attention_heads,
        real=scored.scores,
        random_control=None if random_control is None else random_control[0],
        shuffled=scored.shuffled,
        score=score_name(settings.score, settings.method, model is not None),
        track=fitted.track,
        random_control_track=None if theirs is None else composed(theirs, folds),
        shuffled_tracks=shuffled,
    )


def _motif_tables(
    prepared: Prepared,
    records: list[Record],
    fitted: CrossFit,
    named: Named,
    random_control: tuple[Scores, list[Track]] | None,
    claims: dict[str, list[Claim]],
    settings: Settings,
    stages: Stages,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The main table, and the motifs that are not in it with the reason."""
    folds = prepared.scored.folds
    masked = masked_bases(records)
    scored = prepared.model is not None or folds[0].raw is not None
    few = too_few(len(prepared.units), len(records))
    rows, reasons = [], []
    with stages.stage("testing motifs", len(named.candidates)) as step:
        control_tracks = None if random_control is None else random_control[1] or None
        controls = FoldControls(folds, fitted.called, control_tracks, settings.seed)
        variant_of = tables.variants(named.candidates, folds[0].offsets)
        for motif_id, one in named.candidates.items():
            # nothing is held out where nothing is split: the whole is described
            sites = {i: t.sites for i, t in one.fits.items()} if len(folds) > 1 else {0: one.sites}
            tags = tables.share_tagged(one.found.members, folds[0], masked)
            best = best_match(named.matches, motif_id)
            # without a score there is nothing that could look at the motif
            looks = controls.of(sites) if scored else Folds()
            claim = claims[motif_id][0] if motif_id in claims else None
            row = tables.motif_row(
                motif_id, one, looks, best, folds, tags, claim, variant_of[motif_id]
            )
            rows.append(row)
            reasons.append(tables.reason_untested(one, few))
            step(1)
    return tables.motif_tables(rows, reasons, settings.method)


def _result(
    prepared: Prepared,
    records: list[Record],
    fitted: CrossFit,
    named: Named,
    main: pd.DataFrame,
    untested: pd.DataFrame,
    claims: dict[str, list[Claim]],
    database: JasparDatabase,
    summary: dict[str, Any],
    settings: Settings,
) -> MotifAnalysis:
    """Everything in tables that name records and places."""
    study, units, scores = prepared.study, prepared.units, prepared.scored.scores
    folds, called, sites = prepared.scored.folds, fitted.called, named.sites
    inside = covered(fitted.seqlets, study.offsets)
    matched = set(named.matches["Target_ID"])
    has_track = settings.method != "kmer" and prepared.model is None
    return MotifAnalysis(
        records=records,
        motifs=main,
        untested=untested,
        matches=named.matches,
        kmers=study_kmers(folds, called, sites),
        heads=prepared.scored.heads,
        sites=tables.site_table(sites, inside, records, units, study),
        seqlets=tables.seqlet_table(fitted.seqlets, called, records, units, study),
        pwms=named.pwms,
        targets={m.id: m for m in database.motifs if m.id in matched},
        track=fitted.track,
        controls=control_table([one for of_motif in claims.values() for one in of_motif]),
        head_sites=head_sites(claims, _kinds(prepared.model)),
        replaced_logit=None if scores is None else scores.replaced,
        summary=summary,
        scores=scores,
        study=study,
        calls=fitted.seqlets,
        copy=None if scores is None else composed_copy(folds),
        copy_calls=None if scores is None else seqlets_of_copy(folds, called),
        n_layers=0 if prepared.model is None else prepared.model.config.num_hidden_layers,
        warnings=warnings_for(
            records, prepared, fitted, permuted=has_track and not settings.has_null_track
        )
        + hints_for(prepared, settings.score, settings.method, len(main)),
    )


def _kinds(model: Nucel | None) -> list[str]:
    """What each layer attends to, "local" or "global"; nothing without a model."""
    if model is None:
        return []
    layers = range(model.config.num_hidden_layers)
    return ["global" if model.config.window(i) is None else "local" for i in layers]
