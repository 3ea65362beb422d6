"""Genome to windows: which stretch of which chromosome and strand, from (seed, index) alone.

Windows are drawn uniformly over all starts at which a whole window holds only A, C, G, T and lies
in what is included and outside what is excluded. A window is named by its index, so any run can
resume exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_genome import Genome, intersect, subtract
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.regions import check_region, resolve

__all__ = ["DataConfig", "DataError", "Windows"]


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
    """Weight in the loss, 0 to 1, of bases that are lower case (soft-masked repeats)."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.window < 8 or self.batch < 1:
            raise ValueError(
                f"data.window must be >= 8 and data.batch >= 1; got {self.window}, {self.batch}"
            )
        if not 0 <= self.repeat_weight <= 1:
            raise ValueError(f"data.repeat_weight must lie in 0 .. 1; got {self.repeat_weight}")
        for region in (*self.include, *self.exclude, *self.validation):
            check_region(region)


class Windows:
    """All usable windows of a genome.

    Attributes:
        n_starts: How many different windows there are.
        usable_bases: How many bases lie in stretches long enough for a window.
        unmatched: Names in the BED files that the genome does not have.
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
            DataError: No window is usable, a region is of no sequence of the genome, a BED file
                cannot be read, or ``repeat_weight`` is set for sequence without lower case.
        """
        if not isinstance(genome, Genome):
            genome = Genome.from_arrays(genome)
        self.config = config
        self.genome = genome
        self.names = genome.names
        if config.repeat_weight < 1 and not genome.has_soft_mask:
            raise DataError(
                f"data.repeat_weight = {config.repeat_weight} needs soft-masked sequence, repeats "
                "in lower case and the rest in upper case, and this has one case only; give a "
                "soft-masked file or set data.repeat_weight = 1"
            )
        included, excluded, held = (
            resolve(genome, getattr(config, option), f"data.{option}")
            for option in ("include", "exclude", "validation")
        )
        self.unmatched = sorted({*included[1], *excluded[1], *held[1]})
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
        lengths = self._intervals[:, 1] - self._intervals[:, 0]
        self.usable_bases = int(lengths.sum())
        self._cumulative = np.concatenate([[0], np.cumsum(lengths - config.window + 1)])
        self.n_starts = int(self._cumulative[-1])

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

        1, ``repeat_weight`` at soft-masked bases, 0 at [CLS].
        """
        width = self.config.window
        out = np.ones((len(indices), width + 1), dtype=np.float32)
        out[:, 0] = 0
        if self.config.repeat_weight == 1:
            return out
        for row, index in zip(out, indices, strict=True):
            name, start, flip = self.place(seed, index)
            masked = self.genome.soft_masked(name, start, start + width)
            row[1:][masked[::-1] if flip else masked] = self.config.repeat_weight
        return out

    def _draw(self, seed: int, index: int) -> tuple[int, int, bool]:
        rng = np.random.default_rng([seed, index])
        at = int(rng.integers(self.n_starts))
        flip = bool(rng.integers(2)) and self.config.reverse_complement
        which = int(np.searchsorted(self._cumulative, at, side="right")) - 1
        start = int(self._intervals[which, 0])
        return int(self._number[which]), start + at - int(self._cumulative[which]), flip
