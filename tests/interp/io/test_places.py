"""Places in a genome: from names, between the ways of counting, and what files call records."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import numpy as np
import pytest

from nucel_interp.api.find_seqlets import find_seqlets
from nucel_interp.errors import NucelWarning
from nucel_interp.io.fasta import read_records
from nucel_interp.io.places import (
    disjoint,
    in_genome,
    other_spelling,
    parse_location,
    quoted,
    spot,
    unquoted,
)
from nucel_interp.io.tracks import read_tracks, to_bedgraph
from nucel_interp.scoring import cut_units, split_units
from nucel_interp.types import Location, Record, reverse_complement

CHROMOSOME = "".join(random.Random(0).choices("ACGT", k=12_000))


def fasta(folder: Path, records: dict[str, str]) -> Path:
    path = folder / "in.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in records.items()))
    return path


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        ("chr20:100-300", 200, Location("chr20", 100, 300)),
        ("chr20:101-300", 200, Location("chr20", 100, 300)),
        ("chr1:5-9(+)", 4, Location("chr1", 5, 9)),
        ("chr1:5-9(-)", 4, Location("chr1", 5, 9, "-")),
        ("chr1:5-9(.)", 4, Location("chr1", 5, 9)),
        ("chr1:5-9()", 4, Location("chr1", 5, 9)),  # getfasta -s of BED without a strand
        ("chr1:6-9/rc", 4, Location("chr1", 5, 9, "-")),  # samtools faidx -i
        ("p1::chr1:100-140", 40, Location("chr1", 100, 140)),
        ("p1::chr1:100-140(-)", 40, Location("chr1", 100, 140, "-")),
        ("a::b:7::HLA:A*01:0-4(+)", 4, Location("HLA:A*01", 0, 4)),
        ("::chr1:0-4", 4, Location("chr1", 0, 4)),
        ("chr1:1,000-2,000", 1000, Location("chr1", 1000, 2000)),
        ("HLA:A*01:0-4", 4, Location("HLA:A*01", 0, 4)),
        ("p1(-)", 4, None),  # getfasta -nameOnly
        ("p1::", 0, None),
        ("p1:::5-9", 4, None),
        ("chr1:5-9(x)", 4, None),
        ("chr20:100-300", 150, None),
        ("chr20:0-3", 4, None),  # would be samtools' form, which begins at 1
        ("chr20:300-100", 200, None),
        ("chr20", 200, None),
        ("chr20:,-,", 1, None),
        ("chr20:1-" + "9" * 400, 200, None),
    ],
)
def test_location_from_the_name(name: str, length: int, expected: Location | None) -> None:
    assert parse_location(name, length) == expected


def test_a_long_name_takes_no_long_time() -> None:
    for name in ("::" * 200_000, "a:1-" * 200_000, ":" * 400_000 + "(-)", "(" * 400_000):
        assert parse_location(name, 4) is None


@pytest.mark.parametrize("strand", ["+", "-"])
def test_any_bases_of_a_record_are_found_in_the_genome_and_back(strand: str) -> None:
    place = Location("chr1", 300, 380, "-" if strand == "-" else "+")
    here = CHROMOSOME[300:380]
    record = Record("r", reverse_complement(here) if strand == "-" else here, place)
    for start, end in ((0, 80), (0, 7), (11, 30), (79, 80)):
        chrom, a, b, side = spot(record, start, end, "-", genome=True)
        bases = CHROMOSOME[a:b] if side == "+" else reverse_complement(CHROMOSOME[a:b])
        assert (chrom, bases) == ("chr1", reverse_complement(record.sequence[start:end]))
        assert place.within(a, b) == (start, end)
        assert place.turn(side) == "-"
        assert spot(record, start, end, "-", genome=False) == ("r", start, end, "-")
    assert spot(record, 0, 4, ".", genome=True)[3] == "."


def test_names_that_would_be_a_header_are_marked_and_come_back() -> None:
    names = ["track", "browser", "#x", "\\#x", "\\track", "\\\\browser", "\\x", "tracker", "x#", ""]
    written = [quoted(name) for name in names]
    assert [unquoted(name) for name in written] == names
    assert len(set(written)) == len(names)
    assert written[:3] == ["\\track", "\\browser", "\\#x"]
    assert written[-4:] == names[-4:]


def test_names_that_differ_in_chr_or_case_alone_are_told() -> None:
    assert "It writes 7 where the records have chr7" in other_spelling(["x", "7"], ["chr7"])
    assert "It writes chr7 where the records have 7" in other_spelling(["chr7"], ["7"])
    assert "It writes CHRX where the records have chrX" in other_spelling(["CHRX"], ["chrX"])
    assert other_spelling(["chr7", "8"], ["chr7", "chr9"]) == ""


def test_records_without_a_place_among_others_are_told_once_with_the_reason(tmp_path: Path) -> None:
    path = fasta(tmp_path, {"chr1:0-4": "ACGT", "p::chr1:8-12(-)": "ACGT", "spike": "ACGT"})
    with pytest.warns(NucelWarning, match=r"1 of 3 records .*\(spike: its name states no") as told:
        records = read_records(path)
    assert len(told) == 1
    assert not in_genome(records)
    assert [r.name for r in records] == ["chr1:0-4", "p::chr1:8-12(-)", "spike"]
    assert to_bedgraph(records, [[1.0] * 4] * 3).split("\n")[1] == "p::chr1:8-12(-)\t0\t4\t1"


def test_coordinates_that_do_not_fit_are_told_even_if_no_record_has_a_place(tmp_path: Path) -> None:
    path = fasta(tmp_path, {"chr1:0-9": "ACGT", "b": "ACGT"})
    with pytest.warns(NucelWarning, match=r"2 of 2 .*\(chr1:0-9: its name states 9 bp, it has 4\)"):
        read_records(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_records(fasta(tmp_path, {"a": "ACGT", "b": "ACGT"}))


def test_records_overlap_across_strands_too() -> None:
    a, b = Location("c", 0, 4), Location("c", 3, 7, "-")
    with pytest.warns(NucelWarning, match="records overlap in the genome"):
        assert not disjoint([Record("x", "ACGT", a), Record("y", "ACGT", b)])
    assert disjoint([Record("x", "ACGT", a), Record("y", "ACGT", Location("c", 4, 8, "-"))])


def peaks(*, turned: bool, named: bool) -> dict[str, str]:
    """Sixty pieces of six chromosomes, every other one of the reverse strand."""
    found = {}
    for i in range(60):
        start, text = 200 * i, CHROMOSOME[200 * i : 200 * i + 150]
        name = f"chr{i % 6}:{start}-{start + 150}"
        if named:
            name = f"peak{i}::{name}"
        if turned:
            name += "(-)" if i % 2 else "(+)"
        found[name] = reverse_complement(text) if turned and i % 2 else text
    return found


def test_names_of_getfasta_split_as_plain_ones_do(tmp_path: Path) -> None:
    halves = []
    for turned, named in ((False, False), (False, True), (True, True)):
        records = read_records(fasta(tmp_path, peaks(turned=turned, named=named)))
        half, rule = split_units(records, cut_units(records, 100), 0)
        assert rule == "by chromosome (6 of them)"
        halves.append(half.tolist())
    assert halves[0] == halves[1] == halves[2]


def test_blocks_of_a_record_of_the_reverse_strand_count_from_its_end() -> None:
    text = CHROMOSOME * 300
    end = 700_000 + len(text)
    plus = Record("a", text, Location("c", 700_000, end))
    minus = Record("a", text, Location("c", 700_000, end, "-"))
    (one, rule), (two, _) = (split_units([r], cut_units([r], 12_000), 0) for r in (plus, minus))
    assert rule == "by blocks of 1 Mb (5 of them)"
    assert one.tolist() == two[::-1].tolist()
    assert one.tolist() != two.tolist()


def test_seqlets_of_either_strand_lie_at_the_same_places(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=len(CHROMOSOME))
    for i in range(60):
        at = 200 * i + int(rng.integers(20, 120))
        values[at : at + 12] += 8
    track = tmp_path / "t.bedGraph"
    track.write_text(
        "".join(f"chr{i // 200 % 6}\t{i}\t{i + 1}\t{v:.3f}\n" for i, v in enumerate(values))
    )
    tables = []
    for turned in (False, True):
        records = read_records(fasta(tmp_path, peaks(turned=turned, named=turned)))
        found = find_seqlets(records, track=read_tracks(track, records)).seqlets
        assert found["record"].isin([r.name for r in records]).all()
        tables.append(set(zip(found["chrom"], found["start"], found["end"], strict=True)))
    assert len(tables[0]) > 40
    assert tables[0] == tables[1]


def test_a_table_counts_in_names_if_any_record_has_no_place(tmp_path: Path) -> None:
    given = peaks(turned=True, named=True)
    path = fasta(tmp_path, {"spike": CHROMOSOME[:150], **given})
    with pytest.warns(NucelWarning, match="1 of 61 records have no place"):
        records = read_records(path)
    track = [np.where(np.arange(150) // 12 == 5, 9.0, np.sin(np.arange(150))) for _ in records]
    found = find_seqlets(records, track=track).seqlets
    assert len(found)
    assert (found["chrom"] == found["record"]).all()
    assert found["end"].max() <= 150
