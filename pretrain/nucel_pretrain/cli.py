"""`nucel-pretrain`: train, fine-tune and measure models on genomes."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated

import typer

from nucel_pretrain import messages, options
from nucel_pretrain.benchmark.command import benchmark
from nucel_pretrain.finetune.command import finetune
from nucel_pretrain.options import CONFIG, FOLDER, NAME
from nucel_runtime.program import PLAIN, SEVERAL, Command, Program, print_version
from nucel_runtime.signals import unwind_when_ended

TRAIN, FINETUNE, MEASURE = "Train", "Fine-tune", "Measure"
"""Headings of the commands."""

app = typer.Typer(cls=Program, **PLAIN)


def _version(asked: bool) -> None:
    print_version("nucel-pretrain", asked)


@app.callback()
def main(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the traceback of an error.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only warnings and errors on stderr.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Train, fine-tune and measure DNA language models.

    The main job: nucel-pretrain train mini --fasta chr20.fa.gz -o runs/mini
    """
    messages.be_quiet(quiet)
    if "TORCHELASTIC_RUN_ID" not in os.environ:  # torchrun ends its processes itself
        unwind_when_ended()


@app.command(cls=Command, rich_help_panel=TRAIN)
def train(
    config: Annotated[
        str,
        typer.Argument(
            metavar=CONFIG, help="TOML file, or a shipped name: mini, mini-long, small, base."
        ),
    ],
    out: options.Out,
    fasta: options.Fasta = None,
    threads: options.Threads = 0,
    device: options.Device = "",
    cache: options.Cache = None,
) -> None:
    """Pre-train a model, or resume a run.

    Example: nucel-pretrain train mini --fasta chr20.fa.gz -o runs/mini

    Several processes: torchrun --nproc-per-node 8 -m nucel_pretrain train base --fasta hg38.2bit -o
    runs/base
    """
    import torch

    from nucel_pretrain.config import read_config
    from nucel_pretrain.distributed import joined
    from nucel_pretrain.train import train as run

    settings = read_config(config)
    if fasta:
        data = dataclasses.replace(settings.data, fasta=tuple(str(f) for f in fasta))
        settings = dataclasses.replace(settings, data=data)
    if threads:
        torch.set_num_threads(threads)
    with joined(device) as world:
        folder = run(settings, out, world=world, cache=cache)
        if world.is_main:
            messages.say(f"model written to {folder}")


@app.command(cls=Command, rich_help_panel=TRAIN)
def fit_head(
    folder: Annotated[
        Path, typer.Argument(metavar=FOLDER, help="Folder of an encoder, as NucEL was released.")
    ],
    out: options.Out,
    fasta: options.Fasta = None,
    config: Annotated[
        str, typer.Option(metavar=CONFIG, help="TOML file, or a shipped name.")
    ] = "fit-head",
    replace_head: Annotated[
        bool, typer.Option("--replace-head", help="Fit one though the folder has a head.")
    ] = False,
    threads: options.Threads = 0,
    device: options.Device = "",
    cache: options.Cache = None,
) -> None:
    """Give an encoder the discriminator it lacks.

    The encoder itself is not changed.

    Example: nucel-pretrain fit-head NucEL/ --fasta chr20.fa.gz -o runs/head
    """
    import torch

    from nucel_model import NucelConfig
    from nucel_pretrain.distributed import joined
    from nucel_pretrain.fit_head import fit_head as run
    from nucel_pretrain.fit_head import head_config, read_encoder

    encoder = read_encoder(folder, replace_head=replace_head).config
    assert isinstance(encoder, NucelConfig)
    settings = head_config(config, folder, encoder, tuple(str(f) for f in fasta or ()))
    if threads:
        torch.set_num_threads(threads)
    with joined(device) as world:
        fitted = run(folder, settings, out, replace_head=replace_head, world=world, cache=cache)
        if world.is_main:
            messages.say(f"model written to {fitted}")


app.command(cls=Command, rich_help_panel=FINETUNE)(finetune)
app.command(cls=Command, rich_help_panel=FINETUNE)(benchmark)


