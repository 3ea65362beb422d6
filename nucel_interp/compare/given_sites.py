"""A user's sites put into windows: by record name, or by genome coordinates."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from nucel_interp.compare.windows import Windows
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite
from nucel_interp.types import Record, Site


@dataclass(frozen=True, eq=False)
class GivenSites:
    """What became of the lines of a BED file.

    Attributes:
        sites: Motif -> its sites, counted as in `Windows`; motifs in order of the file.
        elsewhere: Lines in genome coordinates that lie in no record.
        cut: Lines that cross the edge of a record or window, or lie in no window.
        repeated: Lines in records that were left out because their sequence had been met before.
    """

    sites: dict[str, list[Site]]
    elsewhere: int
    cut: int
    repeated: int


def place_sites(
    given: Sequence[BedSite], records: Sequence[Record], windows: Windows
) -> GivenSites:
    """Find the window of every site; a site counts only where it lies whole in one window.

    Column 1 is a record's name (positions count from the record's first base), or else a
    chromosome (genome coordinates, for records whose names state theirs). A site counts in each
    record that holds it.

    Args:
        given: At least one.
        records: All records, also those left out of the windows.
        windows: Cut from them.

    Raises:
        InputError: A site lies beyond the end of the record it names, names neither a record nor
            a chromosome of the records, or none lies in a window.
    """
    by_name = {r.name: r for r in records}
    used = {r.name: i for i, r in enumerate(windows.records)}
    by_chromosome: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for r in records:
        if r.location is not None:
            by_chromosome[r.location.chromosome].append((r.location.start, r.location.end, r.name))
    for places in by_chromosome.values():
        places.sort()
    longest = {
        chromosome: max(end - start for start, end, _ in places)
        for chromosome, places in by_chromosome.items()
    }
    spans: list[list[tuple[int, int, int]]] = [[] for _ in windows.records]
    for number, start, text, at in zip(
        windows.number.tolist(), windows.start.tolist(), windows.sequences,
        windows.offsets[:-1].tolist(), strict=True,
    ):  # fmt: skip
        shift = at - int(windows.record_offsets[number]) - start
        spans[number].append((start, start + len(text), shift))
    found: dict[str, list[Site]] = {}
    elsewhere = cut = repeated = 0
    for site in given:
        whole: list[tuple[str, int, int]] = []
        if site.chrom in by_name:
            record = by_name[site.chrom]
            if site.end > len(record):
                raise InputError(
                    f"the site on {site} ends beyond its record, which has {len(record)} bases; "
                    "positions count from the record's first base"
                )
            whole = [(record.name, site.start, site.end)]
        elif site.chrom in by_chromosome:
            places = by_chromosome[site.chrom]
            touched = 0
            index = bisect_right(places, (site.end, 0, ""))
            while index > 0 and places[index - 1][0] > site.start - longest[site.chrom]:
                index -= 1
                start, end, name = places[index]
                touched += start < site.end and site.start < end
                if start <= site.start and site.end <= end:
                    whole.append((name, site.start - start, site.end - start))
            if not whole:
                elsewhere, cut = elsewhere + (not touched), cut + bool(touched)
                continue
        elif by_chromosome:
            elsewhere += 1  # another chromosome of a genome-wide file
            continue
        else:
            raise InputError(
                f"the site on {site} names no record; column 1 is a record's name, or a chromosome "
                "if the records are named like chr20:100-300"
            )
        placed = False
        for name, start, end in whole:
            if name not in used:
                continue
            number = used[name]
            for a, b, shift in spans[number]:
                if a <= start and end <= b:
                    one = Site(number, start + shift, end + shift, site.strand, 0.0, 0.0)
                    found.setdefault(site.name, []).append(one)
                    placed = True
        if not placed and all(name not in used for name, _, _ in whole):
            repeated += 1
        else:
            cut += not placed
    if not found:
        raise InputError(
            f"none of the {len(given)} sites lies in a window: {elsewhere} lie in no record, {cut} "
            f"cross an edge or hold N; the first is {given[0]}. Are these the sequences' sites?"
        )
    ordered = {
        name: sorted(set(sites), key=lambda s: (s.record, s.start, s.end, s.strand))
        for name, sites in found.items()
    }
    return GivenSites(ordered, elsewhere, cut, repeated)
