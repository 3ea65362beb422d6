"""Labelled sequences in memory, whatever file they came from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_genome import letters
from nucel_model.heads import Task
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune.labels import are_whole_numbers

PARTS = ("train", "dev", "test")
MANY = 10
"""Classes above which whole numbers are taken for values that somebody meant."""


@dataclass(frozen=True, eq=False)
class Part:
    """Sequences and what is known of them.

    Attributes:
        sequences: Sequences in upper case; lower case that is given is put so.
        targets: (n,) int64 class numbers; or (n, labels) float64, 0 and 1 of labels, or values.
        names: Names of the sequences, for tables; may be empty.
    """

    sequences: tuple[str, ...]
    targets: NDArray[Any]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Put sequences in upper case.

        Raises:
            TypeError: One string was given in place of them.
        """
        object.__setattr__(self, "sequences", tuple(letters.upper_all(self.sequences)))

    def __len__(self) -> int:
        """How many sequences."""
        return len(self.sequences)

    def take(self, index: NDArray[np.int64]) -> Part:
        """The sequences with these numbers, in their order."""
        return Part(
            tuple(self.sequences[i] for i in index),
            self.targets[index],
            tuple(self.names[i] for i in index) if self.names else (),
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """What is learned.

    Attributes:
        task: "classes", "multilabel" or "regression"; see `nucel_model.heads.ClassificationHead`.
        labels: Names of the classes, labels or values.
        parts: "train", "dev" and "test".
        source: File or folder it was read from, in words.
    """

    task: Task
    labels: tuple[str, ...]
    parts: dict[str, Part]
    source: str = ""

    def __post_init__(self) -> None:
        """Check that it can be learned.

        Raises:
            DataError: A part is missing or empty, train or dev holds one class alone, or dev or
                test a class or label that train lacks.
        """
        for name in PARTS:
            if name not in self.parts or not len(self.parts[name]):
                raise DataError(f"{self.source}: the {name} part holds no sequence")
        for name in ("train", "dev") if self.task == "classes" else ():
            found = np.unique(self.parts[name].targets)
            if len(found) < 2:
                raise DataError(
                    f"{self.source}: the {name} part holds one class alone, "
                    f"{self.labels[int(found[0])]!r}; there is nothing to tell apart"
                )
        for name in ("dev", "test") if self.task != "regression" else ():
            self._check_learned(name)

    def _check_learned(self, name: str) -> None:
        times, learned = self._times(name), self._times("train")
        lacking = np.flatnonzero((times > 0) & (learned == 0))
        if len(lacking):
            shown = ", ".join(f"{self.labels[i]!r} ({times[i]:,})" for i in lacking[:5])
            more = f" and {len(lacking) - 5:,} more" if len(lacking) > 5 else ""
            what = "classes" if self.task == "classes" else "labels"
            hint = f". {self.hint[0].upper()}{self.hint[1:]}" if self.hint else ""
            raise DataError(
                f"{self.source}: the {name} part holds {what} that the train part lacks: {shown}"
                f"{more}; in brackets how often. What is not learned cannot be told: "
                f"put some of them into train (a column split says which), or leave them out{hint}"
            )

    def _times(self, name: str) -> NDArray[np.int64]:
        """How many sequences of a part have each label."""
        targets = self.parts[name].targets
        if self.task == "classes":
            return np.bincount(targets, minlength=len(self.labels))
        return (targets > 0).sum(axis=0)

    @property
    def hint(self) -> str:
        """What to say of classes that look like values; "" of others."""
        if self.task != "classes" or len(self.labels) <= MANY:
            return ""
        if not are_whole_numbers(self.labels):
            return ""
        return (
            f"the {len(self.labels):,} classes are whole numbers; if they are values, such as "
            "counts, learn them by nucel-pretrain finetune --task regression"
        )

    @property
    def longest(self) -> int:
        """Bases of the longest sequence."""
        return max(len(s) for part in self.parts.values() for s in part.sequences)

    @property
    def checksum(self) -> int:
        """Of all sequences and targets: the same number, the same data."""
        found = 0
        for name in PARTS:
            part = self.parts[name]
            found = zlib.crc32("\n".join(part.sequences).encode(), found)
            found = zlib.crc32(np.ascontiguousarray(part.targets).tobytes(), found)
        return found

    def with_permuted_labels(self, seed: int) -> Dataset:
        """Permuted labels in train and dev: what a model learns of them is chance."""
        rng = np.random.default_rng([seed, 7])
        parts = dict(self.parts)
        for name in ("train", "dev"):
            part = parts[name]
            parts[name] = replace(part, targets=part.targets[rng.permutation(len(part))])
        return replace(self, parts=parts, source=f"{self.source}, labels permuted")
