"""Position probability matrices, read from a file in MEME minimal format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_genome.errors import GenomeError
from nucel_genome.meme import parse_meme
from nucel_genome.text import read_text, shown
from nucel_pretrain.errors import DataError

SHIPPED = Path(__file__).parent / "two_motifs.meme"
"""RFX1 and IRF3 of JASPAR, the motifs where no others are given."""


@dataclass(frozen=True)
class Matrix:
    """A motif as independent columns.

    Attributes:
        id: Identifier in the file, such as a JASPAR matrix id.
        name: The word that follows the id, or the id.
        columns: (width, 4) probabilities of A, C, G, T, each row summing to 1.
    """

    id: str
    name: str
    columns: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Columns, in bases."""
        return len(self.columns)

    @property
    def bits(self) -> float:
        """Information against a uniform background (Schneider and others 1986), in bits."""
        p = self.columns
        return float((p * np.log2(4 * np.where(p > 0, p, 0.25))).sum())

    @property
    def consensus(self) -> str:
        """Likeliest base of each column."""
        return "".join("ACGT"[i] for i in self.columns.argmax(axis=1))

    def reverse_complement(self) -> Matrix:
        """The same motif on the other strand."""
        return Matrix(self.id, self.name, self.columns[::-1, ::-1].copy())


def read_two(path: Path) -> tuple[Matrix, Matrix]:
    """Motifs A and B: the first and the second of a file with exactly two.

    Raises:
        DataError: As `two_of`.
        GenomeError: The file cannot be read.
    """
    return two_of(read_text(path, "MEME"), path)


def two_of(text: str, path: Path) -> tuple[Matrix, Matrix]:
    """`read_two` of the text that the file ``path`` holds.

    Raises:
        DataError: It is not in MEME minimal format, has a broken matrix, other than two motifs, or
            twice the same name.
    """
    found = matrices_of(text, path)
    if len(found) != 2:
        raise DataError(
            f"{path} holds {len(found)} motifs{_named(found)}; motif order needs a file with two, "
            "A first and B second"
        )
    a, b = found
    if a.name == b.name:
        raise DataError(f"{path}: both motifs are called {a.name}; give them names that differ")
    return a, b


def read_matrices(path: Path) -> list[Matrix]:
    """Every motif of a file, in its order.

    Raises:
        DataError: It is not MEME minimal format with probabilities.
        GenomeError: The file cannot be read.
    """
    return matrices_of(read_text(path, "MEME"), path)


def matrices_of(text: str, path: Path) -> list[Matrix]:
    """`read_matrices` of the text that the file ``path`` holds."""
    try:
        found = parse_meme(text, shown(path))
    except GenomeError as error:
        raise DataError(str(error)) from error
    return [Matrix(m.id, m.name or m.id, m.columns) for m in found]


def _named(found: list[Matrix]) -> str:
    return f" ({', '.join(m.name for m in found[:4])})" if found else ""
