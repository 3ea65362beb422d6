"""`nucel-interp discriminator`: how surprising each base is to the discriminator."""

from __future__ import annotations

from pathlib import Path

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import is_genome, set_threads
from nucel_interp.cli.options import Strand
from nucel_interp.cli.progress import reporter


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
    """Write the log-odds that each base was replaced, in nats: high = replaced.

    bedGraph, or bigWig if the name of the output ends in .bw.

    Example: nucel-interp discriminator peaks.fa -o replaced_logit.bedGraph

    A genome, or regions of it: nucel-interp discriminator hg38.2bit --bed regions.bed -o out.bw
    """
    if is_genome(sequences, bed, cluster):
        _of_genome(sequences, bed, out, model, context, strand, threads, cluster, force)
        return
    import torch

    from nucel_interp.io.bigwig_writer import require_bigwig
    from nucel_interp.io.outputs import check_free, is_stream, open_atomic
    from nucel_interp.progress import say
    from nucel_interp.runs.fasta_index import surveyed
    from nucel_interp.runs.fasta_run import RecordRun
    from nucel_interp.runs.streaming_summary import summarise
    from nucel_model import from_pretrained

    set_threads(threads)
    bigwig = out.suffix.lower() in (".bw", ".bigwig")
    if bigwig:
        require_bigwig(f"{out}")
        _no_stream(out)
    passing = is_stream(check_free(out, force=force))
    with surveyed(sequences) as survey:
        loaded = from_pretrained(model, context=context)
        loaded.replaced_logit(torch.zeros(0, 1, loaded.config.hidden_size))  # refuses before work
        run = RecordRun(survey, loaded, None if passing else out, strand.value, writes=["replaced"])
        with reporter() as on_progress:
            run.score(anew=force, on_progress=on_progress)
        found = summarise(lambda: run.values("replaced"))
        if bigwig and found.n:
            joined = run.folder / "joined.bw"
            run.write_bigwig("replaced", joined)
            joined.replace(check_free(out, force=force))
        elif not bigwig:
            with open_atomic(out, force=force) as stream:
                stream.writelines(run.bedgraph("replaced"))
    run.forget()
    n_records = len(survey.lengths)
    where = "" if str(out) == "-" else f", written to {out}"
    if not found.n:
        where = "; nothing was written" if bigwig else where
        say(f"no base could be scored: {n_records:,} records hold no A, C, G or T{where}")
        return
    say(
        f"{found.n:,} bases of {n_records:,} records: log-odds from {found.smallest:.2f} to "
        f"{found.largest:.2f} nats, median {found.median:.2f}; "
        f"{found.positive / found.n:.1%} above 0{where}"
    )


def _no_stream(out: Path) -> None:
    """A bigWig is written to and fro."""
    from nucel_interp.errors import OutputError
    from nucel_interp.io.outputs import is_stream

    if is_stream(out):
        raise OutputError(f"{out} is a pipe, and bigWig needs a file: give -o the name of one")


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
    import torch

    from nucel_interp.io.outputs import check_free
    from nucel_interp.progress import say
    from nucel_interp.runs.genome_run import GenomeRun

    if out.suffix.lower() not in (".bw", ".bigwig"):
        raise typer.BadParameter(
            f"a genome's track is written as bigWig: give -o a name that ends in .bw, not '{out}'"
        )
    _no_stream(out)
    final = check_free(out, force=force)
    set_threads(threads, reads=not cluster)
    run = GenomeRun(sequences, bed, out, model, context, strand.value, force=force)
    run.model.replaced_logit(torch.zeros(0, 1, run.model.config.hidden_size))  # as above
    with reporter() as on_progress:
        run.score(cluster=cluster, threads=threads, on_progress=on_progress)
    joined = run.folder / "joined.bw"
    known = run.write("replaced", joined)
    if known:
        joined.replace(final)
    run.forget()
    where = f", written to {out}" if known else "; nothing was written"
    say(f"{known:,} of {run.bases:,} bases in {len(run.regions):,} regions have a value{where}")
