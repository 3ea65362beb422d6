"""The result's tables, from arrays that count over units to rows that name records and places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.controls import Folds
from nucel_interp.analysis.engine import Called, Tested
from nucel_interp.analysis.study import Study
from nucel_interp.motifs.pwm import consensus, total_information
from nucel_interp.scoring import Unit
from nucel_interp.seqlets import (
    empirical_p,
    empirical_q,
    low_complexity,
    masked_bases,
    soft_masked,
)
from nucel_interp.types import (
    MOTIF_COLUMNS,
    SEQLET_COLUMNS,
    SITE_COLUMNS,
    UNTESTED_COLUMNS,
    Record,
    Site,
)

if TYPE_CHECKING:
    import pandas as pd


def motif_row(
    motif_id: str,
    one: Tested,
    folds: Folds,
    best: pd.Series | None,
    n_test: int,
) -> dict[str, object]:
    """One row of motifs.tsv."""
    motif = one.found.motif
    return {
        "motif_id": motif_id,
        "consensus": consensus(motif.pwm),
        "width": motif.width,
        "information_bits": total_information(motif.pwm),
        "n_seqlets": one.found.n_seqlets,
        "best_match": "" if best is None else f"{best['Target_ID']} {best['Target_name']}",
        "archetype": "" if best is None else best["archetype"],
        "E_value": np.nan if best is None else best["E-value"],
        "q_global": np.nan if best is None else best["q_global"],
        "test_sequences": n_test,
        "n_sites": len(one.sites),
        "hits": one.hits,
        "hits_shuffled": one.hits_shuffled,
        "held_out_p": one.held_out_p,
        "held_out_q": one.held_out_q,
        "enrichment_p": one.enrichment_p,
        "enrichment_q": one.enrichment_q,
        "enrichment_3mer_p": one.enrichment_3mer_p,
        "enrichment_3mer_q": one.enrichment_3mer_q,
        "found_in": one.found_in,
        "found_in_shuffled": one.found_in_shuffled,
        "attention_fold": folds.score.value,
        "attention_fold_low": folds.score.low,
        "attention_fold_high": folds.score.high,
        "untrained_fold": folds.untrained.value,
        "untrained_fold_low": folds.untrained.low,
        "untrained_fold_high": folds.untrained.high,
        "other_offsets_fold": folds.other_offsets,
        "uniform_fold": folds.uniform,
    }


def motif_tables(
    rows: list[dict[str, object]], reasons: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Main table and the rest; a row belongs to the rest if it has a reason."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=MOTIF_COLUMNS)
    frame["reason"] = reasons
    main = frame[frame["reason"] == ""][MOTIF_COLUMNS].reset_index(drop=True)
    return main, frame[frame["reason"] != ""][UNTESTED_COLUMNS].reset_index(drop=True)


def reason_untested(one: Tested, n_units: int, needed: int) -> str:
    """Why a motif is not in the main table; "" if it is."""
    if n_units < needed:
        return f"not tested: {n_units} sequences, {needed} needed"
    if one.passes:
        return ""
    if not one.sites:
        return "no site reaches p < 1e-4: the motif is too short or too vague"
    if not one.held_out_q < 0.01:
        return f"held-out q {one.held_out_q:.2g}, not below 0.01"
    return f"3-mer enrichment q {one.enrichment_3mer_q:.2g}, not below 0.05"


def seqlet_table(
    called: Called, records: list[Record], units: list[Unit], study: Study
) -> pd.DataFrame:
    """All seqlets, in the order of the records."""
    import pandas as pd

    calls = called.seqlets
    calls = calls.take(np.lexsort((calls.start, calls.unit)))
    p = empirical_p(calls, called.null_peaks)
    q = empirical_q(calls, called.peaks, called.null_peaks)
    simple = low_complexity(calls, study.sequences, study.offsets)
    bases = masked_bases(records)
    masked = None if bases is None else soft_masked(calls, bases, study.offsets)
    rows = []
    for i in range(len(calls)):
        unit = units[calls.unit[i]]
        chrom, shift = _place(records[unit.record])
        at = shift + unit.start
        rows.append(
            (
                chrom,
                at + int(calls.start[i]),
                at + int(calls.end[i]),
                f"seqlet_{i + 1}",
                int(np.clip(round(100 * calls.score[i]), 0, 1000)),
                ".",
                float(calls.score[i]),
                float(p[i]),
                float(q[i]),
                records[unit.record].name,
                "test" if study.test[calls.unit[i]] else "discovery",
                int(simple[i]),
                np.nan if masked is None else int(masked[i]),
            )
        )
    return pd.DataFrame(rows, columns=SEQLET_COLUMNS)


def site_table(
    sites: dict[str, list[Site]],
    inside: NDArray[np.bool_],
    records: list[Record],
    units: list[Unit],
    study: Study,
) -> pd.DataFrame:
    """Sites of every motif, by motif, then in the order of the records."""
    import pandas as pd

    rows = []
    for motif_id, found in sites.items():
        for s in sorted(found, key=lambda s: (s.record, s.start, s.strand)):
            unit = units[s.record]
            chrom, shift = _place(records[unit.record])
            at = shift + unit.start
            rows.append(
                (
                    chrom,
                    at + s.start,
                    at + s.end,
                    motif_id,
                    int(np.clip(round(-100 * np.log10(s.p)), 0, 1000)),
                    s.strand,
                    s.p,
                    records[unit.record].name,
                    int(inside[study.offsets[s.record] + (s.start + s.end) // 2]),
                    "test" if study.test[s.record] else "discovery",
                )
            )
    return pd.DataFrame(rows, columns=SITE_COLUMNS)


def _place(record: Record) -> tuple[str, int]:
    """Chromosome and offset of a record; its own name and 0 where its place is not known."""
    if record.location is None:
        return record.name, 0
    return record.location.chromosome, record.location.start
