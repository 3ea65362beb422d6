"""What is refused before any work: no records, and tracks that do not fit or say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.errors import InputError
from nucel_interp.types import Record, as_records

Track = NDArray[np.floating[Any]]


def check_input(
    records: Sequence[Record],
    track: Sequence[ArrayLike] | None,
    null_track: Sequence[ArrayLike] | None,
) -> tuple[list[Record], list[Track] | None, list[Track] | None]:
    """Refuse what cannot be analysed.

    Args:
        records: Sequences.
        track: A score made elsewhere: an array per record, as long as the record, NaN where nothing
            is known; numpy's, torch's or any that numpy can read.
        null_track: A track of the same score on shuffled sequence, an array per record.

    Returns:
        The same as a list and lists of numpy arrays.

    Raises:
        TypeError: No records.
        InputError: No records, a null track without a track, or a track of another shape, with
            infinite values, without any value, or with one value throughout each record.
    """
    records = as_records(records)
    if not records:
        raise InputError("there is no sequence to look at")
    if null_track is not None and track is None:
        raise InputError("a null track was given without a track")
    given = []
    for what, values in (("track", track), ("null track", null_track)):
        arrays = None if values is None else [as_array(value) for value in values]
        if arrays is not None:
            _check_track(what, arrays, records)
        given.append(arrays)
    return records, given[0], given[1]


def as_array(values: Any) -> Track:
    """Numbers as a numpy array; a tensor of torch is taken from its graph and its device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double()  # numpy does not know bf16
    array = np.asarray(values)
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)


def _check_track(what: str, values: Sequence[Track], records: Sequence[Record]) -> None:
    if len(values) != len(records):
        raise InputError(
            f"the {what} has {len(values)} arrays for {len(records)} records; give one for each"
        )
    for value, record in zip(values, records, strict=True):
        if np.shape(value) != (len(record),):
            raise InputError(
                f"the {what} of {record.name:.60} has shape {np.shape(value)}, but the record has "
                f"{len(record)} bases; give one number per base, NaN where there is none"
            )
        if np.isinf(value).any():
            raise InputError(
                f"the {what} of {record.name:.60} holds infinity; write NaN for no value"
            )
    known = [value[~np.isnan(value)] for value in values]
    if not any(value.size for value in known):
        raise InputError(f"the {what} has no value at all; give numbers for at least some bases")
    several = [value for value in known if value.size > 1]
    if several and all(value.min() == value.max() for value in several):
        raise InputError(
            f"the {what} has no contrast: its value is the same at every base of each record, so "
            "nothing can stand out; give a score that differs from base to base"
        )
