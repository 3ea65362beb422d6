"""What a label says: which columns hold it, what kind it is, and its target as numbers."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_model.heads import Task
from nucel_pretrain.errors import DataError

Targets = NDArray[Any]
Code = Callable[[Sequence[tuple[str, ...]]], Targets]
MISSING = ("", "nan", "na", "none")
"""What stands in a table, in any case, where there is no label."""
_SAME_AGAIN = {f"label_{word}" for word in ("id", "idx", "index", "name", "text")}
"""Columns that say in other words what ``label`` says, as tables of datasets often have them."""
_ALSO_CALLED = {"sequence": ("seq", "dna"), "label": ("target", "class", "y")}


def sequence_column(header: Sequence[str], path: Path) -> int:
    """Number of the column ``sequence``.

    Raises:
        DataError: There is none, or two.
    """
    return _column([name.lower() for name in header], header, "sequence", path)


def label_columns(header: Sequence[str], path: Path) -> tuple[list[int], tuple[str, ...]]:
    """Numbers of the columns that hold labels, and, of columns ``label_NAME``, the names.

    Raises:
        DataError: There is none, or it is not clear which are meant.
    """
    lower = [name.lower() for name in header]
    several = [
        i for i, name in enumerate(lower) if name.startswith("label_") and name not in _SAME_AGAIN
    ]
    again = [header[i] for i, name in enumerate(lower) if name in _SAME_AGAIN]
    if several and ("label" in lower or again):
        one = header[lower.index("label")] if "label" in lower else again[0]
        raise DataError(
            f"{path} has a column {one!r} and {_listed([header[i] for i in several])}: drop "
            f"{one!r} to learn several labels, or the others to learn one"
        )
    if not several:
        return [_column(lower, header, "label", path)], ()
    names = [header[i][len("label_") :] for i in several]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path} has two columns 'label_{name}'; drop one")
    return several, tuple(names)


def _column(lower: Sequence[str], header: Sequence[str], wanted: str, path: Path) -> int:
    if lower.count(wanted) > 1:
        raise DataError(f"{path} has two columns {wanted!r}; drop one")
    if wanted in lower:
        return lower.index(wanted)
    near = difflib.get_close_matches(wanted, lower, n=1, cutoff=0.5)
    near = near or [name for name in lower if name in _ALSO_CALLED[wanted]]
    hint = f"; is it {header[lower.index(near[0])]!r}? Rename it" if near else ""
    raise DataError(
        f"{path} has no column {wanted!r}; it has {', '.join(header) or 'no header'}{hint}"
    )


def guess(written: Sequence[tuple[str, ...]], columns: tuple[str, ...]) -> Task:
    """The task that labels look like: see `read.read_dataset`."""
    flat = {w for label in written for w in label}
    numbers = [number(w) for w in flat]
    if columns:
        return "multilabel" if set(numbers) <= {0.0, 1.0} else "regression"
    if any(";" in w for w in flat):
        return "multilabel"
    if None not in numbers and any(x is not None and not x.is_integer() for x in numbers):
        return "regression"
    return "classes"


def number(text: str) -> float | None:
    """A label as a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def are_whole_numbers(labels: Iterable[str]) -> bool:
    """Whether classes are called by whole numbers alone, as counts would be."""
    values = [number(label) for label in labels]
    return all(value is not None and value.is_integer() for value in values)


def coding(
    written: Sequence[tuple[str, ...]], columns: tuple[str, ...], task: Task, path: Path
) -> tuple[tuple[str, ...], Code]:
    """Names of the outputs, and what turns labels as written into targets.

    Raises:
        DataError: Labels that the task cannot have.
    """
    if task == "regression":
        return columns or ("value",), lambda labels: _values(labels, path)
    if task == "multilabel" and columns:
        odd = {w for label in written for w in label if number(w) not in (0.0, 1.0)}
        if odd:
            raise DataError(f"{path}: label columns hold 0 and 1; found {min(odd)!r}")
        return columns, lambda labels: np.array([[float(w) for w in row] for row in labels])
    if task == "multilabel":
        return _several(written)
    flat = {label[0] for label in written}
    called = one_name(flat)
    if len(set(called.values())) < 2:
        raise DataError(
            f"{path}: all labels are {min(called.values())!r}; there is nothing to tell apart"
        )
    names = _in_order(called.values())
    place = {w: names.index(called[w]) for w in flat}
    return names, lambda labels: np.array([place[label[0]] for label in labels], dtype=np.int64)


def one_name(words: Iterable[str]) -> dict[str, str]:
    """What each label is called in the end: equal numbers (1, 1.0, 1e0) are one label.

    A label that is spelt in one way keeps its spelling.
    """
    words = set(words)
    called = {w: w for w in words}
    spelt: dict[Decimal, list[str]] = {}
    for w in words:
        if number(w) is not None:
            spelt.setdefault(Decimal(w), []).append(w)
    for value, ways in spelt.items():
        if len(ways) > 1:
            whole = value == value.to_integral_value()
            name = str(int(value)) if whole else f"{value.normalize():f}"
            called |= dict.fromkeys(ways, name)
    return called


def _several(written: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], Code]:
    """Labels of one column that stand behind another with ``;``."""

    def parts(label: tuple[str, ...]) -> set[str]:
        return {w.strip() for w in label[0].split(";")} - {""}

    called = one_name({w for label in written for w in parts(label)})
    order = tuple(sorted(set(called.values())))

    def marks(labels: Sequence[tuple[str, ...]]) -> Targets:
        sets = [{called[w] for w in parts(label)} for label in labels]
        return np.array([[float(name in one) for name in order] for one in sets])

    return order, marks


def _values(labels: Sequence[tuple[str, ...]], path: Path) -> Targets:
    for w in (w for label in labels for w in label):
        if number(w) is None:
            raise DataError(f"{path}: the label {w!r} is not a number; values have to be")
    return np.array([[float(w) for w in label] for label in labels])


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """By value if all are numbers, else by letters."""
    unique = sorted(set(names))
    values = [number(name) for name in unique]
    return tuple(unique if None in values else sorted(unique, key=float))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4:,} more" if len(names) > 4 else ""
    return ", ".join(map(repr, names[:4])) + more