@app.command(cls=Command, rich_help_panel=MEASURE)
def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model folder, or a shipped name.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar=FOLDER, help="Folder for tables and figure.")
    ],
    settings: Annotated[
        str, typer.Option(metavar=CONFIG, help="TOML file, or the shipped evaluate-hg19.")
    ] = "evaluate-hg19",
    fasta: options.Fasta = None,
    sites_dir: options.SitesDir = None,
    repeats: Annotated[
        list[Path] | None,
        typer.Option(help="BED file of repeats, for sequence without lower case; may be repeated."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what OUT holds.")] = False,
    threads: options.Threads = 0,
    cache: options.Cache = None,
) -> None:
    """Measure a model on held-out sequence.

    Losses, calibration, planted changes, and probes of sites, on sequence it has never seen.

    Example: nucel-pretrain evaluate nucel-mini --fasta chr20.fa.gz --fasta chrX.fa.gz
    --sites-dir annotation -o evaluation
    """
    import torch

    from nucel_pretrain.evaluation.report import markdown
    from nucel_pretrain.evaluation.run import evaluate as run
    from nucel_pretrain.evaluation.settings import read_evaluation, with_files

    if threads:
        torch.set_num_threads(threads)
    chosen = with_files(
        read_evaluation(settings),
        fasta=tuple(str(f) for f in fasta or ()),
        repeats=tuple(str(f) for f in repeats or ()),
        sites_dir=str(sites_dir or ""),
    )
    typer.echo(markdown(run(model, chosen, out, force=force, cache=cache)))
    messages.say(f"evaluation written to {out}")


@app.command(cls=Command, rich_help_panel=MEASURE)
def ablate(
    grid: Annotated[
        str, typer.Argument(metavar="GRID", help="TOML grid, or the shipped one: ablation.")
    ],
    out: options.Out,
    fasta: options.Fasta = None,
    probes: Annotated[
        str,
        typer.Option(
            metavar=CONFIG,
            help="Also probe each arm on the [[sites]] of these evaluation settings.",
        ),
    ] = "",
    sites_dir: options.SitesDir = None,
    threads: options.Threads = 0,
    cache: options.Cache = None,
) -> None:
    """Compare settings trained to equal compute.

    A grid that was cut off goes on where it was.

    Example: nucel-pretrain ablate ablation --fasta chr20.fa.gz --fasta chrX.fa.gz -o runs/ablation
    """
    import torch

    from nucel_pretrain.ablation.grid import read_grid
    from nucel_pretrain.ablation.probing import site_probe
    from nucel_pretrain.ablation.run import ablate as run

    settings, arms = read_grid(grid, tuple(str(f) for f in fasta or ()))
    if threads:
        torch.set_num_threads(threads)
    probe = None
    if probes:
        fasta_files = arms[0].config.data.fasta
        probe = site_probe(probes, fasta_files, sites_dir, cache, say=messages.say)
    table = run(settings, arms, out, probe=probe, cache=cache)
    last = table[table["share"] == 1.0]
    typer.echo(last.drop(columns=["share", "step", "own_loss"]).to_string(index=False))


@app.command("motif-order", cls=Command, rich_help_panel=MEASURE)
def motif_order(
    out: options.Out,
    models: Annotated[
        list[str] | None,
        typer.Option(metavar=NAME + SEVERAL, help="Pre-trained: folders or shipped names."),
    ] = None,
    shapes: Annotated[
        list[str] | None,
        typer.Option(metavar=NAME + SEVERAL, help="From random weights: nucel-small, nt-small."),
    ] = None,
    pair: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="MEME file with motifs A and B; by default RFX1 and IRF3."
        ),
    ] = "",
    settings: Annotated[
        str, typer.Option(metavar=CONFIG, help="TOML file, or the shipped motif-order.")
    ] = "motif-order",
    fasta: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH" + SEVERAL, help="Sequence: FASTA (plain, gzip, bgzip) or .2bit."
        ),
    ] = None,
    threads: options.Threads = 0,
    device: options.Device = "",
    cache: options.Cache = None,
) -> None:
    """Fine-tune models to tell motif order.

    They learn alike whether motif A comes before B, the NucEL paper's experiment. Writes models
    before and after, held-out sequences and the motifs' places in them: `nucel-interp compare
    --sites` measures attention there.

    Example: nucel-pretrain motif-order --models nucel-mini --shapes nucel-small nt-small -o order
    """
    import sys

    import torch

    from nucel_pretrain.motif_order.run import motif_order as run
    from nucel_pretrain.motif_order.settings import read_settings

    if threads:
        torch.set_num_threads(threads)
    chosen = read_settings(
        settings,
        models=tuple(models or ()),
        shapes=tuple(shapes or ()),
        motifs=pair,
        fasta=tuple(str(f) for f in fasta or ()),
    )
    command = ["nucel-pretrain", *sys.argv[1:]]
    result = run(chosen, out, device=device, command=command, cache=cache)
    for row in result["models"]:
        typer.echo(
            f"{row['model']} ({row['start']}): held-out accuracy {row['accuracy']:.3f}, "
            f"AUROC {row['auroc']:.3f}; {row['learned']} of {row['seeds']} seeds learned the task"
        )
    messages.say(f"models, sequences and sites written to {out}")
