"""Labelled sequences from the files that people have.

===================  ===========================================================================
layout               what it looks like
===================  ===========================================================================
table                one CSV or TSV with the columns ``sequence`` and ``label``, and perhaps
                     ``split`` (train, dev, test), ``chromosome`` and ``name``
GUE                  a folder of train.csv, dev.csv and test.csv with those columns
Genomic Benchmarks   a folder of train/CLASS/*.txt and test/CLASS/*.txt, one sequence a file
NT tasks             a folder of train.fna and test.fna whose headers end in ``|label``
===================  ===========================================================================

A file may be gzipped. Several labels of one sequence stand behind another with ``;``; several
values are columns ``label_NAME``. Where there is no test part, a fifth of train is taken for it,
and where there is no dev part, a tenth: by chromosome where there are four or more, else by a hash
of the strand-collapsed sequence, so that copies stay together.
"""

from __future__ import annotations

import csv
import difflib
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucel_model.heads import Task
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune.classifier import reverse_complement
from nucel_pretrain.finetune.dataset import PARTS, Dataset, Part

SPLITS = {
    "train": "train", "training": "train", "dev": "dev", "valid": "dev", "validation": "dev",
    "val": "dev", "test": "test",
}  # fmt: skip
"""What parts are called in files."""
DEV_SHARE, TEST_SHARE = 0.1, 0.2
CHROMOSOMES = 4


@dataclass
class Rows:
    """What a file says, line by line: a sequence, its label as written, where it is from."""

    sequences: list[str] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)
    chromosomes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    """Names of several label columns."""

    def add(self, sequence: str, label: tuple[str, ...], chromosome: str, name: str) -> None:
        """One more."""
        self.sequences.append(sequence)
        self.labels.append(label)
        self.chromosomes.append(chromosome)
        self.names.append(name)


