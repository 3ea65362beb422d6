"""`profile.h5`: attention received per base, for every layer and head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import Record

MAX_BASES = 1_000_000
"""Beyond this much input the file is written on request only: it grows with layers x heads."""


def write_profile(
    path: str | Path,
    records: Sequence[Record],
    received: NDArray[np.float16],
    n_layers: int,
    replaced: NDArray[np.float32] | None,
) -> None:
    """Write all records laid end to end.

    Datasets: ``received`` (layers, heads, bases) float16, 1.0 = what uniform attention gives;
    ``replaced_logit`` (bases,) float32, nats, high = replaced, if the model has that head;
    ``offsets`` (records + 1,): record i is bases offsets[i]:offsets[i+1]; ``names`` (records,).
    """
    import h5py

    lengths = [len(r) for r in records]
    with h5py.File(path, "w") as file:
        shape = (n_layers, received.shape[0] // n_layers, received.shape[1])
        file.create_dataset(
            "received", data=received.reshape(shape), compression="gzip", shuffle=True
        )
        if replaced is not None:
            file.create_dataset("replaced_logit", data=replaced, compression="gzip", shuffle=True)
        file["offsets"] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        file.create_dataset("names", data=[r.name for r in records], dtype=h5py.string_dtype())
        file.attrs["unit"] = (
            "received: ratio to uniform attention; replaced_logit: nats, high = replaced"
        )
