"""Errors of model folders and of configurations; each says what was found and what to do."""

from __future__ import annotations

from nucel_runtime.errors import NucelError


class FolderError(NucelError, ValueError):
    """A model folder that cannot be used, with what was found and what to do."""


class ConfigError(NucelError, ValueError):
    """A configuration that contradicts itself, or lacks something that must not be guessed."""
