"""Messages name only options that there are, in packages of both programs none at all."""

from __future__ import annotations

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
PROGRAMS = {"nucel_interp": "nucel_interp.cli", "nucel_pretrain": "nucel_pretrain.cli"}
# said of another program's command, or given to one
OTHERS = {"--head"}
# nucel-interp always gives a file
OF_PRETRAIN = "no FASTA was given"


def strings(package: str):
    """(file, text) of every string of a package's code, docstrings left out."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    for path in sorted(Path(spec.origin).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and id(node) not in told:
                yield path, text


def options(package: str) -> set[str]:
    """All options of a program's commands."""
    app = __import__(PROGRAMS[package], fromlist=["app"]).app
    found = {"--help"}
    top = typer.main.get_command(app)
    for command in [top, *top.commands.values()]:  # type: ignore[attr-defined]
        for parameter in command.params:
            found.update(parameter.opts, parameter.secondary_opts)
    return found


@pytest.mark.parametrize("package", PROGRAMS)
def test_options_that_are_named_are_there(package: str) -> None:
    known = options(package) | OTHERS
    wrong = {
        f"{path.name}: {option}"
        for path, text in strings(package)
        for option in OPTION.findall(text)
        if option not in known
    }
    assert not wrong


@pytest.mark.parametrize("package", ["nucel_genome", "nucel_model", "nucel_runtime"])
def test_what_both_programs_use_names_no_option(package: str) -> None:
    of_both = options("nucel_interp") & options("nucel_pretrain")
    named = {
        text
        for path, text in strings(package)
        if OPTION.search(text)
        # what the programs share may name what both of them have
        and not (path.name == "program.py" and set(OPTION.findall(text)) <= of_both)
    }
    assert not {text for text in named if not text.startswith(OF_PRETRAIN)}
