"""Where compiled code is kept: numba's choice, a private folder, or nowhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nucel_interp.motifs import compiled

ASK = """
from nucel_interp.motifs import compiled, similarity
from nucel_interp.cli.info import _comparison
print(compiled.kept_in(), compiled.is_compiled(), similarity.notice(), _comparison(), sep="\\n")
print(callable(compiled.fimo()))
"""
# numba's ways to a folder but for the variable: as where neither home nor packages can be written
NOWHERE = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}


def ask(tmp_path, **environment):
    """Folder, compiled or not, what is said, what `info` says, by a process of its own."""
    plain = {k: v for k, v in os.environ.items() if k != compiled.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=False,
        env={**plain, "TMPDIR": str(tmp_path), **environment},
    )
    assert done.returncode == 0, done.stderr
    *found, scans = done.stdout.splitlines()
    assert scans == "True"
    return found


def test_without_a_place_a_private_folder_is_made(tmp_path):
    kept, is_compiled, said, shown = ask(tmp_path, **NOWHERE)
    folder = tmp_path / f"nucel-interp-numba-{os.geteuid()}"
    assert Path(kept).parent == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert is_compiled == "False"
    assert said.startswith("Compiling motif comparison, once on this machine: about 90 seconds.")
    assert f"kept in {folder}" in said
    assert "compiles once" in shown
    assert kept in shown


def test_without_any_place_nothing_is_kept_and_all_works(tmp_path):
    (tmp_path / f"nucel-interp-numba-{os.geteuid()}").touch()
    kept, is_compiled, said, shown = ask(tmp_path, **NOWHERE)
    assert (kept, is_compiled) == ("None", "False")
    assert "in every run" in said
    assert "NUMBA_CACHE_DIR" in said
    assert "in every run" in shown


def test_a_cache_that_is_not_used_does_not_count(tmp_path):
    """What `make` compiled lies beside memelite, and numba looks in the folder it was told."""
    chosen = tmp_path / "chosen"
    kept, is_compiled, said, shown = ask(tmp_path, NUMBA_CACHE_DIR=str(chosen))
    assert Path(kept).parent == chosen
    assert is_compiled == "False"
    assert said == "Compiling motif comparison, once on this machine: about 90 seconds."
    assert "compiles once" in shown
    assert list(tmp_path.iterdir()) == [chosen]


@pytest.mark.parametrize("fault", ["mode", "link", "file", "owner", "parent"])
def test_a_folder_that_others_may_write_to_is_not_taken(tmp_path, monkeypatch, fault):
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = compiled.private_folder()
    assert folder is not None
    assert compiled.private_folder() == folder
    if fault == "mode":
        folder.chmod(0o770)
    elif fault == "owner":
        monkeypatch.setattr(compiled.os, "geteuid", lambda: 12345)
        folder.rename(tmp_path / "nucel-interp-numba-12345")
    elif fault == "parent":
        tmp_path.chmod(0o777)
    else:
        folder.rmdir()
        if fault == "link":
            (tmp_path / "theirs").mkdir(mode=0o700)
            folder.symlink_to(tmp_path / "theirs")
        else:
            folder.touch()
    assert compiled.private_folder() is None
