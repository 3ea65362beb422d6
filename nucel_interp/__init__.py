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
    "AgreementResult": "nucel_interp.api.agree_models",
    "AttentionMapResult": "nucel_interp.api.attention_map",
    "AttentionResult": "nucel_interp.api.attention",
    "AttributionResult": "nucel_interp.api.attribute",
    "CalibrationResult": "nucel_interp.api.calibrate",
    "ComparisonResult": "nucel_interp.api.compare_models",
    "DiscriminatorResult": "nucel_interp.api.discriminator",
    "GenomeTracksResult": "nucel_interp.api.genome_tracks",
    "HeadMotifResult": "nucel_interp.api.head_motifs",
    "InputError": "nucel_interp.errors",
    "KmerResult": "nucel_interp.api.find_kmers",
    "Location": "nucel_interp.types",
    "MatchResult": "nucel_interp.api.match_motifs",
    "Motif": "nucel_interp.types",
    "MotifResult": "nucel_interp.api.find_motifs",
    "NucelError": "nucel_interp.errors",
    "NucelWarning": "nucel_interp.errors",
    "OutputError": "nucel_interp.errors",
    "PredictionResult": "nucel_interp.api.predict",
    "Record": "nucel_interp.types",
    "SeqletResult": "nucel_interp.api.find_seqlets",
    "Site": "nucel_interp.types",
    "SubstitutionResult": "nucel_interp.api.substitution",
    "VariantResult": "nucel_interp.api.score_variants",
    "agree_models": "nucel_interp.api.agree_models",
    "attention": "nucel_interp.api.attention",
    "attention_map": "nucel_interp.api.attention_map",
    "attribute": "nucel_interp.api.attribute",
    "calibrate": "nucel_interp.api.calibrate",
    "compare_models": "nucel_interp.api.compare_models",
    "discriminator": "nucel_interp.api.discriminator",
    "find_kmers": "nucel_interp.api.find_kmers",
    "find_motifs": "nucel_interp.api.find_motifs",
    "find_seqlets": "nucel_interp.api.find_seqlets",
    "from_pretrained": "nucel_model",
    "genome_tracks": "nucel_interp.api.genome_tracks",
    "head_motifs": "nucel_interp.api.head_motifs",
    "load_database": "nucel_interp.match",
    "load_jaspar": "nucel_interp.match",
    "match_motifs": "nucel_interp.api.match_motifs",
    "predict": "nucel_interp.api.predict",
    "read_meme": "nucel_interp.io.meme",
    "read_records": "nucel_interp.io.fasta",
    "read_tracks": "nucel_interp.io.tracks",
    "reverse_complement": "nucel_interp.types",
    "scan": "nucel_interp.motifs.scan",
    "score_variants": "nucel_interp.api.score_variants",
    "shuffled": "nucel_interp.scoring.shuffle",
    "substitution": "nucel_interp.api.substitution",
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
