"""Parts of pages that are made from the code each time the documentation is built.

A page marks where they go by comments, which are invisible where the file is read as it is:

- ``<!-- commands: nucel-interp -->``: every command of a program, with its help and options;
- ``<!-- api: nucel_interp: Find: find_motifs find_kmers -->``: a section of that title with these
  public names, as far as the package has them; ``*`` is all that no other comment names;
- ``<!-- table: motifs matches.tsv -->``: the columns of a command's file, from
  `nucel_interp.columns`;
- ``<!-- file: CHANGELOG.md -->``: a file of the repository, its links turned to these pages.

In docstrings, which name other objects in single backquotes, those become code.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from nucel_interp.columns import described

ROOT = Path(__file__).parents[2]
PAGES = {
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "model/nucel_model/checkpoints/nucel-mini/README.md": "models/nucel-mini.md",
    "pretrain/README.md": "models/pretraining.md",
}
"""Files of the repository that are pages here, under ``docs/``."""

PROGRAMS = {"nucel-interp": "nucel_interp.cli", "nucel-pretrain": "nucel_pretrain.cli"}
_COMMANDS = re.compile(r"^<!-- commands: (\S+) -->$", re.MULTILINE)
_API = re.compile(r"^<!-- api: (\w+): ([^:]+): (.+?) -->$", re.MULTILINE)
TABLE = re.compile(r"^<!-- table: (\S+) (\S+) -->$", re.MULTILINE)
_FILE = re.compile(r"^<!-- file: (\S+) -->$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
_NAMED = re.compile(r"(?<![`\w:])`([^`\n]+)`(?!`)(?=(\w)?)")
_FLAG = re.compile(r"(?<![\w`-])(--[a-z][a-z-]+)")
_EXTRA = re.compile(
    r"\s*\[((?:default|env var|required|[^\[\]]*<=?x|x>=?|[^\[\]]*x<=?)[^\[\]]*)\]$"
)


def fill(source: str, page: str) -> str:
    """A page's source with every mark replaced by what it stands for.

    Args:
        source: Markdown.
        page: The page's path below ``docs/``.
    """
    source = _FILE.sub(lambda m: _file(m[1], page), source)
    source = _COMMANDS.sub(lambda m: "\n".join(_commands(m[1])), source)
    named = {name for m in _API.finditer(source) for name in m[3].split()}
    source = _API.sub(lambda m: "\n".join(_api(m[1], m[2], m[3].split(), named)), source)
    return TABLE.sub(lambda m: _columns(described(m[1], m[2])), source)


def _file(name: str, page: str) -> str:
    """A file of the repository, with links as they are right on the page that shows it."""
    at = Path(page).parent

    def turned(link: re.Match[str]) -> str:
        target = os.path.normpath(Path(name).parent / link[1])
        return os.path.relpath(PAGES.get(target, f"../{target}"), at)

    return _LINK.sub(turned, (ROOT / name).read_text(encoding="utf-8"))


def _columns(columns: dict[str, tuple[str, str]]) -> str:
    rows = [f"| `{name}` | {_cell(meaning)} | {_cell(unit)} |"
            for name, (meaning, unit) in columns.items()]  # fmt: skip
    return "\n".join(["| column | meaning | unit |", "|---|---|---|", *rows, ""])


def _commands(program: str) -> Iterator[str]:
    """Markdown of all commands of a program, grouped as its help groups them."""
    from typer.main import get_command

    group: Any = get_command(import_module(PROGRAMS[program]).app)
    panels: dict[str, list[str]] = {}
    for name, command in group.commands.items():
        panel = getattr(command, "rich_help_panel", None)
        panels.setdefault(panel if isinstance(panel, str) else "", []).append(name)
    for panel, names in panels.items():
        if panel:
            yield f"## {panel}\n"
        for name in names:
            yield from _command(program, name, group.commands[name], "###" if panel else "##")


def _command(program: str, name: str, command: Any, level: str) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"({program}-{name})=\n{level} `{program} {name}`\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        before, found, line = text.partition(f"{program} {name} ")
        if found and before.rstrip().endswith(":"):
            yield f"{before.strip()}\n\n```bash\n{found}{line}\n```\n"
        else:
            yield f"{_flagged(text)}\n"
    for kind in ("argument", "option"):
        for spelled, told in command.records(context, kind):
            if not spelled.endswith("--help"):
                yield _option(spelled, told)


def _option(spelled: str, told: str) -> str:
    """An entry of a definition list; what help adds in brackets becomes a sentence."""
    facts = []
    while (extra := _EXTRA.search(told)) is not None:
        told = told[: extra.start()]
        facts += [_fact(one) for one in extra[1].split("; ")]
    return f"`{spelled}`\n: {' '.join([_flagged(told), *facts])}\n"


def _fact(extra: str) -> str:
    """``default: 0``, ``required`` or ``x>=0`` as a sentence."""
    if extra.startswith("default: "):
        return f"Default: `{extra.removeprefix('default: ')}`."
    if (least := re.fullmatch(r"x>=(\S+)", extra)) is not None:
        return f"At least {least[1]}."
    if (both := re.fullmatch(r"(\S+)<=x<=(\S+)", extra)) is not None:
        return f"From {both[1]} to {both[2]}."
    return f"{extra[:1].upper()}{extra[1:]}."


def _api(package: str, title: str, names: list[str], named: set[str]) -> Iterator[str]:
    """A section: a list of public names with their first lines, then each in full."""
    module = import_module(package)
    public = [name for name in module.__all__ if not name.startswith("_")]
    if names == ["*"]:
        names = sorted(set(public) - named)
    shown = [name for name in names if name in public]
    if not shown:
        return
    yield f"## {title}\n"
    yield "| name | what it is |"
    yield "|---|---|"
    for name in shown:
        first = (inspect.getdoc(getattr(module, name)) or "").partition("\n")[0]
        yield f"| [`{name}`](#{package}.{name}) | {_cell(first)} |"
    yield "\n````{eval-rst}"
    for name in shown:
        value = getattr(module, name)
        if inspect.isclass(value):
            yield f".. autoclass:: {package}.{name}\n   :members:\n   :show-inheritance:\n"
        elif callable(value):
            yield f".. autofunction:: {package}.{name}\n"
        else:
            yield f".. autodata:: {package}.{name}\n   :no-value:\n"
    yield "````\n"


def _flagged(text: str) -> str:
    """Help as Markdown, options that it names as code."""
    return _cell(_FLAG.sub(r"`\1`", text))


def _cell(text: str) -> str:
    """Text for one cell of a table; `names` in single backquotes stay code."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    parts[::2] = [_escaped(part) for part in parts[::2]]
    return "".join(parts).replace("|", "\\|")


def _escaped(text: str) -> str:
    return re.sub(r"([*_\[\]<>$])", r"\\\1", text)


def _read(app: Any, name: str, source: list[str]) -> None:
    source[0] = fill(source[0], f"{name}.md")


def _docstring(app: Any, what: str, name: str, it: Any, options: Any, lines: list[str]) -> None:
    def code(m: re.Match[str]) -> str:
        return f"``{m[1]}``" + ("\\ " if m[2] else "")

    lines[:] = [_NAMED.sub(code, line) for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Fill in pages as they are read."""
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
