"""`find_motifs`: everything that `nucel-interp motifs` does between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis import tables
from nucel_interp.analysis.controls import FoldControls, shuffled_input
from nucel_interp.analysis.engine import call, discover_motifs, held_out_tests
from nucel_interp.analysis.facts import run_facts, warnings_for
from nucel_interp.analysis.kmers import study_kmers
from nucel_interp.analysis.prepare import prepare
from nucel_interp.analysis.result import MotifResult
from nucel_interp.analysis.study import OnProgress, Stages, Track
from nucel_interp.analysis.tracks import ScoreName, untrained_track
from nucel_interp.match import best_match, load_jaspar, match_motifs
from nucel_interp.motifs.scan import strand_background
from nucel_interp.scoring.runner import Strands
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets.calling import covered
from nucel_interp.types import Motif, Record

if TYPE_CHECKING:
    from nucel_model import Nucel

DEFAULT_MODEL = "nucel-mini"


def find_motifs(
    records: list[Record],
    model: str | Nucel = DEFAULT_MODEL,
    *,
    score: ScoreName = "attention",
    strands: Strands = "both",
    tax: str = "vertebrates",
    seed: int = 0,
    track: Sequence[NDArray[np.floating]] | None = None,
    null_track: Sequence[NDArray[np.floating]] | None = None,
    on_progress: OnProgress | None = None,
) -> MotifResult:
    """Find the motifs that a model's attention, or a given track, points at, and test them.

    Args:
        records: Sequences, as `read_records` gives them.
        model: A shipped name, a folder, or a loaded model; not used if ``track`` is given.
        score: What makes a base important.
        strands: "both" averages the forward and the flipped reverse-complement run.
        tax: JASPAR tax group to name motifs with, or "all".
        seed: Of every random draw; draws are keyed by it and by each sequence.
        track: One array per record, as long as the record, NaN where nothing is known.
        null_track: The same score on shuffled sequence; only with ``track``.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No records, or a track that does not fit.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.
    """
    stages = Stages(on_progress)
    database = load_jaspar(tax)
    prepared = prepare(
        records, model, score=score, strands=strands, seed=seed,
        track=track, null_track=null_track, stages=stages,
    )  # fmt: skip
    loaded, units, texts, scored = prepared.model, prepared.units, prepared.texts, prepared.scored
    study, test = prepared.study, prepared.study.test
    background = strand_background(study.sequences)
    with stages.stage("finding motifs", 3) as step:
        called = call(study)
        step(1)
        found = discover_motifs(study, called, background)
        step(1)
        tested = held_out_tests(study, called, found, background)
        step(1)
    with stages.stage("the same on shuffled input", 1):
        control = shuffled_input(scored.control)
    twin_track: Track | None = None
    # a discriminator needs a trained head: without one there is nothing untrained to compare with
    if loaded is not None and found and score != "discriminator":
        twin_track = untrained_track(
            loaded, records, texts, test, score=score, strands=strands, seed=seed, stages=stages
        )
    named = {f"motif_{i}": t for i, t in enumerate(tested, start=1)}
    pwms = {i: Motif(i, t.found.motif.pwm, t.found.motif.n_sites) for i, t in named.items()}
    with stages.stage("naming motifs", 1):
        matches = match_motifs(list(pwms.values()), database)
    rows, reasons = [], []
    with stages.stage("testing motifs", len(named)) as step:
        controls = FoldControls(study, called, twin_track, seed)
        n_test = int(test.sum()) or len(units)
        for motif_id, one in named.items():
            best = best_match(matches, motif_id)
            rows.append(tables.motif_row(motif_id, one, controls.of(one.sites), best, n_test))
            reasons.append(tables.reason_untested(one, len(units), MIN_UNITS))
            step(1)
    main, untested = tables.motif_tables(rows, reasons)
    sites = {i: t.sites for i, t in named.items()}
    inside = covered(called.seqlets, study.offsets)
    replaced = None if scored.scores is None else scored.scores.replaced
    return MotifResult(
        records=records,
        motifs=main,
        untested=untested,
        matches=matches,
        kmers=study_kmers(study, called, sites),
        heads=scored.heads,
        sites=tables.site_table(sites, inside, records, units, study),
        seqlets=tables.seqlet_table(called, records, units, study),
        pwms=pwms,
        targets={m.id: m for m in database.motifs if m.id in set(matches["Target_ID"])},
        tracks=_per_record(study.track, records),
        replaced=None if replaced is None else _per_record(replaced, records),
        summary=run_facts(
            records, study, called, scored, stages, main, untested,
            model=loaded, score=score, strands=strands, seed=seed, split_rule=prepared.split_rule,
            database=database, control=control,
        ),
        scores=scored.scores,
        n_layers=0 if loaded is None else loaded.config.num_hidden_layers,
        warnings=warnings_for(records, study, called, loaded is None and null_track is None),
    )  # fmt: skip


def _per_record(values: NDArray[np.float32], records: list[Record]) -> list[NDArray[np.float32]]:
    ends = np.cumsum([len(r) for r in records])
    return np.split(values, ends[:-1])
