"""Motifs found twice, by the score and by sequence alone: the more enriched of two stays.

Which of two like matrices is the better one is decided by how much more sequences than shuffled
copies hold a site, in the sequences that the motifs were found in; the held-out test comes later,
on the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nucel_interp.analysis.discovery import Discovered
from nucel_interp.motifs.alignment import align

SAME_MOTIF = 0.75
"""Matrices as similar as this (`motifs.alignment`) stand for one motif."""


def without_rivals(
    found: Sequence[Discovered], source: Sequence[int], p: Sequence[float]
) -> list[tuple[int, Discovered]]:
    """The motifs that remain where two sources gave like ones, most enriched first.

    Motifs of the same source have competed already and stay beside each other, however alike.

    Args:
        found: Motifs of all sources.
        source: Number of the source of each.
        p: Enrichment p-value of each, in the sequences that it was found in.

    Returns:
        Number among ``found``, and the motif, with ``found_by`` "both" where it stands for two.
    """
    order = sorted(range(len(found)), key=lambda i: (p[i], -found[i].n_seqlets, i))
    kept: list[tuple[int, Discovered]] = []
    for i in order:
        rivals = [
            at
            for at, (k, _) in enumerate(kept)
            if source[k] != source[i]
            and align(found[k].motif.pwm, found[i].motif.pwm).similarity >= SAME_MOTIF
        ]
        for at in rivals:
            number, one = kept[at]
            if one.found_by != found[i].found_by:
                kept[at] = number, replace(one, found_by="both")
        if not rivals:
            kept.append((i, found[i]))
    return kept
