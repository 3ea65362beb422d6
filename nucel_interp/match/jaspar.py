"""The motif collection that names what was found: JASPAR, with archetypes."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from nucel_interp.errors import InputError
from nucel_interp.io.meme import read_meme
from nucel_interp.types import Motif

RELEASE = "JASPAR2026"
_STEM = f"{RELEASE}_CORE"


@dataclass(frozen=True, eq=False)
class JasparDatabase:
    """Motifs to match against.

    Attributes:
        release: Where they come from ("JASPAR2026 CORE", or a user's words).
        tax: Which part of it was loaded ("vertebrates", ..., "all"; "" if it has no parts).
        motifs: The targets; ``group`` is set.
        archetypes: Motif id to archetype id ("A052_CTCF"): a group of matrices too alike for a
            match to tell between them. Built within a tax group.
        members: Archetype id to its members' names, each once, in the order of the motifs.
        families: Motif id to JASPAR's transcription factor family; "" if it gives none.
    """

    release: str
    tax: str
    motifs: tuple[Motif, ...]
    archetypes: dict[str, str]
    members: dict[str, tuple[str, ...]]
    families: dict[str, str]

    def __len__(self) -> int:
        return len(self.motifs)

    @classmethod
    def from_motifs(cls, motifs: Sequence[Motif], release: str) -> JasparDatabase:
        """A user's own collection: every motif is its own archetype, named like the motif.

        Raises:
            InputError: No motif, or an id twice.
        """
        ids = [motif.id for motif in motifs]
        if not ids or len(set(ids)) < len(ids):
            found = "none" if not ids else "the same id more than once"
            raise InputError(
                f"A motif collection to match against needs motifs with different ids, but "
                f"{release} has {found}. Give another file."
            )
        return cls(
            release=release,
            tax="",
            motifs=tuple(motifs),
            archetypes={motif.id: motif.id for motif in motifs},
            members={motif.id: (motif.name or motif.id,) for motif in motifs},
            families=dict.fromkeys(ids, ""),
        )


def load_jaspar(tax: str = "vertebrates") -> JasparDatabase:
    """JASPAR 2026 CORE, latest versions, as shipped with this package.

    Args:
        tax: A tax group: vertebrates, insects, plants, fungi, nematodes, urochordates, diatoms;
            or ``all``.

    Raises:
        InputError: No such group; the message names the nearest.
    """
    with files("nucel_interp.data").joinpath(f"{_STEM}.tsv").open(encoding="utf-8") as handle:
        table = list(csv.DictReader(handle, delimiter="\t"))
    groups = list(dict.fromkeys(row["tax_group"] for row in table))
    if tax not in ("all", *groups):
        near = difflib.get_close_matches(tax.lower(), ["all", *groups], n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(
            f"JASPAR has no tax group {tax!r}. {hint}Choose one of {', '.join(groups)} or all."
        )
    packed = files("nucel_interp.data").joinpath(f"{_STEM}.meme.gz").read_bytes()
    by_id = {motif.id: motif for motif in read_meme(io.StringIO(gzip.decompress(packed).decode()))}
    rows = [row for row in table if tax in ("all", row["tax_group"])]
    members: dict[str, dict[str, None]] = {}
    for row in rows:
        members.setdefault(row["archetype"], {})[row["name"]] = None
    return JasparDatabase(
        release=f"{RELEASE} CORE",
        tax=tax,
        motifs=tuple(replace(by_id[row["matrix_id"]], group=row["tax_group"]) for row in rows),
        archetypes={row["matrix_id"]: row["archetype"] for row in rows},
        members={archetype: tuple(names) for archetype, names in members.items()},
        families={row["matrix_id"]: row["tf_family"] for row in rows},
    )
