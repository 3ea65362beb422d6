"""Tracks in and out: placed on the right base, refused when they do not fit."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.tracks import read_tracks, to_bedgraph, write_bedgraph
from nucel_interp.types import Location, Record
from tests.interp.pipes import piped

NAN = np.nan
PLAIN = [Record("a", "ACGTAC"), Record("b/<x>", "ACGT")]
PLACED = [
    Record("chr2:10-16", "ACGTAC", Location("chr2", 10, 16)),
    Record("second", "ACGT", Location("chr1", 100, 104)),
]


def message(path, records=PLAIN) -> str:
    with pytest.raises(InputError) as caught:
        read_tracks(path, records)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bedgraph_joins_equal_neighbours_and_skips_nan():
    text = to_bedgraph(PLAIN, [[1, 1, NAN, 2, 2.00001, 0.123456], [NAN] * 4])
    assert text == "a\t0\t2\t1\na\t3\t5\t2\na\t5\t6\t0.1235\n"


def test_bedgraph_in_genome_coordinates_is_sorted():
    text = to_bedgraph(PLACED, [[1.0] * 6, [2.0] * 4])
    assert text == "chr1\t100\t104\t2\nchr2\t10\t16\t1\n"


def test_overlapping_records_keep_their_names():
    records = [Record("x", "ACGT", Location("c", 0, 4)), Record("y", "ACGT", Location("c", 3, 7))]
    with pytest.warns(NucelWarning, match=r"records overlap .*first: x and y.*under its name"):
        text = to_bedgraph(records, [[1.0] * 4] * 2)
    assert text == "x\t0\t4\t1\ny\t0\t4\t1\n"


def test_bedgraph_refuses_a_track_of_another_length():
    with pytest.raises(ValueError, match="6 bases"):
        to_bedgraph(PLAIN, [[1.0] * 5, [1.0] * 4])


@pytest.mark.parametrize("records", [PLAIN, PLACED])
def test_bedgraph_round_trip(tmp_path, records):
    tracks = [np.array([1, NAN, 3, 4, 4, 5.5]), np.array([-1, 0, NAN, 1e-3])]
    write_bedgraph(tmp_path / "t.bedgraph", records, tracks)
    for got, want in zip(read_tracks(tmp_path / "t.bedgraph", records), tracks, strict=True):
        np.testing.assert_array_equal(got, want)


def test_bedgraph_intervals_are_clipped_to_each_overlapping_record(tmp_path):
    records = [
        Record("x", "ACGT", Location("c", 10, 14)),
        Record("y", "ACGTACGT", Location("c", 12, 20)),
        Record("z", "AC", Location("c", 40, 42)),
    ]
    path = tmp_path / "t.bg.gz"
    path.write_bytes(
        gzip.compress(b"track type=bedGraph\n#c\nc\t0\t13\t1\nc 13 100 2\nd\t0\t5\t9\n", mtime=0)
    )
    x, y, z = read_tracks(path, records)
    assert x.tolist() == [1, 1, 1, 2]
    assert y.tolist() == [1, 2, 2, 2, 2, 2, 2, 2]
    assert z.tolist() == [2, 2]


def test_bedgraph_of_windows_with_nan_and_no_last_newline(tmp_path):
    path = tmp_path / "t.bedGraph"
    path.write_bytes(b"track name=x\r\na\t0\t2\t1\r\na\t2\t3\tNaN\r\na\t3\t6\t-2.5e-1")
    with pytest.warns(NucelWarning, match="b/<x>"):
        a, _ = read_tracks(path, PLAIN)
    np.testing.assert_array_equal(a, [1, 1, NAN, -0.25, -0.25, -0.25])


def test_npz(tmp_path):
    values = {
        "a": np.array([1, 2, 3, 4, 5, 6], dtype=np.float32),
        "b/<x>": np.arange(4),
        "other": np.ones(3),
    }
    np.savez(tmp_path / "t.npz", **values)
    a, b = read_tracks(tmp_path / "t.npz", PLAIN)
    assert a.tolist() == [1, 2, 3, 4, 5, 6]
    assert b.dtype == np.float64


def test_records_without_values_are_nan_with_a_warning(tmp_path):
    np.savez(tmp_path / "t.npz", a=np.ones(6))
    with pytest.warns(NucelWarning, match="no value for 1 of 2 records"):
        _, b = read_tracks(tmp_path / "t.npz", PLAIN)
    assert np.isnan(b).all()


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"a": np.ones(5)}, "has 6 bases"),
        ({"a": np.ones((6, 4))}, "has 6 bases"),
        ({"a": np.array(list("ACGTAC"))}, "give a number for each"),
        ({"a": np.array([object()] * 6)}, "no plain numbers"),
        ({"a": np.full(6, np.inf)}, "infinite"),
        ({"x1": np.ones(6), "x2": np.ones(6)}, "has arrays x1, x2; the records are named a, b/<x>"),
    ],
)
def test_npz_that_does_not_fit(tmp_path, arrays, expected):
    np.savez(tmp_path / "t.npz", **arrays)
    assert expected in message(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\t0\t7\t1\n", "line 1: a ends at 7, but the record has 6 bases"),
        (b"a\t0\t6\t1\na\t2\t1\t1\n", "line 2: needs 0 <= start <= end"),
        (b"a\t0\t6\tinf\n", "finite value"),
        (b"a\t0\t6\n", "expected chromosome, start, end and a number"),
        (b"\t0\t6\t1\n", "line 1: expected chromosome"),
        (
            b"chrZ\t0\t6\t1\n",
            "has intervals on chrZ; the records are named a, b/<x>: nothing matches",
        ),
        (b"", "nothing"),
        (b"\x93NUMPY\x01\x00", "single array"),
        (b"PK\x03\x04broken", "cut short or damaged"),
        (gzip.compress(b"a\t0\t6\t1\n" * 500, mtime=0)[:-9], "cut short or damaged"),
        (b"\xff\xfe\x00a", "line 1 holds the byte 0xff, which is no UTF-8 text"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, expected):
    (tmp_path / "t").write_bytes(content)
    assert expected in message(tmp_path / "t")


def test_no_file_and_no_overlap(tmp_path):
    said = message(tmp_path / "nothing")
    assert "as a track (bedGraph, npz or bigWig): there is no such file" in said
    (tmp_path / "t").write_text("chr1\t0\t50\t1\n")
    assert "same genome assembly" in message(tmp_path / "t", PLACED)


def bigwig(path, chromosomes, *entries):
    writer = pytest.importorskip("pyBigWig")
    with writer.open(str(path), "w") as file:
        file.addHeader(chromosomes)
        for entry in entries:
            file.addEntries(*([value] for value in entry[:2]), ends=[entry[2]], values=[entry[3]])
    return path


def test_bigwig_by_coordinates_and_by_name(tmp_path):
    path = bigwig(
        tmp_path / "t.bw", [("chr1", 102), ("chr2", 1000), ("a", 6)],
        ("chr1", 90, 102, 3.0), ("chr2", 12, 14, 2.5), ("a", 1, 3, -1.0),
    )  # fmt: skip
    first, second, third = read_tracks(path, [*PLACED, PLAIN[0]])
    np.testing.assert_array_equal(first, [NAN, NAN, 2.5, 2.5, NAN, NAN])
    np.testing.assert_array_equal(second, [3, 3, NAN, NAN])  # the chromosome ends in the record
    np.testing.assert_array_equal(third, [NAN, -1, -1, NAN, NAN, NAN])


def test_bigwig_that_does_not_fit(tmp_path):
    path = bigwig(tmp_path / "t.bw", [("a", 50)], ("a", 1, 3, 1.0))
    assert "a has 50 bases there, but the record has 6" in message(path)
    other = bigwig(tmp_path / "o.bw", [("chr9", 50)], ("chr9", 1, 3, 1.0))
    assert "none of the records' names or chromosomes" in message(other, PLACED)
    (tmp_path / "cut.bw").write_bytes(path.read_bytes()[:40])
    assert "cut short" in message(tmp_path / "cut.bw")


def test_bigwig_without_its_reader_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyBigWig", None)
    (tmp_path / "t.bw").write_bytes(b"\x26\xfc\x8f\x88rest")
    said = message(tmp_path / "t.bw")
    assert "nucel-interp[bigwig]" in said
    assert "bigWigToBedGraph" in said


REVERSE = [
    Record("m::chr1:10-14(-)", "ACGT", Location("chr1", 10, 14, "-")),
    Record("p::chr1:20-24(+)", "ACGT", Location("chr1", 20, 24)),
]


def test_a_record_of_the_reverse_strand_is_turned_in_the_file_and_back(tmp_path):
    tracks = [np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])]
    path = tmp_path / "t.bedGraph"
    write_bedgraph(path, REVERSE, tracks)
    assert path.read_text().startswith("chr1\t10\t11\t4\nchr1\t11\t12\t3\n")
    np.testing.assert_array_equal(read_tracks(path, REVERSE), tracks)
    path.write_text("chr1\t0\t12\t1\nchr1\t12\t22\t2\n")
    np.testing.assert_array_equal(read_tracks(path, REVERSE), [[2, 2, 1, 1], [2, 2, NAN, NAN]])
    wig = bigwig(tmp_path / "t.bw", [("chr1", 23)], ("chr1", 10, 13, 3.0), ("chr1", 20, 23, 5.0))
    np.testing.assert_array_equal(read_tracks(wig, REVERSE), [[NAN, 3, 3, 3], [5, 5, 5, NAN]])


def test_one_record_without_a_place_and_the_file_counts_in_names():
    text = to_bedgraph([*REVERSE, PLAIN[1]], [[1.0, 2, 3, 4]] * 3)
    assert text.splitlines()[0] == "m::chr1:10-14(-)\t0\t1\t1"
    assert {line.split("\t")[0] for line in text.splitlines()} == {
        REVERSE[0].name, REVERSE[1].name, "b/<x>",
    }  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_costs_no_interval(tmp_path, pack):
    path = tmp_path / "t"
    path.write_bytes(pack(b"\xef\xbb\xbfa\t0\t6\t1\nb/<x>\t0\t4\t2\n"))
    assert [t.tolist() for t in read_tracks(path, PLAIN)] == [[1] * 6, [2] * 4]


def test_names_that_look_like_headers_come_back(tmp_path):
    records = [Record(name, "ACGT") for name in ("track", "browser", "#x", "\\#x", "tracker")]
    tracks = [np.full(4, float(i)) for i in range(5)]
    write_bedgraph(tmp_path / "t", records, tracks)
    np.testing.assert_array_equal(read_tracks(tmp_path / "t", records), tracks)


@pytest.mark.parametrize("kind", ["bedGraph", "npz"])
def test_a_pipe_is_read_once(tmp_path, kind):
    if kind == "npz":
        np.savez(tmp_path / "t", **{"a": np.arange(6.0), "b/<x>": np.arange(4.0)})
        content = (tmp_path / "t.npz").read_bytes()
    else:
        rows = [("a", i) for i in range(6)] + [("b/<x>", i) for i in range(4)]
        content = "".join(f"{name}\t{i}\t{i + 1}\t{i}\n" for name, i in rows).encode()
    with piped(content) as path:
        a, b = read_tracks(path, PLAIN)
    assert (a.tolist(), b.tolist()) == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3])


def test_bigwig_out_of_a_pipe_or_an_archive_is_refused(tmp_path):
    content = bigwig(tmp_path / "t.bw", [("a", 6)], ("a", 1, 3, -1.0)).read_bytes()
    with piped(content) as path:
        assert "out of a pipe or an archive" in message(path)
    (tmp_path / "t.bw.gz").write_bytes(gzip.compress(content))
    assert "save it, unpacked, and give the file" in message(tmp_path / "t.bw.gz")


def test_chromosomes_that_differ_in_chr_are_told(tmp_path):
    (tmp_path / "t").write_text("1\t100\t104\t1\n")
    assert "It writes 1 where the records have chr1" in message(tmp_path / "t", PLACED)
    wig = bigwig(tmp_path / "t.bw", [("1", 500)], ("1", 100, 104, 1.0))
    assert "It writes 1 where the records have chr1" in message(wig, PLACED)


def test_a_line_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "t").write_bytes(b"a\t0\t6\t1\nGr\xf6\xdfe\t0\t6\t1\n")
    assert "line 2 holds the byte 0xf6" in message(tmp_path / "t")
