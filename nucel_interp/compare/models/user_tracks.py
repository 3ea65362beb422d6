"""Tracks of the user's own, attributions for one, measured where the models' attention is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nucel_interp.analysis.inputs import as_array
from nucel_interp.bootstrap import UNKNOWN, centre, interval
from nucel_interp.columns import compare as columns
from nucel_interp.compare.models.evaluation import Evaluation
from nucel_interp.compare.models.measure import recover
from nucel_interp.compare.shared.snr import signal_to_noise
from nucel_interp.compare.shared.windows import SharedWindows
from nucel_interp.errors import InputError
from nucel_interp.types import Record

if TYPE_CHECKING:
    import pandas as pd

Tracks = Mapping[str, Sequence[ArrayLike]]
"""Name -> one array per record, as long as it; NaN where there is no value."""

TRACK_COLUMNS = list(columns.TRACKS)


def in_windows(
    tracks: Tracks, records: Sequence[Record], windows: SharedWindows
) -> dict[str, NDArray[np.float32]]:
    """Name -> (bases,) in the windows, laid end to end.

    Args:
        tracks: Name -> an array per record, in the order of ``records``.
        records: Records that ``windows`` were cut from.
        windows: The windows.

    Raises:
        InputError: A track of another number of arrays or another length, an infinite value, or no
            value in any window.
    """
    number = {id(record): i for i, record in enumerate(records)}
    found = {}
    for name, arrays in tracks.items():
        own = [as_array(a).astype(np.float32) for a in arrays]
        if len(own) != len(records):
            raise InputError(f"track {name} has {len(own)} arrays for {len(records)} records")
        for record, array in zip(records, own, strict=True):
            if array.shape != (len(record),):
                raise InputError(
                    f"track {name} has an array of shape {array.shape} for {record.name}, which "
                    f"has {len(record):,} bases"
                )
        here = np.concatenate(
            [
                own[number[id(windows.records[of])]][start : start + len(text)]
                for of, start, text in zip(
                    windows.number.tolist(), windows.start.tolist(), windows.sequences, strict=True
                )
            ]
        )
        if np.isinf(here).any():
            raise InputError(f"track {name} holds infinite values")
        if np.isnan(here).all():
            raise InputError(f"track {name} has no value in the windows that are compared")
        found[name] = here
    return found


def track_table(tracks: Mapping[str, NDArray[np.float32]], evaluation: Evaluation) -> pd.DataFrame:
    """Signal-to-noise and AUROC of each track at each motif's sites (columns `TRACK_COLUMNS`).

    A track with values below 0, as attributions have, counts by its sizes: a base that speaks
    against the motif is one that the model looks at. Nothing is chosen, so nothing is cross-fitted.

    Args:
        tracks: Name -> (bases,); NaN where there is no value.
        evaluation: The windows they lie in, and the sites.

    Raises:
        InputError: A track without a value at any site.
    """
    import pandas as pd

    windows = evaluation.windows
    rows = []
    for name, values in tracks.items():
        signed = bool((values < 0).any())
        scores = np.abs(values)[np.newaxis]
        given = ~np.isnan(values)
        here = evaluation.motif_sites
        if any((m.known & ~given).any() for m in here):
            here = evaluation.sites_among(given)
        if not here:
            raise InputError(f"track {name} has no value at any site, or none beside it")
        found = recover(scores, windows, here, 1)
        for motif in here:
            one = found[motif.name]
            known = np.isfinite(one.auroc).any()
            area = interval(one.auroc, motif.index, "mean") if known else UNKNOWN
            offsets, at = windows.by_record.offsets, motif.with_site
            own = signal_to_noise(scores, offsets, motif.inside, ~motif.inside)
            outside = ~(motif.inside | motif.random)
            chance = signal_to_noise(scores, offsets, motif.random, outside)
            for definition, all_values in own.items():
                real = all_values[0, at]
                middle = interval(real, motif.index, "median")
                rows.append(
                    (name, "sizes" if signed else "values", definition, motif.name,
                     int(np.isfinite(real).sum()), middle.value, middle.low, middle.high,
                     float(centre(chance[definition][0, at], "median")),
                     area.value, area.low, area.high, one.decoy_auroc)
                )  # fmt: skip
    return pd.DataFrame(rows, columns=TRACK_COLUMNS)
