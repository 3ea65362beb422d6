"""Tracks in and out: placed on the right base, refused when they do not fit."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.tracks import read_tracks, to_bedgraph, write_bedgraph
from nucel_interp.types import Location, Record

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
    assert to_bedgraph(records, [[1.0] * 4] * 2) == "x\t0\t4\t1\ny\t0\t4\t1\n"


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
        (b"\xff\xfe\x00a", "neither npz nor bedGraph"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, content, expected):
    (tmp_path / "t").write_bytes(content)
    assert expected in message(tmp_path / "t")


def test_no_file_and_no_overlap(tmp_path):
    assert "there is no track file" in message(tmp_path / "nothing")
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
