"""Motifs to ask the heads about where none are given: known ones that the sequences hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucel_interp.controls.occurrences import MIN_SEQUENCES
from nucel_interp.match import JasparDatabase
from nucel_interp.motifs.scan import Scanner, strand_background
from nucel_interp.progress import OnProgress
from nucel_interp.scoring.shuffle import shuffled
from nucel_interp.sequences import Sequences
from nucel_interp.types import Motif

MOST = 20


def enriched_archetypes(
    sequences: Sequence[str],
    database: JasparDatabase,
    seed: int,
    most: int = MOST,
    on_progress: OnProgress | None = None,
) -> list[Motif]:
    """One motif of each archetype that occurs in more sequences than in shuffled copies.

    Chosen from sequence alone, so the choice favours no head. Archetypes are represented by the
    motif they are named after; sorted by how many more distinct sequences have a site (FIMO,
    p < 1e-4) than their dinucleotide-shuffled copies; at most ``most``, with sites in at least 40.
    """
    sequences = Sequences.of(sequences)
    kept = sequences.take(np.flatnonzero(sequences.distinct))
    background = strand_background(kept)
    real = Scanner(kept, background)
    null = Scanner([shuffled(s, seed=seed) for s in kept], background)
    representatives: dict[str, Motif] = {}
    for motif in database.motifs:
        archetype = database.archetypes[motif.id]
        named_after = archetype.partition("_")[2] == motif.name
        if archetype not in representatives or (
            named_after and archetype.partition("_")[2] != representatives[archetype].name
        ):
            representatives[archetype] = motif
    ranked = []
    for number, (archetype, motif) in enumerate(representatives.items()):
        if on_progress is not None:
            on_progress(number, len(representatives), "choosing motifs from JASPAR")
        found, chance = (len({s.record for s in scanner.scan(motif)}) for scanner in (real, null))
        if found > chance and found >= 2 * MIN_SEQUENCES:
            ranked.append((chance - found, archetype, motif))
    if on_progress is not None:
        on_progress(len(representatives), len(representatives), "choosing motifs from JASPAR")
    return [motif for _, _, motif in sorted(ranked, key=lambda r: r[:2])[:most]]
