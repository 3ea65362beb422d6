"""A motif's sites in the windows, and what stands beside them for chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.shared.windows import SharedWindows
from nucel_interp.controls.auroc_weights import SiteIntervals, not_overlapping, site_places
from nucel_interp.controls.decoys import N_DECOYS, decoys
from nucel_interp.controls.intervals import random_sites
from nucel_interp.controls.occurrences import (
    Occurrences,
    OnProgress,
    like_places,
    too_few_decoys,
    too_few_sites,
)
from nucel_interp.motifs.scan import Scanner, strand_background
from nucel_interp.motifs.testing import site_bases
from nucel_interp.types import Motif, Site


@dataclass(frozen=True, eq=False)
class MotifSites:
    """A motif's sites, counted as in `SharedWindows`.

    Attributes:
        name: Name of the motif, as in the column ``motif`` of every table.
        sites: All of them.
        inside: (bases,) under a site, known bases only.
        random: (bases,) under as many intervals of the same lengths at random places.
        known: (bases,) bases that count at all.
        places: The sites, for AUROC.
        decoys: Decoy sites that give AUROC its chance level: sites of matrices with the motif's
            columns in another order, or for given sites further random intervals, weighted to the
            same composition.
        with_site: (n,) records with a known base under a site, and one that is not.
        index: (draws, n) bootstrap over ``with_site``.
    """

    name: str
    sites: list[Site]
    inside: NDArray[np.bool_]
    random: NDArray[np.bool_]
    known: NDArray[np.bool_]
    places: SiteIntervals
    decoys: SiteIntervals
    with_site: NDArray[np.int64]
    index: NDArray[np.int64]

    def occurrences(self, second_half: NDArray[np.bool_]) -> Occurrences:
        """Sites and decoys as every command's controls take them.

        Args:
            second_half: (records,) bool.
        """
        reason = too_few_sites(self.places, second_half) or too_few_decoys(self.decoys, second_half)
        return Occurrences(self.places, self.decoys, N_DECOYS, reason)


def make_motif_sites(
    sites: Mapping[str, Sequence[Site]],
    motifs: Mapping[str, Motif] | None,
    windows: SharedWindows,
    known: NDArray[np.bool_],
    seed: int,
    n_decoys: int = N_DECOYS,
    on_progress: OnProgress | None = None,
) -> list[MotifSites]:
    """Everything that does not depend on a model.

    Args:
        sites: Motif -> sites.
        motifs: The matrices that the sites were found with: decoys are made of their columns. None
            for given sites: decoys are random intervals then.
        windows: Windows that the sites lie in.
        known: (bases,) bases that count.
        seed: Seed of decoys, random intervals and bootstrap.
        n_decoys: Number of decoys of each motif.
        on_progress: Called as ``on_progress(done, total, stage)``.
    """
    texts = windows.by_record
    offsets = texts.offsets
    scanner = None
    if motifs is not None:
        scanner = Scanner(windows.sequences, strand_background(windows.sequences))
    made = []
    for number, (name, own) in enumerate(sites.items()):
        if on_progress is not None:
            on_progress(number, len(sites), "placing decoys")
        own = list(own)
        placed = [
            random_sites(own, texts, windows.sequences.number, known, seed, f"{name} {copy}")
            for copy in range(1 if scanner is not None else 1 + n_decoys)
        ]
        others = placed[1:]
        if scanner is not None:
            assert motifs is not None
            found = (
                windows.of_windows(scanner.scan(d)) for d in decoys(motifs[name], seed, n_decoys)
            )
            others = [not_overlapping(one, own) for one in found]
        places = site_places([own], offsets, known)
        inside = site_bases(own, offsets) & known
        with_site = places.units
        chance = like_places(others, own, texts, known)
        index = texts.take(with_site).bootstrap(seed)
        random = site_bases(placed[0], offsets) & known
        made.append(MotifSites(name, own, inside, random, known, places, chance, with_site, index))
    if on_progress is not None:
        on_progress(len(sites), len(sites), "placing decoys")
    return made


def scan_sites(motifs: Mapping[str, Motif], windows: SharedWindows) -> dict[str, list[Site]]:
    """FIMO's sites of each motif (p < 1e-4, background of the windows).

    They are counted as in `SharedWindows`.
    """
    scanner = Scanner(windows.sequences, strand_background(windows.sequences))
    return {name: windows.of_windows(scanner.scan(m)) for name, m in motifs.items()}


def named_motifs(motifs: Sequence[Motif]) -> dict[str, Motif]:
    """Motifs by their names, with the id beside it where a name is not unique."""
    names = [m.name or m.id for m in motifs]
    return {
        name if names.count(name) == 1 else f"{name} ({m.id})": m
        for name, m in zip(names, motifs, strict=True)
    }
