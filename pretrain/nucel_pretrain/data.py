"""Genome to windows: which stretch of which chromosome and strand, from (seed, index) alone.

A usable start is one at which a whole window holds only A, C, G, T and lies in what is included and
outside what is excluded. Windows are drawn uniformly over all usable starts or, where regions are
enriched, with the stated share from those that overlap them. A window is named by its index, so any
run can resume exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_genome import Genome, Intervals, intersect, merge, subtract
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.regions import check_region, resolve

__all__ = ["DataConfig", "DataError", "EnrichConfig", "Windows"]


@dataclass(frozen=True, kw_only=True)
class EnrichConfig:
    """Regions that a stated share of the training windows overlaps: one ``[[data.enrich]]``."""

    regions: tuple[str, ...]
    """Written as in ``data.include``."""
    share: float
    """Share of all windows, above 0, at most 1, that are drawn among those overlapping a region."""
    flank: int = 0
    """Bases by which every region is made longer on either side first."""

    def __post_init__(self) -> None:
        """Check the values."""
        if not self.regions:
            raise ValueError("data.enrich.regions is empty; name a region or a .bed file")
        if not 0 < self.share <= 1:
            raise ValueError(f"data.enrich.share must be above 0 and at most 1; got {self.share}")
        if self.flank < 0:
            raise ValueError(f"data.enrich.flank must be 0 or more; got {self.flank}")
        for region in self.regions:
            check_region(region)


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is read and what is left out."""

    fasta: tuple[str, ...] = ()
    """FASTA files, plain, gzip or bgzip, or .2bit files."""
    include: tuple[str, ...] = ()
    """Regions to train on, everything if empty. A region, here and below, is
    "chr20:40000000-63025520" (0-based half-open), "chr20", or the path of a .bed or .bed.gz."""
    exclude: tuple[str, ...] = ()
    """Regions never trained on."""
    validation: tuple[str, ...] = ()
    """Regions not trained on either: validation losses are measured there."""
    window: int = 256
    """Bases per window."""
    batch: int = 32
    """Windows per step."""
    reverse_complement: bool = True
    """Read every other window, on average, on the other strand."""
    repeat_weight: float = 1.0
    """Weight in the losses, 0 to 1, of repeats: bases in lower case or in ``repeats``."""
    repeats: tuple[str, ...] = ()
    """Repeats besides those in lower case, usually a .bed of them."""
    enrich: tuple[EnrichConfig, ...] = ()
    """Where training windows are drawn more often; the rest are drawn from everything usable."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.window < 8 or self.batch < 1:
            raise ValueError(
                f"data.window must be >= 8 and data.batch >= 1; got {self.window}, {self.batch}"
            )
        if not 0 <= self.repeat_weight <= 1:
            raise ValueError(f"data.repeat_weight must lie in 0 .. 1; got {self.repeat_weight}")
        for region in (*self.include, *self.exclude, *self.validation, *self.repeats):
            check_region(region)
        shares = math.fsum(entry.share for entry in self.enrich)
        if shares > 1 + 1e-9:
            raise ValueError(
                f"the shares of [[data.enrich]] must add up to 1 at most; they add up to {shares:g}"
            )


@dataclass(frozen=True)
class _Starts:
    """A set of starts to draw windows from.

    Attributes:
        number: (n,) number of the genome's sequence that each interval is on.
        intervals: First start and last start + 1 (n, 2); on one sequence, sorted and apart.
        ends: (n,) number of starts up to the end of each interval.
    """

    number: NDArray[np.int64]
    intervals: Intervals
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, number: NDArray[np.int64], intervals: Intervals) -> _Starts:
        return cls(number, intervals, np.cumsum(intervals[:, 1] - intervals[:, 0]))

    @property
    def n(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def at(self, position: int) -> tuple[int, int]:
        """Sequence and start at a position in 0 .. n - 1."""
        which = int(np.searchsorted(self.ends, position, side="right"))
        return int(self.number[which]), int(self.intervals[which, 1] - self.ends[which]) + position

    def overlapping(self, regions: Mapping[int, Intervals], window: int, flank: int) -> _Starts:
        """Those whose windows share at least a base with a region made longer by its flanks."""
        number, intervals = [self.number[:0]], [self.intervals[:0]]
        for at, spans in regions.items():
            reach = merge(spans + np.array([1 - window - flank, flank]))
            found = intersect(self.intervals[self.number == at], reach)
            number.append(np.full(len(found), at))
            intervals.append(found)
        return _Starts.of(np.concatenate(number), np.concatenate(intervals))


class Windows:
    """All usable windows of a genome, and how they are drawn.

    With N usable starts, of which n_k lie so that the window overlaps a region of entry k of
    ``data.enrich``, a draw has the start s with probability

        sum over the entries k that s belongs to of share_k / n_k  +  (1 - sum of all shares) / N

    So a share is one of draws: more windows than that overlap the entry's regions, as the rest may
    too. Each window is drawn on either strand alike unless ``data.reverse_complement`` is off.
    Validation windows are drawn uniformly.

    Attributes:
        n_starts: Number of different windows.
        enriched: Number of windows that overlap the regions of each entry of ``data.enrich``; empty
            for validation.
        usable_bases: Number of bases in stretches long enough for a window.
        unmatched: Names in the BED files that the genome does not have.
        has_repeats: Whether some bases are marked as repeats, by lower case or by ``data.repeats``.
    """

    def __init__(
        self,
        genome: Genome | Mapping[str, NDArray[np.uint8]],
        config: DataConfig,
        *,
        validation: bool = False,
    ) -> None:
        """A mapping goes to `Genome.from_arrays`.

        With ``validation`` the windows come from the validation regions less the excluded; without,
        from the included regions (everything, if none is given) less both.

        Raises:
            DataError: No window is usable, or none of an entry of ``data.enrich``; a region is of
                no sequence of the genome, a BED file cannot be read, or ``repeat_weight`` is set
                and nothing says what the repeats are.
        """
        if not isinstance(genome, Genome):
            genome = Genome.from_arrays(genome)
        self.config = config
        self.genome = genome
        self.names = genome.names
        self.has_repeats = bool(config.repeats) or genome.has_soft_mask
        if config.repeat_weight < 1 and not self.has_repeats:
            raise DataError(
                f"data.repeat_weight = {config.repeat_weight} needs soft-masked sequence, repeats "
                "in lower case and the rest in upper case, and this has one case only; give a "
                "soft-masked file, name a .bed of repeats in data.repeats, or set "
                "data.repeat_weight = 1"
            )
        included, excluded, held, repeats = (
            resolve(genome, getattr(config, option), f"data.{option}")
            for option in ("include", "exclude", "validation", "repeats")
        )
        self._repeats = repeats[0]
        unmatched = {*included[1], *excluded[1], *held[1], *repeats[1]}
        nothing = np.empty((0, 2), dtype=np.int64)
        number, intervals = [], []
        for at, name in enumerate(genome.names):
            usable = genome.runs(name)
            if validation:
                usable = intersect(usable, held[0].get(name, nothing))
            elif config.include:
                usable = intersect(usable, included[0].get(name, nothing))
            for region in (excluded,) if validation else (excluded, held):
                if name in region[0]:
                    usable = subtract(usable, region[0][name])
            usable = usable[usable[:, 1] - usable[:, 0] >= config.window]
            number.append(np.full(len(usable), at))
            intervals.append(usable)
        self._number = np.concatenate(number)
        self._intervals = np.concatenate(intervals)
        if not len(self._intervals):
            use = "validate" if validation else "train"
            raise DataError(
                f"no stretch of {config.window} bases without N is left to {use} on; "
                "give longer sequence, a smaller data.window, or other regions"
            )
        self.usable_bases = int((self._intervals[:, 1] - self._intervals[:, 0]).sum())
        self._starts = _Starts.of(self._number, self._intervals - np.array([0, config.window - 1]))
        self.n_starts = self._starts.n
        self._enriched: list[_Starts] = []
        for at, entry in enumerate(() if validation else config.enrich, start=1):
            regions, missing = resolve(genome, entry.regions, f"[[data.enrich]] number {at}")
            unmatched.update(missing)
            spans = {self.names.index(name): found for name, found in regions.items()}
            starts = self._starts.overlapping(spans, config.window, entry.flank)
            if not starts.n:
                raise DataError(
                    f"[[data.enrich]] number {at} ({', '.join(entry.regions)}): no window that "
                    "may be trained on overlaps one of its regions; leave it out or give others"
                )
            self._enriched.append(starts)
        self.enriched = tuple(starts.n for starts in self._enriched)
        self._shares = np.cumsum([entry.share for entry in config.enrich][: len(self.enriched)])
        self.unmatched = sorted(unmatched)

    def stretches(self) -> Iterator[NDArray[np.uint8]]:
        """Base ids of every stretch that windows are drawn from."""
        for number, (start, end) in zip(self._number, self._intervals, strict=True):
            yield self.genome.fetch(self.names[number], int(start), int(end))

    def place(self, seed: int, index: int) -> tuple[str, int, bool]:
        """Chromosome, start (0-based) and "other strand?" of window ``index``."""
        number, start, flip = self._draw(seed, index)
        return self.names[number], start, flip

    def batch(self, seed: int, indices: Sequence[int]) -> NDArray[np.int64]:
        """Token ids (len(indices), window + 1), [CLS] first."""
        width = self.config.window
        out = np.empty((len(indices), width + 1), dtype=np.int64)
        out[:, 0] = tokenizer.CLS
        for row, index in zip(out, indices, strict=True):
            name, start, flip = self.place(seed, index)
            ids = self.genome.fetch(name, start, start + width)
            row[1:] = tokenizer.reverse_complement_ids(ids) if flip else ids
        return out

    def weights(self, seed: int, indices: Sequence[int]) -> NDArray[np.float32]:
        """Weight of each token of `batch` in the loss (len(indices), window + 1).

        1, ``repeat_weight`` at repeats, 0 at [CLS].
        """
        width = self.config.window
        out = np.ones((len(indices), width + 1), dtype=np.float32)
        out[:, 0] = 0
        if self.config.repeat_weight == 1:
            return out
        for row, index in zip(out, indices, strict=True):
            name, start, flip = self.place(seed, index)
            repeat = self.is_repeat(name, start, start + width)
            row[1:][repeat[::-1] if flip else repeat] = self.config.repeat_weight
        return out

    def is_repeat(self, name: str, start: int, end: int) -> NDArray[np.bool_]:
        """Which bases of a stretch are marked as repeats (end - start,)."""
        repeat = self.genome.soft_masked(name, start, end)
        if name in self._repeats:
            marked = self._repeats[name]
            first = np.searchsorted(marked[:, 1], start, side="right")
            last = np.searchsorted(marked[:, 0], end, side="left")
            for low, high in marked[first:last] - start:
                repeat[max(low, 0) : high] = True
        return repeat

    def _draw(self, seed: int, index: int) -> tuple[int, int, bool]:
        rng = np.random.default_rng([seed, index])
        starts = self._starts
        if self._enriched:
            entry = int(np.searchsorted(self._shares, rng.random(), side="right"))
            starts = (*self._enriched, starts)[entry]
        at = int(rng.integers(starts.n))
        flip = bool(rng.integers(2)) and self.config.reverse_complement
        return *starts.at(at), flip
