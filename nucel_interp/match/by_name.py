"""Motifs of a collection by their ids or names."""

from __future__ import annotations

from collections.abc import Sequence

from nucel_interp.errors import InputError
from nucel_interp.match.jaspar import JasparDatabase
from nucel_interp.types import Motif


def motifs_by_name(names: str | Sequence[str], database: JasparDatabase) -> list[Motif]:
    """Motifs of a collection by id or name; case is ignored, and of one name all are taken.

    Args:
        names: Ids or names, such as ``["CTCF", "MA0139.2"]``; a string may hold several, separated
            by commas.
        database: The collection.

    Returns:
        The motifs, each once, in the order in which they are named.

    Raises:
        InputError: No name, or one that is not in the collection.
    """
    given = [names] if isinstance(names, str) else names
    words = [word.strip() for one in given for word in one.split(",") if word.strip()]
    if not words:
        raise InputError("no motif was named; give at least one id or name")
    found: dict[str, Motif] = {}
    for word in words:
        hits = _called(word, database)
        if not hits:
            where = f"{database.release} {database.tax}".strip()
            raise InputError(
                f"{where} has no motif with the id or name {word!r}; nucel-interp match lists what "
                "is near a motif, --db takes your own MEME file, --tax all every group of JASPAR"
            )
        found |= {m.id: m for m in hits}
    return list(found.values())


def holds_names(text: str, database: JasparDatabase) -> bool:
    """Whether a text is ids or names of a collection, separated by commas."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return bool(words) and all(_called(word, database) for word in words)


def _called(word: str, database: JasparDatabase) -> list[Motif]:
    low = word.lower()
    by_id = [m for m in database.motifs if m.id.lower() == low]
    return by_id or [m for m in database.motifs if m.name.lower() == low]
