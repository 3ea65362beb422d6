"""Motifs by sequence alone: enriched k-mers seed matrices, regions refine them, sites are erased.

Seed: the canonical k-mer (k = 6, 7, 8) whose presence in a unit most exceeds its presence in that
unit's shuffled copies. Refine: align the best site of every region, keep those above the 99th
percentile of shuffled regions, grow and trim the matrix, repeat. Erase: mask the motif's sites,
which takes its k-mers with it, and look for the next seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.kmers import KmerIndex
from nucel_interp.motifs import pwm as matrices
from nucel_interp.motifs.kmer_seeds import OpenWords, best_seed
from nucel_interp.motifs.open_text import GROW_BP, MAX_WIDTH, OpenText
from nucel_interp.motifs.seqlet_windows import Regions, canonical_regions, on_given_strand
from nucel_interp.types import BASES, Motif

MAX_MOTIFS = 20
NULL_PERCENTILES = (90.0, 95.0, 99.0, 99.0, 99.0, 99.0)
"""A site must score above this percentile of shuffled seqlets' best; one value per round. The first
rounds are lenient, because a bare k-mer misses most sites of a degenerate motif."""
MIN_SITES = 10
MIN_BITS = 6.0
MIN_WIDTH = 5
TRIM_BITS = 0.4
"""Outer columns below this are cut, after what chance alone gives: 3 / (2 ln 2 n) bits at n sites
(Schneider et al. 1986)."""


@dataclass(frozen=True, eq=False)
class KmerMotif:
    """A motif, the word it grew from, and where its sites begin, counted over all units."""

    motif: Motif
    place: NDArray[np.int64]
    seed: str


def kmer_motifs(
    real: Regions,
    null: list[Regions],
    background: NDArray[np.float64],
    *,
    on_progress: Callable[[int], None] | None = None,
) -> list[KmerMotif]:
    """Motifs of some regions, in the order in which they were found.

    Args:
        real: Units, and the stretches of them in which motifs are sought.
        null: Shuffled copies of the same units, each with stretches of its own.
        background: (4,) base frequencies of the sequences.
        on_progress: Called with 1 after each seed.
    """
    text = OpenText(canonical_regions(real))
    controls = [OpenText(canonical_regions(n)) for n in null]
    words = OpenWords([text, *controls])
    found: list[KmerMotif] = []
    tried = 0
    while tried < MAX_MOTIFS and text.open.any():
        seed = best_seed(words)
        if seed is None:
            break
        tried += 1
        if on_progress is not None:
            on_progress(1)
        refined = _refine(seed, text, controls, background)
        if refined is None:
            _erase_word(text, seed)
            continue
        matrix, place, limit = refined
        width = matrix.shape[1]
        text.erase(place, width)
        odds = matrices.log_odds(matrix, background, n_sites=len(place))
        for control in controls:
            score, where, _ = control.best_sites(odds)
            control.erase(where[score > limit], width)
        _erase_word(text, seed)
        bits = matrices.total_information(matrix)
        n_units = len(np.unique(text.unit[place + width // 2]))
        if n_units >= MIN_SITES and bits >= MIN_BITS and width >= MIN_WIDTH:
            name = f"motif_{len(found) + 1}"
            found.append(
                KmerMotif(
                    Motif(id=name, pwm=matrix, n_sites=len(place)),
                    on_given_strand(real, text.unit[place + width // 2], place, width),
                    seed,
                )
            )
    return found


def _refine(
    seed: str, text: OpenText, controls: list[OpenText], background: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], float] | None:
    """Matrix, places and score limit of the motif that ``seed`` grows into."""
    matrix = np.full((4, len(seed)), 0.1)
    for column, letter in enumerate(seed):
        matrix[BASES.index(letter), column] = 0.7
    result = None
    for percentile in NULL_PERCENTILES:
        odds = matrices.log_odds(matrix, background, n_sites=MIN_SITES)
        score, place, flipped = text.best_sites(odds)
        shuffled = np.concatenate([c.best_sites(odds)[0] for c in controls])
        shuffled = shuffled[np.isfinite(shuffled)]
        limit = float(np.percentile(shuffled, percentile)) if shuffled.size else 0.0
        kept = np.flatnonzero(score > max(limit, 0.0))
        # widened seqlets overlap; a site in two of them counts once
        kept = kept[np.unique(place[kept], return_index=True)[1]]
        if len(kept) < MIN_SITES:
            return None
        place, flipped, width = place[kept], flipped[kept], matrix.shape[1]
        stack = text.stack(place - GROW_BP, flipped, width + 2 * GROW_BP)
        counts = np.stack([(stack == b).sum(axis=0) for b in range(4)]).astype(float)
        grown = matrices.from_counts(counts, background=background)
        trimmed, left = matrices.trim(grown, TRIM_BITS + 3 / (2 * np.log(2) * len(kept)))
        if trimmed.shape[1] < MIN_WIDTH:
            return None
        trimmed = trimmed[:, :MAX_WIDTH]
        shift_forward = left - GROW_BP
        shift_other = width + GROW_BP - left - trimmed.shape[1]
        place = place + np.where(flipped, shift_other, shift_forward)
        result = (trimmed, place, limit)
        settled = trimmed.shape == matrix.shape and np.allclose(trimmed, matrix, atol=1e-3)
        if settled and percentile == NULL_PERCENTILES[-1]:
            break
        matrix = trimmed
    return result


def _erase_word(text: OpenText, seed: str) -> None:
    """Close every place of a seed, so that the next round cannot choose it again."""
    index = text.index(len(seed))
    code = KmerIndex([seed], len(seed)).code[0]
    text.erase(np.flatnonzero(index.code == code), len(seed))
