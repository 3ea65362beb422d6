"""A genome of any size, read by interval; only names, lengths and runs are held in memory.

The first time a file is opened its bases are copied, one byte each, into a cache folder (see
`cache`); later starts open that copy and read no FASTA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_genome.cache import Say, Tally, cached, repeated
from nucel_genome.errors import GenomeError
from nucel_genome.readers import SOFT_MASK

Reader = Callable[[int, int], NDArray[np.uint8]]


@dataclass(frozen=True)
class _Chromosome:
    length: int
    runs: NDArray[np.int64]
    read: Reader
    """Bytes of a stretch, as `readers` codes them."""


def _of_array(ids: NDArray[np.uint8], start: int, end: int) -> NDArray[np.uint8]:
    return ids[start:end]


class Genome:
    """Named sequences, read by interval; coordinates are 0-based half-open.

    Attributes:
        names: Names of the sequences, in the order of the files.
        has_soft_mask: Whether some bases are lower case and some upper case.
    """

    def __init__(self, chromosomes: Mapping[str, _Chromosome], *, has_soft_mask: bool) -> None:
        """Use `Genome.open` or `Genome.from_arrays`."""
        self._chromosomes = dict(chromosomes)
        self.names = list(chromosomes)
        self.has_soft_mask = has_soft_mask

    @classmethod
    def open(
        cls,
        paths: Sequence[str | Path] | str | Path,
        *,
        cache: Path | None = None,
        say: Say | None = None,
    ) -> Genome:
        """Sequences of one or several FASTA (plain, gzip, bgzip) or .2bit files.

        Args:
            paths: The files, or the one. A sequence is called by the first word of its header.
            cache: Folder in which the copies are kept, a byte a base; by default
                ``$XDG_CACHE_HOME/nucel-interp/genomes`` or the same under ``~/.cache``. A copy is
                used while the file has the same path, size and modification time, and may be
                deleted at any time.
            say: Told what is read when reading takes longer than two seconds.

        Raises:
            GenomeError: A file cannot be read, a name is repeated, there is no sequence, or the
                cache cannot be written.
        """
        if isinstance(paths, str | Path):
            paths = [paths]
        if not paths:
            raise GenomeError("no FASTA was given: pass --fasta, or set data.fasta")
        chromosomes: dict[str, _Chromosome] = {}
        upper = lower = False
        for path in map(Path, paths):
            copy = cached(path, cache, say or (lambda line: None))
            at, first_run = 0, 0
            for name, length, n_runs in zip(copy.names, copy.lengths, copy.n_runs, strict=True):
                name = name or f"record_{len(chromosomes) + 1}"
                if name in chromosomes:
                    raise repeated(path, name)
                chromosomes[name] = _Chromosome(
                    length, copy.runs[first_run : first_run + n_runs], copy.reader(at)
                )
                at, first_run = at + length, first_run + n_runs
            upper, lower = upper or copy.upper, lower or copy.lower
        if not chromosomes:
            raise GenomeError(f"{', '.join(map(str, paths))}: no sequence in it")
        return cls(chromosomes, has_soft_mask=upper and lower)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.uint8]]) -> Genome:
        """Sequences in memory: base ids by name, plus 128 where a base is soft-masked."""
        chromosomes = {}
        tally = Tally()
        for name, ids in arrays.items():
            tally.begin()
            tally.add(ids)
            chromosomes[name] = _Chromosome(len(ids), tally.end(), partial(_of_array, ids))
        return cls(chromosomes, has_soft_mask=tally.upper and tally.lower)

    def length(self, name: str) -> int:
        """Bases of a sequence, N included."""
        return self._named(name).length

    def fetch(self, name: str, start: int, end: int) -> NDArray[np.uint8]:
        """Base ids (end - start,): A 11, C 12, G 13, T 14, everything else 1; a fresh array."""
        return self._bytes(name, start, end) & np.uint8(SOFT_MASK - 1)

    def soft_masked(self, name: str, start: int, end: int) -> NDArray[np.bool_]:
        """Where the file has lower case (end - start,)."""
        return self._bytes(name, start, end) >= SOFT_MASK

    def runs(self, name: str) -> NDArray[np.int64]:
        """The longest stretches of A, C, G, T alone, (n, 2): start and end, in order."""
        return self._named(name).runs

    def _named(self, name: str) -> _Chromosome:
        if name not in self._chromosomes:
            raise GenomeError(f"there is no sequence {name}; there is {', '.join(self.names[:5])}")
        return self._chromosomes[name]

    def _bytes(self, name: str, start: int, end: int) -> NDArray[np.uint8]:
        chromosome = self._named(name)
        if not 0 <= start <= end <= chromosome.length:
            raise GenomeError(f"{name} has {chromosome.length} bases; {start}-{end} was asked for")
        return chromosome.read(start, end)
