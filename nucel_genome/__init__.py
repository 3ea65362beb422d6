"""Genomes of any size, read by interval, and places in them: FASTA, 2bit and BED.

The names below are loaded when first used: a genome's bases need torch, reading text does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import nucel_runtime  # noqa: F401, before torch

if TYPE_CHECKING:
    from nucel_genome.bed import bed_lines
    from nucel_genome.errors import GenomeError
    from nucel_genome.genome import Genome
    from nucel_genome.intervals import Intervals, intersect, merge, subtract

__all__ = ["Genome", "GenomeError", "Intervals", "bed_lines", "intersect", "merge", "subtract"]

_MODULE = {"Genome": "genome", "GenomeError": "errors", "bed_lines": "bed"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE.get(name, 'intervals')}"), name)
    globals()[name] = value  # found without this function from now on
    return value
