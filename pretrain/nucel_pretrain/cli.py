"""`nucel-pretrain`: train a model on a genome."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class Group(TyperGroup):
    """Prints errors a user can mend in one line and exits with 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        from nucel_pretrain.config import PretrainError
        from nucel_pretrain.data import DataError

        try:
            return super().invoke(ctx)
        except (PretrainError, DataError) as error:
            typer.secho(f"error: {error}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(cls=Group, no_args_is_help=True, add_completion=False)


@app.callback()
def main() -> None:
    """Pre-train NucEL: a generator replaces bases, a discriminator finds them."""


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="TOML file, or a shipped name: mini, base.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Run folder; the same one resumes a run.")
    ],
    fasta: Annotated[
        list[Path] | None, typer.Option(help="FASTA to train on, plain or gzip; may be repeated.")
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", "-t", help="CPU threads, 0 = torch's choice.")
    ] = 0,
) -> None:
    """Pre-train, or continue a run that was cut off.

    Example: nucel-pretrain train mini --fasta chr20.fa.gz -o runs/mini
    """
    import torch

    from nucel_pretrain.config import read_config
    from nucel_pretrain.train import train as run

    settings = read_config(config)
    if fasta:
        data = dataclasses.replace(settings.data, fasta=tuple(str(f) for f in fasta))
        settings = dataclasses.replace(settings, data=data)
    if threads:
        torch.set_num_threads(threads)
    folder = run(settings, out)
    typer.echo(f"model written to {folder}", err=True)
