"""Where a comparison measures: at given sites, or at FIMO's sites of given or chosen motifs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nucel_interp.compare.models.motif_sites import named_motifs, scan_sites
from nucel_interp.compare.shared.enriched_motifs import enriched_archetypes
from nucel_interp.compare.shared.place_sites import GivenSites, place_sites
from nucel_interp.compare.shared.windows import SharedWindows
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite
from nucel_interp.match import JasparDatabase
from nucel_interp.progress import OnProgress
from nucel_interp.types import Motif, Record, Site


@dataclass(frozen=True, eq=False)
class EvaluationSites:
    """The sites at which every model is measured, and how they came about.

    Attributes:
        sites: Motif -> sites, counted as in `SharedWindows`.
        motifs: Motif -> the matrix its sites were found with; None for given sites.
        logos: Motif -> matrix to draw beside its sites, where there is one.
        sites_from: Source of the sites, in words.
        choice: Reason for these motifs, in words.
        given: Sites that were given: placed, left out, and why.
    """

    sites: dict[str, list[Site]]
    motifs: dict[str, Motif] | None
    logos: dict[str, Motif]
    sites_from: str
    choice: str
    given: GivenSites | None = None


def choose_sites(
    records: list[Record],
    windows: SharedWindows,
    sites: Sequence[BedSite] | None,
    motifs: Sequence[Motif] | None,
    database: JasparDatabase,
    seed: int,
    on_progress: OnProgress | None,
) -> EvaluationSites:
    """Place given sites, or scan for motifs.

    Args:
        records: Records that the windows were cut from.
        windows: Windows that every model reads.
        sites: Given sites; their names are the motifs.
        motifs: Matrices to scan the windows for, or of given sites to draw beside them.
        database: Collection of matrices. If neither sites nor motifs are given, the motif of it
            that most more windows hold than their shuffled copies; matrices of given sites are
            taken from it by name.
        seed: Seed of the shuffled copies.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No site lies in a window, or no motif can be chosen.
    """
    if sites is not None:
        given = place_sites(sites, records, windows.spans)
        pool = named_motifs(database.motifs if motifs is None else motifs)
        by_id = {m.id: m for m in pool.values()}
        logos = {n: by_id.get(n) or pool.get(n) for n in given.sites}
        return EvaluationSites(
            given.sites, None, {n: m for n, m in logos.items() if m is not None},
            "a BED file", "the names of the given sites", given,
        )  # fmt: skip
    choice = "asked for"
    if motifs is None:
        motifs = enriched_archetypes(
            windows.sequences, database, seed, most=1, on_progress=on_progress
        )
        if not motifs:
            raise InputError(
                f"no motif of {database.release} has sites in 40 windows and in more than in their "
                "shuffled copies; name a motif with --motif, or give sites with --sites"
            )
        choice = (
            "the motif whose sites most more windows hold than their dinucleotide-shuffled copies, "
            "chosen from sequence alone, before any model was read"
        )
    named = named_motifs(motifs)
    found = scan_sites(named, windows)
    kept = {name: s for name, s in found.items() if s}
    if not kept:
        raise InputError(
            f"FIMO finds no site (p < 1e-4) of {', '.join(list(named)[:5])} in the windows; ask "
            "for another motif with --motif, or give sites with --sites"
        )
    return EvaluationSites(kept, named, named, "FIMO, p < 1e-4, background of the windows", choice)
