"""bigWig out, stretch by stretch, in memory that does not grow.

By pybigtools, which keeps zoom levels on disk until they are due; pyBigWig, by which tracks are
read, makes them in memory when a file is closed, and 14 bytes a base were measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import InputError, OutputError
from nucel_interp.io.text import utf8_name

Stretches = Iterable[tuple[str, int, NDArray[np.float32]]]
"""Chromosome, first base (0-based), and a value per base, NaN where there is none."""


def require_bigwig(what: str) -> None:
    """Say before the work begins that bigWig cannot be written.

    Raises:
        InputError: pybigtools is not installed.
    """
    try:
        import pybigtools  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"{what} is written as bigWig: pip install 'nucel-interp[bigwig]'"
        ) from error


def write_bigwig(path: str | Path, sizes: Mapping[str, int], stretches: Stretches) -> int:
    """Write a number per base; nothing is held but the stretch at hand.

    Args:
        path: File to write, of any name; an existing file is overwritten.
        sizes: Length of every chromosome of the genome.
        stretches: Sorted by chromosome name, as UCSC's tools want them, then by start; without
            overlap.

    Returns:
        How many bases have a value; with none, no file is written.

    Raises:
        OutputError: The file cannot be written.
        ValueError: The stretches are not in order.
    """
    import pybigtools

    values = _Values(stretches)
    first = next(values, None)
    if first is None:
        return 0
    with utf8_name(path, ".bw") as file:
        try:
            writer = pybigtools.open(str(file), "w")
            writer.write({name: sizes[name] for name in sorted(sizes)}, values.after(first))
        except Exception as error:  # the library has no errors of its own
            raise OutputError(f"{path} cannot be written: {error}") from error
        if values.error is not None:
            raise values.error
        # what stops it is printed, and it returns as if all were well
        if _bases(file) != values.bases:
            raise OutputError(
                f"{path} cannot be written: it does not hold all that was given; is the disk full?"
            )
    return values.bases


class _Values:
    """Stretches as the library wants them; counts bases and keeps what went wrong."""

    def __init__(self, stretches: Stretches) -> None:
        self.bases = 0
        self.error: BaseException | None = None
        self._values = self._unrolled(stretches)

    def __iter__(self) -> Iterator[tuple[str, int, int, float]]:
        return self

    def __next__(self) -> tuple[str, int, int, float]:
        return next(self._values)

    def after(self, first: tuple[str, int, int, float]) -> Iterator[tuple[str, int, int, float]]:
        """All values; an error is kept, for the library would print it and go on."""
        yield first
        try:
            yield from self._values
        except BaseException as error:
            self.error = error

    def _unrolled(self, stretches: Stretches) -> Iterator[tuple[str, int, int, float]]:
        before = ("", 0)
        for name, start, values in stretches:
            if (name, start) < before:
                raise ValueError(f"{name}:{start} comes after {before[0]}:{before[1]}")
            before = (name, start + len(values))
            at = np.flatnonzero(~np.isnan(values))
            self.bases += len(at)
            begins = (at + start).tolist()
            ends = (at + (start + 1)).tolist()
            yield from zip(repeat(name), begins, ends, values[at].tolist(), strict=False)


def _bases(path: str | Path) -> int:
    """How many bases a file says it has values for; -1 if it cannot be read."""
    import pybigtools

    try:
        with pybigtools.open(str(path)) as file:
            return int(file.info()["summary"]["basesCovered"])
    except Exception:  # as above
        return -1
