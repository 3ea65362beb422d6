"""The documents keep up with the code. `make docs` builds the pages, and checks every link."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import nucel_interp
import nucel_pretrain.cli
from nucel_interp.cli import app
from nucel_interp.columns import TABLES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]
PROGRAMS = {"nucel-interp": app, "nucel-pretrain": nucel_pretrain.cli.app}
PAGES = [
    ROOT / "README.md", ROOT / "CONTRIBUTING.md",
    *sorted(p for p in DOCS.rglob("*.md") if "tutorials" not in p.parts or p.stem == "index"),
]  # fmt: skip
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?<![\w-])nucel-(interp|pretrain) .*")
PAGE_OF = {"seqlets": "motifs", "kmers": "motifs", "match": "motifs", "variants": "substitution"}


def fences(language: str):
    """Every fenced block in a language, with the page it is on."""
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


def calls():
    """Every command line on a page that calls one of the programs: its words."""
    found = []
    for block in fences("bash"):
        (text,) = block.values
        for line in str(text).replace("\\\n", " ").splitlines():
            if (called := CALL.search(line)) is not None:
                words = shlex.split(called[0], comments=True)
                found.append(pytest.param(words, id=" ".join(words)[:70]))
    return found


def generated():
    """The module that fills in what pages mark."""
    spec = importlib.util.spec_from_file_location("generated", DOCS / "_ext" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_says_when_it_is_wanted(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: nucel-interp {command}" in result.stdout
    assert f"`nucel-interp {command}" in (DOCS / "choose.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", TABLES)
def test_every_table_of_a_command_is_shown_on_its_page(command):
    text = (DOCS / "outputs" / f"{PAGE_OF.get(command, command)}.md").read_text(encoding="utf-8")
    marks = generated().TABLE.findall(text)
    shown = {column for mark in marks for column in TABLES[mark[0]][mark[1]]}
    shown |= set(re.findall(r"`(\w+)`", text))
    if command != "heads":  # its page describes controls.tsv for all
        shown |= set(TABLES["heads"]["controls.tsv"])
    for file, columns in TABLES[command].items():
        assert set(columns) <= shown, file


def test_marks_are_filled_in():
    module = generated()
    filled = module.fill((DOCS / "outputs" / "calibrate.md").read_text(encoding="utf-8"), "x.md")
    assert "| `names_E` |" in filled
    reference = module.fill("<!-- commands: nucel-pretrain -->", "x.md")
    assert "`nucel-pretrain train`" in reference
    assert "--threads N`\n: CPU threads" in reference
    api = module.fill("<!-- api: nucel_interp: Find: find_motifs nothing -->", "x.md")
    assert api.startswith("## Find")
    assert "autofunction:: nucel_interp.find_motifs" in api
    assert "nothing" not in api
    card = module.fill("<!-- file: pretrain/README.md -->", "models/x.md")
    assert "](../benchmarks.md)" in card
    assert "](../../pretrain/ablation.svg)" in card


def test_the_readme_is_short_enough_to_be_read():
    assert len(README.encode()) <= 8192


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
        # the build copies notebooks to where the pages look for them
        copied = target.endswith(".ipynb") and (ROOT / "notebooks" / Path(target).name).exists()
        assert copied or (page.parent / target).exists(), target


@pytest.mark.parametrize("block", fences("python"))
def test_python_blocks_are_whole(block):
    """They import what they use: `py` marks fragments."""
    tree = ast.parse(block)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported
    assert {node.id for node in names} <= imported | made | set(dir(builtins))


@pytest.mark.parametrize("words", calls())
def test_command_lines_on_the_pages_can_be_called(words):
    program, *rest = words
    commands = get_command(PROGRAMS[program]).commands  # type: ignore[attr-defined]
    name = next(word for word in rest if word not in {"-v", "-q"})
    assert name in commands
    known = {o for p in commands[name].params for o in (*p.opts, *p.secondary_opts)}
    given = {word for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= known | {"--help", "-v", "-q"}


def test_versions_agree():
    assert f"## [{nucel_interp.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {nucel_interp.__version__}" in citation


def test_constraints_name_every_direct_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["dev"] + extras["docs"]
    names = {re.match(r"[\w.-]+", line)[0].lower() for line in wanted}  # type: ignore[index]
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = {match.lower() for match in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    assert names - {"nucel-interp"} <= pinned
    assert "://" not in text
