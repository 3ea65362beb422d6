"""The result's tables, from arrays that count over units to rows that name records and places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.analysis.controls import Folds
from nucel_interp.analysis.crossfit import Candidate
from nucel_interp.analysis.discovery import Method
from nucel_interp.analysis.held_out import (
    ATTENDED_Q,
    ENRICHMENT_3MER_Q,
    ENRICHMENT_Q,
    Called,
    Tested,
)
from nucel_interp.analysis.study import Study
from nucel_interp.controls.claims import Claim
from nucel_interp.io.places import in_genome, spot
from nucel_interp.match.naming import identity
from nucel_interp.motifs.alignment import align
from nucel_interp.motifs.position import position
from nucel_interp.motifs.pwm import consensus, total_information
from nucel_interp.motifs.testing import site_bases
from nucel_interp.scoring import Unit
from nucel_interp.seqlets import (
    Calls,
    empirical_p,
    empirical_q,
    low_complexity,
    masked_bases,
    soft_masked,
)
from nucel_interp.types import (
    DNABERT_COLUMNS,
    MOTIF_COLUMNS,
    SEQLET_COLUMNS,
    SITE_COLUMNS,
    UNTESTED_COLUMNS,
    Record,
    Site,
    Strand,
)

if TYPE_CHECKING:
    import pandas as pd

VARIANT_SHARE = 0.5
ATTENDED = "the score is high on it"
"""How the reason begins where seqlets hold a motif that is hardly enriched."""


def variants(candidates: Mapping[str, Candidate], offsets: NDArray[np.int64]) -> dict[str, str]:
    """Motif id -> the best-ranked motif on whose sites more than half of its own lie, or "".

    A site lies on another if that covers more than half of its bases.

    Args:
        candidates: Motif id -> motif, best first; only those that pass are looked at.
        offsets: (units + 1,) where each unit begins among all bases.
    """
    running: dict[str, NDArray[np.int64]] = {}
    found = dict.fromkeys(candidates, "")
    for motif_id, one in candidates.items():
        if not one.passes or not one.sites:
            continue
        first = offsets[[s.record for s in one.sites]]
        start = first + [s.start for s in one.sites]
        end = first + [s.end for s in one.sites]
        for better, below in running.items():
            if (2 * (below[end] - below[start]) > end - start).mean() > VARIANT_SHARE:
                found[motif_id] = better
                break
        under = site_bases(one.sites, offsets)
        running[motif_id] = np.concatenate([[0], np.cumsum(under)])
    return found


def motif_row(
    motif_id: str,
    one: Candidate,
    folds: Folds,
    best: pd.Series | None,
    folds_tested: list[Study],
    tags: tuple[float, float],
    claim: Claim | None,
    variant_of: str = "",
) -> dict[str, object]:
    """One row of motifs.tsv.

    Counts are over the test halves in which the motif was tested, p- and q-values those of the
    better of the two; ``tags`` are the shares of low-complexity and of soft-masked seqlets, and
    ``claim`` says what stands beyond the controls, where that was measured.
    """
    motif, script, fit = one.found.motif, one.found.dnabert, one.best
    fits = [one.fits[fold] for fold in sorted(one.fits)]
    n_test = sum(int(folds_tested[fold].layout.test.sum()) for fold in one.fits)
    once = folds_tested[0].layout.sequences.first
    held_out = [
        s
        for fold, t in one.fits.items()
        for s in _on_strand_of(motif.pwm, t)
        if folds_tested[fold].test[s.record] and once[s.record]
    ]
    place = position(held_out, folds_tested[0].lengths)

    def of_best(name: str) -> float:
        return float("nan") if fit is None else float(getattr(fit, name))

    return {
        "motif_id": motif_id,
        "consensus": consensus(motif.pwm),
        "width": motif.width,
        "information_bits": total_information(motif.pwm),
        "found_by": one.found.found_by,
        "variant_of": variant_of,
        "n_seqlets": one.found.n_seqlets,
        "low_complexity": tags[0],
        "soft_masked": tags[1],
        "halves_found": len(fits),
        "halves_passed": sum(t.passes for t in fits),
        "best_match": "" if best is None else f"{best['Target_ID']} {best['Target_name']}",
        "archetype": "" if best is None else best["archetype"],
        "identity": identity(motif.pwm, best),
        "E_value": np.nan if best is None else best["E-value"],
        "q_global": np.nan if best is None else best["q_global"],
        "test_sequences": n_test,
        "n_sites": len(one.sites),
        "hits": sum(t.hits for t in fits),
        "hits_shuffled": float(sum(t.hits_shuffled for t in fits)),
        "hits_p": one.hits_p,
        "hits_q": of_best("hits_q"),
        "enrichment_p": one.enrichment_p,
        "enrichment_q": of_best("enrichment_q"),
        "enrichment_3mer_p": of_best("enrichment_3mer_p"),
        "enrichment_3mer_q": of_best("enrichment_3mer_q"),
        "found_in": sum(t.n_with_site for t in fits) / n_test if n_test else np.nan,
        "found_in_shuffled": sum(t.with_site_shuffled for t in fits) / n_test if n_test else np.nan,
        "centre_distance": place.centre_distance,
        "centre_p": place.centre_p,
        "plus_share": place.plus_share,
        "strand_p": place.strand_p,
        "looked_at": "not measured" if claim is None else claim.verdict,
        "best_head": "" if claim is None else claim.heads(claim.beyond.heads),
        **_at_sites(claim),
        "attention_fold": folds.score.value,
        "attention_fold_low": folds.score.low,
        "attention_fold_high": folds.score.high,
        "random_control_fold": folds.random_control.value,
        "random_control_fold_low": folds.random_control.low,
        "random_control_fold_high": folds.random_control.high,
        "other_offsets_fold": folds.other_offsets,
        "uniform_fold": folds.uniform,
        "dnabert_string": "" if script is None else script.string,
        "dnabert_p": float("nan") if script is None else script.p,
        "dnabert_q": float("nan") if script is None else script.q,
    }


def _on_strand_of(pwm: NDArray[np.float64], fit: Tested) -> list[Site]:
    """A half's sites as those of the whole set's matrix, whichever strand the half's stands on."""
    if not align(pwm, fit.found.motif.pwm).flipped:
        return fit.sites
    other: dict[Strand, Strand] = {"+": "-", "-": "+", ".": "."}
    return [Site(s.record, s.start, s.end, other[s.strand], s.score, s.p) for s in fit.sites]


