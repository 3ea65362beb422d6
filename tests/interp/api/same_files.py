"""A command and `.save()` of the function it calls must write the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nucel_interp.api.result import Run
from nucel_interp.cli import app

_INFO = Run.info


def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let run.json tell neither the time nor which of the two doors was taken."""

    def info(self: Run, command: Any = None) -> dict[str, Any]:
        said = _INFO(self, command)
        return {**said, "command": ["nucel"], "finished": "2026-01-01", "seconds": 0.0}

    monkeypatch.setattr(Run, "info", info)


def nucel(*arguments: object, code: int = 0) -> str:
    """Run a command; gives what it says.

    Args:
        arguments: Arguments of the program.
        code: Exit code that it must have.
    """
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == code, done.output
    return done.output


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    assert folder.is_dir()
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_same(
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    folder: Path,
    saved: Callable[[Path], object],
) -> dict[str, bytes]:
    """Run a command and save in Python; compare file by file.

    Args:
        monkeypatch: pytest's.
        command: Arguments of the program, without ``-o``.
        folder: Two folders are written in it.
        saved: Given a folder, calls the function and saves there.

    Returns:
        The files, by name.
    """
    still_clock(monkeypatch)
    done = CliRunner().invoke(app, ["-q", *command, "-o", str(folder / "by-command")])
    assert done.exit_code == 0, done.output
    saved(folder / "in-python")
    found, wanted = contents(folder / "in-python"), contents(folder / "by-command")
    assert found.keys() == wanted.keys()
    differing = [name for name in wanted if found[name] != wanted[name]]
    assert not differing, f"files differ: {differing}"
    assert wanted
    return wanted
