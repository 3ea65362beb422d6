"""How threads wait is said before torch is loaded, and the user's own word holds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nucel_runtime.threads import ALSO, POLICY

# notes what the environment holds at the moment that torch is looked for
CODE = """
import importlib.abc, json, os, sys
seen = []

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch" and not seen:
            seen.append(dict(os.environ))
        return None

sys.meta_path.insert(0, Watch())
{code}
import torch
print(json.dumps([seen[0].get(name) for name in {names!r}]))
"""
NAMES = [*POLICY, *ALSO]


def at_torch(code: str, **environment: str) -> list[str | None]:
    """The variables as torch finds them."""
    import json

    plain = {k: v for k, v in os.environ.items() if k not in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(code=code, names=NAMES)],
        capture_output=True,
        text=True,
        check=True,
        env={**plain, **environment},
    )
    found: list[str | None] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import nucel_interp",
        "import nucel_model",
        "import nucel_pretrain",
        "import nucel_genome",
        "from nucel_interp.cli import app",
        "from nucel_pretrain.cli import app",
    ],
)
def test_idle_threads_sleep_in_whatever_is_imported_first(code: str) -> None:
    assert at_torch(code) == [*POLICY.values(), None]


@pytest.mark.parametrize("name", NAMES)
def test_the_users_own_word_holds(name: str) -> None:
    wanted: list[str | None] = ["mine" if other == name else None for other in NAMES]
    if name == "OMP_WAIT_POLICY":
        wanted[0] = "active"
    assert at_torch("import nucel_model", **{name: wanted[NAMES.index(name)] or ""}) == wanted


def test_it_comes_too_late_behind_torch_and_is_left_alone() -> None:
    code = "import torch, os, nucel_interp; seen[0] = dict(os.environ)"
    assert at_torch(code) == [None] * len(NAMES)
