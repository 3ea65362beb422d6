"""The allocator setting: set where there is glibc, and harmless. Each in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from nucel_pretrain.memory import keep_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"

TOUCH_AGAIN = """
import resource, sys
import numpy as np
from nucel_pretrain.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory() is True
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def touch():
    a = np.ones(48 * 2**20, dtype=np.uint8)
    assert a.sum(dtype=np.int64) == 48 * 2**20
for _ in range(3):
    touch()
before = faults()
for _ in range(3):
    touch()
print(faults() - before)
"""


def page_faults(how: str) -> int:
    """Pages fetched anew by three arrays of 48 MiB, after three that were freed."""
    command = [sys.executable, "-c", TOUCH_AGAIN, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.skipif(not GLIBC, reason="the setting is glibc's")
def test_freed_memory_is_used_again_without_new_pages():
    pages = 3 * 48 * 2**20 // 4096
    kept = page_faults("keep")
    assert kept < pages / 100
    assert kept <= page_faults("leave")


def test_without_glibcs_allocator_it_says_so_and_does_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
