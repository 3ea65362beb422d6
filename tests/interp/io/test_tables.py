"""Tables out: readable back, byte for byte the same."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nucel_interp.io.tables import to_bed, to_json, to_tsv, write_bed, write_json, write_tsv


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "name": ["a\tb\nc", '"quoted"', None],
            "n": [1, 2, 3],
            "p": [1.23456789e-12, 0.5, np.nan],
            "start": [12345678.0, np.nan, -0.0],
            "kept": [True, False, True],
        },
        index=[7, 3, 5],
    )


def test_tsv_text(frame):
    assert to_tsv(frame).split("\n") == [
        "name\tn\tp\tstart\tkept",
        "a b c\t1\t1.23457e-12\t12345678\tTrue",
        '"quoted"\t2\t0.5\t\tFalse',
        "\t3\t\t0\tTrue",
        "",
    ]


def test_tsv_reads_back(frame, tmp_path):
    write_tsv(frame, tmp_path / "t.tsv")
    back = pd.read_csv(tmp_path / "t.tsv", sep="\t")
    np.testing.assert_allclose(back["p"], frame["p"], rtol=1e-5)
    assert back["kept"].tolist() == [True, False, True]


def test_an_empty_table_is_its_header():
    empty = pd.DataFrame(columns=["a", "b"])
    assert to_tsv(empty) == "a\tb\n"
    assert to_json(empty) == "[]\n"
    assert to_bed(pd.DataFrame(columns=["chrom", "start", "end"])) == ""


def test_equal_tables_give_equal_bytes(frame):
    other = pd.DataFrame({c: list(frame[c]) for c in frame.columns})
    assert to_tsv(frame) == to_tsv(other)
    assert to_json(frame) == to_json(other)


def test_bed(tmp_path):
    frame = pd.DataFrame(
        {"chrom": ["chr1"], "start": [5], "end": [9], "name": [None], "score": [1.5]}
    )
    write_bed(frame, tmp_path / "t.bed")
    assert (tmp_path / "t.bed").read_text() == "chr1\t5\t9\t.\t1.5\n"


@pytest.mark.parametrize(("start", "end"), [(-1, 4), (5, 4)])
def test_bed_refuses_impossible_intervals(start, end):
    with pytest.raises(ValueError, match="0 <= start <= end"):
        to_bed(pd.DataFrame({"chrom": ["c"], "start": [start], "end": [end]}))


def test_bed_refuses_other_columns_first():
    with pytest.raises(ValueError, match="begins with chrom"):
        to_bed(pd.DataFrame({"name": ["c"], "start": [1], "end": [2]}))


def test_json_is_strict_and_reads_back(frame):
    rows = json.loads(to_json(frame))
    assert rows[0]["p"] == frame["p"].iloc[0]
    assert rows[2]["p"] is None
    assert rows[0]["name"] == "a\tb\nc"
    assert pd.read_json(io.StringIO(to_json(frame))).shape == frame.shape


def test_write_json_takes_what_a_summary_holds(tmp_path):
    value = {
        "n": np.int64(3), "p": np.float32(0.5), "inf": float("inf"), "flag": np.bool_(True),
        "path": Path("a"), "array": np.arange(2), "pair": (1, None), 4: {"b", "a"},
    }  # fmt: skip
    write_json(value, tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text()) == {
        "n": 3, "p": 0.5, "inf": None, "flag": True,
        "path": "a", "array": [0, 1], "pair": [1, None], "4": ["a", "b"],
    }  # fmt: skip
