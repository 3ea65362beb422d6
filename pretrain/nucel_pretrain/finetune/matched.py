"""Sequences in a FASTA file, each against a window of a genome of its length and GC content."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucel_genome import Genome
from nucel_genome.places import Place, stated_place
from nucel_genome.records import read_records
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.finetune.classifier import reverse_complement
from nucel_pretrain.finetune.dataset import PARTS, Dataset, Part
from nucel_pretrain.finetune.read import Rows, deal_out
from nucel_pretrain.messages import Say
from nucel_pretrain.regions import check_places

TRIES = 400
"""Windows looked at for a sequence, at random."""
TOLERANCE = 0.02
"""Largest difference in GC share."""
DISTANCE = 1000
"""Bases that a window keeps from every sequence whose name says where it lies."""


def matched_dataset(
    positives: Path,
    fasta: Sequence[str],
    *,
    seed: int = 0,
    cache: Path | None = None,
    say: Say = lambda line: None,
) -> Dataset:
    """The file's sequences (label 1) and a window of the genome for each (label 0).

    A window has its sequence's length, no N, and its GC content but for 2 %; it lies on the same
    chromosome where the name says which (``chr20:100-300``, as `stated_place` reads it, if it fits
    the length), and then parts are split by chromosome. What is drawn for a sequence depends on
    it and the seed alone.

    Args:
        positives: FASTA, plain or compressed, or a pipe.
        fasta: The genome: FASTA or .2bit.
        seed: Seed of the choice of windows.
        cache: Folder in which converted genomes are kept; None = the user's cache.
        say: Told of slow steps and of sequences that are not used.

    Raises:
        DataError: Names are of another genome, or fewer than 10 sequences have a window like them.
        GenomeError: The file or the genome cannot be read, or is not DNA.
    """
    rows = Rows()
    places: list[Place | None] = []
    for header, sequence in read_records(positives):
        name = (header.split() or [f"record_{len(places) + 1}"])[0]
        places.append(_place(name, len(sequence)))
        rows.add(sequence, ("1",), "", name)
    genome = Genome.open(tuple(fasta), cache=cache, say=say)
    known = set(genome.names)
    lacking = check_places(
        genome,
        ((f"{positives}, {n}", p.chromosome, p.end)
         for n, p in zip(rows.names, places, strict=True) if p),
        str(positives),
        "sequence",
    )  # fmt: skip
    if lacking:
        say(f"note: {lacking} by their names; their windows come from anywhere")
    taken = _taken(places)
    kept = Rows()
    for sequence, place, name in zip(rows.sequences, places, rows.names, strict=True):
        home = place.chromosome if place and place.chromosome in known else ""
        window = _window(genome, sequence, home, taken, seed)
        if window is None:
            continue
        kept.add(sequence, ("1",), home, name)
        kept.add(window[0], ("0",), home, window[1])
    left_out = len(rows.sequences) - len(kept.sequences) // 2
    if len(kept.sequences) < 20:
        raise DataError(
            f"{positives}: {len(kept.sequences) // 2} of {len(rows.sequences)} sequences have a "
            "window of like GC content in the genome; at least 10 are needed"
        )
    if left_out:
        say(f"{left_out:,} sequences have no window of like GC content, and are not used")
    parts = {"train": kept}
    deal_out(parts)
    made = {
        part: Part(
            tuple(parts[part].sequences),
            np.array([int(label[0]) for label in parts[part].labels], dtype=np.int64),
            tuple(parts[part].names),
        )
        for part in PARTS
    }
    return Dataset("classes", ("0", "1"), made, positives.name)


def _place(name: str, length: int) -> Place | None:
    """Where a name says that its sequence lies, if it fits the length (bp)."""
    place = stated_place(name)
    return place if place and 0 <= length - (place.end - place.start) <= 1 else None


def _taken(places: Sequence[Place | None]) -> dict[str, list[tuple[int, int]]]:
    taken: dict[str, list[tuple[int, int]]] = {}
    for place in places:
        if place is not None:
            around = (place.start - DISTANCE, place.end + DISTANCE)
            taken.setdefault(place.chromosome, []).append(around)
    return taken


def _window(
    genome: Genome,
    sequence: str,
    home: str,
    taken: dict[str, list[tuple[int, int]]],
    seed: int,
) -> tuple[str, str] | None:
    """A window's letters and name, or None."""
    n = len(sequence)
    key = min(sequence, reverse_complement(sequence))
    rng = np.random.default_rng([seed, zlib.crc32(key.encode())])
    names = [home] if home else list(genome.names)
    runs = [(name, run) for name in names for run in genome.runs(name) if run[1] - run[0] >= n]
    if not runs:
        return None
    room = np.array([run[1] - run[0] - n + 1 for _, run in runs], dtype=np.float64)
    wanted = sum(letter in "GC" for letter in sequence)
    for which in rng.choice(len(runs), TRIES, p=room / room.sum()):
        name, run = runs[which]
        start = int(run[0] + rng.integers(room[which]))
        if any(start < high and start + n > low for low, high in taken.get(name, ())):
            continue
        ids = genome.fetch(name, start, start + n)
        gc = int(((ids == tokenizer.C) | (ids == tokenizer.G)).sum())
        if abs(gc - wanted) <= TOLERANCE * n:
            if rng.random() < 0.5:
                return (
                    tokenizer.decode(tokenizer.reverse_complement_ids(ids)),
                    f"{name}:{start}-{start + n}(-)",
                )
            return tokenizer.decode(ids), f"{name}:{start}-{start + n}(+)"
    return None
