"""NucEL's networks: encoder, ELECTRA, heads, attention profiles, folders on disk."""

import nucel_runtime  # noqa: F401, before torch
from nucel_model.config import NucelConfig, every_third_global, nucel_base
from nucel_model.electra import Electra, ElectraOutput
from nucel_model.encoder import NucelEncoder
from nucel_model.errors import ConfigError, FolderError
from nucel_model.folder import from_pretrained, save_pretrained
from nucel_model.heads import ClassificationHead
from nucel_model.masked_lm import MaskedLM
from nucel_model.nt import NucleotideTransformer
from nucel_model.nt_config import NTConfig, nt_config
from nucel_model.nucel import AnyConfig, Nucel, random_control
from nucel_model.outputs import EncoderOutput, Profile

__all__ = [
    "AnyConfig",
    "ClassificationHead",
    "ConfigError",
    "Electra",
    "ElectraOutput",
    "EncoderOutput",
    "FolderError",
    "MaskedLM",
    "NTConfig",
    "Nucel",
    "NucelConfig",
    "NucelEncoder",
    "NucleotideTransformer",
    "Profile",
    "every_third_global",
    "from_pretrained",
    "nt_config",
    "nucel_base",
    "random_control",
    "save_pretrained",
]
