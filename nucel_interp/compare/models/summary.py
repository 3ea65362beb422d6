"""The choices behind a comparison of models, for its summary, and what its reader must know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nucel_interp.bootstrap import N_BOOTSTRAP
from nucel_interp.compare.models.evaluation import Evaluation
from nucel_interp.compare.shared.head_selection import FEWEST_PER_HALF
from nucel_interp.controls.decoys import N_DECOYS
from nucel_interp.motifs.scan import scanner
from nucel_interp.types import Record


def facts(records: list[Record], evaluation: Evaluation, models: Sequence[str]) -> dict[str, Any]:
    """Flat facts; every choice is stated.

    Args:
        records: All that were given.
        evaluation: Windows and sites on which every model was measured.
        models: Names of the given models, without controls.
    """
    windows, chosen, coarsest = evaluation.windows, evaluation.chosen, evaluation.coarsest
    motif_sites = evaluation.motif_sites
    with_site = np.unique(np.concatenate([m.with_site for m in motif_sites]))
    decoys = f"{N_DECOYS} column-permuted matrices a motif, sites weighted to the same composition"
    if chosen.motifs is None:
        decoys = f"{N_DECOYS} sets of random intervals of the same lengths in the same sequences"
    return {
        "models": list(models),
        "window_bp": windows.window_bp,
        "n_windows": len(windows.sequences),
        "n_bases": windows.sequences.n_bases,
        "bases_left_out": windows.left_out,
        "end_bp_left_out": coarsest - 1,
        "n_records": len(records),
        "n_sequences": len(windows.records),
        "n_with_site": len(with_site),
        "n_sites": sum(len(m.sites) for m in motif_sites),
        "motifs": [m.name for m in motif_sites],
        "sites_from": chosen.sites_from,
        "motif_choice": chosen.choice,
        "scanner": scanner()[0] if chosen.motifs is not None else "none",
        "rule": "density",
        "frames": coarsest,
        "matched": "single bases blurred by a box of six in six frames"
        if coarsest > 1
        else "the same as native: every model reads single bases",
        "strand": "both",
        "split_rule": windows.split_rule,
        "n_half_1": int((~windows.second_half).sum()),
        "n_half_2": int(windows.second_half.sum()),
        "head_choice": "largest median over one half's sequences, measured on the other, both ways",
        "n_bootstrap": N_BOOTSTRAP,
        "decoys": decoys,
        "seed": evaluation.seed,
    }


def warnings_for(evaluation: Evaluation) -> list[str]:
    """Sentences for the reader: what was left out, and what is too little."""
    windows, chosen = evaluation.windows, evaluation.chosen
    measured = {m.name for m in evaluation.motif_sites}
    told = []
    if windows.too_short:
        told.append(
            f"{windows.too_short} records have no six known bases in a row and were left out"
        )
    if windows.repeated:
        told.append(f"{windows.repeated} records repeat a sequence met before and were left out")
    given = chosen.given
    if given is not None:
        for n, why in (
            (given.elsewhere, "lie in no record"),
            (given.cut, "cross the edge of a record or window, or hold N"),
            (given.repeated, "lie in records that were left out"),
        ):
            if n:
                told.append(f"{n} sites {why} and were not counted")
    lost = [name for name in chosen.motifs or chosen.sites if name not in measured]
    if lost:
        told.append(f"no site in the windows can be measured for {', '.join(lost)}")
    for m in evaluation.motif_sites:
        halves = windows.second_half[m.with_site]
        fewest = min(int(halves.sum()), int((~halves).sum()))
        if fewest < FEWEST_PER_HALF:
            told.append(
                f"{m.name} has sites in {fewest} sequences of one half; {FEWEST_PER_HALF} are "
                "needed to choose a head"
            )
    return told
