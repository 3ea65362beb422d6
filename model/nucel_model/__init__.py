"""NucEL's networks: encoder, ELECTRA, heads, attention profiles, folders on disk."""

from nucel_model.config import ConfigError, NucelConfig, every_third_global, nucel_base
from nucel_model.electra import Electra, ElectraOutput
from nucel_model.encoder import NucelEncoder
from nucel_model.folder import FolderError, Nucel, from_pretrained, save_pretrained, untrained_twin
from nucel_model.heads import ClassificationHead
from nucel_model.masked_lm import MaskedLM
from nucel_model.outputs import EncoderOutput, Profile

__all__ = [
    "ClassificationHead",
    "ConfigError",
    "Electra",
    "ElectraOutput",
    "EncoderOutput",
    "FolderError",
    "MaskedLM",
    "Nucel",
    "NucelConfig",
    "NucelEncoder",
    "Profile",
    "every_third_global",
    "from_pretrained",
    "nucel_base",
    "save_pretrained",
    "untrained_twin",
]
