"""Errors a user can act on: each says what was asked, what was found and what to do."""

from __future__ import annotations

from nucel_runtime.errors import NucelError

__all__ = ["InputError", "NucelError", "NucelWarning", "OutputError"]


class InputError(NucelError):
    """The given sequence, track or motif file cannot be used as it is."""


class OutputError(NucelError):
    """An output exists already, or cannot be written."""


class NucelWarning(UserWarning):
    """Something the user should know, though the run goes on."""
