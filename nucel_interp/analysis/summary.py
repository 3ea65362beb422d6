"""The flat facts of summary.json, and the sentences a user must read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nucel_interp.analysis.answer import answer
from nucel_interp.analysis.crossfit import CrossFit, how_called
from nucel_interp.analysis.prepare import Prepared
from nucel_interp.controls.claims import Claim
from nucel_interp.io.provenance import file_sha256
from nucel_interp.match import JasparDatabase
from nucel_interp.motifs.scan import scanner
from nucel_interp.progress import Stages
from nucel_interp.score_names import ATTENTION, HEAD
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.seqlets import Calling
from nucel_interp.types import Record

if TYPE_CHECKING:
    import pandas as pd


def run_facts(
    records: list[Record],
    prepared: Prepared,
    fitted: CrossFit,
    stages: Stages,
    main: pd.DataFrame,
    untested: pd.DataFrame,
    *,
    score: str,
    method: str,
    strands: str,
    seed: int,
    database: JasparDatabase,
    control: tuple[int, int],
    claims: dict[str, list[Claim]],
) -> dict[str, Any]:
    """Everything that summary.json holds.

    ``control`` is what `controls.shuffled_input` gave: motifs in the main table, and seqlets;
    ``claims`` what `looks.looks_at` gave.
    """
    study, model, scored = prepared.study, prepared.model, prepared.scored
    test, calling = study.test, how_called(scored.folds, fitted.called)
    of_halves = {
        f"seqlet_{name}_{half}": value
        for half, t in enumerate(calling.thresholds, start=1)
        for name, value in (("threshold", t.score), ("fdr", t.fdr))
    }
    facts: dict[str, Any] = {
        "n_records": len(records),
        "n_bases": int(study.offsets[-1]),
        "n_units": len(study.sequences),
        "min_units": MIN_UNITS,
        "n_discovery": int((~test).sum()),
        "n_test": int(test.sum()),
        "split_rule": prepared.split_rule,
        "method": method,
        "score": score_name(score, method, model is not None),
        "strand": strands,
        "model": model.name if model is not None else None if method == "kmer" else "your track",
        "model_sha256": None
        if model is None or model.path is None
        else file_sha256(model.path / "model.safetensors"),
        "token_bp": None if model is None else model.config.token_bp,
        "context_bp": None if model is None else model.config.context_bp,
        "n_heads_chosen": int(scored.heads["chosen_in"].str.contains("1").sum())
        if len(scored.heads)
        else 0,
        **of_halves,
        "seqlet_fdr": calling.fdr,
        "seqlet_fdr_reached": calling.reached,
        "n_seqlets": len(fitted.seqlets),
        "cluster_stability": fitted.stability,
        "n_motifs": len(main),
        "n_untested": len(untested),
        "database": f"{database.release} {database.tax}".strip(),
        "n_targets": len(database),
        "shuffled_copies": len(study.copies),
        "shuffled_input_motifs": control[0],
        "shuffled_input_seqlets": control[1],
        "scanner": scanner()[0],
        "seed": seed,
        "looked_at": [c[0].sentence for c in claims.values()],
        "score_looked_at": [c[-1].sentence for c in claims.values() if len(c) > 1],
        "top_motif": main.iloc[0]["consensus"] if len(main) else None,
        "top_match": main.iloc[0]["best_match"] if len(main) else None,
        "top_E": float(main.iloc[0]["E_value"]) if len(main) else None,
    }
    facts["answer"] = answer(main, untested, facts, claims)
    facts |= {f"seconds_{k.replace(' ', '_')}": round(v, 2) for k, v in stages.seconds.items()}
    facts["seconds"] = round(sum(stages.seconds.values()), 2)
    return facts


def score_name(score: str, method: str, has_model: bool) -> str:
    """What the score is called in the summary: none, track, cls-row, or its own name."""
    if method == "kmer":
        return "none"
    if not has_model:
        return "track"
    return "cls-row" if method == "dnabert" else score


def warnings_for(
    records: list[Record], prepared: Prepared, fitted: CrossFit, permuted: bool
) -> list[str]:
    """What must be said before any number; ``permuted``: a track without a null of its own."""
    said, study = [], prepared.study
    short = how_called(prepared.scored.folds, fitted.called).shortfall("shuffled ones")
    if short:
        said.append(f"{short[0].upper()}{short[1:]}. The held-out test decides, not the caller.")
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


def of_the_null(calling: Calling, *, permuted: bool) -> list[str]:
    """What must be known of the thresholds of seqlets before any number is believed.

    Args:
        calling: Thresholds of either half.
        permuted: Is the null the user's own track with its bases permuted?
    """
    said = []
    if short := calling.shortfall("the null"):
        said.append(f"{short[0].upper()}{short[1:]}.")
    if permuted:
        said.append(
            "Without a null track the null is the track with its bases permuted, which tests only "
            "whether high values stand together."
        )
    return said


def hints_for(prepared: Prepared, score: str, method: str, n_motifs: int) -> list[str]:
    """Where to look on if nothing was found."""
    model = prepared.model
    read = score_name(score, method, model is not None)
    if n_motifs or read != ATTENTION or model is None or model.classifier_head is None:
        return []
    return [
        f"{model.name} is fine-tuned: a single head may look at the sites, which a mean over heads "
        f"hides. nucel-interp compare --sites names such a head, --score {HEAD} reads it alone, "
        "and nucel-interp attribute asks the prediction itself."
    ]
