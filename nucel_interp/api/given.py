"""What every public function is given: sequences in any form, and a model by name or loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nucel_interp.io.sequences import Sequences, path_of, records_of

if TYPE_CHECKING:
    from nucel_interp.types import Motif
    from nucel_model import Nucel

    Model = str | Path | Nucel
    """A shipped model's name, a model folder, or a loaded model."""

DEFAULT_MODEL = "nucel-mini"

__all__ = ["DEFAULT_MODEL", "Sequences", "motifs_of", "path_of", "paths", "records_of"]


def paths(*given: object) -> list[Path]:
    """Those of what was given that are files, for run.json."""
    return [Path(one) for one in given if isinstance(one, (str, Path))]


def motifs_of(motifs: str | Path | list[Motif]) -> list[Motif]:
    """Motifs of a MEME file, or as they are given.

    Raises:
        InputError: None, or the file cannot be read.
    """
    from nucel_interp.errors import InputError
    from nucel_interp.io.meme import read_meme

    if not isinstance(motifs, (str, Path)):
        if not motifs:
            raise InputError("no motif was given; give at least one")
        return list(motifs)
    found = read_meme(motifs)
    if not found:
        raise InputError(f"{motifs} holds no motif. Give a MEME file with at least one.")
    return found
