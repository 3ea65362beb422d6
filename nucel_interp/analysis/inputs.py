"""What is refused before any work: no records, and tracks that do not fit or say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.types import Record


def check_input(
    records: Sequence[Record],
    track: Sequence[NDArray[np.floating]] | None,
    null_track: Sequence[NDArray[np.floating]] | None,
) -> None:
    """Refuse what cannot be analysed.

    Args:
        records: Sequences.
        track: One array per record, as long as the record, NaN where nothing is known.
        null_track: The same score on shuffled sequence.

    Raises:
        InputError: No records, a null track without a track, or a track of another shape, with
            infinite values, without any value, or with one value throughout each record.
    """
    if not records:
        raise InputError("there is no sequence to look at")
    if null_track is not None and track is None:
        raise InputError("a null track was given without a track")
    for what, values in (("track", track), ("null track", null_track)):
        if values is not None:
            _check_track(what, values, records)


def _check_track(
    what: str, values: Sequence[NDArray[np.floating]], records: Sequence[Record]
) -> None:
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
    known = [np.asarray(value)[~np.isnan(value)] for value in values]
    if not any(value.size for value in known):
        raise InputError(f"the {what} has no value at all; give numbers for at least some bases")
    several = [value for value in known if value.size > 1]
    if several and all(value.min() == value.max() for value in several):
        raise InputError(
            f"the {what} has no contrast: its value is the same at every base of each record, so "
            "nothing can stand out; give a score that differs from base to base"
        )
