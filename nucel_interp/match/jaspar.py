"""The motif collection that names what was found: JASPAR or a user's own, with archetypes."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from nucel_interp.errors import InputError
from nucel_interp.io.meme import read_meme
from nucel_interp.io.text import shown
from nucel_interp.match.archetypes import archetypes
from nucel_interp.types import Motif

RELEASE = "JASPAR2026"
_STEM = f"{RELEASE}_CORE"
_GROUP_OF = {
    animal: group
    for group, animals in {
        "vertebrates": "human homo_sapien hg38 mammal mouse mice mm10 rat chicken zebrafish xenopu",
        "plants": "arabidopsi maize rice wheat tomato tobacco",
        "insects": "fly drosophila bee mosquito dm6",
        "nematodes": "worm celegan c_elegan caenorhabditi",
        "fungi": "yeast saccharomyce mold",
    }.items()
    for animal in animals.split()
}
"""What people type, less the last s, and the group that they mean."""
# Tomtom's null is made of the targets' columns, and MEME asks for 50 targets: against KLF alone, a
# KLF motif gets p = 5e-6, and 3e-11 once JASPAR's columns say what columns look like
FEWEST_OF_THEIR_OWN = 50


@dataclass(frozen=True, eq=False)
class JasparDatabase:
    """Motifs to match against.

    Attributes:
        release: Name of the collection ("JASPAR2026 CORE", or a user's words).
        tax: Part of the collection that was loaded ("vertebrates", ..., "all"; "" if it has no
            parts).
        motifs: The targets; ``group`` is set.
        archetypes: Motif id to archetype id ("A052_CTCF"): a group of matrices too alike for a
            match to tell between them. Built within a tax group.
        members: Archetype id to its members' names, each once, in the order of the motifs.
        families: Motif id to JASPAR's transcription factor family; "" if it gives none.
        null: Motifs that are no targets, but whose columns join Tomtom's null.
    """

    release: str
    tax: str
    motifs: tuple[Motif, ...]
    archetypes: dict[str, str]
    members: dict[str, tuple[str, ...]]
    families: dict[str, str]
    null: tuple[Motif, ...] = ()

    def __len__(self) -> int:
        return len(self.motifs)

    @classmethod
    def from_motifs(
        cls, motifs: Sequence[Motif], release: str, null: Sequence[Motif] = ()
    ) -> JasparDatabase:
        """A user's own collection, grouped into archetypes like JASPAR.

        Args:
            motifs: The targets.
            release: Name of the collection.
            null: Further motifs for Tomtom's null, and to tell archetypes apart.

        Raises:
            InputError: No motif, or an id twice.

        Warns:
            NucelWarning: Targets and null together are fewer than 25.
        """
        ids = [motif.id for motif in motifs]
        if not ids or len(set(ids)) < len(ids):
            found = "none" if not ids else "the same id more than once"
            raise InputError(
                f"A motif collection to match against needs motifs with different ids, but "
                f"{release} has {found}. Give another file."
            )
        # names are joined by commas in tables
        motifs = [replace(m, name=re.sub(r"[\s,]+", "_", m.name or m.id)) for m in motifs]
        groups = archetypes(motifs, against=null)
        members: dict[str, dict[str, None]] = {}
        for motif, group in zip(motifs, groups, strict=True):
            members.setdefault(group, {})[motif.name] = None
        return cls(
            release=release,
            tax="",
            motifs=tuple(motifs),
            archetypes=dict(zip(ids, groups, strict=True)),
            members={group: tuple(names) for group, names in members.items()},
            families=dict.fromkeys(ids, ""),
            null=tuple(null),
        )


def load_database(path: str | Path, tax: str = "vertebrates") -> JasparDatabase:
    """A user's own motif file to match against, in MEME format.

    Archetypes are computed as for JASPAR. A collection of fewer than 50 motifs borrows JASPAR's
    columns as null: its own say too little about what columns look like.

    Args:
        path: MEME format, plain or packed; ``-`` is standard input.
        tax: The part of JASPAR to borrow from.

    Raises:
        InputError: The file cannot be read, is no motif file or holds no motif; no such ``tax``.
    """
    motifs = read_meme(path)
    if not motifs:
        raise InputError(f"{shown(path)} holds no motif; give a MEME file with at least one")
    jaspar = load_jaspar(tax)
    null = jaspar.motifs if len(motifs) < FEWEST_OF_THEIR_OWN else ()
    return JasparDatabase.from_motifs(motifs, Path(shown(path)).name, null)


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
        meant = _GROUP_OF.get(tax.lower().rstrip("s")) or (near[0] if near else "")
        hint = f"Did you mean {meant}? " if meant else ""
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
