"""`nucel-interp variants`: what variants change, at the site and around it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Strand

VcfFile = Annotated[
    Path,
    typer.Argument(metavar="VARIANTS", help="VCF file, plain or compressed; - is standard input."),
]
GenomeFiles = Annotated[
    list[Path],
    typer.Option(
        "--genome",
        "-g",
        metavar="FILE",
        help="Genome that the variants were called on, FASTA or 2bit; may be repeated.",
    ),
]


def variants(
    variants: VcfFile,
    genome: GenomeFiles,
    out: options.OutFolder,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    strand: options.Strands = Strand.both,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """What each variant changes.

    Alternative less reference, in the same window: log-odds of the discriminator at the variant and
    around it, and what a fine-tuned model predicts.

    Example: nucel-interp variants calls.vcf.gz --genome hg38.2bit -o out
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_folder

    if any(str(file) == "-" for file in genome):
        raise typer.BadParameter("a genome is read from a file, not from standard input")
    check_folder(out, force=force)
    set_threads(threads)
    from nucel_interp.api.score_variants import score_variants

    with reporter() as on_progress:
        result = score_variants(
            variants,
            genome,
            model,
            strand=strand.value,
            context=context,
            on_progress=on_progress,
        )
    result.save(out, force=force, command=["nucel-interp", *sys.argv[1:]])
    typer.echo(f"{result.answer}. Written to {out}")
