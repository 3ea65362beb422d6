"""Arrays written one at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucel_interp.io.npz import npz_writer


def write(path: Path) -> bytes:
    with npz_writer(path) as npz:
        npz.add("chr1:0-4/x", np.arange(8, dtype=np.float32).reshape(2, 4).T)
        npz.add("file", np.empty((0, 4)))
    return path.read_bytes()


def test_numpy_reads_it_and_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.npz") == write(tmp_path / "b.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert list(arrays) == ["chr1:0-4/x", "file"]
        assert arrays["chr1:0-4/x"].tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
        assert arrays["file"].shape == (0, 4)


def test_objects_are_not_written(tmp_path: Path) -> None:
    with npz_writer(tmp_path / "x.npz") as npz, pytest.raises(ValueError, match="allow_pickle"):
        npz.add("x", np.array([None]))
