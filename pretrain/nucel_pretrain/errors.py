"""Errors of training, fine-tuning and measuring."""

from __future__ import annotations

from nucel_runtime.errors import NucelError


class PretrainError(NucelError):
    """A configuration, a run folder or a model cannot be used as it is."""


class DataError(NucelError):
    """The sequence given cannot be trained on; says what was found and what to do."""


class NonFiniteError(NucelError):
    """Loss or gradient is not a number; the optimiser has not moved."""
