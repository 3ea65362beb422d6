"""`nucel-interp seqlets`: the stretches where a score exceeds its null."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from nucel_interp.analysis.find_seqlets import SeqletResult


def seqlets(
    sequences: options.Input,
    out: options.OutFile = Path("-"),
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    score: options.ScoreName = "attention",
    track: options.TrackFile = None,
    null_track: options.NullTrackFile = None,
    strand: options.Strands = options.Strand.both,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Call seqlets, short stretches of high score, and write them as BED.

    Example: nucel-interp seqlets peaks.fa --track mine.bedGraph -o seqlets.bed
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import check_free, write_atomic
    from nucel_interp.io.tables import to_bed

    check_tracks(track, null_track)
    check_context(context, reads=track is None)
    check_free(out, force=force)
    records = read_records(sequences)
    given = read_tracks_for(records, track, null_track)
    set_threads(threads, reads=track is None)
    from nucel_interp.analysis.find_seqlets import find_seqlets

    with reporter() as on_progress:
        result = find_seqlets(
            records,
            reader_for(model, context, reads=track is None),
            score=score,
            strands=strand.value,
            seed=seed,
            **given,
            on_progress=on_progress,
        )
    write_atomic(out, to_bed(result.seqlets), force=force)
    _summarise(result, len(records), out)


def _summarise(result: SeqletResult, n_records: int, out: Path) -> None:
    """What was called, how sure that is, and what the tags say."""
    table = result.seqlets
    where = "" if str(out) == "-" else f", written to {out}"
    if not len(table):
        say(f"no seqlet in {n_records:,} records: nothing could be scored{where}")
        return
    text = f"{len(table):,} seqlets in {table['record'].nunique():,} of {n_records:,} records"
    if result.calling.reached:
        text += f", at a false discovery rate of {result.calling.rates}"
    say(
        f"{text}; {(table['q_value'] <= 0.05).mean():.0%} have q <= 0.05, "
        f"{table['low_complexity'].mean():.0%} are of low complexity"
        + (
            ""
            if table["soft_masked"].isna().all()
            else f", {table['soft_masked'].mean():.0%} are soft-masked"
        )
        + where
    )
    say_of_null(result.calling, permuted=result.permuted_null)
