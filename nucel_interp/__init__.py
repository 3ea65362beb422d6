"""See what a DNA language model has learned.

The public names below are loaded when first used, so that importing the package stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import nucel_runtime  # noqa: F401, before torch

__version__ = "0.1.0"

# public name -> the module it lives in; adding one is one line
_PUBLIC = {
    "InputError": "nucel_interp.errors",
    "Location": "nucel_interp.types",
    "Motif": "nucel_interp.types",
    "NucelError": "nucel_interp.errors",
    "NucelWarning": "nucel_interp.errors",
    "OutputError": "nucel_interp.errors",
    "Record": "nucel_interp.types",
    "Site": "nucel_interp.types",
    "CalibrationResult": "nucel_interp.api.calibrate",
    "HeadMotifResult": "nucel_interp.api.head_motifs",
    "KmerResult": "nucel_interp.api.find_kmers",
    "MatchResult": "nucel_interp.api.match_motifs",
    "MotifResult": "nucel_interp.api.find_motifs",
    "SeqletResult": "nucel_interp.api.find_seqlets",
    "calibrate": "nucel_interp.api.calibrate",
    "find_kmers": "nucel_interp.api.find_kmers",
    "find_motifs": "nucel_interp.api.find_motifs",
    "find_seqlets": "nucel_interp.api.find_seqlets",
    "head_motifs": "nucel_interp.api.head_motifs",
    "from_pretrained": "nucel_model",
    "load_database": "nucel_interp.match",
    "load_jaspar": "nucel_interp.match",
    "match_motifs": "nucel_interp.api.match_motifs",
    "read_meme": "nucel_interp.io.meme",
    "read_records": "nucel_interp.io.fasta",
    "read_tracks": "nucel_interp.io.tracks",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
