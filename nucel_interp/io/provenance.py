"""What a run was made of: command, versions, inputs, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "nucel-interp", "torch", "numpy", "scipy", "pandas", "safetensors", "dnaio", "h5py", "memelite",
    "pymemesuite", "numba", "matplotlib", "logomaker", "plotly", "typer", "rich", "jinja2",
)  # fmt: skip


def run_info(
    command: list[str], *, inputs: Iterable[str | Path] = (), **fields: object
) -> dict[str, Any]:
    """The content of run.json: what the caller knows among what can be found out.

    Args:
        command: The command line, program first.
        inputs: Files read; each is stored with its sha256 (null for standard input).
        **fields: Seed, model, backend and why, seconds ...
    """
    return {
        "command": [_shown(word) for word in command],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": [{"path": _shown(path), "sha256": file_sha256(path)} for path in inputs],
        **fields,
        "versions": versions(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
    }


def _shown(path: str | Path) -> str:
    """A path as text, also in a locale that has no letters for its bytes."""
    return str(path).encode(errors="surrogateescape").decode(errors="replace")


def versions() -> dict[str, str]:
    """Version of each package that matters and is installed, without importing any."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    if "nucel-interp" not in found:  # run from a checkout that is not installed
        from nucel_interp import __version__

        found = {"nucel-interp": __version__, **found}
    return found


def file_sha256(path: str | Path) -> str | None:
    """Hex digest of a file's bytes; None for ``-`` and for what is no regular file."""
    if str(path) == "-" or not Path(path).is_file():
        return None
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_sha256(folder: str | Path) -> dict[str, str | None]:
    """Digest of each file of a model folder that decides what it computes."""
    files = sorted(p for p in Path(folder).iterdir() if p.suffix in (".safetensors", ".json"))
    return {path.name: file_sha256(path) for path in files}
