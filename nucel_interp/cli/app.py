"""The `nucel-interp` program: its commands, global options, and how it ends.

Exit codes: 0 done (also when nothing was found), 1 the data or the machine, 2 the way it was
called, 130 Ctrl-C, 143 ended from outside (SIGTERM), 129 its terminal was closed (SIGHUP).
"""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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
from nucel_interp.errors import NucelError
from nucel_runtime.program import write_utf8
from nucel_runtime.signals import unwind_when_ended

_ANYWHERE = {"-v": "--verbose", "--verbose": "--verbose", "-q": "--quiet", "--quiet": "--quiet"}


SECTIONS = {
    "Find": ("motifs", "seqlets", "kmers", "match"),
    "Ask a model": ("attention", "discriminator", "substitution", "variants", "attribute"),
    "Score and compare": ("heads", "compare", "agree"),
    "Check": ("calibrate", "info"),
}
"""The commands as the help groups them."""


class Group(TyperGroup):
    """Says what went wrong in one line, and ends with the right exit code."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of the help, by section."""
        for section, names in SECTIONS.items():
            rows = [(name, self.commands[name].get_short_help_str(60)) for name in names]
            with formatter.section(section):
                formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Accept -v and -q behind the command too, where people type them."""
        end = args.index("--") if "--" in args else len(args)
        flags = [_ANYWHERE[arg] for arg in args[:end] if arg in _ANYWHERE]
        rest = [arg for arg in args[:end] if arg not in _ANYWHERE]
        return super().parse_args(ctx, [*dict.fromkeys(flags), *rest, *args[end:]])

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        write_utf8()
        with terminal.reporting():
            try:
                result = super().invoke(ctx)
                sys.stdout.flush()  # a closed pipe shows here, not when Python ends
                return result
            except Exception as error:
                if _is_for_typer(error):
                    raise
                if terminal.LOGGER.isEnabledFor(logging.DEBUG):
                    traceback.print_exc()
                typer.echo(f"error: {_in_one_line(error)}", err=True)
                raise typer.Exit(1) from error


def _is_for_typer(error: Exception) -> bool:
    """Exits, wrong calls (whichever click raises them) and closed pipes, which Typer ends well."""
    closed_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
    return closed_pipe or type(error).__module__.partition(".")[0] in ("typer", "click")


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, NucelError):
        return text
    if isinstance(error, MemoryError):
        return "out of memory: give fewer or shorter sequences (-v shows where)"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror} (-v shows where)"
    return f"unexpected {type(error).__name__}: {text[:300]} (-v shows where; please report it)"


def _version(asked: bool) -> None:
    if asked:
        from nucel_interp import __version__

        typer.echo(f"nucel-interp {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it pastes, greps and starts quickly
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


# one line per command; the function's name is the command's
app.command()(motifs.motifs)
app.command()(attention.attention)
app.command()(discriminator.discriminator)
app.command()(attribute.attribute)
app.command()(substitution.substitution)
app.command()(variants.variants)
app.command()(seqlets.seqlets)
app.command()(kmers.kmers)
app.command()(match.match)
app.command()(heads.heads)
app.command(cls=compare.ManyModels)(compare.compare)
app.command()(agree.agree)
app.command()(calibrate.calibrate)
app.command()(info.info)
