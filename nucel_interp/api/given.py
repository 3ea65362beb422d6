"""What every public function is given: sequences in any form, and a model by name or loaded."""

from __future__ import annotations

from collections.abc import Sequence as Several
from pathlib import Path
from typing import TYPE_CHECKING

from nucel_interp.errors import InputError
from nucel_interp.io.sequences import SequenceInput, path_of, records_of
from nucel_interp.io.tracks import Tracks, tracks_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from nucel_interp.match import JasparDatabase
    from nucel_interp.types import Motif, Record
    from nucel_model import Nucel

    Model = str | Path | Nucel
    """A shipped model's name, a model folder, or a loaded model."""

DEFAULT_MODEL = "nucel-mini"

__all__ = [
    "DEFAULT_MODEL",
    "SequenceInput",
    "Tracks",
    "database_of",
    "motifs_of",
    "motifs_to_measure",
    "path_of",
    "paths",
    "reader_of",
    "records_of",
    "scores_of",
    "tracks_of",
]


def paths(*given: object) -> list[Path]:
    """Those of what was given that are files, for run.json."""
    return [Path(one) for one in given if isinstance(one, (str, Path))]


def motifs_of(motifs: str | Path | list[Motif]) -> list[Motif]:
    """Motifs of a MEME file, or as they are given.

    Raises:
        InputError: None, or the file cannot be read.
    """
    from nucel_interp.io.meme import read_meme

    if not isinstance(motifs, (str, Path)):
        if not motifs:
            raise InputError("no motif was given; give at least one")
        return list(motifs)
    found = read_meme(motifs)
    if not found:
        raise InputError(f"{motifs} holds no motif. Give a MEME file with at least one.")
    return found


def database_of(database: str | Path | JasparDatabase | None, tax: str) -> JasparDatabase:
    """The collection to name motifs with: of a MEME file, as it is given, or JASPAR's group.

    Raises:
        InputError: The file cannot be read or holds no motif; no such group.
    """
    from nucel_interp.match import load_database, load_jaspar

    if database is None:
        return load_jaspar(tax)
    return load_database(database, tax) if isinstance(database, (str, Path)) else database


def motifs_to_measure(
    motifs: str | Path | Several[Motif] | None,
    motif: str | Several[str] | None,
    database: JasparDatabase,
) -> list[Motif] | None:
    """Motifs as they are given, or named; None if neither.

    Args:
        motifs: A MEME file, or motifs.
        motif: Ids or names in ``database``.
        database: Collection to take named motifs from.

    Raises:
        InputError: Both are given, the file cannot be read or holds no motif, or a name is not in
            the collection.
    """
    from nucel_interp.errors import InputError
    from nucel_interp.match.by_name import holds_names, motifs_by_name

    if motifs is not None and motif is not None:
        raise InputError("give motifs as a file with --motifs or by name with --motif, not both")
    if motif is not None:
        return motifs_by_name(motif, database)
    if motifs is None:
        return None
    if isinstance(motifs, (str, Path)):
        if not Path(motifs).exists() and holds_names(str(motifs), database):
            raise InputError(
                f"there is no file {motifs}; --motifs takes a MEME file. To name motifs of "
                f"{database.release}: --motif {motifs}"
            )
        return motifs_of(motifs)
    return motifs_of(list(motifs))


def scores_of(
    track: Tracks | None, null_track: Tracks | None, records: list[Record]
) -> tuple[list[ArrayLike] | None, list[ArrayLike] | None]:
    """A user's track and its null, one array per record; None for what is not given.

    Raises:
        InputError: A null without a track, or a track of other records.
    """
    if null_track is not None and track is None:
        raise InputError("a null track was given without a track")
    given = None if track is None else tracks_of(track, records)
    return given, None if null_track is None else tracks_of(null_track, records)


def reader_of(model: Model, context: int | None, *, reads: bool) -> Nucel | None:
    """The model, loaded; None where none is read.

    Raises:
        InputError: A context is given though no model is read.
        FolderError, ConfigError: The model cannot be loaded.
    """
    from nucel_interp.scoring.device import load_model

    if reads:
        return load_model(model, context)
    if context is not None:
        raise InputError("a context was given, but no model is read: leave it out")
    return None
