"""Both programs look alike: help in plain words, groups, examples that can be typed, errors."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from nucel_interp.cli import app as interp
from nucel_pretrain.cli import app as pretrain
from nucel_runtime.errors import NucelError
from nucel_runtime.program import PLAIN, SEVERAL, Command, Program

PROGRAMS = {"nucel-interp": interp, "nucel-pretrain": pretrain}
COMMANDS = [
    (program, name)
    for program, app in PROGRAMS.items()
    for name in get_command(app).commands  # type: ignore[attr-defined]
]
CALL = re.compile(r"[\w ]+: (?:nucel-\w+|torchrun .*-m nucel_pretrain) ")
runner = CliRunner()


def help_of(*call: str) -> str:
    """What a program prints with ``-h`` behind the rest."""
    program, *rest = call
    result = runner.invoke(PROGRAMS[program], [*rest, "-h"])
    assert result.exit_code == 0
    return result.stdout


def examples(program: str, name: str) -> list[list[str]]:
    """The words behind the command in each call that its help shows."""
    command: Any = get_command(PROGRAMS[program]).commands[name]  # type: ignore[attr-defined]
    calls = []
    for paragraph in inspect.cleandoc(command.help).split("\n\n"):
        text = " ".join(paragraph.split())
        if CALL.match(text):
            calls.append(shlex.split(text)[shlex.split(text).index(name) + 1 :])
    return calls


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_is_plain_short_and_in_groups(program):
    text = help_of(program)
    assert not set("╭│╰─") & set(text)
    assert runner.invoke(PROGRAMS[program], ["--help"]).stdout == text
    for option in ("--version", "--verbose", "--quiet", "--install-completion"):
        assert option in text
    commands = get_command(PROGRAMS[program]).commands  # type: ignore[attr-defined]
    headings = re.findall(r"^(\w.*):$", text, re.MULTILINE)
    assert headings[0] == "Options"
    assert len(headings) > 2
    for name, command in commands.items():
        summary = inspect.cleandoc(command.help).partition("\n")[0].rstrip(".")
        assert len(summary) <= 45, (name, summary)
        assert re.search(rf"^  {name} +{re.escape(summary)}\.?$", text, re.MULTILINE), name


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_version_is_said(program):
    from nucel_interp import __version__

    result = runner.invoke(PROGRAMS[program], ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"{program} {__version__}\n")


@pytest.mark.parametrize(("program", "name"), COMMANDS)
def test_help_of_a_command_names_no_type_of_python(program, name):
    assert not re.search(r"<[\w|\[\]]+( range)?>", help_of(program, name))


@pytest.mark.parametrize(("program", "name"), COMMANDS)
def test_every_example_of_the_help_can_be_typed(program, name):
    """Click takes its options and arguments; files need not be there, and nothing runs."""
    found = examples(program, name)
    assert found
    for words in found:
        command: Any = get_command(PROGRAMS[program]).commands[name]  # type: ignore[attr-defined]
        with command.make_context(name, list(words)) as context:
            assert context.params


@pytest.mark.parametrize(("program", "name"), COMMANDS)
def test_every_option_says_what_it_is(program, name):
    for parameter in get_command(PROGRAMS[program]).commands[name].params:  # type: ignore[attr-defined]
        assert getattr(parameter, "help", None), parameter.name


def test_brackets_stay_in_help():
    assert "Folder of the BED files in [[sites]]." in help_of("nucel-pretrain", "evaluate")


@pytest.fixture
def toy():
    """A program whose one command prints what it was given, or fails as it is told."""
    app = typer.Typer(cls=Program, **PLAIN)

    @app.callback()
    def main(
        verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More.")] = False,
    ) -> None:
        """Nothing."""

    @app.command(cls=Command, rich_help_panel="Look")
    def work(
        files: Annotated[list[Path] | None, typer.Argument(help="Some.")] = None,
        models: Annotated[
            list[str] | None, typer.Option(metavar="NAME" + SEVERAL, help="M.")
        ] = None,
        seeds: Annotated[list[int] | None, typer.Option(help="S.")] = None,
        error: Annotated[str, typer.Option(help="E.")] = "",
    ) -> None:
        """Do it."""
        kinds = {"ours": NucelError, "other": ZeroDivisionError, "file": PermissionError}
        if error:
            raise kinds[error](
                *((13, "Not allowed", "a.fa") if error == "file" else ("two\nlines",))
            )
        typer.echo(f"{models} {seeds} {[str(f) for f in files or ()]}")

    return app


@pytest.mark.parametrize(
    ("call", "printed"),
    [
        ("--models a b --seeds 1 x y", "['a', 'b'] [1] ['x', 'y']"),
        ("x --models a --models b c", "['a', 'b', 'c'] None ['x']"),
        ("x --seeds 1 --seeds 2 y", "None [1, 2] ['x', 'y']"),
    ],
)
def test_only_an_option_that_says_so_takes_several_values(toy, call, printed):
    assert runner.invoke(toy, ["work", *call.split()]).stdout == printed + "\n"


def test_words_in_place_of_types(toy):
    text = runner.invoke(toy, ["work", "-h"]).stdout
    for line in ("  FILES...", "--models NAME ...", "--seeds N ", "--error TEXT"):
        assert line.lower() in text.lower()
    assert "Look:\n  work  Do it." in runner.invoke(toy, ["-h"]).stdout


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ours", "error: two lines\n"),
        ("other", "error: unexpected ZeroDivisionError: two lines (-v shows where; please "),
        ("file", "error: a.fa: Not allowed (-v shows where)\n"),
    ],
)
def test_errors_are_one_line_and_verbose_shows_where(toy, kind, said):
    plain = runner.invoke(toy, ["work", "--error", kind])
    assert (plain.exit_code, plain.stderr.count("\n")) == (1, 1)
    assert plain.stderr.startswith(said)
    assert "Traceback" in runner.invoke(toy, ["work", "--error", kind, "-v"]).stderr
