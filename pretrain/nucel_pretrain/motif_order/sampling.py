"""Examples of the task: example *i* of a set is a function of (seed, set, *i*)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_pretrain.errors import DataError
from nucel_pretrain.motif_order.background import SETS, Background
from nucel_pretrain.motif_order.matrices import Matrix

BACKGROUNDS = ("uniform", "markov", "shuffled")
STRANDS = ("both", "forward")
_LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How examples are made."""

    length: int = 252
    """Bases per example; a multiple of 6, so that 6-mer tokens leave nothing over."""
    background: str = "uniform"
    """uniform, markov or shuffled."""
    order: int = 3
    """Of the Markov chain."""
    strands: str = "both"
    """both: each motif on either strand, drawn; forward: as the matrix is written."""
    validation: int = 500
    held_out: int = 1000
    """Examples of the two fixed sets; training examples are drawn afresh as long as it takes."""
    seed: int = 0
    """Of the examples."""

    def __post_init__(self) -> None:
        """Check the values."""
        if self.length < 6 or self.length % 6:
            raise ValueError(
                f"sampling.length must be a multiple of 6, so that 6-mers fit; got {self.length}"
            )
        for name, value, known in (
            ("background", self.background, BACKGROUNDS),
            ("strands", self.strands, STRANDS),
        ):
            if value not in known:
                raise ValueError(f"sampling.{name} must be {', '.join(known)}; got {value!r}")
        if not 0 <= self.order <= 8:
            raise ValueError(f"sampling.order must lie in 0 .. 8; got {self.order}")
        for name in ("validation", "held_out"):
            if getattr(self, name) < 2:
                raise ValueError(f"sampling.{name} must be at least 2; got {getattr(self, name)}")


@dataclass(frozen=True)
class Site:
    """Where a motif was planted; 0-based, half-open."""

    start: int
    end: int
    motif: str
    strand: str


@dataclass(frozen=True)
class Example:
    """One sequence of the task.

    Attributes:
        name: Name of the record in files.
        sequence: A, C, G, T.
        label: 1 where motif A comes before motif B, else 0.
        sites: A's and B's, in this order.
    """

    name: str
    sequence: str
    label: int
    sites: tuple[Site, Site]


class Sampler:
    """Draws examples; even numbers are positive, odd ones negative.

    Args:
        a: The one motif; bases of a site are drawn column by column, independently.
        b: The other.
        background: Background that the sites are planted into.
        config: Length, strands, seed.

    Raises:
        DataError: The motifs do not fit into the length side by side.
    """

    def __init__(self, a: Matrix, b: Matrix, background: Background, config: SamplingConfig):
        if a.width + b.width > config.length:
            raise DataError(
                f"{a.name} ({a.width} bases) and {b.name} ({b.width}) do not fit side by side "
                f"into {config.length} bases; set sampling.length higher"
            )
        self.motifs = (a, b)
        self.background = background
        self.config = config
        self._reserved = {
            canonical(example.sequence)
            for set_, n in (("validation", config.validation), ("held_out", config.held_out))
            for example in (self.example(set_, i) for i in range(n))
        }

    def example(self, set_: str, index: int) -> Example:
        """Example ``index`` of a set, before a look at the other sets."""
        return self._example(set_, index, 0)

    def training(self, index: int) -> Example:
        """Training example ``index``; never a sequence of the other sets, on either strand."""
        for attempt in range(100):
            example = self._example("train", index, attempt)
            if canonical(example.sequence) not in self._reserved:
                return example
        raise DataError(
            "100 draws of a training example were all in the validation or held-out set: "
            "give a longer sampling.length, or motifs that vary more"
        )

    def fixed(self, set_: str) -> list[Example]:
        """All of validation or held_out."""
        return [self.example(set_, i) for i in range(getattr(self.config, set_))]

    def _example(self, set_: str, index: int, attempt: int) -> Example:
        rng = np.random.default_rng([self.config.seed, SETS.index(set_), index, attempt])
        label = 1 - index % 2
        bases = self.background.draw(rng, set_, self.config.length)
        order = (0, 1) if label else (1, 0)
        widths = [self.motifs[which].width for which in order]
        # uniform over all placements of the two side by side: two of slack + 2 places, in order
        slack = self.config.length - sum(widths)
        low, high = sorted(rng.choice(slack + 2, 2, replace=False).tolist())
        starts = (low, high - 1 + widths[0])
        sites: dict[int, Site] = {}
        for which, start in zip(order, starts, strict=True):
            motif = self.motifs[which]
            strand = "+" if self.config.strands == "forward" or rng.random() < 0.5 else "-"
            columns = (motif if strand == "+" else motif.reverse_complement()).columns
            bases[start : start + motif.width] = draw_site(columns, rng)
            sites[which] = Site(start, start + motif.width, motif.name, strand)
        return Example(
            name=f"{set_}_{index}",
            sequence=_LETTERS[bases].tobytes().decode(),
            label=label,
            sites=(sites[0], sites[1]),
        )


def draw_site(columns: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A base, 0 to 3, from each column's probabilities."""
    below = np.cumsum(columns, axis=1)[:, :3]
    return (rng.random(len(columns))[:, None] >= below).sum(axis=1).astype(np.uint8)


def canonical(sequence: str) -> str:
    """The smaller of a sequence and its reverse complement: the same for both strands."""
    return min(sequence, sequence.translate(_COMPLEMENT)[::-1])


def labels_of(examples: Iterable[Example]) -> NDArray[np.int64]:
    """Labels (n,)."""
    return np.array([example.label for example in examples], dtype=np.int64)
