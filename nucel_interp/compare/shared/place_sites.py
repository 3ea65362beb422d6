"""A user's sites put where records are measured: by record name, or by genome coordinates."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nucel_interp.errors import InputError
from nucel_interp.io.places import other_spelling
from nucel_interp.io.sites import BedSite
from nucel_interp.types import Location, Record, Site, Strand


class Span(NamedTuple):
    """A stretch of a record that is measured.

    Attributes:
        number: Number that `Site.record` of the sites in this span is given.
        start: First base of the span in the record, 0-based.
        end: One past the last base of the span.
        shift: Added to a position in the record, gives that of `Site.start`.
    """

    number: int
    start: int
    end: int
    shift: int


@dataclass(frozen=True, eq=False)
class GivenSites:
    """Lines of a BED file: those placed, and those left out, by reason.

    Attributes:
        sites: Motif -> its sites, counted as their `Span` says; motifs in order of the file.
        elsewhere: Lines in genome coordinates that lie in no record.
        cut: Lines that cross the edge of a record or span, or lie in no span.
        repeated: Lines in records that were left out because their sequence had been met before.
    """

    sites: dict[str, list[Site]]
    elsewhere: int
    cut: int
    repeated: int


def place_sites(
    given: Sequence[BedSite], records: Sequence[Record], spans: Mapping[str, Sequence[Span]]
) -> GivenSites:
    """Find the span of every site; a site counts only where it lies whole in one span.

    Column 1 is a record's name (positions count from the record's first base), or else a
    chromosome (genome coordinates, for records whose names state theirs; those of the reverse
    strand are turned, and the site's strand with them). A site counts in each record that holds it.

    Args:
        given: Lines of the BED file; at least one.
        records: All records, also those of which nothing is measured.
        spans: Name of a record -> the stretches of it that are measured; a record that was left
            out is not in it.

    Raises:
        InputError: A site lies beyond the end of the record it names, names neither a record nor
            a chromosome of the records, or none lies in a span.
    """
    lookup = _Lookup(records)
    found: dict[str, list[Site]] = {}
    elsewhere = cut = repeated = 0
    for site in given:
        whole, touched = lookup.holding(site)
        if not touched:
            elsewhere += 1
            continue
        kept = [place for place in whole if place[0] in spans]
        inside = [
            Site(span.number, start + span.shift, end + span.shift, strand, 0.0, 0.0)
            for name, start, end, strand in kept
            for span in spans[name]
            if span.start <= start and end <= span.end
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
