"""What the programs of the packages above share: how they show help, and how they end.

Exit codes: 0 done, 1 the data or the machine, 2 the way it was called, 130 Ctrl-C, 143 ended from
outside (SIGTERM), 129 its terminal was closed (SIGHUP). Only a program imports this module: it
needs Typer.
"""

from __future__ import annotations

import errno
import io
import re
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from nucel_runtime.errors import NucelError

PLAIN: dict[str, Any] = {
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,  # plain help pastes, greps, starts quickly and leaves [brackets]
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
"""Settings of both programs, for ``typer.Typer``."""
SEVERAL = " ..."
"""The end of an option's metavar where the option takes several values."""
_ANYWHERE = {"-v": "--verbose", "--verbose": "--verbose", "-q": "--quiet", "--quiet": "--quiet"}
_TYPE = re.compile(r"<(?:list\[)?([^<>\[\]]+?)(?: range)?\]?>")
_WORDS = {"path": "PATH", "int": "N", "float": "X", "str": "TEXT"}


class Program(TyperGroup):
    """Groups its commands, says what went wrong in one line, ends with the right exit code."""

    def reporting(self) -> AbstractContextManager[None]:
        """What is around a command, such as a way to show warnings."""
        return nullcontext()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Accept -v and -q behind the command too, where people type them."""
        end = args.index("--") if "--" in args else len(args)
        flags = [_ANYWHERE[arg] for arg in args[:end] if arg in _ANYWHERE]
        rest = [arg for arg in args[:end] if arg not in _ANYWHERE]
        return super().parse_args(ctx, [*dict.fromkeys(flags), *rest, *args[end:]])

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        write_utf8()
        with self.reporting():
            try:
                result = super().invoke(ctx)
                sys.stdout.flush()  # a closed pipe shows here, not when Python ends
                return result
            except Exception as error:
                if _is_for_typer(error):
                    raise
                if ctx.params.get("verbose"):
                    traceback.print_exc()
                typer.echo(f"error: {in_one_line(error)}", err=True)
                raise typer.Exit(1) from error

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands under the heading of each (``rich_help_panel``), in their order."""
        headings: dict[str, list[tuple[str, Any]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            if not command.hidden:
                heading = command.rich_help_panel or "Commands"
                headings.setdefault(heading, []).append((name, command))
        longest = max((len(name) for rows in headings.values() for name, _ in rows), default=0)
        for heading, rows in headings.items():
            with formatter.section(heading):
                room = formatter.width - longest - 6
                formatter.write_dl(
                    [(name.ljust(longest), c.get_short_help_str(room)) for name, c in rows]
                )


class Command(TyperCommand):
    """A command whose help is plain words; some of its options may take several values.

    An option whose metavar ends in `SEVERAL` takes ``--models A B C`` as well as
    ``--models A --models B``; a word behind its last value must be an option.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat such an option before each further value."""
        several = {
            name
            for option in self.params
            if (getattr(option, "metavar", None) or "").endswith(SEVERAL)
            for name in option.opts
        }
        spread: list[str] = []
        option, given = "", 0
        for word in args:
            if word.startswith("-"):
                option, given = (word if word in several else ""), 0
            elif option:
                spread += [option] if given else []
                given += 1
            spread.append(word)
        return super().parse_args(ctx, spread)

    def records(self, ctx: Any, kind: str) -> list[tuple[str, str]]:
        """How each argument or option is written, with PATH, N, X and TEXT for types; its help.

        Args:
            ctx: The command's context.
            kind: "argument" or "option".
        """
        return [
            (_in_words(record[0], kind), record[1])
            for parameter in self.get_params(ctx)
            if parameter.param_type_name == kind
            and (record := parameter.get_help_record(ctx)) is not None
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List arguments and options."""
        for kind, heading in (("argument", "Arguments"), ("option", "Options")):
            records = self.records(ctx, kind)
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def print_version(program: str, asked: bool) -> None:
    """Print the version and end, if it was asked for."""
    if asked:
        typer.echo(f"{program} {version('nucel-interp')}")
        raise typer.Exit


def in_one_line(error: Exception) -> str:
    """What a program says of an error."""
    text = " ".join(str(error).split())
    if isinstance(error, NucelError):
        return text
    if isinstance(error, MemoryError):
        return "out of memory: give fewer or shorter sequences (-v shows where)"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror} (-v shows where)"
    return f"unexpected {type(error).__name__}: {text[:300]} (-v shows where; please report it)"


def write_utf8() -> None:
    """Let stdout take any name, whatever the locale: a pipe or file gets UTF-8, as files do.

    A terminal gets its own encoding, and a backslash code for what that lacks.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="backslashreplace")
    else:  # bytes of a path that are no text in the locale go out as they came in
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def _is_for_typer(error: Exception) -> bool:
    """Exits, wrong calls (whichever click raises them) and closed pipes, which Typer ends well."""
    closed_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
    return closed_pipe or type(error).__module__.partition(".")[0] in ("typer", "click")


def _in_words(name: str, kind: str) -> str:
    """An argument's or option's left column without Python's types."""
    if kind == "argument":
        return _TYPE.sub("", name).rstrip()
    return _TYPE.sub(lambda found: _WORDS.get(found[1].lower(), found[1]), name)
