"""FASTA to windows: which stretch of which chromosome and strand, from (seed, index) alone.

Windows are drawn uniformly over all starts at which a whole window holds only A, C, G, T and lies
outside the excluded regions. A window is named by its index, so any run can resume exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dnaio
import numpy as np
from numpy.typing import NDArray

from nucel_model import tokenizer


class DataError(Exception):
    """The sequence given cannot be trained on; says what was found and what to do."""


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is read and what is left out."""

    fasta: tuple[str, ...] = ()
    """FASTA files, plain or gzip."""
    exclude: tuple[str, ...] = ()
    """Regions never trained on: "chr20:40000000-63025520", 0-based half-open."""
    validation: tuple[str, ...] = ()
    """Regions of the same form, not trained on either: validation losses are measured there."""
    window: int = 256
    """Bases per window."""
    batch: int = 32
    """Windows per step."""
    reverse_complement: bool = True
    """Read every other window, on average, on the other strand."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.window < 8 or self.batch < 1:
            raise ValueError(
                f"data.window must be >= 8 and data.batch >= 1; got {self.window}, {self.batch}"
            )
        for region in (*self.exclude, *self.validation):
            _region(region)


def _region(text: str) -> tuple[str, int, int]:
    match = re.fullmatch(r"(\S+):([\d,_]+)-([\d,_]+)", text)
    if not match:
        raise ValueError(
            "data.exclude and data.validation want chrom:start-end (0-based half-open); "
            f"got {text!r}"
        )
    start, end = (int(re.sub("[,_]", "", g)) for g in match.groups()[1:])
    if start >= end:
        raise ValueError(f"the region {text!r} is empty: its end must be larger than its start")
    return match[1], start, end


class Windows:
    """All usable windows of a genome.

    Attributes:
        n_starts: How many different windows there are.
        usable_bases: How many bases lie in stretches long enough for a window.
    """

    def __init__(
        self,
        chromosomes: dict[str, NDArray[np.uint8]],
        config: DataConfig,
        *,
        validation: bool = False,
    ) -> None:
        """``chromosomes`` maps names to base ids (see `read_chromosomes`).

        With ``validation`` the windows come from the validation regions alone; without, from
        everything but these and the excluded regions.

        Raises:
            DataError: No window is usable, or an excluded region names no chromosome of the file.
        """
        self.config = config
        self._ids: list[NDArray[np.uint8]] = []
        self.names: list[str] = []
        intervals = []
        excluded = [_region(r) for r in config.exclude]
        held = [_region(r) for r in config.validation]
        for chrom, _, _ in (*excluded, *held):
            if chrom not in chromosomes:
                raise DataError(
                    f"the configuration names a region of {chrom}, which is not in the FASTA; "
                    f"it has {', '.join(list(chromosomes)[:5])}. Is a 'chr' missing or too many?"
                )
        for chrom, start, end in (*excluded, *held):
            if start >= len(chromosomes[chrom]):
                raise DataError(
                    f"the configuration names {chrom}:{start}-{end}, but {chrom} has "
                    f"{len(chromosomes[chrom])} bases. Is it of another assembly?"
                )
        for number, (name, ids) in enumerate(chromosomes.items()):
            self._ids.append(ids)
            self.names.append(name)
            usable = ids >= tokenizer.A
            inside = np.zeros_like(usable)
            for chrom, start, end in held:
                if chrom == name:
                    inside[start:end] = True
            usable &= inside if validation else ~inside
            for chrom, start, end in excluded:
                if chrom == name:
                    usable[start:end] = False
            edges = np.flatnonzero(
                np.diff(np.concatenate([[False], usable, [False]]).astype(np.int8))
            )
            for start, end in edges.reshape(-1, 2):
                if end - start >= config.window:
                    intervals.append((number, int(start), int(end)))
        if not intervals:
            use = "validate" if validation else "train"
            raise DataError(
                f"no stretch of {config.window} bases without N is left to {use} on; "
                "give longer sequence, a smaller data.window, or other regions"
            )
        self._intervals = intervals
        self.usable_bases = sum(end - start for _, start, end in intervals)
        starts = [end - start - config.window + 1 for _, start, end in intervals]
        self._cumulative = np.concatenate([[0], np.cumsum(starts)])
        self.n_starts = int(self._cumulative[-1])

    def stretches(self) -> Iterator[NDArray[np.uint8]]:
        """Base ids of every stretch that windows are drawn from."""
        for number, start, end in self._intervals:
            yield self._ids[number][start:end]

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
            number, start, flip = self._draw(seed, index)
            ids = self._ids[number][start : start + width]
            row[1:] = tokenizer.reverse_complement_ids(ids) if flip else ids
        return out

    def _draw(self, seed: int, index: int) -> tuple[int, int, bool]:
        rng = np.random.default_rng([seed, index])
        at = int(rng.integers(self.n_starts))
        flip = bool(rng.integers(2)) and self.config.reverse_complement
        which = int(np.searchsorted(self._cumulative, at, side="right")) - 1
        number, start, _ = self._intervals[which]
        return number, start + at - int(self._cumulative[which]), flip


def read_chromosomes(paths: Sequence[str | Path]) -> dict[str, NDArray[np.uint8]]:
    """Base ids of every record, one byte a base; the name is the header's first word.

    Raises:
        DataError: A file is missing, is not FASTA, or repeats a name.
    """
    if not paths:
        raise DataError("no FASTA was given: set data.fasta or pass --fasta")
    chromosomes: dict[str, NDArray[np.uint8]] = {}
    for path in paths:
        try:
            with dnaio.open(path, fileformat="fasta") as reader:
                for record in reader:
                    name = (
                        record.name.split()[0]
                        if record.name.split()
                        else f"record_{len(chromosomes) + 1}"
                    )
                    if name in chromosomes:
                        raise DataError(
                            f"{path} repeats the sequence name {name}; names must differ"
                        )
                    chromosomes[name] = tokenizer.encode(record.sequence)
        except (OSError, EOFError, dnaio.FileFormatError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {path} as FASTA: {error}") from error
    if not chromosomes:
        raise DataError(f"{', '.join(map(str, paths))}: no sequence in it")
    return chromosomes
