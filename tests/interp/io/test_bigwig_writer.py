"""Tracks written as bigWig are read back as they were, and a file is whole or an error."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nucel_interp.errors import InputError, OutputError
from nucel_interp.io.bigwig_writer import require_bigwig, write_bigwig

SIZES = {"chr2": 700, "chr10": 900_000, "chr1": 500, "chrM": 3}


@pytest.fixture
def _pybigtools():
    pytest.importorskip("pybigtools")


def track(length: int, seed: int, missing: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=length).astype(np.float32)
    values[rng.random(length) < missing] = np.nan
    return values


@pytest.mark.usefixtures("_pybigtools")
def test_what_is_written_is_read_back_bit_for_bit(tmp_path):
    pyBigWig = pytest.importorskip("pyBigWig")
    stretches = [
        ("chr1", 0, track(100, 0)),
        ("chr1", 100, track(50, 1)),  # touches the one before
        ("chr10", 1234, track(60_000, 2)),
        ("chr10", 800_000, np.full(10, np.nan, dtype=np.float32)),
        ("chr2", 699, np.array([2.5], dtype=np.float32)),
    ]
    path = tmp_path / "x.bw"
    bases = write_bigwig(path, SIZES, iter(stretches))
    assert bases == sum(int((~np.isnan(v)).sum()) for _, _, v in stretches)
    expected = {name: np.full(size, np.nan, dtype=np.float32) for name, size in SIZES.items()}
    for name, start, values in stretches:
        expected[name][start : start + len(values)] = values
    with pyBigWig.open(str(path)) as file:
        lengths = file.chroms()
        assert list(lengths) == sorted(lengths)
        assert all(SIZES[name] == length for name, length in lengths.items())
        assert file.header()["nLevels"] > 0
        for name in ("chr1", "chr10", "chr2"):
            found = file.values(name, 0, SIZES[name], numpy=True)
            np.testing.assert_array_equal(found, expected[name])


@pytest.mark.usefixtures("_pybigtools")
def test_without_a_value_no_file_is_written(tmp_path):
    nothing = np.full(10, np.nan, dtype=np.float32)
    assert write_bigwig(tmp_path / "x.bw", SIZES, [("chr1", 0, nothing)]) == 0
    assert not (tmp_path / "x.bw").exists()


@pytest.mark.usefixtures("_pybigtools")
@pytest.mark.parametrize(
    "wrong", [("chr1", 99, 5), ("chr0", 200, 5)], ids=["overlap", "an earlier chromosome"]
)
def test_stretches_out_of_order_are_an_error(tmp_path, wrong):
    name, start, length = wrong
    stretches = [("chr1", 0, track(100, 0)), (name, start, track(length, 1))]
    with pytest.raises(ValueError, match=f"{name}:{start} comes after chr1:100"):
        write_bigwig(tmp_path / "x.bw", {**SIZES, "chr0": 300}, stretches)


@pytest.mark.usefixtures("_pybigtools")
@pytest.mark.parametrize("error", [KeyboardInterrupt, OutputError("part 7 is damaged")])
def test_what_stops_the_stretches_stops_the_writing(tmp_path, capfd, error):
    def stretches():
        yield "chr1", 0, track(100, 0)
        raise error

    with pytest.raises((KeyboardInterrupt, OutputError), match=r"damaged|^$"):
        write_bigwig(tmp_path / "x.bw", SIZES, stretches())
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("_pybigtools")
def test_values_beyond_the_end_of_a_chromosome_and_a_missing_folder_are_errors(tmp_path):
    with pytest.raises(OutputError, match="does not hold all that was given"):
        write_bigwig(tmp_path / "x.bw", SIZES, [("chr1", 490, track(11, 0, missing=0))])
    with pytest.raises(OutputError, match=r"cannot be written: .*No such file"):
        write_bigwig(tmp_path / "absent" / "x.bw", SIZES, [("chr1", 0, track(10, 0))])


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybigtools", None)
    with pytest.raises(InputError, match=r"a genome's track .* 'nucel-interp\[bigwig\]'"):
        require_bigwig("a genome's track")
