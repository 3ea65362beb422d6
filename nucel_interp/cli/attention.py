"""`nucel-interp attention`: what every head attends to, per base; whole maps of chosen heads."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import is_genome, set_threads
from nucel_interp.cli.options import Strand
from nucel_interp.cli.progress import reporter


class TrackFormat(StrEnum):
    """How a track is written."""

    bedgraph = "bedgraph"
    bigwig = "bigwig"


Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="LAYER:HEAD",
        help="Also draw this head's whole map, of up to 40 records of up to 2 kb; from 0; may be "
        "repeated.",
    ),
]
Format = Annotated[
    TrackFormat, typer.Option("--track-format", help="Form of the track; a genome's is bigWig.")
]
Profile = Annotated[
    bool,
    typer.Option("--profile", help="Write profile.h5, every head's numbers, beyond 1 Mb, too."),
]


def attention(
    sequences: options.Input,
    out: options.OutFolder,
    map: Maps = None,
    track_format: Format = TrackFormat.bedgraph,
    profile: Profile = False,
    bed: options.Bed = None,
    cluster: options.Cluster = "",
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    strand: options.Strands = Strand.both,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Attention that each base receives.

    The mean over heads as a track, every head in profile.h5.

    Example: nucel-interp attention peaks.fa -o out

    Whole maps of a few records: nucel-interp attention few.fa -o out --map 3:2

    A genome, or regions of it, to bigWig: nucel-interp attention hg38.2bit --bed regions.bed -o out
    """
    from nucel_interp.io.bigwig_writer import require_bigwig
    from nucel_interp.io.outputs import check_folder

    genome = is_genome(sequences, bed, cluster)
    if genome and map:
        raise typer.BadParameter("--map draws records of a FASTA file, not of a genome")
    if genome and profile:
        raise typer.BadParameter("--profile is of records of a FASTA file, not of a genome")
    for head in map or []:
        if not re.fullmatch(r"\d+:\d+", head):
            raise typer.BadParameter(
                f"--map wants LAYER:HEAD, counted from 0, such as 3:2; got {head!r}"
            )
    if track_format is TrackFormat.bigwig:
        require_bigwig("--track-format bigwig")
    check_folder(out, force=force)
    set_threads(threads, reads=not cluster)
    if genome:
        _of_genome(sequences, bed, out, model, context, strand, threads, cluster, force)
        return
    from nucel_interp.api.attention import attention as attend
    from nucel_interp.io.profile import MAX_BASES

    with reporter() as on_progress:
        result = attend(
            sequences,
            model,
            heads=True if profile else None,
            maps=map or [],
            strand=strand.value,
            context=context,
            keep=out,
            anew=force,
            on_progress=on_progress,
        )
    result.save(
        out,
        force=force,
        command=["nucel-interp", *sys.argv[1:]],
        track_format=track_format.value,
    )
    name = "attention.bw" if track_format is TrackFormat.bigwig else "attention.bedGraph"
    there = (out / "tracks" / name).exists()
    track = f"Track: {out / 'tracks' / name}" if there else "No base has a value: no track written"
    every = (
        f"every head: {out / 'profile.h5'}"
        if result.heads is not None
        else f"profile.h5 is for up to {MAX_BASES:,} bases; --profile writes it all the same"
    )
    maps = f"; maps: {out / 'figures'}" if map else ""
    typer.echo(f"{result.answer}. {track}; {every}{maps}")
    result.close()


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
    """Mean over heads, and the discriminator's log-odds where there is one, as bigWig."""
    from nucel_interp.api.genome_tracks import genome_tracks

    with reporter() as on_progress:
        result = genome_tracks(
            sequences,
            out,
            model,
            bed=bed,
            strand=strand.value,
            context=context,
            cluster=cluster,
            threads=threads,
            anew=force,
            on_progress=on_progress,
        )
    known = result.save(out, force=force, command=["nucel-interp", *sys.argv[1:]])
    result.close()
    where = f"Tracks: {out / 'tracks'}" if known else f"No track was written to {out}"
    typer.echo(
        f"{known:,} of {result.answer} have a value; 1.0 is what uniform attention gives. {where}"
    )
