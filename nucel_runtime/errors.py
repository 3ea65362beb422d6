"""The root of every error that a user can mend, in all packages."""

from __future__ import annotations


class NucelError(Exception):
    """Something the user can mend; the programs print it in one line and exit with 1."""
