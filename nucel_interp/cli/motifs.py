"""`nucel-interp motifs`: the main job, from a FASTA file to a folder with a report."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_if_cold
from nucel_interp.cli.score_options import ScoreOptions, score_options
from nucel_interp.cli.terminal import DASH, number, print_table, print_text, with_interval
from nucel_interp.progress import say


@score_options
def motifs(
    sequences: options.Input,
    out: options.OutFolder,
    scored: ScoreOptions = ScoreOptions(),  # noqa: B008, frozen
    method: options.MethodName = options.Method.both,
    tax: options.TaxGroup = options.Tax.vertebrates,
    db: options.Database = None,
    export: options.ExportTo = None,
    force: options.Force = False,
) -> None:
    """Find, test and name motifs; write a report.

    Motifs that a model looks at, tested on held-out sequences and held against every control.

    Example: nucel-interp motifs peaks.fa -o out
    """
    from nucel_interp.api.find_motifs import find_motifs
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_folder

    scored.check(reads=method is not options.Method.kmer)
    check_folder(out, force=force)
    started = perf_counter()
    say_if_cold()
    with reporter() as on_progress:
        result = find_motifs(
            sequences,
            **scored.arguments(),
            method=method.value,
            tax=tax.value,
            database=db,
            on_progress=on_progress,
        )
    result.save(
        out,
        force=force,
        command=["nucel-interp", *sys.argv[1:]],
        export=None if export is None else "modisco",
    )
    print_text(result.answer)
    for warning in result.warnings:
        say(f"note: {warning}")
    rows = [_row(row) for row in result.motifs.to_dict("records")]
    if rows:
        print_table(rows, [_block(row) for row in rows])
    if result.intervention is not None and result.intervention.shown:
        print_text(result.intervention.sentence)
    control = result.summary["shuffled_input_motifs"]
    typer.echo(
        f"Shuffled input gave {control} motif{'' if control == 1 else 's'} in the main table."
    )
    typer.echo(f"Report: {out / 'report.html'}  ({perf_counter() - started:.0f} s)")


def _row(row: dict[Any, Any]) -> dict[str, str]:
    looked_at = str(row["looked_at"])
    shuffled = number(row["found_in_shuffled"], ".0%")
    return {
        "motif": f"{row['motif_id']} {row['consensus']}",
        "JASPAR": _matrix(row),
        "found in (shuffled)": f"{number(row['found_in'], '.0%')} ({shuffled})",
        "q": number(row["enrichment_q"], ".1e"),
        "looked at": DASH if looked_at == "not measured" else looked_at,
        "head": row["best_head"] or DASH,
        "AUROC": with_interval(
            row["head_auroc"], row["head_auroc_low"], row["head_auroc_high"], between="-"
        ),
        "found by": row["found_by"],
    }


def _block(cells: dict[str, str]) -> list[str]:
    """The row of a table, for a terminal that is too narrow for it."""
    share, _, shuffled = cells["found in (shuffled)"].partition(" ")
    verdict = [cells["looked at"]]
    verdict += [f"{name} {cells[name]}" for name in ("head", "AUROC") if cells[name] != DASH]
    return [
        f"{cells['motif']}  {cells['JASPAR']}",
        f"in {share} of held-out sequences, {shuffled.strip('()')} of shuffled, q {cells['q']}; "
        f"found by {cells['found by']}",
        f"looked at: {', '.join(verdict)}",
    ]


def _matrix(row: dict[Any, Any]) -> str:
    """The best match, with a mark where it is not good enough for a name."""
    from nucel_interp.match.naming import is_named

    if not row["best_match"]:
        return DASH
    sure = is_named(row["E_value"], row["q_global"])
    return f"{'' if sure else '~'}{row['best_match']}"
