"""Labelled windows from BED files: sites, and sequence like it in GC content that holds none.

Each site is the middle of a window, read on the site's strand where the file has strands, and is
matched with a negative of the same chromosome and the same part of the split (train, choose, test):
without N, farther than a given distance from every site of the file, and with almost the same GC
content. Parts are regions of the genome; a window lies in one wholly or is not used.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_genome import Genome, Intervals, bed_lines, intersect, merge, subtract
from nucel_model import tokenizer
from nucel_pretrain.errors import DataError
from nucel_pretrain.messages import Say
from nucel_pretrain.regions import check_places, resolve

PARTS = ("train", "choose", "test")


@dataclass(frozen=True, kw_only=True)
class SiteSet:
    """One question for a probe."""

    name: str
    bed: str
    """BED file of the sites: the middle base of each interval is the site."""
    stranded: bool = False
    """Read windows on the strand in column 6, the site at its place; otherwise always forward."""
    decoy: str = ""
    """Letters that every negative carries where sites do, such as GT for splice donors."""
    decoy_offset: int = 0
    """Of the first of these letters from the site, in reading direction."""

    def __post_init__(self) -> None:
        """Check the values."""
        if set(self.decoy) - set("ACGT"):
            raise ValueError(f"decoy wants letters A, C, G, T; got {self.decoy!r}")
        if self.decoy and not self.stranded:
            raise ValueError(f"{self.name}: a decoy needs stranded sites")


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """Which part of the genome serves what, how windows are cut and negatives drawn."""

    train: tuple[str, ...]
    """Regions ("chr20:0-30000000", "chrX", a .bed) that probes are fitted on."""
    choose: tuple[str, ...]
    """Where layer, pooling, regularisation and threshold are chosen."""
    test: tuple[str, ...]
    """Where what was chosen is measured, once."""
    window: int = 256
    """Bases per window; the site is base ``window // 2``."""
    gc_tolerance: float = 0.02
    """Largest difference in GC share between a site's window and its negative."""
    distance: int = 1000
    """Bases that negatives keep from every window of a site."""
    max_train: int = 400
    """Sites used at most; drawn at random where there are more."""
    max_choose: int = 150
    max_test: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.window < 8 or min(self.max_train, self.max_choose, self.max_test) < 1:
            raise ValueError("split.window must be >= 8 and every split.max_ at least 1")
        if not 0 <= self.gc_tolerance < 1 or self.distance < 0:
            raise ValueError("split.gc_tolerance must lie in 0 .. 1 and split.distance be >= 0")


@dataclass(frozen=True)
class Part:
    """Windows of one part of the split, positives first.

    Attributes:
        ids: (n, bases) base ids in reading direction.
        positive: (n,) bool.
        chromosome, start, flip: (windows,) name of the sequence, first base (0-based), and whether
            the window is read on the other strand.
        without_match: Sites left out because no negative was like them.
    """

    ids: NDArray[np.uint8]
    positive: NDArray[np.bool_]
    chromosome: NDArray[np.str_]
    start: NDArray[np.int64]
    flip: NDArray[np.bool_]
    without_match: int


Labelled = Mapping[str, Part]
"""Parts by name: train, choose, test."""
Sites = dict[str, NDArray[np.int64]]
"""By chromosome, (n, 2): position (0-based) and 1 if on the other strand."""


def labelled_windows(
    genome: Genome,
    sites: SiteSet,
    split: SplitConfig,
    *,
    folder: Path | None = None,
    found: Sites | None = None,
    say: Say = lambda line: None,
) -> Labelled:
    """Windows and labels of every part.

    Args:
        genome: The assembly the sites are of.
        sites: Set of sites, with its BED file and negatives.
        split: Regions and limits.
        folder: Folder that a relative ``sites.bed`` lies in.
        found: Sites that `read_sites` gave, if the file was read before.
        say: Told of sites that are not used.

    Raises:
        DataError: The BED file lacks strands, or is not of this genome (`read_sites`); the parts
            overlap; or a part has fewer than 10 sites with a negative.
        GenomeError: The BED file cannot be read.
    """
    path = (folder or Path()) / sites.bed
    if found is None:
        found = read_sites(path, stranded=sites.stranded, genome=genome, say=say)
    regions = split_regions(genome, split)
    limits = {"train": split.max_train, "choose": split.max_choose, "test": split.max_test}
    parts = {}
    for part in PARTS:
        parts[part] = _part(genome, found, regions[part], sites, split, part, limits[part])
        n = int(parts[part].positive.sum())
        if n < 10:
            raise DataError(
                f"{path} has {n} usable sites in split.{part}; a probe needs at least 10. "
                "Are the sites of another assembly, or the regions too small?"
            )
    return parts


