"""Arrays under the records' names, written one at a time: memory does not grow with the file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class NpzWriter:
    """What `npz_writer` gives."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, array: NDArray[Any]) -> None:
        """Write an array of plain numbers; names must differ."""
        # a date of its own would make equal arrays unequal files
        entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(entry, "w", force_zip64=True) as stream:
            np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)


@contextmanager
def npz_writer(path: str | Path) -> Iterator[NpzWriter]:
    """An .npz file to add arrays to, as `numpy.load` reads it; equal arrays give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        yield NpzWriter(archive)
