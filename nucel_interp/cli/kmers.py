"""`nucel-interp kmers`: the k-mers that stand where a score is high."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import say_of_table
from nucel_interp.cli.score_options import ScoreOptions, score_options


@score_options
def kmers(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    k: Annotated[
        int,
        typer.Option(
            "-k", min=4, max=12, help="Letters of a k-mer; gapped ones have half on each side."
        ),
    ] = 7,
    scored: ScoreOptions = ScoreOptions(),  # noqa: B008, frozen
    format: options.FileFormat = None,
    force: options.Force = False,
) -> None:
    """k-mers that stand where a score is high.

    Gapped and ungapped ones are chosen on each half of the sequences and tested on the other,
    against shuffled sequence and against random places in the same sequences; each counts once per
    sequence.

    Example: nucel-interp kmers peaks.fa --track mine.bedGraph -o kmers.tsv
    """
    from nucel_interp.api.find_kmers import find_kmers
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_free

    scored.check()
    check_free(out, force=force)
    with reporter() as on_progress:
        result = find_kmers(sequences, k=k, **scored.arguments(), on_progress=on_progress)
    result.save(out, force=force, form=options.form_of(format))
    say_of_table(result, out)
