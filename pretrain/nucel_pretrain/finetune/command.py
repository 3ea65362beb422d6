"""`nucel-pretrain finetune`: a model learns labelled sequences."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Annotated

import typer

from nucel_pretrain import options
from nucel_pretrain.finetune.defaults import BATCH, EPOCHS, PATIENCE
from nucel_pretrain.messages import say
from nucel_pretrain.options import FOLDER, NAME, REGION

if TYPE_CHECKING:
    from nucel_pretrain.finetune.dataset import Dataset
    from nucel_pretrain.finetune.run import FinetuneResult

METRICS_COLUMNS = ("seed", "part", "metric", "value", "low", "high", "n")
"""Of metrics.tsv."""


def finetune(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="CSV or TSV with the columns sequence and label; a folder as GUE, Genomic "
            "Benchmarks and the NT tasks are published; or with --fasta a BED file of sites, or a "
            "FASTA file of sequences, against windows of like GC content.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar=FOLDER,
            help="seed0/, seed1/ ... and tables; the same one resumes a run.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar=NAME, help="Folder, shipped name or hub id."),
    ] = "nucel-mini",
    fasta: Annotated[
        list[Path] | None, typer.Option(help="Of a BED or FASTA file: its genome, FASTA or .2bit.")
    ] = None,
    window: Annotated[
        int, typer.Option(min=8, metavar="BP", help="Of a BED file: bases around a site.")
    ] = 200,
    stranded: Annotated[
        bool, typer.Option("--stranded", help="Of a BED file: read on the strand in column 6.")
    ] = False,
    train: Annotated[
        list[str] | None,
        typer.Option(
            metavar=REGION,
            help="Of a BED file: where to learn (chr1, chr2:0-5000000); may be repeated.",
        ),
    ] = None,
    dev: Annotated[
        list[str] | None, typer.Option(metavar=REGION, help="The same, to choose on.")
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option(metavar=REGION, help="The same, to measure on.")
    ] = None,
    cache: options.Cache = None,
    task: Annotated[
        str,
        typer.Option(
            metavar="classes|multilabel|regression",
            help="What labels are; by default as they look.",
        ),
    ] = "",
    mode: options.Mode = "full",
    pooling: options.PoolingName = "cls",
    learning_rate: options.LearningRates = None,
    epochs: options.Epochs = EPOCHS,
    batch: options.Batch = BATCH,
    patience: options.Patience = PATIENCE,
    seeds: options.Seeds = None,
    strand: Annotated[
        options.Strand,
        typer.Option(
            help="both: a sequence and its reverse complement mean the same; forward: they do not."
        ),
    ] = options.Strand.both,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Control: begin from random weights.")
    ] = False,
    shuffle_labels: Annotated[
        bool, typer.Option("--shuffle-labels", help="Control: permute the labels of train and dev.")
    ] = False,
    force: options.Anew = False,
    threads: options.Threads = 0,
    device: options.Device = "",
) -> None:
    """Fine-tune a model on labelled sequences.

    Writes models, metrics with intervals, and predictions. Every nucel-interp command takes
    OUT/seed0 as --model.

    Example: nucel-pretrain finetune GUE/tf/0 -m nucel-mini --pooling mean -o tuned

    Sites: nucel-pretrain finetune peaks.bed --fasta hg38.2bit --pooling mean -o tuned
    """
    import torch

    from nucel_pretrain.finetune.any_data import read_any
    from nucel_pretrain.finetune.leaks import find_leaks
    from nucel_pretrain.finetune.run import FinetuneSettings, load
    from nucel_pretrain.finetune.run import finetune as run

    _check_out(out, force=force)
    settings = FinetuneSettings(
        mode=mode,  # type: ignore[arg-type]  # checked by the class
        pooling=pooling,  # type: ignore[arg-type]
        learning_rates=tuple(learning_rate or ()),
        epochs=epochs,
        batch=batch,
        patience=patience,
        seeds=tuple(seeds or FinetuneSettings.seeds),
        reverse_complement=strand == options.Strand.both,
        random_weights=random_weights,
        shuffle_labels=shuffle_labels,
    )
    if threads:
        torch.set_num_threads(threads)
    dataset = read_any(
        data,
        fasta=fasta or (),
        window=window,
        stranded=stranded,
        train=train or (),
        dev=dev or (),
        test=test or (),
        task=task,
        cache=cache,
    )
    say(describe(dataset))
    if dataset.hint:
        say(f"note: {dataset.hint}")
    for leak in find_leaks(dataset):
        if leak.serious:
            say(f"warning: {leak}. Split by chromosome, or drop them")
        elif leak.near:
            say(f"note: {leak}")
    load(model)  # refuses before anything is removed
    if force and out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    result = run(model, dataset, settings, out, device=device, say=say)
    _write(result, dataset, out)
    about = {"command": ["nucel-pretrain", *sys.argv[1:]], "settings": dataclasses.asdict(settings)}
    _whole(out / "run.json", json.dumps(about, indent=2) + "\n")
    for seed in result.seeds:
        found = ", ".join(f"{name} {value}" for name, value in seed.metrics["test"].items())
        typer.echo(f"seed {seed.seed}: {found}")
    if len(result.seeds) > 1:
        for name in result.seeds[0].metrics["test"]:
            values = [seed.metrics["test"][name].value for seed in result.seeds]
            typer.echo(
                f"mean of {len(values)} seeds: {name} {mean(values):.4f} (sd {stdev(values):.4f})"
            )
    best = result.best
    say(
        f"seed {best.seed} has the lowest dev loss: {out / f'seed{best.seed}'}. metrics.tsv, "
        f"predictions.tsv and run.json written to {out}"
    )


def _check_out(out: Path, *, force: bool) -> None:
    """Before anything is read."""
    from nucel_pretrain.errors import PretrainError
    from nucel_pretrain.runfolder import check_folder

    check_folder(out)
    if force and out.exists() and not any(out.glob("seed*/finetune.json")):
        raise PretrainError(f"{out} is no folder of a fine-tuning: --force does not remove it")


def describe(data: Dataset) -> str:
    """What was read, in a sentence."""
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in data.parts.items())
    every = [len(s) for part in data.parts.values() for s in part.sequences]
    return (
        f"{data.source}: {data.task} ({', '.join(data.labels[:6])}"
        f"{' ...' if len(data.labels) > 6 else ''}); {sizes} sequences of {min(every):,} to "
        f"{max(every):,} bases"
    )


def _write(result: FinetuneResult, data: Dataset, out: Path) -> None:
    lines = ["\t".join(METRICS_COLUMNS)]
    for seed in result.seeds:
        for part, found in seed.metrics.items():
            for name, e in found.items():
                lines.append(
                    f"{seed.seed}\t{part}\t{name}\t{e.value:.4f}\t{e.low:.4f}\t{e.high:.4f}\t{e.n}"
                )
    _whole(out / "metrics.tsv", "\n".join(lines) + "\n")
    test = data.parts["test"]
    head = ["sequence", "label"]
    head += [f"{label}_seed{seed.seed}" for seed in result.seeds for label in data.labels]
    lines = ["\t".join(head)]
    for i, sequence in enumerate(test.sequences):
        target = test.targets[i]
        said = data.labels[int(target)] if data.task == "classes" else ";".join(map(str, target))
        numbers = [f"{p:.5g}" for seed in result.seeds for p in seed.predicted[i]]
        name = test.names[i] if test.names and test.names[i] else sequence
        lines.append("\t".join([name, said, *numbers]))
    _whole(out / "predictions.tsv", "\n".join(lines) + "\n")


def _whole(path: Path, text: str) -> None:
    from nucel_pretrain.runfolder import write_whole

    write_whole(path, text)
