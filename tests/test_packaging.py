"""What an installed copy must be: quick to import, and complete."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

import nucel_interp

HEAVY = {
    "torch", "pandas", "numpy", "scipy", "plotly", "matplotlib", "logomaker", "memelite", "numba",
    "pymemesuite", "h5py", "dnaio", "rich", "jinja2",
}  # fmt: skip


def loaded_after(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after ``code``."""
    report = f"{code}\nimport sys; print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import nucel_interp").isdisjoint(HEAVY)


def test_help_loads_nothing_heavy():
    code = "from nucel_interp.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass"
    loaded = loaded_after(code)
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", nucel_interp.__all__)
def test_public_names_are_there(name):
    assert getattr(nucel_interp, name) is not None
    assert name in dir(nucel_interp)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nucel_interp.nothing  # noqa: B018


def test_shipped_files_are_found():
    data = resources.files("nucel_interp") / "data"
    with resources.as_file(data / "gm12878_ctcf_top500.fa") as path:
        records = nucel_interp.read_records(path)
    assert len(records) == 500
    assert {len(record) for record in records} == {200}
    assert all(record.location for record in records)
    assert len({record.location.chromosome for record in records if record.location}) > 10
    assert (data / "JASPAR2026_CORE.meme.gz").is_file()
    assert (resources.files("nucel_interp") / "py.typed").is_file()


def test_the_example_is_small():
    example = resources.files("nucel_interp") / "data" / "gm12878_ctcf_top500.fa"
    assert len(example.read_bytes()) < 150_000
