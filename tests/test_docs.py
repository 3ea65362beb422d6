"""The documents keep up with the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import nucel_interp
from nucel_interp import types
from nucel_interp.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_is_in_the_readme(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: nucel-interp {command}" in result.stdout
    assert f"`nucel-interp {command}" in README


def test_every_option_has_help():
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


@pytest.mark.parametrize("table", [name for name in vars(types) if name.endswith("_COLUMNS")])
def test_every_column_is_explained_in_the_readme(table):
    explained = set(re.findall(r"`([^`\s]+)`", README))
    assert set(getattr(types, table)) <= explained


def test_links_in_the_readme_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_versions_agree():
    assert f"## [{nucel_interp.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {nucel_interp.__version__}" in citation


def test_constraints_name_every_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in wanted}  # type: ignore[index]
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {match.lower() for match in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    assert names - {"nucel-interp"} <= pinned
    assert "://" not in text
