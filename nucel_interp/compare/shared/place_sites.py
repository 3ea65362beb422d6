"""A user's sites put into windows: by record name, or by genome coordinates."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from nucel_interp.compare.shared.windows import Windows
from nucel_interp.errors import InputError
from nucel_interp.io.places import other_spelling
from nucel_interp.io.sites import BedSite
from nucel_interp.types import Location, Record, Site, Strand


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
    chromosome (genome coordinates, for records whose names state theirs; those of the reverse
    strand are turned, and the site's strand with them). A site counts in each record that holds it.

    Args:
        given: At least one.
        records: All records, also those left out of the windows.
        windows: Cut from them.

    Raises:
        InputError: A site lies beyond the end of the record it names, names neither a record nor
            a chromosome of the records, or none lies in a window.
    """
    lookup = _Lookup(records)
    used = {r.name: i for i, r in enumerate(windows.records)}
    spans = _spans(windows)
    found: dict[str, list[Site]] = {}
    elsewhere = cut = repeated = 0
    for site in given:
        whole, touched = lookup.holding(site)
        if not touched:
            elsewhere += 1
            continue
        kept = [
            (used[name], start, end, strand) for name, start, end, strand in whole if name in used
        ]
        inside = [
            Site(number, start + shift, end + shift, strand, 0.0, 0.0)
            for number, start, end, strand in kept
            for a, b, shift in spans[number]
            if a <= start and end <= b
        ]
        if inside:
            found.setdefault(site.name, []).extend(inside)
        elif whole and not kept:
            repeated += 1
        else:
            cut += 1
    if not found:
        chromosomes = [r.location.chromosome for r in records if r.location is not None]
        hint = other_spelling([s.chrom for s in given], chromosomes) if elsewhere else ""
        raise InputError(
            f"none of the {len(given)} sites lies in a window: {elsewhere} lie in no record, {cut} "
            f"cross an edge or hold N; the first is {given[0]}. "
            + (hint or "Are these the sequences' sites?")
        )
    ordered = {
        name: sorted(set(sites), key=lambda s: (s.record, s.start, s.end, s.strand))
        for name, sites in found.items()
    }
    return GivenSites(ordered, elsewhere, cut, repeated)


def _spans(windows: Windows) -> list[list[tuple[int, int, int]]]:
    """Of each record its windows: start and end in it, and from there to its place in `Windows`."""
    spans: list[list[tuple[int, int, int]]] = [[] for _ in windows.records]
    for number, start, text, at in zip(
        windows.number.tolist(), windows.start.tolist(), windows.sequences,
        windows.offsets[:-1].tolist(), strict=True,
    ):  # fmt: skip
        shift = at - int(windows.record_offsets[number]) - start
        spans[number].append((start, start + len(text), shift))
    return spans


class _Lookup:
    """Which records hold a line of the file."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._by_name = {r.name: r for r in records}
        by_chromosome: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self._location: dict[str, Location] = {}
        for r in records:
            if r.location is not None:
                place = (r.location.start, r.location.end, r.name)
                by_chromosome[r.location.chromosome].append(place)
                self._location[r.name] = r.location
        self._places = {name: sorted(places) for name, places in by_chromosome.items()}
        self._longest = {
            name: max(end - start for start, end, _ in places)
            for name, places in self._places.items()
        }

    def holding(self, site: BedSite) -> tuple[list[tuple[str, int, int, Strand]], bool]:
        """(record, start, end, strand), as the record reads, wherever the site lies whole.

        And whether it touches any record at all.
        """
        if site.chrom in self._by_name:
            length = len(self._by_name[site.chrom])
            if site.end > length:
                raise InputError(
                    f"the site on {site} ends beyond its record, which has {length} bases; "
                    "positions count from the record's first base"
                )
            return [(site.chrom, site.start, site.end, site.strand)], True
        if not self._places:
            raise InputError(
                f"the site on {site} names no record; column 1 is a record's name, or a chromosome "
                "if the records are named like chr20:100-300"
            )
        # another chromosome of a genome-wide file has no places
        whole: list[tuple[str, int, int, Strand]] = []
        places, touched = self._places.get(site.chrom, []), False
        index = bisect_right(places, (site.end, 0, ""))
        while index > 0 and places[index - 1][0] > site.start - self._longest[site.chrom]:
            index -= 1
            start, end, name = places[index]
            touched |= start < site.end and site.start < end
            if start <= site.start and site.end <= end:
                there = self._location[name]
                whole.append((name, *there.within(site.start, site.end), there.turn(site.strand)))
        return whole, touched
