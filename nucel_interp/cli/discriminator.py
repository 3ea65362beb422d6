"""`nucel-interp discriminator`: how surprising each base is to the discriminator."""

from __future__ import annotations

from pathlib import Path

import typer

from nucel_interp.cli import options
from nucel_interp.cli.genome import Bed, Cluster, is_genome
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Strand


def discriminator(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    bed: Bed = None,
    cluster: Cluster = "",
    model: options.Model = options.DEFAULT_MODEL,
    strand: options.Strands = Strand.both,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Write the log-odds that each base was replaced, in nats, as bedGraph: high = replaced.

    Example: nucel-interp discriminator peaks.fa -o replaced_logit.bedGraph

    A genome, or regions of it: nucel-interp discriminator hg38.2bit --bed regions.bed -o out.bw
    """
    if is_genome(sequences, bed, cluster):
        _of_genome(sequences, bed, out, model, strand, threads, cluster, force)
        return
    import numpy as np
    import torch

    from nucel_interp.cli.progress import progress
    from nucel_interp.cli.terminal import say
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import write_atomic
    from nucel_interp.io.tracks import to_bedgraph
    from nucel_interp.scoring import score_sequences
    from nucel_model import from_pretrained

    set_threads(threads)
    records = read_records(sequences)
    loaded = from_pretrained(model)
    loaded.replaced_logit(torch.zeros(0, 1, loaded.config.hidden_size))  # refuses before the work
    with progress("reading with the model", sum(map(len, records))) as step:
        scores = score_sequences(
            loaded, [r.sequence for r in records], strands=strand.value, on_progress=step
        )
    assert scores.replaced is not None
    tracks = np.split(scores.replaced, scores.offsets[1:-1])
    write_atomic(out, to_bedgraph(records, tracks), force=force)
    known = scores.replaced[~np.isnan(scores.replaced)]
    where = "" if str(out) == "-" else f", written to {out}"
    if not known.size:
        say(f"no base could be scored: {len(records)} records hold no A, C, G or T{where}")
        return
    say(
        f"{known.size:,} bases of {len(records):,} records: log-odds from {known.min():.2f} to "
        f"{known.max():.2f} nats, median {np.median(known):.2f}; "
        f"{np.mean(known > 0):.1%} above 0{where}"
    )


def _of_genome(
    sequences: Path,
    bed: Path | None,
    out: Path,
    model: str,
    strand: Strand,
    threads: int,
    cluster: str,
    force: bool,
) -> None:
    """The same as bigWig."""
    import torch

    from nucel_interp.cli.genome import GenomeRun
    from nucel_interp.cli.terminal import say
    from nucel_interp.errors import OutputError

    out = out.expanduser()
    if out.suffix.lower() not in (".bw", ".bigwig"):
        raise typer.BadParameter(
            f"a genome's track is written as bigWig: give -o a name that ends in .bw, not '{out}'"
        )
    if out.exists() and not force:
        raise OutputError(f"{out} exists already; give --force to replace it")
    set_threads(threads, reads=not cluster)
    run = GenomeRun(sequences, bed, out, model, strand.value, force=force)
    run.model.replaced_logit(torch.zeros(0, 1, run.model.config.hidden_size))  # as above
    run.score(cluster=cluster, threads=threads)
    joined = run.folder / "joined.bw"
    known = run.write("replaced", joined)
    if known:
        joined.replace(out.resolve())
    run.forget()
    where = f", written to {out}" if known else "; nothing was written"
    say(f"{known:,} of {run.bases:,} bases in {len(run.regions):,} regions have a value{where}")
