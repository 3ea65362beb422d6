"""`nucel-interp kmers`: the words that stand where a score is high."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import (
    check_context,
    check_tracks,
    read_tracks_for,
    reader_for,
    say_of_null,
    set_threads,
)
from nucel_interp.progress import say


def kmers(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    k: Annotated[
        int,
        typer.Option(
            "-k", min=4, max=12, help="Letters of a word; gapped ones have half on each side."
        ),
    ] = 7,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    score: options.ScoreName = "attention",
    track: options.TrackFile = None,
    null_track: options.NullTrackFile = None,
    strand: options.Strands = options.Strand.both,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    format: options.TableFormat = options.Format.tsv,
    force: options.Force = False,
) -> None:
    """Find the k-mers, gapped and ungapped, that stand where a score is high, and test them.

    They are chosen on each half of the sequences and tested on the other, against shuffled sequence
    and against random places in the same sequences; each counts once per sequence.

    Example: nucel-interp kmers peaks.fa --track mine.bedGraph -o kmers.tsv
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import check_free, write_atomic
    from nucel_interp.io.tables import to_json, to_tsv

    check_tracks(track, null_track)
    check_context(context, reads=track is None)
    check_free(out, force=force)
    records = read_records(sequences)
    given = read_tracks_for(records, track, null_track)
    set_threads(threads, reads=track is None)
    from nucel_interp.analysis.find_kmers import find_kmers

    with reporter() as on_progress:
        result = find_kmers(
            records,
            reader_for(model, context, reads=track is None),
            k=k,
            score=score,
            strands=strand.value,
            seed=seed,
            **given,
            on_progress=on_progress,
        )
    text = to_json(result.kmers) if format is options.Format.json else to_tsv(result.kmers)
    write_atomic(out, text, force=force)
    where = "" if str(out) == "-" else f"; written to {out}"
    say(f"{result.answer}{where}")
    say_of_null(result.calling, permuted=result.permuted_null)
