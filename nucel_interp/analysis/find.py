"""`find_motifs`: everything that `nucel-interp motifs` does between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis import tables
from nucel_interp.analysis.answer import answer, model_adds
from nucel_interp.analysis.engine import Called, Tested, call, discover_motifs, test_motifs
from nucel_interp.analysis.result import MotifResult
from nucel_interp.analysis.study import OnProgress, Stages, Study
from nucel_interp.analysis.tracks import (
    TRACK_UNIT_BP,
    Scored,
    ScoreName,
    make_texts,
    model_study,
    track_study,
    untrained_track,
)
from nucel_interp.errors import InputError
from nucel_interp.io.provenance import file_sha256
from nucel_interp.kmers import kmer_table
from nucel_interp.match import best_match, load_jaspar, match_motifs
from nucel_interp.motifs.scan import scanner, strand_background
from nucel_interp.motifs.testing import (
    N_RANDOM,
    Fold,
    attention_fold,
    other_offsets,
    plain_fold,
    random_places,
    site_bases,
)
from nucel_interp.scoring import cut_units, shuffled, split_units
from nucel_interp.scoring.runner import Strands
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import Calls, find_peaks
from nucel_interp.seqlets.calling import covered, empirical_p
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
    if not records:
        raise InputError("there is no sequence to look at")
    if null_track is not None and track is None:
        raise InputError("a null track was given without a track")
    for what, values in (("track", track), ("null track", null_track)):
        if values is not None:
            _check_track(what, values, records)
    stages = Stages(on_progress)
    database = load_jaspar(tax)
    loaded: Nucel | None = None
    if track is None:
        from nucel_model import from_pretrained

        loaded = from_pretrained(model) if isinstance(model, str) else model
    longest = loaded.config.context_bp if loaded is not None else TRACK_UNIT_BP
    units = cut_units(records, longest)
    test, split_rule = split_units(records, units, seed)
    if len(units) < MIN_UNITS:
        test, split_rule = np.zeros(len(units), dtype=bool), "not split: too few sequences"
    texts = make_texts(records, units, seed, stages)
    if loaded is not None:
        scored = model_study(
            loaded, records, texts, test, score=score, strands=strands, stages=stages
        )
    else:
        assert track is not None
        scored = track_study(track, null_track, texts, test, seed)
    study = scored.study
    background = strand_background(study.sequences)
    with stages.stage("finding motifs", 3) as step:
        called = call(study)
        step(1)
        found = discover_motifs(study, called, background)
        step(1)
        tested = test_motifs(study, called, found, background)
        step(1)
    with stages.stage("the same on shuffled input", 1):
        control = _shuffled_input(study, seed)
    random_inside = _random_seqlets(study, called.seqlets, seed)
    twin_inside: NDArray[np.bool_] | None = None
    # a discriminator needs a trained head: without one there is nothing untrained to compare with
    if loaded is not None and found and score != "discriminator":
        from nucel_model import untrained_twin

        twin_track = untrained_track(
            untrained_twin(loaded, seed),
            records,
            texts,
            test,
            score=score,
            strands=strands,
            stages=stages,
        )
        twin_peaks = find_peaks(twin_track, study.offsets)
        twin_inside = covered(_equally_many(twin_peaks, called, study), study.offsets)
    named = {f"motif_{i}": t for i, t in enumerate(tested, start=1)}
    pwms = {i: Motif(i, t.found.motif.pwm, t.found.motif.n_sites) for i, t in named.items()}
    with stages.stage("naming motifs", 1):
        matches = match_motifs(list(pwms.values()), database)
    rows, reasons = [], []
    with stages.stage("testing motifs", len(named)) as step:
        for motif_id, one in named.items():
            folds = _folds(one, study, called, twin_inside, random_inside, seed)
            n_test = int(test.sum()) or len(units)
            rows.append(
                tables.motif_row(motif_id, one, *folds, best_match(matches, motif_id), n_test)
            )
            reasons.append(tables.reason_untested(one, len(units), MIN_UNITS))
            step(1)
    main, untested = tables.motif_tables(rows, reasons)
    inside = covered(called.seqlets, study.offsets)
    copies = [
        (c.sequences, covered(s, study.offsets))
        for c, s in zip(study.copies, called.copy_seqlets, strict=True)
    ]
    kmers = kmer_table(
        (study.sequences, inside), copies, study.track, test, group=study.layout.rank
    )
    kmers["motif_id"] = _owners(kmers["kmer"].tolist(), named, study)
    facts: dict[str, Any] = {
        "n_records": len(records),
        "n_bases": int(study.offsets[-1]),
        "n_units": len(units),
        "min_units": MIN_UNITS,
        "n_discovery": int((~test).sum()),
        "n_test": int(test.sum()),
        "split_rule": split_rule,
        "score": "track" if loaded is None else score,
        "strand": strands,
        "model": "your track" if loaded is None else loaded.name,
        "model_sha256": None
        if loaded is None or loaded.path is None
        else file_sha256(loaded.path / "model.safetensors"),
        "n_heads_chosen": int(scored.heads["chosen"].sum()) if len(scored.heads) else 0,
        "seqlet_threshold": called.threshold.score,
        "seqlet_fdr": called.threshold.fdr,
        "seqlet_fdr_reached": called.threshold.reached,
        "n_seqlets": len(called.seqlets),
        "n_motifs": len(main),
        "n_untested": len(untested),
        "database": f"{database.release} {database.tax}".strip(),
        "n_targets": len(database),
        "shuffled_copies": len(study.copies),
        "shuffled_input_motifs": control[0],
        "shuffled_input_seqlets": control[1],
        "scanner": scanner()[0],
        "seed": seed,
        "model_adds": bool(loaded is not None and len(main) and model_adds(main.iloc[0])),
        "top_motif": main.iloc[0]["consensus"] if len(main) else None,
        "top_match": main.iloc[0]["best_match"] if len(main) else None,
        "top_E": float(main.iloc[0]["E_value"]) if len(main) else None,
    }
    facts["answer"] = answer(main, untested, facts)
    facts |= {f"seconds_{k.replace(' ', '_')}": round(v, 2) for k, v in stages.seconds.items()}
    facts["seconds"] = round(sum(stages.seconds.values()), 2)
    replaced = None if scored.scores is None else scored.scores.replaced
    return MotifResult(
        records=records,
        motifs=main,
        untested=untested,
        matches=matches,
        kmers=kmers,
        heads=scored.heads,
        sites=tables.site_table(
            {i: t.sites for i, t in named.items()}, inside, records, units, study
        ),
        seqlets=tables.seqlet_table(
            called.seqlets, empirical_p(called.seqlets, called.null_peaks), records, units, study
        ),
        pwms=pwms,
        targets={m.id: m for m in database.motifs if m.id in set(matches["Target_ID"])},
        tracks=_per_record(study.track, records),
        replaced=None if replaced is None else _per_record(replaced, records),
        summary=facts,
        scores=scored.scores,
        n_layers=0 if loaded is None else loaded.config.num_hidden_layers,
        warnings=_warnings(records, study, called, scored, loaded is None and null_track is None),
    )


def _check_track(what: str, values: Sequence[NDArray[np.floating]], records: list[Record]) -> None:
    """Refuse a track that does not fit the records or says nothing about them."""
    if len(values) != len(records):
        raise InputError(
            f"the {what} has {len(values)} arrays for {len(records)} records; give one for each"
        )
    for value, record in zip(values, records, strict=True):
        if np.shape(value) != (len(record),):
            raise InputError(
                f"the {what} of {record.name} has shape {np.shape(value)}, but the record has "
                f"{len(record)} bases; give one number per base, NaN where there is none"
            )
        if np.isinf(value).any():
            raise InputError(f"the {what} of {record.name} holds infinity; write NaN for no value")
    if all(np.isnan(value).all() for value in values):
        raise InputError(f"the {what} has no value at all; give numbers for at least some bases")


def _shuffled_input(study: Study, seed: int) -> tuple[int, int]:
    """Motifs in the main table, and seqlets, when a shuffled copy takes the input's place."""
    first, rest = study.copies[0], study.copies[1:]
    nulls = [c.track for c in rest]
    if study.threshold_null[0] is not first.track:  # a user's track keeps its own null
        nulls = study.threshold_null
    trimers = [[shuffled(s, k=3, seed=seed, copy=i) for s in first.sequences] for i in range(2)]
    twin = Study(
        sequences=first.sequences,
        offsets=study.offsets,
        test=study.test,
        track=first.track,
        copies=rest,
        threshold_null=nulls,
        trimers=trimers,
    )
    called = call(twin)
    background = strand_background(twin.sequences)
    tested = test_motifs(twin, called, discover_motifs(twin, called, background), background)
    return sum(t.passes for t in tested), len(called.seqlets)


