"""What was measured in a comparison of models: tables, loci to look at, and a summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import Motif, Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Locus:
    """One record with its sites and the track of each model's chosen head.

    The head was chosen on the half that the record is not in.

    Attributes:
        record: Upper case, without N.
        sites: Columns record, chrom, start, end, name, strand, in the record's own coordinates
            (0-based half-open); ``name`` is the motif.
        native: Model -> (bases,) attention over uniform attention, at the model's own resolution.
        matched: Model -> (bases,) the same at the coarsest model's resolution.
        head: Model -> ``layer:head``.
        tracks: Name -> (bases,) of the user's own tracks, as they were given.
    """

    record: Record
    sites: pd.DataFrame
    native: dict[str, NDArray[np.float32]]
    matched: dict[str, NDArray[np.float32]]
    head: dict[str, str]
    tracks: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models compared on the same sequences.

    A randomly initialised control has a name of its own in the column ``model``.

    Attributes:
        models: A row per model and control: shape, size, best heads, strands, sinks, cost.
        snr: Signal-to-noise per model, resolution, layers, definition and motif, with intervals.
        recovery: AUROC and AUPRC per model, resolution and motif, with intervals and decoys.
        recall: Share of site bases among the top share of bases.
        layers: Entropy, [CLS] share and mean distance per model and layer.
        distances: Attention by distance per model and layer, uniform attention beside it.
        heads: Signal-to-noise of every head.
        differences: Ratios of signal-to-noise between models, paired over sequences.
        motifs: The matrix of each motif by its name in the tables, where there is one.
        loci: A few records to look at.
        controls: A row per motif and trained model: the AUROC of its best head at the motif's sites
            beyond each control (`types.CONTROL_COLUMNS`); None if that was not measured.
        shuffled: Signal-to-noise of the trained models in shuffled copies of the windows, at the
            same places and, where a matrix was given, at its sites there (column ``at``).
        cls_row: Signal-to-noise of what [CLS] attends to in the last layer; None if not asked for.
        tracks: Signal-to-noise and AUROC of the user's own tracks; None if there is none.
        summary: Flat facts: window, counts, where the sites come from, every choice made.
        warnings: Sentences the user must read.
    """

    models: pd.DataFrame
    snr: pd.DataFrame
    recovery: pd.DataFrame
    recall: pd.DataFrame
    layers: pd.DataFrame
    distances: pd.DataFrame
    heads: pd.DataFrame
    differences: pd.DataFrame
    motifs: dict[str, Motif] = field(default_factory=dict)
    loci: list[Locus] = field(default_factory=list)
    controls: pd.DataFrame | None = None
    shuffled: pd.DataFrame | None = None
    cls_row: pd.DataFrame | None = None
    tracks: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