def read_dataset(path: str | Path, *, task: Task | None = None) -> Dataset:
    """Read any of the layouts above.

    Args:
        path: File or folder.
        task: "classes", "multilabel" or "regression"; None looks at the labels: several columns or
            ``;`` are labels, numbers that are not whole are values, all else is classes.

    Raises:
        DataError: What was looked for, what was found, in which line.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"there is no {path}")
    csv.field_size_limit(2**30)
    try:
        parts = _folder(path) if path.is_dir() else _table(path)
    except (UnicodeDecodeError, csv.Error, EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path} cannot be read as labelled sequences: {error}") from error
    written = [label for rows in parts.values() for label in rows.labels]
    columns = next(iter(parts.values())).columns
    chosen = task or _guess(written, columns)
    labels, code = _coding(written, columns, chosen, path)
    deal_out(parts)
    made = {}
    for name in (part for part in PARTS if part in parts):
        rows = parts[name]
        targets = code(rows.labels)
        made[name] = Part(tuple(rows.sequences), targets, tuple(rows.names))
    return Dataset(chosen, labels, made, path.name)


def _folder(path: Path) -> dict[str, Rows]:
    tables, folders, fasta = {}, {}, {}
    for entry in sorted(path.iterdir()):
        stem, _, kind = entry.name.removesuffix(".gz").partition(".")
        part = SPLITS.get(stem.lower())
        if part is None:
            continue
        if entry.is_dir():
            folders[part] = entry
        elif kind in ("csv", "tsv"):
            tables[part] = entry
        elif kind in ("fna", "fa", "fasta"):
            fasta[part] = entry
    if tables:
        return {part: _one_part(entry) for part, entry in tables.items()}
    if fasta:
        return {part: _labelled_fasta(entry) for part, entry in fasta.items()}
    if folders:
        return {part: _class_folders(entry) for part, entry in folders.items()}
    there = ", ".join(sorted(entry.name for entry in path.iterdir())[:6]) or "nothing"
    raise DataError(
        f"{path} has none of train.csv (GUE), train.fna (NT tasks) and train/CLASS/*.txt (Genomic "
        f"Benchmarks); it holds {there}"
    )


def _one_part(path: Path) -> Rows:
    found = _table(path)
    if len(found) > 1:
        raise DataError(f"{path} has a column split though it is one part by its name; drop one")
    return next(iter(found.values()))


def _table(path: Path) -> dict[str, Rows]:
    from xopen import xopen

    delimiter = "\t" if ".tsv" in path.name or ".txt" in path.name else ","
    parts: dict[str, Rows] = {}
    with xopen(path, newline="", encoding="utf-8-sig") as stream:
        lines = csv.reader(stream, delimiter=delimiter)
        header = [name.strip() for name in next(lines, [])]
        lower = [name.lower() for name in header]
        sequence = _column(lower, header, "sequence", path)
        several = [i for i, name in enumerate(lower) if name.startswith("label_")]
        label = several or [_column(lower, header, "label", path)]
        columns = tuple(header[i][len("label_") :] for i in several)
        at = {name: lower.index(name) for name in ("split", "chromosome", "name") if name in lower}
        for number, line in enumerate(lines, start=2):
            if not line:
                continue
            if len(line) != len(header):
                raise DataError(
                    f"{path}, line {number}: {len(line)} columns, and the header has {len(header)}"
                )
            part = "train"
            if "split" in at:
                said = line[at["split"]].strip()
                if said.lower() not in SPLITS:
                    raise DataError(
                        f"{path}, line {number}: split is {said!r}; it must be train, dev or test"
                    )
                part = SPLITS[said.lower()]
            rows = parts.setdefault(part, Rows(columns=columns))
            written = tuple(line[i].strip() for i in label)
            if any(w.lower() in ("", "nan", "na", "none") for w in written):
                empty = next(w for w in written if w.lower() in ("", "nan", "na", "none"))
                raise DataError(
                    f"{path}, line {number}: the label is {empty!r}; every sequence needs one. "
                    "Where a sequence may have several or none, give each label a column "
                    "label_NAME of 0 and 1 in place of this one"
                )
            rows.add(
                checked(line[sequence], f"{path}, line {number}"),
                written,
                line[at["chromosome"]] if "chromosome" in at else "",
                line[at["name"]] if "name" in at else "",
            )
    if not parts:
        raise DataError(f"{path} holds no sequence below its header")
    return parts


def _column(lower: list[str], header: list[str], wanted: str, path: Path) -> int:
    if wanted in lower:
        return lower.index(wanted)
    near = difflib.get_close_matches(wanted, lower, n=1, cutoff=0.5)
    if not near:
        other = {"sequence": ("seq", "dna"), "label": ("target", "class", "y")}[wanted]
        near = [name for name in lower if name in other]
    hint = f"; is it {header[lower.index(near[0])]!r}? Rename it" if near else ""
    raise DataError(
        f"{path} has no column {wanted!r}; it has {', '.join(header) or 'no header'}{hint}"
    )


def checked(sequence: str, where: str) -> str:
    """A sequence in upper case, or DataError."""
    sequence = sequence.strip().upper().replace("U", "T")
    if not sequence:
        raise DataError(f"{where}: the sequence is empty")
    odd = sorted(set(sequence) - set("ACGTN") - set("RYSWKMBDHV"))
    if odd:
        raise DataError(f"{where}: {odd[0]!r} is no letter of DNA")
    return sequence


def _class_folders(path: Path) -> Rows:
    rows = Rows()
    for folder in sorted(entry for entry in path.iterdir() if entry.is_dir()):
        for file in sorted(folder.glob("*.txt")):
            rows.add(checked(file.read_text(), str(file)), (folder.name,), "", file.stem)
    if not rows.sequences:
        raise DataError(f"{path} holds no CLASS/*.txt")
    return rows


def _labelled_fasta(path: Path) -> Rows:
    import dnaio

    rows = Rows()
    try:
        with dnaio.open(path, open_threads=0) as records:
            for record in records:
                name, bar, label = record.name.rpartition("|")
                if not bar or not label.strip():
                    raise DataError(f"{path}: the header {record.name!r} does not end in |label")
                rows.add(checked(record.sequence, f"{path}, {name}"), (label.strip(),), "", name)
    except dnaio.FileFormatError as error:
        raise DataError(f"{path} is no FASTA: {error}") from error
    return rows


def _guess(written: Sequence[tuple[str, ...]], columns: tuple[str, ...]) -> Task:
    flat = {w for label in written for w in label}
    numbers = [_number(w) for w in flat]
    all_numbers = all(x is not None for x in numbers)
    if columns:
        return "multilabel" if flat <= {"0", "1"} else "regression"
    if any(";" in w for w in flat):
        return "multilabel"
    if all_numbers and any(x is not None and not x.is_integer() for x in numbers):
        return "regression"
    return "classes"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


Targets = NDArray[Any]
Code = Callable[[Sequence[tuple[str, ...]]], Targets]


def _coding(
    written: Sequence[tuple[str, ...]], columns: tuple[str, ...], task: Task, path: Path
) -> tuple[tuple[str, ...], Code]:
    """Names of the outputs, and what turns labels as written into targets."""
    if task == "regression":

        def values(labels: Sequence[tuple[str, ...]]) -> Targets:
            for w in (w for label in labels for w in label):
                if _number(w) is None:
                    raise DataError(f"{path}: the label {w!r} is not a number; values have to be")
            return np.array([[float(w) for w in label] for label in labels])

        return columns or ("value",), values
    if task == "multilabel" and columns:
        odd = {w for label in written for w in label} - {"0", "1"}
        if odd:
            raise DataError(f"{path}: label columns hold 0 and 1; found {min(odd)!r}")
        return columns, lambda labels: np.array([[float(w) for w in row] for row in labels])
    if task == "multilabel":
        several = {w.strip() for label in written for w in label[0].split(";")} - {""}
        order = tuple(sorted(several))

        def marks(labels: Sequence[tuple[str, ...]]) -> Targets:
            sets = [{w.strip() for w in label[0].split(";")} for label in labels]
            return np.array([[float(name in one) for name in order] for one in sets])

        return order, marks
    flat = {label[0] for label in written}
    if len(flat) < 2:
        raise DataError(
            f"{path}: all labels are {next(iter(flat))!r}; there is nothing to tell apart"
        )
    numbers = all(_number(w) is not None for w in flat)
    names = tuple(sorted(flat, key=float) if numbers else sorted(flat))
    place = {w: i for i, w in enumerate(names)}
    return names, lambda labels: np.array([place[label[0]] for label in labels], dtype=np.int64)


def deal_out(parts: dict[str, Rows]) -> None:
    """Take the parts that are missing from train, in place."""
    for name, share in (("test", TEST_SHARE), ("dev", DEV_SHARE)):
        if name in parts or "train" not in parts:
            continue
        rows = parts["train"]
        by_place = len(set(rows.chromosomes) - {""}) >= CHROMOSOMES
        keys = (
            rows.chromosomes
            if by_place
            else [min(s, reverse_complement(s)) for s in rows.sequences]
        )
        draw = {key: zlib.crc32(f"{name}/{key}".encode()) / 2**32 for key in set(keys)}
        taken = _smallest(keys, draw, share)
        parts[name] = Rows(columns=rows.columns)
        left = Rows(columns=rows.columns)
        for i, key in enumerate(keys):
            row = rows.sequences[i], rows.labels[i], rows.chromosomes[i], rows.names[i]
            (parts[name] if key in taken else left).add(*row)
        parts["train"] = left


def _smallest(keys: Sequence[str], draw: dict[str, float], share: float) -> set[str]:
    """The keys with the smallest draws that hold ``share`` of all rows, one at least."""
    sizes: dict[str, int] = {}
    for key in keys:
        sizes[key] = sizes.get(key, 0) + 1
    taken: set[str] = set()
    held = 0
    for key in sorted(draw, key=lambda k: (draw[k], k)):
        if held >= share * len(keys):
            break
        taken.add(key)
        held += sizes[key]
    return taken
