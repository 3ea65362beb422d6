"""What every model of a comparison is measured on: the same windows, sites, decoys and halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.models.choose_sites import EvaluationSites, choose_sites
from nucel_interp.compare.models.motif_sites import MotifSites, make_motif_sites
from nucel_interp.compare.shared.windows import SharedWindows
from nucel_interp.controls.beyond import Question, both_ways
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite
from nucel_interp.match import JasparDatabase
from nucel_interp.progress import OnProgress
from nucel_interp.scoring.frames import fewer_frames
from nucel_interp.types import Motif, Record


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The windows and sites at which every model is measured; no model was read for it.

    Attributes:
        windows: Windows that every model reads.
        chosen: The sites, and how they came about.
        known: (bases,) bases that count: none that a model of long tokens reads in fewer frames.
        coarsest: Token width (bases) of the model with the longest tokens.
        motif_sites: The sites motif by motif, with random intervals, decoys and bootstrap; each has
            a base inside and one outside.
        sites_among: Makes the same of fewer known bases, given as (bases,) bool.
        seed: Seed of decoys, random intervals and bootstrap.
    """

    windows: SharedWindows
    chosen: EvaluationSites
    known: NDArray[np.bool_]
    coarsest: int
    motif_sites: list[MotifSites]
    sites_among: Callable[[NDArray[np.bool_]], list[MotifSites]]
    seed: int

    @cached_property
    def questions(self) -> list[Question]:
        """Sites and decoys of each motif as the shared controls take them."""
        half = self.windows.second_half
        return [both_ways(m.name, m.occurrences(half), half) for m in self.motif_sites]


def prepare_evaluation(
    records: list[Record],
    windows: SharedWindows,
    coarsest: int,
    *,
    sites: Sequence[BedSite] | None,
    motifs: Sequence[Motif] | None,
    database: JasparDatabase,
    seed: int,
    on_progress: OnProgress | None,
) -> Evaluation:
    """Place or find the sites, and draw everything that does not depend on a model.

    Args:
        records: Records that the windows were cut from.
        windows: Windows that every model reads.
        coarsest: Token width (bases) of the model with the longest tokens.
        sites: Intervals at which attention is measured; None measures at FIMO's sites of
            ``motifs``.
        motifs: Matrices to scan for; if not given, one is chosen from ``database``.
        database: Collection to choose a motif from.
        seed: Seed of every random draw.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No site lies in a window or can be measured, or no motif can be chosen.
    """
    chosen = choose_sites(records, windows, sites, motifs, database, seed, on_progress)
    known = ~fewer_frames(windows.sequences.offsets, coarsest)

    def sites_among(bases: NDArray[np.bool_]) -> list[MotifSites]:
        made = make_motif_sites(
            chosen.sites, chosen.motifs, windows, known & bases, seed, on_progress=on_progress
        )
        return [m for m in made if len(m.with_site)]

    motif_sites = sites_among(known)
    if not motif_sites:
        raise InputError(
            "no site has bases to measure beside bases to compare them with: the windows are too "
            "short, or covered by sites altogether"
        )
    return Evaluation(windows, chosen, known, coarsest, motif_sites, sites_among, seed)
