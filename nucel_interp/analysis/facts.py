"""The flat facts of summary.json, and the sentences a user must read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nucel_interp.analysis.answer import answer, model_adds
from nucel_interp.analysis.engine import Called
from nucel_interp.analysis.study import Stages, Study
from nucel_interp.analysis.tracks import Scored
from nucel_interp.io.provenance import file_sha256
from nucel_interp.match import JasparDatabase
from nucel_interp.motifs.scan import scanner
from nucel_interp.scoring.units import MIN_UNITS
from nucel_interp.types import Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel


def run_facts(
    records: list[Record],
    study: Study,
    called: Called,
    scored: Scored,
    stages: Stages,
    main: pd.DataFrame,
    untested: pd.DataFrame,
    *,
    model: Nucel | None,
    score: str,
    strands: str,
    seed: int,
    split_rule: str,
    database: JasparDatabase,
    control: tuple[int, int],
) -> dict[str, Any]:
    """Everything that summary.json holds; ``model`` is None for a user's track.

    ``control`` is what `controls.shuffled_input` gave: motifs in the main table, and seqlets.
    """
    test = study.test
    facts: dict[str, Any] = {
        "n_records": len(records),
        "n_bases": int(study.offsets[-1]),
        "n_units": len(study.sequences),
        "min_units": MIN_UNITS,
        "n_discovery": int((~test).sum()),
        "n_test": int(test.sum()),
        "split_rule": split_rule,
        "score": "track" if model is None else score,
        "strand": strands,
        "model": "your track" if model is None else model.name,
        "model_sha256": None
        if model is None or model.path is None
        else file_sha256(model.path / "model.safetensors"),
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
        "model_adds": bool(model is not None and len(main) and model_adds(main.iloc[0])),
        "top_motif": main.iloc[0]["consensus"] if len(main) else None,
        "top_match": main.iloc[0]["best_match"] if len(main) else None,
        "top_E": float(main.iloc[0]["E_value"]) if len(main) else None,
    }
    facts["answer"] = answer(main, untested, facts)
    facts |= {f"seconds_{k.replace(' ', '_')}": round(v, 2) for k, v in stages.seconds.items()}
    facts["seconds"] = round(sum(stages.seconds.values()), 2)
    return facts


def warnings_for(records: list[Record], study: Study, called: Called, permuted: bool) -> list[str]:
    """What must be said before any number; ``permuted``: a track without a null of its own."""
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
