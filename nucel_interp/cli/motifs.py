"""`nucel-interp motifs`: the main job, from a FASTA file to a folder with a report."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

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
from nucel_interp.cli.progress import reporter
from nucel_interp.cli.terminal import with_interval
from nucel_interp.progress import say

if TYPE_CHECKING:
    from nucel_interp.analysis.result import MotifResult
    from nucel_interp.compare.intervention.intervene import Intervention
    from nucel_model import Nucel


def motifs(
    sequences: options.Input,
    out: options.OutFolder,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    score: options.ScoreName = "attention",
    track: options.TrackFile = None,
    null_track: options.NullTrackFile = None,
    strand: options.Strands = options.Strand.both,
    method: options.MethodName = options.Method.cluster,
    tax: options.TaxGroup = options.Tax.vertebrates,
    db: options.Database = None,
    export: options.ExportTo = None,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Find the motifs a model looks at, test them on held-out sequences, name them, report.

    Example: nucel-interp motifs peaks.fa -o out
    """
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.provenance import run_info
    from nucel_interp.match import load_database

    check_tracks(track, null_track)
    reads = track is None and method is not options.Method.kmer
    check_context(context, reads=reads)
    started = perf_counter()
    with OutputFolder(out, force=force) as folder:
        records = read_records(sequences)
        noun = "sequence" if len(records) == 1 else "sequences"
        say(f"{len(records):,} {noun}, {sum(map(len, records)):,} bases, from {sequences}")
        set_threads(threads, reads=reads)
        say_if_cold()
        database = None if db is None else load_database(db, tax.value)
        given = read_tracks_for(records, track, null_track)
        from nucel_interp.analysis.find_motifs import find_motifs

        loaded = reader_for(model, context, reads=reads)
        with reporter() as on_progress:
            result = find_motifs(
                records,
                loaded,
                score=score,
                strands=strand.value,
                method=method.value,
                tax=tax.value,
                database=database,
                seed=seed,
                **given,
                on_progress=on_progress,
            )
            intervention = None
            if reads and method is options.Method.cluster and len(result.seqlets):
                intervention = _intervene(loaded, result, seed, on_progress)
            run = run_info(
                ["nucel-interp", *sys.argv[1:]],
                inputs=[p for p in (sequences, track, null_track, db) if p is not None],
                **_facts(loaded, result),
                seed=seed,
                scanner=result.summary["scanner"],
                threads=threads,
                seconds=round(perf_counter() - started, 1),
            )
            _write(result, intervention, run, folder, on_progress)
        if export is options.Export.modisco:
            _export_modisco(result, folder)
    _summarise(result, intervention, out, perf_counter() - started)


def _facts(loaded: str | Nucel, result: MotifResult) -> dict[str, Any]:
    """What run.json says of the model, or of there being none."""
    if isinstance(loaded, str):
        return {
            "model": result.summary["model"],
            "model_sha256": None,
            "backend": "none",
            "backend_reason": "no model was read",
        }
    from nucel_interp.scoring.device import model_facts

    return model_facts(loaded, profile=True)


def _intervene(model: Any, result: MotifResult, seed: int, on_progress: Any) -> Intervention:
    """Shuffle what the model looks at, and as much that it does not look at."""
    import numpy as np

    from nucel_interp.compare.intervention.intervene import Scored, intervene

    study, calls, copy, theirs = result.study, result.calls, result.copy, result.copy_calls
    assert study is not None
    assert calls is not None
    assert copy is not None
    assert theirs is not None
    given = Scored(study.sequences, calls, np.concatenate(result.tracks))
    shuffled = Scored(copy.sequences, theirs, copy.track)
    return intervene(model, given, shuffled, study.offsets, seed, on_progress=on_progress)


def _export_modisco(result: MotifResult, folder: Path) -> None:
    from nucel_interp.io.modisco import sites_in_seqlets, write_modisco

    shown = [result.pwms[i] for i in result.motifs["motif_id"]]
    sites = sites_in_seqlets(result.sites, result.records)
    write_modisco(folder / "modisco", result.records, result.tracks, shown, sites)


