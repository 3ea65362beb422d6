"""What a run says on the way, line by line on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable

Say = Callable[[str], None]
"""Takes one line; a line of a warning begins with ``warning:``."""
_quiet = False


def say(line: str) -> None:
    """Write a line to stderr at once; after `be_quiet`, a warning only."""
    if not _quiet or line.startswith("warning:"):
        print(line, file=sys.stderr, flush=True)


def be_quiet(quiet: bool) -> None:
    """Say warnings only, or everything again."""
    global _quiet
    _quiet = quiet
