"""The same windows for every model, and sites put into them."""

from __future__ import annotations

import gzip
import re

import pytest

from nucel_interp.compare.shared.place_sites import place_sites
from nucel_interp.compare.shared.windows import common_window, cut_windows
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite, read_sites
from nucel_interp.types import Location, Record, Site, reverse_complement
from tests.interp.pipes import piped
from tests.toy import dna


def spans(windows):
    return [
        (int(n), int(s), int(s) + len(t))
        for n, s, t in zip(windows.number, windows.start, windows.sequences, strict=True)
    ]


def bed(chrom, start, end, name="A", line=1, strand="+"):
    return BedSite(line, chrom, start, end, name, strand)


def test_the_smallest_context_rounded_down_to_six_is_the_window():
    assert common_window([8191, 5994, 256]) == 252
    assert common_window([12282]) == 12282


def test_a_context_below_six_is_refused():
    with pytest.raises(InputError, match="5 bases at most"):
        common_window([1000, 5])


def test_records_are_cut_into_parts_of_whole_6_mers_without_n():
    text = "N" + dna(20) + "NN" + dna(5, 1) + "N" + dna(30, 2) + "A"  # the canonical strand
    windows = cut_windows([Record("a", text)], 12, 0)
    assert all(len(t) % 6 == 0 and 6 <= len(t) <= 12 for t in windows.sequences)
    assert [len(t) for t in windows.sequences] == [6, 12, 6, 12, 12]
    for (_, a, b), sequence in zip(spans(windows), windows.sequences, strict=True):
        assert text[a:b] == sequence
        assert set(sequence) <= set("ACGT")
    assert windows.left_out == len(text) - sum(map(len, windows.sequences))


def test_both_strands_are_cut_into_the_same_windows():
    text = dna(100)
    forward = list(cut_windows([Record("a", text)], 36, 0).sequences)
    other = cut_windows([Record("a", reverse_complement(text))], 36, 0).sequences
    assert [reverse_complement(s) for s in reversed(other)] == forward


def test_a_sequence_met_before_counts_once_and_a_short_record_not_at_all():
    text = dna(60)
    records = [Record("a", text), Record("b", reverse_complement(text)), Record("c", "ACGTN")]
    windows = cut_windows(records, 60, 0)
    assert (len(windows.records), windows.repeated, windows.too_short) == (1, 1, 1)


def test_only_short_records_are_an_error_that_says_how_short():
    with pytest.raises(InputError, match=r"6 known bases in a row .the longest has 5"):
        cut_windows([Record("a", "ACGTA")], 60, 0)


def test_halves_do_not_depend_on_the_order_of_records():
    records = [Record(f"r{i}", dna(30, i)) for i in range(12)]
    a, b = cut_windows(records, 30, 3), cut_windows(records[::-1], 30, 3)
    side = {r.name: bool(h) for r, h in zip(a.records, a.second_half, strict=True)}
    assert side == {r.name: bool(h) for r, h in zip(b.records, b.second_half, strict=True)}
    assert sum(side.values()) == 6


def test_windows_as_records_keep_their_place_in_the_genome():
    text = dna(24)
    record = Record("chr1:100-124", text, Location("chr1", 100, 124))
    made = cut_windows([record], 12, 0).as_records()
    assert [r.location for r in made] == [Location("chr1", 100, 112), Location("chr1", 112, 124)]
    assert [r.sequence for r in made] == [text[:12], text[12:]]
    assert len({r.name for r in made}) == 2


def test_a_site_of_a_window_is_found_again():
    windows = cut_windows([Record("a", dna(24)), Record("b", dna(24, 1))], 12, 0)
    (site,) = windows.of_windows([Site(3, 2, 7, "-", 1.0, 1e-5)])
    assert (site.record, site.start, site.end) == (1, 14, 19)
    assert windows.place(site) == (3, 2, 7)


def test_sites_are_placed_by_record_name_and_by_genome_coordinates():
    text = dna(24)
    record = Record("chr1:100-124", text, Location("chr1", 100, 124))
    windows = cut_windows([record], 24, 0)
    given = [bed("chr1:100-124", 3, 8), bed("chr1", 110, 114, "B"), bed("chr1", 500, 510, "B")]
    placed = place_sites(given, [record], windows.spans)
    assert {n: [(s.start, s.end) for s in found] for n, found in placed.sites.items()} == {
        "A": [(3, 8)],
        "B": [(10, 14)],
    }
    assert (placed.elsewhere, placed.cut) == (1, 0)


def test_a_site_in_a_record_with_n_is_counted_from_its_windows():
    text = dna(12) + "N" + dna(12, 1)
    record = Record("a", text)
    windows = cut_windows([record], 24, 0)
    at = int(windows.start[1]) + 3
    placed = place_sites([bed("a", at, at + 4)], [record], windows.spans)
    (site,) = placed.sites["A"]
    assert windows.by_record[0][site.start : site.end] == text[at : at + 4]


