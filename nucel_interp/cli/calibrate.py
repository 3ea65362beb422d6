"""`nucel-interp calibrate`: what comes out of shuffled sequence like yours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_if_cold, say_of_table
from nucel_interp.cli.score_options import ScoreOptions, score_options


@score_options
def calibrate(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="How many shuffled inputs to look at.")
    ] = 5,
    scored: ScoreOptions = ScoreOptions(),  # noqa: B008, frozen
    tax: options.TaxGroup = options.Tax.vertebrates,
    format: options.FileFormat = None,
    force: options.Force = False,
) -> None:
    """What shuffled copies of the input give.

    Counts of motifs and of JASPAR names, all of them false.

    With --track, the track stays in its place and the letters below it are shuffled.

    Example: nucel-interp calibrate peaks.fa --runs 5
    """
    from nucel_interp.api.calibrate import calibrate as count
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_free

    scored.check()
    check_free(out, force=force)
    say_if_cold()
    with reporter() as on_progress:
        result = count(
            sequences, runs=runs, tax=tax.value, **scored.arguments(), on_progress=on_progress
        )
    result.save(out, force=force, form=options.form_of(format))
    say_of_table(result, out)
