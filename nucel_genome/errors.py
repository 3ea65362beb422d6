"""The error a user can mend; the command lines of the packages above print it in one line."""

from __future__ import annotations


class GenomeError(Exception):
    """A sequence file, or a file of places in it, cannot be used; says what and what to do."""
