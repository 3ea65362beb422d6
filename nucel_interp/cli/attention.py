"""`nucel-interp attention`: what every head attends to, per base; whole maps of chosen heads."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import is_genome, set_threads
from nucel_interp.cli.options import Strand
from nucel_interp.cli.progress import reporter

if TYPE_CHECKING:
    from nucel_interp.types import Record
    from nucel_model import Nucel

MAX_MAP_BP = 2000
MAX_MAPS = 40


class Tracks(StrEnum):
    """How a track is written."""

    bedgraph = "bedgraph"
    bigwig = "bigwig"


Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="LAYER:HEAD",
        help="Also draw this head's whole map, records up to 2 kb; from 0; may be repeated.",
    ),
]

TracksFormat = Annotated[
    Tracks, typer.Option("--tracks", help="Form of the track; a genome's is bigWig.")
]
Profile = Annotated[
    bool,
    typer.Option("--profile", help="Write profile.h5, every head's numbers, beyond 1 Mb, too."),
]


def attention(
    sequences: options.Input,
    out: options.OutFolder,
    map: Maps = None,
    tracks: TracksFormat = Tracks.bedgraph,
    profile: Profile = False,
    bed: options.Bed = None,
    cluster: options.Cluster = "",
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    strand: options.Strands = Strand.both,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Write the attention each base receives: mean over heads as a track, every head in profile.h5.

    Example: nucel-interp attention peaks.fa -o out --map 3:2

    A genome, or regions of it, to bigWig: nucel-interp attention hg38.2bit --bed regions.bed -o out
    """
    if is_genome(sequences, bed, cluster):
        if map:
            raise typer.BadParameter("--map draws records of a FASTA file, not of a genome")
        if profile:
            raise typer.BadParameter("--profile is of records of a FASTA file, not of a genome")
        _of_genome(sequences, bed, out, model, context, strand, threads, cluster, force)
        return
    from nucel_interp.io.bigwig_writer import require_bigwig
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.profile import MAX_BASES, stream_profile
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.tables import write_json
    from nucel_interp.runs.fasta_index import surveyed
    from nucel_interp.runs.fasta_run import RecordRun
    from nucel_interp.scoring.device import model_facts
    from nucel_model import from_pretrained

    set_threads(threads)
    started = perf_counter()
    if tracks is Tracks.bigwig:
        require_bigwig("--tracks bigwig")
    with OutputFolder(out, force=force) as folder, surveyed(sequences) as survey:
        loaded = from_pretrained(model, context=context)
        wanted = [_head(text, loaded) for text in map or []]
        records = list(survey.records()) if wanted else []
        _check_maps(wanted, records, loaded)
        heads = profile or survey.bases <= MAX_BASES
        run = RecordRun(survey, loaded, out, strand.value, writes=["attention"], heads=heads)
        with reporter() as on_progress:
            run.score(anew=force, on_progress=on_progress)
        (folder / "tracks").mkdir()
        name = "attention.bw" if tracks is Tracks.bigwig else "attention.bedGraph"
        track = f"Track: {out / 'tracks' / name}"
        if tracks is Tracks.bigwig:
            if not run.write_bigwig("attention", folder / "tracks" / name):
                track = "No base has a value, so no track was written"
        else:
            with (folder / "tracks" / name).open("w", encoding="utf-8", newline="\n") as stream:
                stream.writelines(run.bedgraph("attention"))
        config = loaded.config
        shape = (config.num_hidden_layers, config.num_attention_heads)
        if heads:
            names = [record.name for record in survey.records()]
            stream_profile(folder / "profile.h5", names, survey.lengths, shape, run.blocks())
        for number, record in enumerate(records):
            _draw_maps(loaded, record, number, wanted, folder / "figures")
        about = run_info(
            ["nucel-interp", *sys.argv[1:]],
            inputs=[sequences],
            **model_facts(run.model, profile=True),
            strand=strand.value,
            seed=None,  # nothing is drawn
            threads=threads,
            seconds=round(perf_counter() - started, 1),
        )
        write_json(about, folder / "run.json")
    run.forget()
    every = (
        f"every head: {out / 'profile.h5'}"
        if heads
        else f"profile.h5 is for up to {MAX_BASES:,} bases; --profile writes it all the same"
    )
    typer.echo(
        f"{len(survey.lengths):,} records, {shape[0] * shape[1]} heads; 1.0 is what uniform "
        f"attention gives. {track}; {every}" + (f"; maps: {out / 'figures'}" if wanted else "")
    )


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
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.regions import write_regions
    from nucel_interp.io.tables import write_json
    from nucel_interp.runs.genome_run import GenomeRun
    from nucel_interp.scoring.device import model_facts

    set_threads(threads, reads=not cluster)
    started = perf_counter()
    with OutputFolder(out, force=force) as folder:
        run = GenomeRun(sequences, bed, out, model, context, strand.value, force=force)
        with reporter() as on_progress:
            run.score(cluster=cluster, threads=threads, on_progress=on_progress)
        (folder / "tracks").mkdir()
        known = run.write("attention", folder / "tracks" / "attention.bw")
        if run.model.discriminator_head is not None:
            run.write("replaced", folder / "tracks" / "replaced_logit.bw")
        write_regions(folder / "regions.bed", run.regions)
        about = run_info(
            ["nucel-interp", *sys.argv[1:]],
            inputs=[sequences, *([] if bed is None else [bed])],
            **model_facts(run.model, profile=True),
            strand=strand.value,
            seed=None,  # nothing is drawn
            threads=threads,
            cluster=cluster or None,
            seconds=round(perf_counter() - started, 1),
        )
        write_json(about, folder / "run.json")
    run.forget()
    where = f"Tracks: {out / 'tracks'}" if known else f"No track was written to {out}"
    typer.echo(
        f"{known:,} of {run.bases:,} bases in {len(run.regions):,} regions have a value; 1.0 is "
        f"what uniform attention gives. {where}"
    )


