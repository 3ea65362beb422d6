"""`nucel-interp substitution`: every base in every place, and pairs of bases."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Strand

Dependency = Annotated[
    bool,
    typer.Option(
        "--dependency",
        help="Also which bases depend on each other, against shuffled copies; records that fit "
        "the model's context.",
    ),
]
Vcf = Annotated[str, typer.Option("--vcf", hidden=True, help="Now: nucel-interp variants.")]


def substitution(
    sequences: options.Input,
    out: options.OutFolder,
    dependency: Dependency = False,
    vcf: Vcf = "",
    export: options.ExportTo = None,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    strand: options.Strands = Strand.both,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Log-odds of every base at every position.

    Each base is replaced by each of the other three, and the discriminator reads the sequence:
    a map of log-odds, (bases, 4), per record.

    Example: nucel-interp substitution peaks.fa -o out --dependency
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_folder
    from nucel_interp.progress import say

    if vcf:
        raise typer.BadParameter(
            f"variants have a command of their own: nucel-interp variants {vcf} --genome "
            f"{sequences} -o {out}"
        )
    check_folder(out, force=force)
    set_threads(threads)
    from nucel_interp.api.substitution import substitution as substitute

    with reporter() as on_progress:
        result = substitute(
            sequences,
            model,
            dependency=dependency,
            strand=strand.value,
            context=context,
            seed=seed,
            on_progress=on_progress,
        )
    for warning in result.warnings:
        say(f"note: {warning}")
    result.save(
        out,
        force=force,
        command=["nucel-interp", *sys.argv[1:]],
        export=None if export is None else "modisco",
    )
    typer.echo(f"{result.answer}. Written to {out}")
