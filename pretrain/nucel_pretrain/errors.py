"""Errors that a user can mend; the command line prints them in one line."""

from __future__ import annotations


class DataError(Exception):
    """The sequence given cannot be trained on; says what was found and what to do."""
