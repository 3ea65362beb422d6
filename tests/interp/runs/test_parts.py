"""A run that was cut off goes on with its finished parts, and never with another run's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from nucel_interp.errors import OutputError
from nucel_interp.runs.shards import Parts

ABOUT = {"model": "nucel-mini", "strand": "both", "sizes": (1, 2)}


def arrays(n: int) -> dict[str, np.ndarray]:
    return {"attention": np.arange(n, dtype=np.float32), "replaced": np.full(n, np.nan)}


def test_the_same_run_goes_on_with_what_is_there(tmp_path):
    parts = Parts(tmp_path / "out")
    assert parts.start(ABOUT) == set()
    for number in (0, 7, 12_345_678):
        parts.write(number, arrays(number % 100))
    again = Parts(tmp_path / "out")
    assert again.start(ABOUT) == {0, 7, 12_345_678}
    assert again.has(7)
    assert not again.has(1)
    found = again.read(7)
    assert found["attention"].tolist() == list(range(7))
    assert np.isnan(found["replaced"]).all()
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_another_run_is_refused_by_what_differs_and_force_begins_anew(tmp_path):
    parts = Parts(tmp_path / "out")
    parts.start(ABOUT)
    parts.write(3, arrays(3))
    other = {**ABOUT, "strand": "forward"}
    with pytest.raises(OutputError, match=r"1 finished parts .* strand \(both; now forward\)"):
        parts.start(other)
    assert parts.start(ABOUT) == parts.start(ABOUT, anew=True) == {3}
    assert parts.start(other, anew=True) == set()


def test_a_part_written_twice_is_one_part(tmp_path):
    parts = Parts(tmp_path / "out")
    parts.start(ABOUT)
    parts.write(1, arrays(4))
    once = (parts.folder / "0000001.npz").read_bytes()
    parts.write(1, arrays(4))
    assert (parts.folder / "0000001.npz").read_bytes() == once
    assert parts.done() == {1}
    assert len(list(parts.folder.iterdir())) == 2  # and what it is about


def test_a_process_killed_while_it_writes_leaves_no_part(tmp_path):
    parts = Parts(tmp_path / "out")
    parts.start(ABOUT)
    program = f"""
import os, signal
import numpy as np
from nucel_interp.runs.shards import Parts
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
Parts({str(tmp_path / "out")!r}).write(5, {{"x": np.zeros(1000)}})
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert parts.start(ABOUT) == set()


def test_a_damaged_part_is_made_again(tmp_path):
    parts = Parts(tmp_path / "out")
    parts.start(ABOUT)
    parts.write(2, arrays(50))
    path = parts.folder / "0000002.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(OutputError, match="is damaged; the same command makes it again"):
        parts.read(2)
    assert parts.start(ABOUT) == set()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_disk_is_told_and_leaves_no_part(tmp_path, monkeypatch):
    parts = Parts(tmp_path / "out")
    parts.start(ABOUT)
    monkeypatch.setattr("secrets.token_hex", lambda n: "full")
    (parts.folder / ".4.full").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device; what is finished is kept"):
        parts.write(4, arrays(10))
    assert parts.done() == set()
