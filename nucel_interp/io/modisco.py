"""Export for users of TF-MoDISco: the arrays it reads as input, and motifs in its results' layout.

TF-MoDISco (Shrikumar et al., arXiv:1811.00416; its "lite" version 2.5) wants four numbers per base:
what each letter would contribute there. A score of ours is one number per base, so it stands at the
base that is there and the other three are 0: contributions are the one-hot sequence times the
score. Where a number per letter is known (substitution scores), it can be given instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.errors import InputError
from nucel_interp.io.places import in_genome, quoted, spot
from nucel_interp.types import BASES, Motif, Record, Site, Strand, reverse_complement

if TYPE_CHECKING:
    import pandas as pd

PATTERN_BP = 30
"""Width of every pattern, as TF-MoDISco trims them; wider if a motif is."""
MAX_NUMBERS = 2**30

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Padded:
    """Records centred in equal windows; base i of record r is at ``shift[r] + i``."""

    one_hot: NDArray[np.int8]
    scores: Array
    shift: NDArray[np.int64]

    @property
    def window(self) -> int:
        return int(self.one_hot.shape[1])


def write_modisco(
    folder: str | Path,
    records: Sequence[Record],
    tracks: Sequence[ArrayLike],
    motifs: Sequence[Motif] = (),
    sites: Mapping[str, Sequence[Site]] | None = None,
) -> int:
    """Write ``sequences.npz``, ``scores.npz``, ``peaks.bed`` and ``modisco_results.h5``.

    - The npz hold ``arr_0`` (records, 4, window), rows A, C, G, T: one-hot and hypothetical
      contributions. Records stand in the middle of the window, with zeros around shorter ones;
      the window is wide enough for every pattern's seqlets.
    - ``peaks.bed``: the records' places, line by line as in the arrays; `modisco seqlet-bed` and
      `seqlet-fasta` want it. They know of no strand, so where the records have places, those of
      the reverse strand are turned, in the arrays and patterns too.
    - ``modisco_results.h5``: a pattern per motif in the given order, its sites as seqlets. All
      patterns are equally wide, at least 30 bp, the motif in the middle; ``sequence`` is the share
      of each base over the seqlets, ``contrib_scores`` and ``hypothetical_contribs`` their means,
      in the motif's orientation. The attribute ``motif_id`` names the motif.

    Args:
        folder: Made if missing.
        records: Sequences.
        tracks: An array per record: (bases,) scores, or (bases, 4) hypothetical contributions. NaN
            counts as 0.
        motifs: Motifs to write; those without a site are left out.
        sites: Motif id to its sites, as wide as the motif, 0-based half-open in the records.

    Returns:
        How many patterns were written.

    Raises:
        InputError: A track does not fit its record, a site does not fit its motif or record, or
            the padded arrays would hold over 2^30 numbers.
    """
    import h5py

    folder = Path(folder)
    records, tracks, sites = _forward(records, tracks, sites or {})
    chosen = [motif for motif in motifs if sites.get(motif.id)]
    width = max([PATTERN_BP, *(motif.width for motif in chosen)])
    places = [
        [_window(site, motif, width, records) for site in sites[motif.id]] for motif in chosen
    ]
    padded = _pad(records, tracks, [place for group in places for place in group], width)
    _write_arrays(folder, records, padded)
    with h5py.File(folder / "modisco_results.h5", "w") as file:
        file.attrs["window_size"] = padded.window
        patterns = file.create_group("pos_patterns")
        for number, (motif, group) in enumerate(zip(chosen, places, strict=True)):
            _write_pattern(patterns.create_group(f"pattern_{number}"), motif, group, padded, width)
    return len(chosen)


def write_modisco_arrays(
    folder: str | Path, records: Sequence[Record], tracks: Sequence[ArrayLike]
) -> None:
    """Write ``sequences.npz``, ``scores.npz`` and ``peaks.bed`` alone, what TF-MoDISco starts from.

    Layout, arguments and errors as `write_modisco`.
    """
    records, tracks, _ = _forward(records, tracks, {})
    _write_arrays(Path(folder), records, _pad(records, tracks, [], 0))


def _write_arrays(folder: Path, records: Sequence[Record], padded: _Padded) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("sequences", padded.one_hot), ("scores", padded.scores)):
        np.savez_compressed(folder / f"{name}.npz", array.transpose(0, 2, 1))
    genome = in_genome(records)
    lines = [_bed_line(record, genome) for record in records]
    (folder / "peaks.bed").write_text("".join(lines), encoding="utf-8", newline="\n")


def sites_in_seqlets(table: pd.DataFrame, records: Sequence[Record]) -> dict[str, list[Site]]:
    """Motif id to its sites inside seqlets, counted in their records.

    Args:
        table: Columns `types.SITE_COLUMNS`.
        records: All records it speaks of.
    """
    genome = in_genome(records)
    number = {record.name: i for i, record in enumerate(records)}
    found: dict[str, list[Site]] = {}
    inside = table[table["in_seqlet"] == 1]
    columns = ("name", "record", "start", "end", "strand", "score", "p_value")
    rows = zip(*(inside[column].tolist() for column in columns), strict=True)
    for name, record, start, end, strand, score, p in rows:
        place = records[number[record]].location
        if genome and place is not None:
            start, end = place.within(start, end)
            strand = place.turn(strand)
        site = Site(number[record], start, end, strand, float(score), float(p))
        found.setdefault(name, []).append(site)
    return found


def _window(
    site: Site, motif: Motif, width: int, records: Sequence[Record]
) -> tuple[int, int, Strand]:
    """Record, first base and strand of the pattern's window around a site; it may overhang."""
    inside = 0 <= site.record < len(records) and 0 <= site.start <= len(records[site.record])
    if (
        not inside
        or site.end > len(records[site.record])
        or site.end - site.start != motif.width
        or site.strand not in ("+", "-")
    ):
        raise InputError(
            f"a site of {motif.id} ({motif.width} bp) is at {site.start}-{site.end}, strand "
            f"{site.strand!r}, of record number {site.record}: that is no place of its width there"
        )
    left = (width - motif.width) // 2
    start = site.start - left if site.strand == "+" else site.end + left - width
    return site.record, start, site.strand


