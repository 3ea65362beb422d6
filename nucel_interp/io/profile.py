"""`profile.h5`: attention received per base, for every layer and head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import Record

MAX_BASES = 1_000_000
"""Beyond this much input the file is written on request only: it grows with layers x heads."""
CHUNK_BASES = 1 << 15
"""Bases of one head that are compressed together."""

Block = tuple[NDArray[np.float16], NDArray[np.float32] | None]
"""Of some bases: attention received (layers x heads, bases), log-odds (bases,) or None."""


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
    names, lengths = [r.name for r in records], [len(r) for r in records]
    shape = (n_layers, received.shape[0] // n_layers)
    stream_profile(path, names, lengths, shape, [(received, replaced)])


def stream_profile(
    path: str | Path,
    names: Sequence[str],
    lengths: Sequence[int] | NDArray[np.int64],
    shape: tuple[int, int],
    blocks: Iterable[Block],
) -> None:
    """`write_profile` of numbers that come block by block.

    Args:
        path: An existing file is overwritten.
        names: Names of the records.
        lengths: (records,) bases of each record.
        shape: Layers, and heads of each.
        blocks: Bases one after another, wherever the records end.
    """
    import h5py

    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    bases = int(offsets[-1])
    chunk = max(1, min(bases, CHUNK_BASES))
    packed = {"compression": "gzip", "shuffle": True}
    with h5py.File(path, "w") as file:
        received = file.create_dataset(
            "received", (*shape, bases), np.float16, chunks=(1, 1, chunk), **packed
        )
        logits, at = None, 0
        for attention, replaced in blocks:
            end = at + attention.shape[1]
            received[:, :, at:end] = attention.reshape(*shape, -1)
            if replaced is not None:
                if logits is None:
                    logits = file.create_dataset(
                        "replaced_logit", (bases,), np.float32, chunks=(chunk,), **packed
                    )
                logits[at:end] = replaced
            at = end
        if at != bases:
            raise ValueError(f"{at} bases came for records of {bases}")
        file["offsets"] = offsets
        file.create_dataset("names", data=list(names), dtype=h5py.string_dtype())
        file.attrs["unit"] = (
            "received: ratio to uniform attention; replaced_logit: nats, high = replaced"
        )