def _at_sites(claim: Claim | None) -> dict[str, float]:
    """AUROC and fold of the best head (or of a track) at the sites, and the control's fold."""
    names = ("head_auroc", "head_fold", "random_control_head_fold")
    ends = ("", "_low", "_high")
    out = {f"{name}{end}": float("nan") for name in names for end in ends}
    if claim is None:
        return out
    if claim.beyond.auroc is not None:
        auroc = claim.beyond.auroc
        values = (auroc.value, *auroc.interval(claim.n_tests))
        out |= {f"head_auroc{end}": v for end, v in zip(ends, values, strict=True)}
    for name, fold in (("head_fold", claim.fold), ("random_control_head_fold", claim.control_fold)):
        values = (fold.value, fold.low, fold.high)
        out |= {f"{name}{end}": v for end, v in zip(ends, values, strict=True)}
    return out


def motif_tables(
    rows: list[dict[str, object]], reasons: list[str], method: Method
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Main table and the rest; a row belongs to the rest if it has a reason.

    With "dnabert" both end in `types.DNABERT_COLUMNS`.
    """
    import pandas as pd

    own = DNABERT_COLUMNS if method == "dnabert" else []
    frame = pd.DataFrame(rows, columns=[*MOTIF_COLUMNS, *own])
    frame["reason"] = reasons
    main = frame[frame["reason"] == ""][[*MOTIF_COLUMNS, *own]]
    rest = frame[frame["reason"] != ""][[*UNTESTED_COLUMNS, *own]]
    return main.reset_index(drop=True), rest.reset_index(drop=True)


def reason_untested(one: Candidate, few: str) -> str:
    """Why a motif is not in the main table; "" if it is. ``few``: see `scoring.units.too_few`."""
    if few:
        return f"not tested: {few}"
    if one.passes:
        return ""
    if one.best is None:
        return "not found again in either half alone"
    if not one.sites:
        return "no site reaches p < 1e-4: the motif is too short or too vague"
    best = one.best
    if not best.enrichment_q < ENRICHMENT_Q:
        why = f"enrichment q {best.enrichment_q:.2g}, not below {ENRICHMENT_Q}"
    else:
        why = f"3-mer enrichment q {best.enrichment_3mer_q:.2g}, not below {ENRICHMENT_3MER_Q}"
    if one.found.found_by != "sequence" and one.attended:
        return f"{ATTENDED}: hits q {best.hits_q:.2g}, below {ATTENDED_Q}, but {why}"
    return why


def share_tagged(
    members: Calls, study: Study, masked: NDArray[np.bool_] | None
) -> tuple[float, float]:
    """Shares of a motif's seqlets that are of low complexity, and that are soft-masked.

    The second is NaN where the file makes no use of case.
    """
    simple = float(low_complexity(members, study.sequences, study.offsets).mean())
    if masked is None:
        return simple, float("nan")
    return simple, float(soft_masked(members, masked, study.offsets).mean())


def seqlet_table(
    seqlets: Calls, called: list[Called], records: list[Record], units: list[Unit], study: Study
) -> pd.DataFrame:
    """All seqlets, in the order of the records; in genome coordinates if all records have a place.

    Args:
        seqlets: Every unit's from the fold that has it in its test half; all from the first fold
            where nothing is split.
        called: Seqlets of each fold.
        records: The input.
        units: Pieces that the records were cut into.
        study: The first fold.
    """
    import pandas as pd

    calls = seqlets.take(np.lexsort((seqlets.start, seqlets.unit)))
    fold = np.where(study.test[calls.unit] | (len(called) == 1), 0, 1)
    p, q = np.zeros(len(calls)), np.zeros(len(calls))
    for number, one in enumerate(called):
        mine = fold == number
        p[mine] = empirical_p(calls.take(mine), one.null_peaks)
        q[mine] = empirical_q(calls.take(mine), one.peaks, one.null_peaks)
    simple = low_complexity(calls, study.sequences, study.offsets)
    bases = masked_bases(records)
    masked = None if bases is None else soft_masked(calls, bases, study.offsets)
    genome = in_genome(records)
    rows = []
    for i in range(len(calls)):
        unit = units[calls.unit[i]]
        begin, end = unit.start + int(calls.start[i]), unit.start + int(calls.end[i])
        chrom, begin, end, _ = spot(records[unit.record], begin, end, ".", genome=genome)
        rows.append(
            (
                chrom,
                begin,
                end,
                f"seqlet_{i + 1}",
                int(np.clip(round(100 * calls.score[i]), 0, 1000)),
                ".",
                float(calls.score[i]),
                float(p[i]),
                float(q[i]),
                records[unit.record].name,
                half_of(study, int(calls.unit[i])),
                int(simple[i]),
                np.nan if masked is None else int(masked[i]),
            )
        )
    return pd.DataFrame(rows, columns=SEQLET_COLUMNS)


def half_of(study: Study, unit: int) -> str:
    """Which half a unit lies in: "1" or "2"; "." where nothing is split."""
    return "." if not study.test.any() else "2" if study.test[unit] else "1"


def site_table(
    sites: dict[str, list[Site]],
    inside: NDArray[np.bool_],
    records: list[Record],
    units: list[Unit],
    study: Study,
) -> pd.DataFrame:
    """Sites of every motif, by motif, then in the order of the records; counted as seqlets are."""
    import pandas as pd

    genome = in_genome(records)
    rows = []
    for motif_id, found in sites.items():
        for s in sorted(found, key=lambda s: (s.record, s.start, s.strand)):
            unit = units[s.record]
            begin, end = unit.start + s.start, unit.start + s.end
            chrom, begin, end, strand = spot(
                records[unit.record], begin, end, s.strand, genome=genome
            )
            rows.append(
                (
                    chrom,
                    begin,
                    end,
                    motif_id,
                    int(np.clip(round(-100 * np.log10(s.p)), 0, 1000)),
                    strand,
                    s.p,
                    records[unit.record].name,
                    int(inside[study.offsets[s.record] + (s.start + s.end) // 2]),
                    half_of(study, s.record),
                )
            )
    return pd.DataFrame(rows, columns=SITE_COLUMNS)