def _head(text: str, model: Nucel) -> tuple[int, int]:
    config = model.config
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if not match:
        raise typer.BadParameter(
            f"--map wants LAYER:HEAD, counted from 0, such as 3:2; got {text!r}"
        )
    layer, head = int(match[1]), int(match[2])
    if layer >= config.num_hidden_layers or head >= config.num_attention_heads:
        raise typer.BadParameter(
            f"--map {text}: {model.name} has layers 0 to {config.num_hidden_layers - 1} and heads "
            f"0 to {config.num_attention_heads - 1}"
        )
    return layer, head


def _check_maps(wanted: list[tuple[int, int]], records: list[Record], model: Nucel) -> None:
    from nucel_interp.errors import InputError
    from nucel_interp.scoring.tokens import token_of_base

    if not wanted:
        return
    longest = max(records, key=len)
    limit = min(MAX_MAP_BP, model.config.context_bp)
    if len(longest) > limit:
        raise InputError(
            f"--map needs records of at most {limit:,} bp with {model.name}; {longest.name:.60} "
            f"has {len(longest):,}. Cut out the part to look at; the track and profile.h5 have no "
            "limit"
        )
    for record in records:
        n_tokens = int(token_of_base(model, record.sequence).max(initial=0))
        if n_tokens * model.config.token_bp > model.config.context_bp:
            raise InputError(
                f"--map: {record.name:.60} makes {n_tokens:,} tokens, since N and the bases beside "
                f"them are read one by one; {model.name} reads "
                f"{model.config.context_bp // model.config.token_bp:,}. Cut out the part to look at"
            )
    if len(wanted) * len(records) > MAX_MAPS:
        raise InputError(
            f"{len(wanted)} heads x {len(records):,} records are {len(wanted) * len(records):,} "
            f"maps, more than {MAX_MAPS}: give a FASTA file with the few records to look at"
        )


def _draw_maps(
    model: Nucel, record: Record, number: int, wanted: list[tuple[int, int]], folder: Path
) -> None:
    """One figure and one CSV per head, of the forward strand."""
    import numpy as np
    import pandas as pd
    import torch

    from nucel_interp.plots import attention_map, save_figure
    from nucel_interp.scoring.tokens import token_of_base
    from nucel_interp.types import BASES

    input_ids, mask = model.tokens([record.sequence])
    token = token_of_base(model, record.sequence)
    with torch.inference_mode():
        device = next(model.parameters()).device
        output: Any = model(input_ids.to(device), mask.to(device), output_attentions=True)
    is_base = np.array([c in BASES for c in record.sequence], dtype=bool)
    for layer, head in wanted:
        window = model.config.window(layer)
        kind = "global" if window is None else "local"
        # a token's attention is drawn, undivided, over the square of its bases
        matrix = output.attentions[layer][0, head].float().cpu().numpy()[token][:, [0, *token]]
        matrix[~is_base] = np.nan  # an N asks nothing that could be read
        figure = attention_map(matrix[:, 1:], record, layer, head, kind=kind, to_cls=matrix[:, 0])
        columns = ["CLS", *(f"{base}{i}" for i, base in enumerate(record.sequence))]
        data = pd.DataFrame(matrix, columns=columns)
        data.insert(0, "query", columns[1:])
        save_figure(figure, folder, f"map_record{number + 1}_layer{layer}_head{head}", data)