def read_sites(
    path: Path,
    *,
    stranded: bool,
    genome: Genome | None = None,
    say: Say = lambda line: None,
) -> Sites:
    """Sites by chromosome, (n, 2): position (0-based) and 1 if on the other strand; sorted, once.

    Args:
        path: BED, plain or compressed, or a pipe.
        stranded: Whether column 6 matters.
        genome: Genome that the sites should be of. Those on sequences it does not have are left
            out, and ``say`` is told how many; None = any genome.
        say: Told of lines that are not used.

    Raises:
        DataError: A line has no strand where one is needed, or is not of this genome
            (`regions.check_places`).
        GenomeError: The file cannot be read.
    """
    found: dict[str, set[tuple[int, int]]] = {}
    places: list[tuple[str, str, int]] = []
    empty = 0
    for line in bed_lines(path):
        if line.start == line.end:
            empty += 1
            continue
        where = f"{path}, line {line.number}"
        if stranded and line.strand == ".":
            told = line.fields[5].decode("utf-8", "replace") if len(line.fields) > 5 else "."
            raise DataError(f"{where}: column 6 must be + or -; found {told!r}")
        places.append((where, line.chrom, line.end))
        site = ((line.start + line.end) // 2, int(stranded and line.strand == "-"))
        found.setdefault(line.chrom, set()).add(site)
    if not found:
        raise DataError(f"{path}: no site in it")
    if genome is not None:
        left_out = check_places(genome, places, str(path), "site")
        if left_out:
            say(f"note: {left_out}, and are not used")
        found = {name: found[name] for name in found.keys() & set(genome.names)}
    if empty:
        say(f"note: {empty:,} lines of {path} are not used: their intervals hold no base")
    return {name: np.array(sorted(them), dtype=np.int64) for name, them in found.items()}


def split_regions(genome: Genome, split: SplitConfig) -> dict[str, dict[str, Intervals]]:
    """Intervals of each part by chromosome.

    Raises:
        DataError: A region is not of this genome, or two parts share bases.
    """
    regions = {part: resolve(genome, getattr(split, part), f"split.{part}")[0] for part in PARTS}
    for i, one in enumerate(PARTS):
        for other in PARTS[i + 1 :]:
            for name in regions[one].keys() & regions[other].keys():
                both = intersect(regions[one][name], regions[other][name])
                if len(both):
                    raise DataError(
                        f"split.{one} and split.{other} share {name}:{both[0, 0]}-{both[0, 1]}; "
                        "what is tested on must not be learned or chosen from"
                    )
    return regions


def window_starts(
    position: NDArray[np.int64], flip: NDArray[np.integer], window: int, at: int | None = None
) -> NDArray[np.int64]:
    """Where windows start whose base ``at`` (``window // 2``) in reading direction is the site."""
    at = window // 2 if at is None else at
    return np.where(flip.astype(bool), position + 1 + at - window, position - at)


def inside(start: NDArray[np.int64], width: int, intervals: Intervals) -> NDArray[np.bool_]:
    """Which windows lie wholly in one of sorted intervals."""
    if not len(intervals):
        return np.zeros(len(start), dtype=bool)
    which = np.searchsorted(intervals[:, 0], start, side="right") - 1
    return (which >= 0) & (start + width <= intervals[which.clip(0), 1])


def fetch_windows(
    genome: Genome,
    chromosome: NDArray[np.str_],
    start: NDArray[np.int64],
    flip: NDArray[np.bool_],
    window: int,
) -> NDArray[np.uint8]:
    """Base ids (n, window) in reading direction."""
    ids = np.empty((len(start), window), dtype=np.uint8)
    for row, name, first, other in zip(ids, chromosome, start, flip, strict=True):
        bases = genome.fetch(str(name), int(first), int(first) + window)
        row[:] = tokenizer.reverse_complement_ids(bases) if other else bases
    return ids


def _part(
    genome: Genome,
    found: Sites,
    regions: dict[str, Intervals],
    sites: SiteSet,
    split: SplitConfig,
    part: str,
    limit: int,
) -> Part:
    width = split.window
    usable = {name: intersect(genome.runs(name), intervals) for name, intervals in regions.items()}
    kept: list[tuple[str, int, bool]] = []
    for name in sorted(usable.keys() & found.keys()):
        position, flip = found[name].T
        start = window_starts(position, flip, width)
        ok = inside(start, width, usable[name])
        kept += [(name, int(s), bool(f)) for s, f in zip(start[ok], flip[ok], strict=True)]
    rng = np.random.default_rng([split.seed, zlib.crc32(f"{sites.bed}/{part}".encode())])
    chosen = sorted(rng.permutation(len(kept))[:limit].tolist())
    positives, negatives, without = [], [], 0
    for name in sorted({kept[i][0] for i in chosen}):
        mine = [kept[i] for i in chosen if kept[i][0] == name]
        # every site of the file keeps negatives away, also those that were not drawn
        position, flip = found[name].T
        around = window_starts(position, flip, width)[:, None] + [
            -split.distance,
            width + split.distance,
        ]
        free = subtract(usable[name], merge(around.clip(min=0)))
        start, other, gc = _candidates(genome, name, free, sites, width, rng)
        wanted = _gc_counts(
            fetch_windows(
                genome,
                np.array([name] * len(mine)),
                np.array([s for _, s, _ in mine]),
                np.zeros(len(mine), dtype=bool),
                width,
            )
        )
        match = match_gc(wanted, gc, int(split.gc_tolerance * width + 1e-9), rng)
        for site, at in zip(mine, match, strict=True):
            if at < 0:
                without += 1
                continue
            positives.append(site)
            negatives.append((name, int(start[at]), bool(other[at])))
    rows = positives + negatives
    chromosome = np.array([r[0] for r in rows], dtype=np.str_)
    start = np.array([r[1] for r in rows], dtype=np.int64)
    flip = np.array([r[2] for r in rows], dtype=bool)
    return Part(
        ids=fetch_windows(genome, chromosome, start, flip, width),
        positive=np.arange(len(rows)) < len(positives),
        chromosome=chromosome,
        start=start,
        flip=flip,
        without_match=without,
    )


def match_gc(
    wanted: NDArray[np.int64],
    offered: NDArray[np.int64],
    tolerance: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """For each wanted GC count the index of an offered one, nearest first and each used once.

    Returns:
        (n_wanted,) indices into ``offered``, -1 where none within ``tolerance`` was left.
    """
    left: dict[int, list[int]] = {}
    for index in rng.permutation(len(offered)).tolist():
        left.setdefault(int(offered[index]), []).append(index)
    match = np.full(len(wanted), -1, dtype=np.int64)
    for which in rng.permutation(len(wanted)).tolist():
        sign = 1 if rng.integers(2) else -1
        for step in [0] + [s * d for d in range(1, tolerance + 1) for s in (sign, -sign)]:
            bucket = left.get(int(wanted[which]) + step)
            if bucket:
                match[which] = bucket.pop()
                break
    return match


def _gc_counts(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    return ((ids == tokenizer.C) | (ids == tokenizer.G)).sum(axis=-1, dtype=np.int64)


def _candidates(
    genome: Genome,
    name: str,
    free: Intervals,
    sites: SiteSet,
    width: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """One window per stretch of ``width`` free bases: start, strand, GC count."""
    starts, flips, counts = [], [], []
    for low, high in free[free[:, 1] - free[:, 0] >= width]:
        ids = genome.fetch(name, int(low), int(high))
        gc = np.concatenate([[0], np.cumsum((ids == tokenizer.C) | (ids == tokenizer.G))])
        if sites.decoy:
            start, flip = _decoys(ids, sites, width, rng)
        else:
            first = int(rng.integers((high - low) % width + 1))
            start = np.arange(first, high - low - width + 1, width)
            flip = rng.random(len(start)) < (0.5 if sites.stranded else 0.0)
        starts.append(low + start)
        flips.append(flip)
        counts.append(gc[start + width] - gc[start])
    if not starts:
        return np.empty(0, np.int64), np.empty(0, bool), np.empty(0, np.int64)
    return np.concatenate(starts), np.concatenate(flips), np.concatenate(counts)


def _decoys(
    ids: NDArray[np.uint8], sites: SiteSet, width: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Windows with the decoy's letters at the site's place; one start in each stretch of width."""
    word = tokenizer.encode(sites.decoy)
    starts, flips = [], []
    for flip, letters in ((False, word), (True, tokenizer.reverse_complement_ids(word))):
        n = len(ids) - len(letters) + 1
        hit = np.ones(max(n, 0), dtype=bool)
        for i, letter in enumerate(letters):
            hit &= ids[i : i + n] == letter
        (at,) = np.nonzero(hit)
        site = at + len(letters) - 1 + sites.decoy_offset if flip else at - sites.decoy_offset
        start = window_starts(site, np.full(len(site), flip), width)
        start = start[(start >= 0) & (start + width <= len(ids))]
        starts.append(start)
        flips.append(np.full(len(start), flip))
    start, flip_all = np.concatenate(starts), np.concatenate(flips)
    order = rng.permutation(len(start))
    _, first = np.unique(start[order] // width, return_index=True)
    return start[order][first], flip_all[order][first]
