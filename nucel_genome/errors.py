"""The error of files of sequence, and of places in it."""

from __future__ import annotations

from nucel_runtime.errors import NucelError


class GenomeError(NucelError):
    """A sequence file, or a file of places in it, cannot be used; says what and what to do."""
