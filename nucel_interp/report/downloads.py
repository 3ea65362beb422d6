"""Files that a page carries within itself, to copy or to save without the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nucel_interp.io.meme import write_meme
from nucel_interp.io.tables import to_bed, to_tsv

if TYPE_CHECKING:
    from nucel_interp.analysis.result import MotifAnalysis

MOST_CHARACTERS = 400_000
"""Longer files are left to the folder: a page is mailed."""
_TABLES = {
    "motifs": "motifs",
    "untested": "motifs_untested",
    "matches": "matches",
    "controls": "controls",
    "head_sites": "head_sites",
    "kmers": "kmers",
    "heads": "heads",
}


class Download(NamedTuple):
    """One file: its name in the folder, and its text, None if it is too long for a page."""

    name: str
    text: str | None


def downloads(result: MotifAnalysis) -> list[Download]:
    """The tables, the matrices and the sites, as the files of the folder have them; none empty."""
    texts = {
        f"{name}.tsv": to_tsv(getattr(result, attribute))
        for attribute, name in _TABLES.items()
        if len(getattr(result, attribute))
    }
    ids = [*result.motifs["motif_id"], *result.untested["motif_id"]]
    if ids and all(str(i).split() == [str(i)] for i in ids):
        texts["motifs.meme"] = write_meme([result.pwms[i] for i in ids])
    if len(result.sites):
        texts["sites.bed"] = to_bed(result.sites)
    return [
        Download(name, text if len(text) <= MOST_CHARACTERS else None)
        for name, text in texts.items()
    ]