def _random_seqlets(
    study: Study, seqlets: Calls, seed: int
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """Coverage by seqlets at another sequence's offsets, and anywhere, twenty draws each."""
    layout = study.layout
    kept = seqlets.take(layout.test[seqlets.unit])
    places = list(zip(kept.unit.tolist(), kept.start.tolist(), kept.end.tolist(), strict=True))
    rng = np.random.default_rng([seed, 7])
    return (
        [other_offsets(places, layout, rng) for _ in range(N_RANDOM)],
        [random_places(places, layout, rng) for _ in range(N_RANDOM)],
    )


def _equally_many(peaks: Calls, called: Called, study: Study) -> Calls:
    """The best peaks of the discovery half, as many as it has seqlets, and all others as high."""
    in_discovery = ~study.test if study.test.any() else np.ones_like(study.test)
    wanted = int(in_discovery[called.seqlets.unit].sum())
    scores = np.sort(peaks.score[in_discovery[peaks.unit]])[::-1]
    if not wanted or not scores.size:
        return peaks.take(np.zeros(len(peaks), dtype=bool))
    return peaks.take(peaks.score >= scores[min(wanted, scores.size) - 1])


def _folds(
    one: Tested,
    study: Study,
    called: Called,
    twin_inside: NDArray[np.bool_] | None,
    random_inside: tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]],
    seed: int,
) -> tuple[Fold, Fold, float, float]:
    """attention_fold of the score, of the untrained model, and of both kinds of random seqlets."""
    layout = study.layout
    under = site_bases(one.sites, study.offsets)
    nothing = Fold(np.nan, np.nan, np.nan)
    if not under.any():
        return nothing, nothing, np.nan, np.nan
    means = []
    for draws in random_inside:
        values = [plain_fold(under, inside, layout) for inside in draws]
        known = [v for v in values if np.isfinite(v)]
        means.append(float(np.mean(known)) if known else np.nan)
    return (
        attention_fold(under, covered(called.seqlets, study.offsets), layout, seed),
        nothing if twin_inside is None else attention_fold(under, twin_inside, layout, seed),
        means[0],
        means[1],
    )


