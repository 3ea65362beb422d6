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

A file may be compressed. Several labels of one sequence stand behind another with ``;``, or in
columns ``label_NAME`` of 0 and 1; several values are such columns of numbers. Where there is no
test part, a fifth of train is taken for it, and where there is no dev part, a tenth: by chromosome
where there are four or more, else by a hash of the strand-collapsed sequence, so that copies stay
together.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nucel_genome import GenomeError, letters
from nucel_genome.records import read_records
from nucel_genome.text import bare_name, read_text
from nucel_model.heads import Task
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune import labels
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
        path: File or folder; ``-`` is a table on standard input.
        task: "classes", "multilabel" or "regression"; None looks at the labels: several columns or
            ``;`` are labels, numbers that are not whole are values, all else is classes.

    Raises:
        DataError: What was looked for, what was found, in which line.
    """
    path = Path(path)
    if str(path) != "-" and not path.exists():
        raise DataError(f"there is no {path}")
    csv.field_size_limit(2**30)
    try:
        parts = _folder(path) if path.is_dir() else _table(path)
    except (csv.Error, OSError) as error:
        raise DataError(f"cannot read {path} as labelled sequences: {error}") from error
    except GenomeError as error:
        raise DataError(str(error)) from error
    written = [label for rows in parts.values() for label in rows.labels]
    columns = _same_columns(parts, path)
    chosen = task or labels.guess(written, columns)
    names, code = labels.coding(written, columns, chosen, path)
    deal_out(parts)
    made = {}
    for name in (part for part in PARTS if part in parts):
        rows = parts[name]
        targets = code(rows.labels)
        made[name] = Part(tuple(rows.sequences), targets, tuple(rows.names))
    return Dataset(chosen, names, made, path.name if str(path) != "-" else "standard input")


def _same_columns(parts: dict[str, Rows], path: Path) -> tuple[str, ...]:
    first, *others = parts
    for other in others:
        one, two = parts[first].columns, parts[other].columns
        if one != two:
            said = (", ".join(f"label_{c}" for c in columns) or "label" for columns in (one, two))
            raise DataError(
                f"{path}: the columns of labels differ, {next(said)} in {first} and {next(said)} "
                f"in {other}; write the same ones in the same order"
            )
    return parts[first].columns


def _folder(path: Path) -> dict[str, Rows]:
    """Each part by its own layout."""
    found: dict[str, list[tuple[Path, Reader]]] = {}
    for entry in sorted(path.iterdir()):
        stem, kind = entry.name, "/"
        if not entry.is_dir():
            stem, _, kind = bare_name(entry).partition(".")
        part, reader = SPLITS.get(stem.lower()), READERS.get(kind)
        if part is not None and reader is not None:
            found.setdefault(part, []).append((entry, reader))
    for part, entries in found.items():
        if len(entries) > 1:
            names = " and ".join(entry.name for entry, _ in entries)
            raise DataError(
                f"{path} holds {names}, each of which would be its {part} part; keep one of them "
                "there, or join them"
            )
    if found:
        return {part: reader(entry) for part, [(entry, reader)] in found.items()}
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
    text = read_text(path, "labelled sequences")
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    parts: dict[str, Rows] = {}
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(lines, [])]
    sequence = labels.sequence_column(header, path)
    label, columns = labels.label_columns(header, path)
    lower = [name.lower() for name in header]
    at = {name: lower.index(name) for name in ("split", "chromosome", "name") if name in lower}
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        where = f"{path}, line {number}"
        if len(line) != len(header):
            raise DataError(f"{where}: {len(line)} columns, and the header has {len(header)}")
        part = "train"
        if "split" in at:
            said = line[at["split"]].strip()
            if said.lower() not in SPLITS:
                raise DataError(f"{where}: split is {said!r}; it must be train, dev or test")
            part = SPLITS[said.lower()]
        written = tuple(line[i].strip() for i in label)
        empty = [w for w in written if w.lower() in labels.MISSING]
        if empty:
            raise DataError(
                f"{where}: the label is {empty[0]!r}; every sequence needs one. Where a sequence "
                "may have none of several labels, give a column label_NAME of 0 and 1 for each"
            )
        parts.setdefault(part, Rows(columns=columns)).add(
            checked(line[sequence], where),
            written,
            line[at["chromosome"]] if "chromosome" in at else "",
            line[at["name"]] if "name" in at else "",
        )
    if not parts:
        raise DataError(f"{path} holds no sequence below its header")
    return parts


def checked(sequence: str, where: str) -> str:
    """A sequence in upper case, or DataError."""
    sequence = letters.upper(sequence.strip())
    if not sequence:
        raise DataError(f"{where}: the sequence is empty")
    fault = letters.fault(sequence)
    if fault:
        raise DataError(f"{where}: the sequence {fault}")
    return sequence


def _class_folders(path: Path) -> Rows:
    rows = Rows()
    for folder in sorted(entry for entry in path.iterdir() if entry.is_dir()):
        for file in sorted(folder.glob("*.txt")):
            text = read_text(file, "a sequence")
            rows.add(checked(text, str(file)), (folder.name,), "", file.stem)
    if not rows.sequences:
        raise DataError(f"{path} holds no CLASS/*.txt")
    return rows


def _labelled_fasta(path: Path) -> Rows:
    rows = Rows()
    for header, sequence in read_records(path):
        name, bar, label = header.rpartition("|")
        if not bar or not label.strip():
            raise DataError(f"{path}: the header {header!r} does not end in |label")
        rows.add(sequence, (label.strip(),), "", name)
    return rows


Reader = Callable[[Path], Rows]
READERS: dict[str, Reader] = {
    "csv": _one_part, "tsv": _one_part, "fna": _labelled_fasta, "fa": _labelled_fasta,
    "fasta": _labelled_fasta, "/": _class_folders,
}  # fmt: skip
"""How a part is read, by what its name ends in."""


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
