"""`nucel-interp calibrate`: what comes out of shuffled sequence like yours."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import (
    check_context,
    check_tracks,
    read_tracks_for,
    reader_for,
    say_if_cold,
    set_threads,
)
from nucel_interp.progress import say


def calibrate(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="How many shuffled inputs to look at.")
    ] = 5,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    score: options.ScoreName = "attention",
    track: options.TrackFile = None,
    null_track: options.NullTrackFile = None,
    strand: options.Strands = options.Strand.both,
    tax: options.TaxGroup = options.Tax.vertebrates,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    format: options.TableFormat = options.Format.tsv,
    force: options.Force = False,
) -> None:
    """Count the motifs and JASPAR names that shuffled copies of your sequences give.

    With --track, the track stays in its place and the letters below it are shuffled.

    Example: nucel-interp calibrate peaks.fa --runs 5
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import check_free, write_atomic
    from nucel_interp.io.tables import to_json, to_tsv

    check_tracks(track, null_track)
    check_context(context, reads=track is None)
    check_free(out, force=force)
    started = perf_counter()
    records = read_records(sequences)
    given = read_tracks_for(records, track, null_track)
    set_threads(threads, reads=track is None)
    say_if_cold()
    from nucel_interp.analysis.calibrate import calibrate as run

    with reporter() as on_progress:
        result = run(
            records,
            reader_for(model, context, reads=track is None),
            runs=runs,
            score=score,
            strands=strand.value,
            tax=tax.value,
            seed=seed,
            **given,
            on_progress=on_progress,
        )
    table = result.runs
    write_atomic(
        out, to_json(table) if format is options.Format.json else to_tsv(table), force=force
    )
    say(f"{result.answer} ({perf_counter() - started:.0f} s)")