def _pad(
    records: Sequence[Record],
    tracks: Sequence[ArrayLike],
    places: Sequence[tuple[int, int, Strand]],
    width: int,
) -> _Padded:
    lengths = np.array([len(record) for record in records], dtype=np.int64)
    window = int(lengths.max(initial=1))
    # base 0 of a record stands where its middle, as TF-MoDISco counts it, meets the window's
    before = lengths // 2
    for number, start, _ in places:
        middle = int(before[number])
        window = max(window, 2 * (middle - start), 2 * (start + width - middle))
    size = len(records) * window * 4
    if size > MAX_NUMBERS:
        raise InputError(
            f"TF-MoDISco wants all records in equal windows: {len(records):,} windows of "
            f"{window:,} bp are {size:,} numbers, more than {MAX_NUMBERS:,}. Give fewer records, "
            "or cut long ones into windows of equal length"
        )
    shift = window // 2 - before
    letters = np.frombuffer(BASES.encode(), dtype=np.uint8)
    one_hot = np.zeros((len(records), window, 4), dtype=np.int8)
    scores = np.zeros((len(records), window, 4), dtype=np.float32)
    for i, (record, values) in enumerate(zip(records, tracks, strict=True)):
        n, at = len(record), slice(int(shift[i]), int(shift[i]) + len(record))
        track = np.nan_to_num(np.asarray(values, dtype=np.float32), nan=0.0)
        if track.shape not in ((n,), (n, 4)):
            raise InputError(
                f"the track of {record.name:.60} has shape {track.shape}; its record has {n} "
                "bases: give a number for each base, or four"
            )
        text = np.frombuffer(record.sequence.encode("ascii"), dtype=np.uint8)
        one_hot[i, at] = text[:, None] == letters
        scores[i, at] = track if track.ndim == 2 else one_hot[i, at] * track[:, None]
    return _Padded(one_hot, scores, shift)


def _write_pattern(
    group: Any, motif: Motif, places: list[tuple[int, int, Strand]], padded: _Padded, width: int
) -> None:
    record = np.array([place[0] for place in places], dtype=np.int64)
    start = padded.shift[record] + np.array([place[1] for place in places], dtype=np.int64)
    turned = np.array([place[2] == "-" for place in places])
    at = start[:, None] + np.arange(width)

    def cut(array: NDArray[Any]) -> Array:
        pieces = array[record[:, None], at].astype(np.float32)
        pieces[turned] = pieces[turned][:, ::-1, ::-1]
        return pieces

    one_hot, hypothetical = cut(padded.one_hot), cut(padded.scores)
    contributions = one_hot * hypothetical
    group.attrs["motif_id"] = motif.id
    seqlets = group.create_group("seqlets")
    for name, values in (
        ("sequence", one_hot),
        ("contrib_scores", contributions),
        ("hypothetical_contribs", hypothetical),
    ):
        group.create_dataset(name, data=values.mean(axis=0, dtype=np.float64))
        seqlets.create_dataset(name, data=values, compression="gzip", compression_opts=1)
    seqlets.create_dataset("n_seqlets", data=np.array([len(places)]))
    seqlets.create_dataset("start", data=start)
    seqlets.create_dataset("end", data=start + width)
    seqlets.create_dataset("example_idx", data=record)
    seqlets.create_dataset("is_revcomp", data=turned)


def _bed_line(record: Record, genome: bool) -> str:
    chromosome, start, end, _ = spot(record, 0, len(record), ".", genome=genome)
    return f"{quoted(chromosome)}\t{start}\t{end}\t{record.name}\t0\t.\n"


def _forward(
    records: Sequence[Record], tracks: Sequence[ArrayLike], sites: Mapping[str, Sequence[Site]]
) -> tuple[list[Record], list[ArrayLike], dict[str, Sequence[Site]]]:
    """All of it on the forward strand, if all records have a place."""
    genome = in_genome(records)
    backward = {
        i
        for i, record in enumerate(records)
        if genome and record.location is not None and record.location.strand == "-"
    }

    def turned_record(record: Record) -> Record:
        assert record.location is not None
        there = replace(record.location, strand="+")
        return Record(record.name, reverse_complement(record.sequence), there)

    def turned_site(site: Site) -> Site:
        n = len(records[site.record])
        strand: Strand = "+" if site.strand == "-" else "-"
        return replace(site, start=n - site.end, end=n - site.start, strand=strand)

    return (
        [turned_record(r) if i in backward else r for i, r in enumerate(records)],
        # both axes of (bases, 4): the letters' order turned is that of their complements
        [np.flip(np.asarray(t)) if i in backward else t for i, t in enumerate(tracks)],
        {
            name: [turned_site(s) if s.record in backward else s for s in found]
            for name, found in sites.items()
        },
    )
