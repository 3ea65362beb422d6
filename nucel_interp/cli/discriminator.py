"""`nucel-interp discriminator`: how surprising each base is to the discriminator."""

from __future__ import annotations

from pathlib import Path

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import is_genome, set_threads
from nucel_interp.cli.options import Strand
from nucel_interp.cli.progress import reporter
from nucel_interp.progress import say


def discriminator(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    bed: options.Bed = None,
    cluster: options.Cluster = "",
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    strand: options.Strands = Strand.both,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Log-odds that each base was replaced.

    In nats, high = replaced: bedGraph, or bigWig if the name of the output ends in .bw.

    Example: nucel-interp discriminator peaks.fa -o replaced_logit.bedGraph

    A genome, or regions of it: nucel-interp discriminator hg38.2bit --bed regions.bed -o out.bw
    """
    from nucel_interp.io.outputs import check_free, is_stream

    genome = is_genome(sequences, bed, cluster)
    bigwig = out.suffix.lower() in (".bw", ".bigwig")
    if genome and not bigwig:
        raise typer.BadParameter(
            f"a genome's track is written as bigWig: give -o a name that ends in .bw, not '{out}'"
        )
    if bigwig:
        from nucel_interp.api.discriminator import check_bigwig

        check_bigwig(out)
    keep = None if is_stream(check_free(out, force=force)) else out
    set_threads(threads, reads=not cluster)
    if genome:
        _of_genome(sequences, bed, out, model, context, strand, threads, cluster, force)
        return
    from nucel_interp.api.discriminator import discriminator as ask

    with reporter() as on_progress:
        result = ask(
            sequences,
            model,
            strand=strand.value,
            context=context,
            keep=keep,
            anew=force,
            on_progress=on_progress,
        )
    result.save(out, force=force)
    result.close()
    where = "" if str(out) == "-" else f", written to {out}"
    if not result.found.n and bigwig:
        where = "; nothing was written"
    say(f"{result.answer}{where}")


def _of_genome(
    sequences: Path,
    bed: Path | None,
    out: Path,
    model: str,
    context: int | None,
    strand: Strand,
    threads: int,
    cluster: str,
    force: bool,
) -> None:
    """The same as bigWig."""
    from nucel_interp.api.genome_tracks import genome_tracks

    with reporter() as on_progress:
        result = genome_tracks(
            sequences,
            out,
            model,
            bed=bed,
            discriminator=True,
            strand=strand.value,
            context=context,
            cluster=cluster,
            threads=threads,
            anew=force,
            on_progress=on_progress,
        )
    known = result.save_track(out, "replaced", force=force)
    result.close()
    where = f", written to {out}" if known else "; nothing was written"
    say(f"{known:,} of {result.answer} have a value{where}")