def _write(
    result: MotifResult,
    intervention: Intervention | None,
    run: dict[str, Any],
    folder: Path,
    on_progress: Any,
) -> None:
    """All files of the output folder; see the README's table."""
    from nucel_interp.io.meme import write_meme
    from nucel_interp.io.profile import MAX_BASES, write_profile
    from nucel_interp.io.tables import write_bed, write_json, write_tsv
    from nucel_interp.io.tracks import write_bedgraph
    from nucel_interp.plots import result_figures, save_figure
    from nucel_interp.report import build_report

    stage = "writing"
    on_progress(0, 4, stage)
    named = [result.pwms[i] for i in (*result.motifs["motif_id"], *result.untested["motif_id"])]
    (folder / "motifs.meme").write_text(write_meme(named), encoding="utf-8", newline="\n")
    for name in ("motifs", "matches", "kmers", "heads", "controls"):
        write_tsv(getattr(result, name), folder / f"{name}.tsv")
    write_tsv(result.untested, folder / "motifs_untested.tsv")
    if intervention is not None:
        write_tsv(intervention.table, folder / "intervention.tsv")
        write_tsv(intervention.excess, folder / "intervention_excess.tsv")
        result.summary["intervention"] = intervention.sentence
    write_bed(result.sites, folder / "sites.bed")
    write_bed(result.seqlets, folder / "seqlets.bed")
    tracks = folder / "tracks"
    tracks.mkdir()
    write_bedgraph(tracks / "score.bedGraph", result.records, result.tracks)
    if result.replaced is not None:
        write_bedgraph(tracks / "replaced_logit.bedGraph", result.records, result.replaced)
    on_progress(1, 4, stage)
    if result.scores is not None and result.summary["n_bases"] <= MAX_BASES:
        write_profile(
            folder / "profile.h5", result.records, result.scores.received, result.n_layers,
            result.scores.replaced,
        )  # fmt: skip
    on_progress(2, 4, stage)
    for stem, (figure, data) in result_figures(result).items():
        save_figure(figure, folder / "figures", stem, data)
    on_progress(3, 4, stage)
    (folder / "report.html").write_text(build_report(result, run, intervention), encoding="utf-8")
    write_json(result.summary, folder / "summary.json")
    write_json(run, folder / "run.json")
    on_progress(4, 4, stage)


def _matrix(row: dict[Any, Any]) -> str:
    """The best match, with a mark where it is not good enough for a name."""
    from nucel_interp.match.naming import is_named

    if not row["best_match"]:
        return "-"
    sure = is_named(row["E_value"], row["q_global"])
    return f"{'' if sure else '~'}{row['best_match']}"


def _summarise(
    result: MotifResult, intervention: Intervention | None, out: Path, seconds: float
) -> None:
    """What was found, in words and a small table, and where it was written."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    for warning in result.warnings:
        say(f"note: {warning}")
    if len(result.motifs):
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for title in (
            "motif",
            "JASPAR",
            "E",
            "held-out hits",
            "shuffled",
            "q",
            "found in",
            "looked at",
            "head",
            "attention fold",
        ):
            table.add_column(title, no_wrap=True)
        for row in result.motifs.to_dict("records"):
            table.add_row(
                Text(f"{row['motif_id']} {row['consensus']}"),
                Text(_matrix(row)),
                f"{row['E_value']:.1e}" if row["best_match"] else "-",
                f"{row['hits']:.0f}/{row['test_sequences']:.0f}",
                f"{row['hits_shuffled']:.1f}",
                f"{row['held_out_q']:.1e}",
                f"{row['found_in']:.0%}",
                row["looked_at"],
                row["best_head"] or "-",
                with_interval(
                    row["attention_fold"],
                    row["attention_fold_low"],
                    row["attention_fold_high"],
                    between="-",
                ),
            )
        # into a file or a pipe the table keeps its full width
        Console(width=None if sys.stdout.isatty() else 160).print(table)
    if intervention is not None and intervention.shown:
        typer.echo(intervention.sentence)
    control = result.summary["shuffled_input_motifs"]
    typer.echo(result.answer)
    typer.echo(
        f"Shuffled input gave {control} motif{'' if control == 1 else 's'} in the main table."
    )
    typer.echo(f"Report: {Path(out) / 'report.html'}  ({seconds:.0f} s)")