def test_a_site_across_the_edge_of_a_window_is_left_out_and_counted():
    record = Record("a", dna(24))
    windows = cut_windows([record], 12, 0)
    placed = place_sites([bed("a", 10, 14), bed("a", 0, 4)], [record], windows.spans)
    assert (len(placed.sites["A"]), placed.cut) == (1, 1)


def test_a_site_beyond_its_record_is_named():
    record = Record("a", dna(24))
    windows = cut_windows([record], 24, 0)
    with pytest.raises(InputError, match=re.escape("line 7 (A, a:20-30) ends beyond its record")):
        place_sites([bed("a", 20, 30, line=7)], [record], windows.spans)


def test_a_site_in_no_record_is_named():
    record = Record("a", dna(24))
    windows = cut_windows([record], 24, 0)
    with pytest.raises(InputError, match=r"line 1 .*names no record"):
        place_sites([bed("chr9", 0, 4)], [record], windows.spans)


def test_sites_that_all_lie_elsewhere_are_an_error():
    record = Record("chr1:100-124", dna(24), Location("chr1", 100, 124))
    windows = cut_windows([record], 24, 0)
    with pytest.raises(InputError, match="none of the 2 sites lies in a window: 2 lie in no"):
        place_sites([bed("chr1", 0, 4), bed("chr2", 0, 4)], [record], windows.spans)


def test_bed_is_read_with_and_without_names_plain_and_gzip(tmp_path):
    text = "track name=x\n#c\nchr1\t5\t9\tCTCF\t0\t-\n\na 1 4\n"
    (tmp_path / "a.bed").write_text(text)
    (tmp_path / "b.bed.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.bed", "b.bed.gz"):
        first, second = read_sites(tmp_path / name)
        assert first == BedSite(3, "chr1", 5, 9, "CTCF", "-")
        assert (second.name, second.strand, second.line) == ("site", ".", 5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no site"),
        ("chr1\t5\n", "line 1: expected chrom, start, end .*found"),
        ("chr1\ta\t9\n", "line 1: expected chrom, start, end .*found"),
        ("chr1\t1\t2\nchr1\t9\t9\n", "line 2: 0 <= start < end"),
        ("chr1\t9\t5\n", "line 1: expected chrom, start, end with 0 <= start <= end"),
        ("\t1\t5\n", "line 1: expected chrom, start, end .*found"),
    ],
)
def test_what_is_no_bed_is_refused(tmp_path, text, says):
    (tmp_path / "a.bed").write_text(text)
    with pytest.raises(InputError, match=says):
        read_sites(tmp_path / "a.bed")


def test_a_name_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.bed").write_bytes(b"chr1\t1\t5\tA\nchr1\t1\t5\tgr\xf6\n")
    with pytest.raises(InputError, match="line 2 holds the byte 0xf6, which is no UTF-8 text"):
        read_sites(tmp_path / "a.bed")


def test_sites_with_a_mark_out_of_a_pipe_and_names_that_begin_like_headers(tmp_path):
    content = "\ufefftracker\t5\t9\tA\n\\#x\t1\t4\tB\nbrowser\t1\t4\nGröße\t1\t4\n".encode()
    (tmp_path / "a.bed").write_bytes(content)
    with piped(content) as pipe:
        for path in (tmp_path / "a.bed", pipe):
            found = read_sites(path)
            assert [site.chrom for site in found] == ["tracker", "#x", "Größe"]
            assert [site.line for site in found] == [1, 2, 4]


def test_damaged_sites_are_said_in_one_line(tmp_path):
    text = "".join(f"chr{i * 7919 % 23}\t{i}\t{i + 9}\n" for i in range(500))
    raw = bytearray(gzip.compress(text.encode()))
    raw[len(raw) // 2] ^= 0x55
    (tmp_path / "a.bed.gz").write_bytes(raw)
    with pytest.raises(InputError, match=r"as BED: it is cut short or damaged"):
        read_sites(tmp_path / "a.bed.gz")


def test_a_site_in_a_record_of_the_reverse_strand_is_turned():
    text = dna(24)
    record = Record("p::chr1:100-124(-)", text, Location("chr1", 100, 124, "-"))
    windows = cut_windows([record], 24, 0)
    given = [bed("chr1", 110, 114, strand="+"), bed("chr1", 100, 103, strand=".")]
    placed = place_sites([*given, bed(record.name, 1, 5, strand="-")], [record], windows.spans)
    assert [(s.start, s.end, s.strand) for s in placed.sites["A"]] == [
        (1, 5, "-"),
        (10, 14, "-"),
        (21, 24, "."),
    ]
    (window,) = cut_windows([record], 12, 0).as_records()[1:]
    assert window.location == Location("chr1", 100, 112, "-")


def test_sites_whose_chromosomes_differ_in_chr_are_told():
    record = Record("chr1:100-124", dna(24), Location("chr1", 100, 124))
    windows = cut_windows([record], 24, 0)
    with pytest.raises(InputError, match="It writes 1 where the records have chr1"):
        place_sites([bed("1", 100, 104)], [record], windows.spans)


def test_a_missing_bed_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.bed as BED: there is no such file"):
        read_sites(tmp_path / "none.bed")
