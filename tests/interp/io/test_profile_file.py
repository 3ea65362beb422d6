"""profile.h5: what is written is what is read."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from nucel_interp.io.profile import write_profile
from nucel_interp.types import Record


@pytest.mark.parametrize("with_head", [True, False])
def test_round_trip(tmp_path, with_head: bool) -> None:
    rng = np.random.default_rng(0)
    records = [Record("a", "ACGTN"), Record("β <b>", "ACG"), Record("c" * 300, "A")]
    received = rng.random((6, 9)).astype(np.float16)
    received[:, 4] = np.nan
    replaced = rng.normal(size=9).astype(np.float32) if with_head else None
    path = tmp_path / "profile.h5"
    write_profile(path, records, received, 3, replaced)
    with h5py.File(path) as file:
        assert set(file) == {"received", "offsets", "names"} | (
            {"replaced_logit"} if with_head else set()
        )
        stored = file["received"][:]
        assert stored.dtype == np.float16
        # layer first, then head: row 5 is layer 2, head 1
        assert stored.shape == (3, 2, 9)
        assert np.array_equal(stored[2, 1], received[5], equal_nan=True)
        assert np.array_equal(stored.reshape(6, 9), received, equal_nan=True)
        assert file["names"].asstr()[:].tolist() == [r.name for r in records]
        assert file["offsets"][:].tolist() == [0, 5, 8, 9]
        if replaced is not None:
            assert np.array_equal(file["replaced_logit"][:], replaced)
        assert "uniform" in file.attrs["unit"]
