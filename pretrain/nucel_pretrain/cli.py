"""`nucel-pretrain`: train a model on a genome."""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from nucel_pretrain.benchmark.command import benchmark
from nucel_pretrain.finetune.command import finetune
from nucel_runtime.errors import NucelError
from nucel_runtime.signals import unwind_when_ended


class Group(TyperGroup):
    """Prints errors a user can mend in one line and exits with 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        from nucel_genome.text import write_utf8

        write_utf8()
        try:
            return super().invoke(ctx)
        except (NucelError, OSError) as error:  # OSError names its file
            typer.secho(f"error: {error}", err=True)
            raise typer.Exit(1) from error


class ManyValues(TyperCommand):
    """Lets an option that may be repeated take several values: ``--models A B C``.

    For commands without arguments, where a word after such a value can be nothing else.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each further value."""
        many = {
            name
            for option in self.params
            if getattr(option, "multiple", False)
            for name in option.opts
        }
        spread: list[str] = []
        option, given = "", 0
        for word in args:
            if word.startswith("-"):
                option, given = (word if word in many else ""), 0
            elif option:
                spread += [option] if given else []
                given += 1
            spread.append(word)
        return super().parse_args(ctx, spread)


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: markup takes [[sites]] for its own
)


@app.callback()
def main() -> None:
    """Pre-train NucEL: a generator replaces bases, a discriminator finds them."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:  # torchrun ends its processes itself
        unwind_when_ended()


Out = Annotated[Path, typer.Option("--out", "-o", help="Run folder; the same one resumes a run.")]
Fasta = Annotated[
    list[Path] | None,
    typer.Option(help="Sequence: FASTA (plain, gzip, bgzip) or .2bit; may be repeated."),
]
Threads = Annotated[int, typer.Option("--threads", "-t", help="CPU threads, 0 = torch's choice.")]
Device = Annotated[str, typer.Option(help="cpu or cuda; by default cuda where there is one.")]
Cache = Annotated[
    Path | None,
    typer.Option(help="Where converted genomes are kept (one byte a base); default: user's cache."),
]

SitesDir = Annotated[Path | None, typer.Option(help="Folder of the BED files in [[sites]].")]


@app.command()
def train(
    config: Annotated[
        str, typer.Argument(help="TOML file, or a shipped name: mini, mini-long, small, base.")
    ],
    out: Out,
    fasta: Fasta = None,
    threads: Threads = 0,
    device: Device = "",
    cache: Cache = None,
) -> None:
    """Pre-train, or continue a run that was cut off.

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
            typer.echo(f"model written to {folder}", err=True)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Model folder, or a shipped name.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for tables and figure.")],
    settings: Annotated[
        str, typer.Option(help="TOML file, or the shipped evaluate-hg19.")
    ] = "evaluate-hg19",
    fasta: Fasta = None,
    sites_dir: SitesDir = None,
    repeats: Annotated[
        list[Path] | None,
        typer.Option(help="BED file of repeats, for sequence without lower case; may be repeated."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what OUT holds.")] = False,
    threads: Threads = 0,
    cache: Cache = None,
) -> None:
    """Measure a model on sequence it has never seen: losses, calibration, planted changes, probes.

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
    typer.echo(f"evaluation written to {out}", err=True)


@app.command()
def fit_head(
    folder: Annotated[Path, typer.Argument(help="Folder of an encoder, as NucEL was released.")],
    out: Out,
    fasta: Fasta = None,
    config: Annotated[str, typer.Option(help="TOML file, or a shipped name.")] = "fit-head",
    replace_head: Annotated[
        bool, typer.Option("--replace-head", help="Fit one though the folder has a head.")
    ] = False,
    threads: Threads = 0,
    device: Device = "",
    cache: Cache = None,
) -> None:
    """Give an encoder the discriminator head it lacks; the encoder itself is not changed.

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
            typer.echo(f"model written to {fitted}", err=True)


@app.command()
def ablate(
    grid: Annotated[str, typer.Argument(help="TOML grid, or the shipped one: ablation.")],
    out: Out,
    fasta: Fasta = None,
    probes: Annotated[
        str, typer.Option(help="Also probe each arm on the [[sites]] of these evaluation settings.")
    ] = "",
    sites_dir: SitesDir = None,
    threads: Threads = 0,
    cache: Cache = None,
) -> None:
    """Train several arms to the same compute and compare them; a cut-off grid goes on.

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
        probe = site_probe(probes, fasta_files, sites_dir, cache, say=partial(typer.echo, err=True))
    table = run(settings, arms, out, probe=probe, cache=cache)
    last = table[table["share"] == 1.0]
    typer.echo(last.drop(columns=["share", "step", "own_loss"]).to_string(index=False))


@app.command("motif-order", cls=ManyValues)
def motif_order(
    out: Out,
    models: Annotated[
        list[str] | None,
        typer.Option(help="Pre-trained: folders or shipped names, one or more."),
    ] = None,
    shapes: Annotated[
        list[str] | None,
        typer.Option(help="From random weights: nucel-small, nt-small."),
    ] = None,
    motifs: Annotated[
        str, typer.Option(help="MEME file with motifs A and B; by default RFX1 and IRF3.")
    ] = "",
    settings: Annotated[
        str, typer.Option(help="TOML file, or the shipped motif-order.")
    ] = "motif-order",
    fasta: Fasta = None,
    threads: Threads = 0,
    device: Device = "",
    cache: Cache = None,
) -> None:
    """Fine-tune models alike to tell whether motif A comes before B, the NucEL paper's experiment.

    Writes models before and after, held-out sequences and the motifs' places in them:
    `nucel-interp compare --sites` measures attention there.

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
        motifs=motifs,
        fasta=tuple(str(f) for f in fasta or ()),
    )
    command = ["nucel-pretrain", *sys.argv[1:]]
    result = run(chosen, out, device=device, command=command, cache=cache)
    for row in result["models"]:
        typer.echo(
            f"{row['model']} ({row['start']}): held-out accuracy {row['accuracy']:.3f}, "
            f"AUROC {row['auroc']:.3f}; {row['learned']} of {row['seeds']} seeds learned the task"
        )
    typer.echo(f"models, sequences and sites written to {out}", err=True)


app.command()(finetune)
app.command()(benchmark)
