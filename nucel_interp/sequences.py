"""Sequences laid end to end, and what every statistic over them needs to know of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import N_BOOTSTRAP, resample
from nucel_interp.types import as_sequences, reverse_complement

Index = NDArray[np.int64]


class Sequences(Sequence[str]):
    """Sequences laid end to end; a base is counted in its sequence, or through all of them.

    It is also a plain sequence of strings. Derived arrays are computed once, at first use.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """Keep the sequences.

        Args:
            texts: Sequences of any length and IUPAC letters, in any case.

        Raises:
            TypeError: One string, or something that is no sequence of strings.
            ValueError: A letter that is no nucleotide code.
        """
        self._texts = tuple(as_sequences(texts))

    @classmethod
    def of(cls, texts: Iterable[str]) -> Sequences:
        """``texts`` itself where it is a `Sequences` already."""
        return texts if isinstance(texts, Sequences) else cls(texts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequences: ...
    def __getitem__(self, index: int | slice) -> str | Sequences:
        return Sequences(self._texts[index]) if isinstance(index, slice) else self._texts[index]

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __repr__(self) -> str:
        return f"<Sequences: {len(self):,} of {self.n_bases:,} bases>"

    @cached_property
    def lengths(self) -> Index:
        """(sequences,) bases."""
        return np.array([len(s) for s in self._texts], dtype=np.int64)

    @cached_property
    def offsets(self) -> Index:
        """(sequences + 1,) first base of each among all bases, and one past the last."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    @property
    def n_bases(self) -> int:
        """Bases in all."""
        return int(self.offsets[-1])

    @cached_property
    def number(self) -> Index:
        """(bases,) number of the sequence that each base lies in."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def position(self) -> Index:
        """(bases,) place of each base in its sequence, from 0."""
        return np.arange(self.n_bases) - self.offsets[self.number]

    def span(self, number: int) -> slice:
        """Where the bases of one sequence are among all."""
        return slice(int(self.offsets[number]), int(self.offsets[number + 1]))

    def take(self, numbers: Iterable[int]) -> Sequences:
        """Those of these numbers, in this order."""
        return Sequences(self._texts[i] for i in numbers)

    @cached_property
    def flipped(self) -> NDArray[np.bool_]:
        """(sequences,) is it given on the strand that is not its canonical one?"""
        return np.array([s > reverse_complement(s) for s in self._texts], dtype=bool)

    @cached_property
    def canonical(self) -> Sequences:
        """Each on the strand that comes first in the alphabet."""
        return Sequences(
            reverse_complement(s) if other else s
            for s, other in zip(self._texts, self.flipped.tolist(), strict=True)
        )

    @cached_property
    def rank(self) -> Index:
        """(sequences,) rank of its canonical form among all; equal sequences share it."""
        number = {s: i for i, s in enumerate(sorted(set(self.canonical)))}
        return np.array([number[s] for s in self.canonical], dtype=np.int64)

    @cached_property
    def order(self) -> Index:
        """(sequences,) numbers of the sequences by canonical form: an order that no file decides.

        Equal sequences stay as they were given.
        """
        return np.argsort(self.rank, kind="stable")

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """(sequences,) True at the first of all that are equal, on either strand.

        For what asks on which strand something was given; else `distinct`.
        """
        first = np.zeros(len(self), dtype=bool)
        first[np.unique(self.rank, return_index=True)[1]] = True
        return first

    @cached_property
    def distinct(self) -> NDArray[np.bool_]:
        """(sequences,) True at one of all that are equal, on either strand, whatever their order.

        It is the first that was given on its canonical strand, or the first if none was.
        """
        by_strand = np.lexsort((self.flipped, self.rank))
        distinct = np.zeros(len(self), dtype=bool)
        distinct[by_strand[np.unique(self.rank[by_strand], return_index=True)[1]]] = True
        return distinct

    def turned(self, number: Index, start: Index, end: Index) -> tuple[Index, Index]:
        """Intervals counted on the canonical strand, or back: the same step.

        Args:
            number: (intervals,) number of the sequence of each.
            start: (intervals,) first base in the sequence.
            end: (intervals,) one past the last base in the sequence.
        """
        length, other = self.lengths[number], self.flipped[number]
        return np.where(other, length - end, start), np.where(other, length - start, end)

    def covered(self, number: Index, start: Index, end: Index) -> NDArray[np.bool_]:
        """(bases,) does the base lie in one of these intervals?

        Args:
            number: (intervals,) number of the sequence of each.
            start: (intervals,) first base in the sequence.
            end: (intervals,) one past the last base in the sequence.
        """
        first = self.offsets[number]
        return covered(first + start, first + end, self.n_bases)

    def bootstrap(self, seed: int, draws: int = N_BOOTSTRAP) -> Index:
        """(draws, sequences) numbers of sequences drawn with replacement (`resample`).

        Keyed by the seed and the canonical sequences, so that neither their order nor their strand
        changes an interval.

        Args:
            seed: Seed of the draw.
            draws: Number of bootstrap samples.
        """
        digest = hashlib.blake2b(repr(seed).encode(), digest_size=16)
        for i in self.order.tolist():
            digest.update(self.canonical[i].encode() + b"\n")
        drawn = resample(len(self), int.from_bytes(digest.digest(), "big"), draws)
        return self.order[drawn]


def covered(start: Index, end: Index, n_bases: int) -> NDArray[np.bool_]:
    """(bases,) does the base lie in one of these intervals?

    Args:
        start: (intervals,) first base.
        end: (intervals,) one past the last.
        n_bases: Number of bases.
    """
    step = np.zeros(n_bases + 1, dtype=np.int64)
    np.add.at(step, start, 1)
    np.add.at(step, end, -1)
    inside: NDArray[np.bool_] = np.cumsum(step[:-1]) > 0
    return inside
