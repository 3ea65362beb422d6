"""The `nucel-interp` program: its commands and global options; how it ends says `program`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated

import typer

from nucel_interp.cli import (
    agree,
    attention,
    attribute,
    calibrate,
    compare,
    discriminator,
    heads,
    info,
    kmers,
    match,
    motifs,
    seqlets,
    substitution,
    terminal,
    variants,
)
from nucel_runtime.program import PLAIN, Command, Program, print_version
from nucel_runtime.signals import unwind_when_ended

COMMANDS = {
    "Find": (motifs.motifs, seqlets.seqlets, kmers.kmers, match.match),
    "Ask a model": (
        attention.attention,
        discriminator.discriminator,
        substitution.substitution,
        variants.variants,
        attribute.attribute,
    ),
    "Score and compare": (heads.heads, compare.compare, agree.agree),
    "Check": (calibrate.calibrate, info.info),
}
"""As the help groups them; a function's name is its command's."""


class Group(Program):
    """Warnings are one line too."""

    def reporting(self) -> AbstractContextManager[None]:
        """Show warnings in one line each, for the time of one command."""
        return terminal.reporting()


def _version(asked: bool) -> None:
    print_version("nucel-interp", asked)


app = typer.Typer(cls=Group, **PLAIN)


@app.callback()
def main(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more; show the traceback of an error.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only warnings and errors on stderr.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """See what a DNA language model has learned.

    The main job: nucel-interp motifs peaks.fa -o out
    """
    terminal.configure(verbose=verbose, quiet=quiet)
    unwind_when_ended()


for heading, functions in COMMANDS.items():
    for function in functions:
        app.command(cls=Command, rich_help_panel=heading)(function)