def _owners(words: list[str], named: dict[str, Tested], study: Study) -> list[str]:
    """The motif whose sites hold most of a k-mer's places, if they hold over half of them."""
    from nucel_interp.kmers import KmerIndex

    if not words or not named:
        return [""] * len(words)
    under = {i: site_bases(t.sites, study.offsets) for i, t in named.items()}
    index = KmerIndex(study.sequences, len(words[0]))
    codes = {w: KmerIndex([w], index.k).code[0] for w in words}
    owners = []
    for word in words:
        at = np.flatnonzero(index.code == codes[word]) + index.k // 2
        share = {i: float(u[at].mean()) for i, u in under.items()}
        best = max(share, key=lambda i: share[i])
        owners.append(best if share[best] > 0.5 else "")
    return owners


def _per_record(values: NDArray[np.float32], records: list[Record]) -> list[NDArray[np.float32]]:
    ends = np.cumsum([len(r) for r in records])
    return np.split(values, ends[:-1])


def _warnings(
    records: list[Record], study: Study, called: Called, scored: Scored, permuted: bool
) -> list[str]:
    said = []
    if not called.threshold.reached and len(called.peaks):
        said.append(
            "The score does not tell these sequences from shuffled ones: no threshold reaches a "
            "false discovery rate of 0.05, so the best five seqlets per kb were taken (rate "
            f"{called.threshold.fdr:.2f}). The held-out test decides, not the caller."
        )
    if permuted:
        said.append(
            "Without a null track the threshold comes from the same track with bases permuted, "
            "which tests contiguity only; the held-out test decides."
        )
    unknown = float(np.isnan(study.track).mean()) if study.track.size else 0.0
    if unknown > 0.01:
        said.append(
            f"{unknown:.1%} of all bases have no score (N, other letters, or no value given)."
        )
    if len(study.sequences) > len(records):
        said.append(
            f"{len(records)} records were cut into {len(study.sequences)} non-overlapping "
            "stretches, the unit of all statistics."
        )
    return said
