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

from nucel_interp.kmers import KmerIndex, kmer_words
from nucel_interp.kmers.counting import base_codes
from nucel_interp.motifs import pwm as matrices
from nucel_interp.motifs.seqlet_windows import Regions, canonical_regions, on_given_strand
from nucel_interp.sequences import covered
from nucel_interp.types import BASES, Motif

SEED_KS = (6, 7, 8)
MAX_MOTIFS = 20
MIN_SEED_Z = 3.0
GROW_BP = 8
NULL_PERCENTILES = (90.0, 95.0, 99.0, 99.0, 99.0, 99.0)
"""A site must score above this percentile of shuffled seqlets' best; one value per round. The first
rounds are lenient, because a bare k-mer misses most sites of a degenerate motif."""
MIN_SITES = 10
MIN_BITS = 6.0
MIN_WIDTH = 5
MAX_WIDTH = 30
TRIM_BITS = 0.4
"""Outer columns below this are cut, after what chance alone gives: 3 / (2 ln 2 n) bits at n sites
(Schneider et al. 1986)."""


@dataclass(frozen=True, eq=False)
class KmerMotif:
    """A motif, the word it grew from, and where its sites begin, counted over all units."""

    motif: Motif
    place: NDArray[np.int64]
    seed: str


class _Text:
    """Units laid end to end as codes 0..3 (-1: no base), and what is yet to be explained."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        # GROW_BP + MAX_WIDTH of nothing at the very end, so that growing a site never runs off
        tail = np.full(MAX_WIDTH + 2 * GROW_BP, -1, dtype=np.int64)
        self.base = np.concatenate([base_codes(regions.sequences).astype(np.int64), tail])
        self.unit = np.concatenate([regions.sequences.number, np.full(len(tail), -1)])
        sought = covered(regions.start, regions.end, len(self.base))
        # what is closed never opens again, so lists of open places only ever shrink
        self.open = sought & (self.base >= 0)
        self._open_at = np.flatnonzero(self.open)
        self._closed: NDArray[np.int64] | None = None
        self.indices = {k: KmerIndex(regions.sequences, k) for k in SEED_KS}
        self._words = dict.fromkeys(SEED_KS, self._open_at)

    def _whole(self, at: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
        """Is every base open, of all ``width`` from each place on?"""
        if self._closed is None:
            self._closed = np.concatenate([[0], np.cumsum(~self.open)])
        whole: NDArray[np.bool_] = self._closed[at + width] == self._closed[at]
        return whole

    def words(self, k: int) -> NDArray[np.int64]:
        """Distinct unit x 4^k + code of the canonical k-mers that lie wholly in open bases."""
        index, at = self.indices[k], self._words[k]
        at = at[self._whole(at, k)]
        at = self._words[k] = at[index.code[at] >= 0]
        keys: NDArray[np.int64] = np.unique(index.unit[at] * 4**k + index.code[at])
        return keys

    def best_sites(self, log_odds: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
        """The best site of each region, wholly in open bases.

        Returns:
            Score (-inf where no site fits), place of its first base, and True if on the other
            strand; (regions,) each.
        """
        width = log_odds.shape[1]
        n = len(self.base) - width + 1
        at = self._open_at[self._whole(self._open_at, width)]
        at = at[self.unit[at] == self.unit[at + width - 1]]
        forward, other = np.zeros(len(at)), np.zeros(len(at))
        for column in range(width):
            # both in the motif's order, so that a site scores the same to the last digit
            forward += log_odds[self.base[at + column], column]
            other += log_odds[3 - self.base[at + width - 1 - column], column]
        strand = other > forward
        # regions are short but may overlap, so look at all of them as rows of one table
        best, turned = np.full(n, -np.inf), np.zeros(n, dtype=bool)
        best[at], turned[at] = np.maximum(forward, other), strand
        start, last = self.regions.start, self.regions.end - width
        if not len(start) or (last < start).all():
            return np.full(len(start), -np.inf), np.full(len(start), -1), np.zeros(len(start), bool)
        index = start[:, None] + np.arange(int((last - start).max()) + 1)
        scores = np.where(index <= last[:, None], best[np.minimum(index, n - 1)], -np.inf)
        place = start + scores.argmax(axis=1)
        score = scores.max(axis=1)
        place = np.where(score > -np.inf, place, -1)
        return score, place, turned[place] & (place >= 0)

    def stack(
        self, place: NDArray[np.int64], flipped: NDArray[np.bool_], width: int
    ) -> NDArray[np.int64]:
        """(sites, width) bases at the places, other-strand sites turned; -1 beyond their unit."""
        index = place[:, None] + np.arange(width)
        safe = np.clip(index, 0, len(self.base) - 1)
        middle = np.clip(place + width // 2, 0, len(self.base) - 1)
        letters = np.where(
            (self.unit[safe] == self.unit[middle][:, None]) & (index >= 0), self.base[safe], -1
        )
        turned = np.where(letters >= 0, 3 - letters, -1)[:, ::-1]
        return np.where(flipped[:, None], turned, letters)

    def erase(self, place: NDArray[np.int64], width: int) -> None:
        """Close the bases of these sites; a site that grew beyond its unit closes nothing there."""
        index = place[:, None] + np.arange(width)
        middle = self.unit[place + width // 2]
        inside = (index >= 0) & (self.unit[index] == middle[:, None])
        self.open[index[inside]] = False
        self._open_at = self._open_at[self.open[self._open_at]]
        self._closed = None


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
    text, controls = (
        _Text(canonical_regions(real)),
        [_Text(canonical_regions(n)) for n in null],
    )
    found: list[KmerMotif] = []
    tried = 0
    while tried < MAX_MOTIFS and text.open.any():
        seed = best_seed(text, controls)
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


def best_seed(text: _Text, controls: list[_Text]) -> str | None:
    """The k-mer most over-represented in real seqlets, or None if none stands out."""
    best: tuple[float, str] | None = None
    for k in SEED_KS:
        code, _, z = kmer_excess(text, controls, k)
        if not len(code):
            continue
        top = int(np.argmax(z))
        if best is None or z[top] > best[0]:
            best = (float(z[top]), kmer_words(code[top : top + 1], k)[0])
    return best[1] if best is not None and best[0] >= MIN_SEED_Z else None


def kmer_excess(
    text: _Text, controls: list[_Text], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Codes of all k-mers present, units with each, and z of that number given the copies.

    Under the null a unit hit T times among itself and its K copies is a real hit with probability
    T / (K + 1); mean and variance of the sum give z (the exact test is `kmers.sign_test`).
    """
    keys = text.words(k)
    others = [control.words(k) for control in controls]
    total_keys, hits = np.unique(np.concatenate([keys, *others]), return_counts=True)
    is_real = np.isin(total_keys, keys, assume_unique=True)
    n = len(controls) + 1
    codes, where = np.unique(total_keys % 4**k, return_inverse=True)
    observed = np.bincount(where, is_real)
    # sums of whole numbers: exact, so the order of the units cannot break a tie
    mean = np.bincount(where, hits) / n
    variance = np.bincount(where, hits * (n - hits)) / n**2
    z = (observed - mean) / np.sqrt(np.maximum(variance, 0.25))
    return codes, observed.astype(np.int64), z


def _refine(
    seed: str, text: _Text, controls: list[_Text], background: NDArray[np.float64]
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


def _erase_word(text: _Text, seed: str) -> None:
    """Close every place of a seed, so that the next round cannot choose it again."""
    index = text.indices[len(seed)]
    code = KmerIndex([seed], len(seed)).code[0]
    text.erase(np.flatnonzero(index.code == code), len(seed))
