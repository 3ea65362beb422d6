"""`nucel-pretrain benchmark`: a suite of tasks over models and seeds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from nucel_pretrain import options
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune.defaults import BATCH, EPOCHS, PATIENCE
from nucel_pretrain.messages import say
from nucel_pretrain.options import FOLDER, NAME


def benchmark(
    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE", help="TOML file, or hg19-mini, gue, genomic-benchmarks, nt-revised."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar=FOLDER, help="Tables and figure; the same one resumes a run."
        ),
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(metavar=NAME, help="Folder, shipped name or hub id; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar=FOLDER, help="The tasks' published files.")
    ] = None,
    fasta: Annotated[
        list[Path] | None, typer.Option(help="hg19-mini: hg19's chr20 and chrX; may be repeated.")
    ] = None,
    sites_dir: Annotated[
        Path | None, typer.Option(metavar=FOLDER, help="hg19-mini: folder of BED files.")
    ] = None,
    mode: options.Mode = "full",
    pooling: options.PoolingName = "cls",
    learning_rate: options.LearningRates = None,
    epochs: options.Epochs = EPOCHS,
    batch: options.Batch = BATCH,
    patience: options.Patience = PATIENCE,
    seeds: options.Seeds = None,
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="Also every model with permuted labels.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 1,
    threads: options.Threads = 0,
    device: options.Device = "",
    cache: options.Cache = None,
    force: options.Anew = False,
) -> None:
    """Fine-tune models on a suite of tasks.

    Writes a table and a figure beside baselines and randomly initialised controls.

    Example: nucel-pretrain benchmark gue --data GUE/ --models nucel-mini -o runs/gue

    From a genome: nucel-pretrain benchmark hg19-mini --fasta chr20.fa.gz --fasta chrX.fa.gz
    --sites-dir annotation --models nucel-mini --pooling mean -o runs/hg19
    """
    import torch

    from nucel_pretrain.benchmark.hg19_mini import build
    from nucel_pretrain.benchmark.run import PERMUTED_LABELS, RANDOM_WEIGHTS
    from nucel_pretrain.benchmark.run import benchmark as run
    from nucel_pretrain.benchmark.suite import read_suite
    from nucel_pretrain.benchmark.table import markdown, write
    from nucel_pretrain.finetune.run import FinetuneSettings, load
    from nucel_pretrain.runfolder import check_folder

    chosen = read_suite(suite)
    check_folder(out)
    if force and out.exists() and not (out / "cells").is_dir():
        raise DataError(f"{out} is no benchmark's folder, so --force does not remove it")
    if data is None and suite != "hg19-mini":
        raise DataError(f"{suite} needs --data, the folder of its files")
    if data is None and (not fasta or sites_dir is None):
        raise DataError("hg19-mini is built from --fasta (chr20, chrX) and --sites-dir")
    if threads:
        torch.set_num_threads(threads)
    settings = FinetuneSettings(
        mode=mode,  # type: ignore[arg-type]  # checked by the class
        pooling=pooling,  # type: ignore[arg-type]
        learning_rates=tuple(learning_rate or ()),
        epochs=epochs,
        batch=batch,
        patience=patience,
        seeds=tuple(seeds or FinetuneSettings.seeds),
    )
    for name in models or ():
        load(name)  # refuses before anything is removed
    if force and out.exists():
        shutil.rmtree(out)
    if data is None:
        assert fasta
        assert sites_dir is not None
        data = out / "data"
        build([str(path) for path in fasta], sites_dir, data, cache=cache, say=say)
    out.mkdir(parents=True, exist_ok=True)
    ran = run(
        chosen,
        data,
        models or [],
        settings,
        out,
        controls=(RANDOM_WEIGHTS, PERMUTED_LABELS) if shuffled else (RANDOM_WEIGHTS,),
        workers=workers,
        device=device,
        say=say,
    )
    table = write(ran, out)
    typer.echo(markdown(table))
    say(f"benchmark.tsv, .md, .tex, .svg, .pdf and .png written to {out}")
