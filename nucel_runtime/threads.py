"""Threads that have nothing to do leave the processor to others.

Between two products OpenMP's threads wait by asking again and again, for milliseconds. Where
somebody else needs the core, the one who spins keeps it from the very thread that he waits for, and
a run takes several times as long as with one thread.
"""

from __future__ import annotations

import os
import sys

POLICY = {
    "OMP_WAIT_POLICY": "passive",  # every OpenMP library
    "GOMP_SPINCOUNT": "1000",  # GNU's, in torch for Linux: some 50 us, most gaps between products
    "KMP_BLOCKTIME": "0",  # LLVM's and Intel's, in torch for macOS and Windows: milliseconds
}
"""How long a thread waits before it sleeps. The libraries read this once, as they are loaded."""
ALSO = ("KMP_LIBRARY",)


def wait_passively() -> None:
    """Set `POLICY` in the environment, unless the user says how threads wait, or torch is there."""
    if "torch" in sys.modules or any(name in os.environ for name in (*POLICY, *ALSO)):
        return
    os.environ.update(POLICY)
