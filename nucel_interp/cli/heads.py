"""`nucel-interp heads`: which head attends to which motif."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Format, Strand, Tax

if TYPE_CHECKING:
    from nucel_interp.types import Motif

MotifFile = Annotated[
    Path | None,
    typer.Option(
        "--motifs",
        help="MEME file, such as motifs.meme; else JASPAR's that the sequences are rich in.",
    ),
]
MaybeFolder = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder to write, with a figure; else the table is printed."),
]


def heads(
    sequences: options.Input,
    motifs: MotifFile = None,
    out: MaybeFolder = None,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    tax: options.TaxGroup = Tax.vertebrates,
    strand: options.Strands = Strand.both,
    format: options.TableFormat = Format.tsv,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Test every head against every motif: decoys, exchanged tracks, an untrained model.

    Example: nucel-interp heads peaks.fa --motifs out/motifs.meme -o heads
    """
    from contextlib import nullcontext

    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.tables import to_json, to_tsv

    started = perf_counter()
    with nullcontext() if out is None else OutputFolder(out, force=force) as folder:
        found = _find(sequences, motifs, model, context, tax.value, strand, seed, threads)
        if folder is not None:
            inputs = [p for p in (sequences, motifs) if p is not None]
            _write(found, folder, inputs, seed, threads, round(perf_counter() - started, 1))
    if out is None:
        table = found["table"]
        typer.echo(to_json(table) if format is Format.json else to_tsv(table), nl=False)
    for line in found["words"]:
        typer.echo(line, err=out is None)
    if out is not None:
        typer.echo(f"Table: {out / 'head_motifs.tsv'}; figure: {out / 'figures'}")


def _find(
    sequences: Path,
    motifs: Path | None,
    model: str,
    context: int | None,
    tax: str,
    strand: Strand,
    seed: int,
    threads: int,
) -> dict[str, Any]:
    """Read, score and test; returns tables and words."""
    import numpy as np

    from nucel_interp.cli.progress import reporter
    from nucel_interp.compare.heads.head_motifs import head_motifs
    from nucel_interp.compare.heads.tables import describe, head_claims, head_motif_table
    from nucel_interp.compare.shared.sinks import sink_table
    from nucel_interp.controls.claims import control_table
    from nucel_interp.io.fasta import read_records
    from nucel_interp.scoring import cut_units, score_sequences, shuffle_records, split_units
    from nucel_interp.scoring.device import load_model, model_facts
    from nucel_model import untrained_twin

    set_threads(threads)
    records = read_records(sequences)
    given = None if motifs is None else _given(motifs)
    loaded = load_model(model, context)
    units = cut_units(records, loaded.config.context_bp)
    texts = [u.sequence for u in units]
    in_test, rule = split_units(records, units, seed)
    whole = [r.sequence for r in records]
    n_bases = sum(map(len, whole))
    with reporter() as on_progress:
        asked = _enriched(texts, tax, seed, on_progress) if given is None else given
        tracks = []
        copy = shuffle_records(records, units, k=2, seed=seed, copy=0)
        for reader, read, stage in (
            (loaded, whole, "reading with the model"),
            (untrained_twin(loaded, seed), whole, "reading with random weights"),
            (loaded, copy, "reading a shuffled copy"),
        ):
            done = 0

            def step(n: int, stage: str = stage) -> None:
                nonlocal done
                done += n
                on_progress(done, n_bases, stage)

            tracks.append(score_sequences(reader, read, strands=strand.value, on_progress=step))
        offsets = np.concatenate([[0], np.cumsum([len(t) for t in texts])]).astype(np.int64)
        result = head_motifs(
            texts, offsets, tracks[0].received, asked, in_test,
            record=np.array([u.record for u in units]), untrained=tracks[1].received,
            copies=[tracks[2].received], seed=seed, on_progress=on_progress,
        )  # fmt: skip
    config = loaded.config
    sinks = sink_table(
        config, tracks[0].received, offsets, tracks[0].cls_share,
        # a token's bases share what it receives, and the other strand's tokens may lie across them
        both_strands=strand is Strand.both, width=2 * config.token_bp - 1,
    )  # fmt: skip
    claims = head_claims(loaded.name, config, result)
    return {
        "table": head_motif_table(config, result),
        "controls": control_table(claims),
        "sinks": sinks,
        "words": describe(config, result, claims, sinks),
        "model": model_facts(loaded, profile=True),
        "summary": {
            "model": loaded.name,
            "motifs": len(asked),
            "tested": len(result.tested),
            "not_tested": {o.motif.id: o.reason for o in result.occurrences if o.reason},
            "units": len(units),
            "units_used": int(result.used.sum()),
            "split": rule,
            "null": result.null,
            "permutations": result.permutations,
        },
    }


def _given(path: Path) -> list[Motif]:
    """The user's motifs."""
    from nucel_interp.errors import InputError
    from nucel_interp.io.meme import read_meme

    found = read_meme(path)
    if not found:
        raise InputError(f"{path} holds no motif. Give a MEME file with at least one.")
    return found


def _enriched(texts: list[str], tax: str, seed: int, on_progress: Any) -> list[Motif]:
    """Those of JASPAR that the sequences hold more of than chance gives."""
    from nucel_interp.compare.shared.enriched_motifs import enriched_archetypes
    from nucel_interp.errors import InputError
    from nucel_interp.match import load_jaspar

    found = enriched_archetypes(texts, load_jaspar(tax), seed, on_progress=on_progress)
    if not found:
        raise InputError(
            f"none of JASPAR's {tax} motifs has sites in 40 sequences and more than in shuffled "
            "copies. Give your own with --motifs, or more sequences."
        )
    return found


def _write(
    found: dict[str, Any],
    folder: Path,
    inputs: list[Path],
    seed: int,
    threads: int,
    seconds: float,
) -> None:
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.tables import write_json, write_tsv
    from nucel_interp.plots import save_figure
    from nucel_interp.plots.head_motifs import head_motif_map

    write_tsv(found["table"], folder / "head_motifs.tsv")
    write_tsv(found["controls"], folder / "controls.tsv")
    write_tsv(found["sinks"], folder / "sinks.tsv")
    save_figure(head_motif_map(found["table"]), folder / "figures", "head_motifs", found["table"])
    write_json({**found["summary"], "answer": found["words"]}, folder / "summary.json")
    run = run_info(
        ["nucel-interp", *sys.argv[1:]],
        inputs=inputs,
        **found["model"],
        seed=seed,
        threads=threads,
        seconds=seconds,
    )
    write_json(run, folder / "run.json")
