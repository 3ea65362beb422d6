"""What the search for motifs returns: tables, matrices, tracks and facts, ready to write."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import Motif, Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.study import Copy, Study
    from nucel_interp.scoring import Scores
    from nucel_interp.seqlets import Calls

PerBase = NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class MotifAnalysis:
    """What `analyse_motifs` found.

    Attributes:
        records: The input, in its order.
        motifs: Main table, best first (columns `types.MOTIF_COLUMNS`; with the method
            "dnabert" also `types.DNABERT_COLUMNS`).
        untested: Motifs that failed the held-out test or could not be tested, with the reason.
        matches: Tomtom matches of every motif (`types.MATCH_COLUMNS`).
        kmers: High-attention k-mers (`types.KMER_COLUMNS`).
        heads: Every head, chosen ones marked (`types.HEAD_COLUMNS`); empty for a user's track.
        sites: Sites of every motif in all records (`types.SITE_COLUMNS`).
        controls: A row per motif of ``motifs``: the AUROC of the model's best head and of the score
            at its held-out sites beyond each control (`types.CONTROL_COLUMNS`).
        head_sites: Every head at every motif's held-out sites (`types.HEAD_SITE_COLUMNS`); empty
            for a user's track.
        seqlets: Called intervals in all records (`types.SEQLET_COLUMNS`).
        pwms: Every motif of ``motifs`` and ``untested`` by its id.
        targets: The JASPAR matrices that ``matches`` names, by matrix id.
        track: (bases,) score of all records end to end, z against shuffled copies (NaN = no score).
        replaced_logit: (bases,) discriminator's log-odds, nats, high = replaced; None if the model
            has no discriminator head or the score is a user's track.
        summary: Flat facts, for summary.json.
        scores: Every head's track; None for a user's track.
        study: Units, halves and shuffled copies, for analyses that go on from here.
        calls: The seqlets of ``seqlets`` as intervals in the study's units.
        copy: A shuffled copy of every unit, with its score (of which each unit's comes from the
            half that tests it), for controls; None for a user's track.
        copy_calls: The copy's seqlets.
        n_layers: Layers of the model; 0 for a user's track.
        warnings: Sentences that must be read before any number.
    """

    records: list[Record]
    motifs: pd.DataFrame
    untested: pd.DataFrame
    matches: pd.DataFrame
    kmers: pd.DataFrame
    heads: pd.DataFrame
    sites: pd.DataFrame
    controls: pd.DataFrame
    head_sites: pd.DataFrame
    seqlets: pd.DataFrame
    pwms: dict[str, Motif]
    targets: dict[str, Motif]
    track: PerBase
    replaced_logit: PerBase | None
    summary: dict[str, Any]
    scores: Scores | None = None
    study: Study | None = None
    calls: Calls | None = None
    copy: Copy | None = None
    copy_calls: Calls | None = None
    n_layers: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The result in a sentence or two."""
        return str(self.summary["answer"])

    @cached_property
    def tracks(self) -> dict[str, PerBase]:
        """Score per base of each record, by its name: ``track``, cut."""
        return self._by_name(self.track)

    @cached_property
    def replaced(self) -> dict[str, PerBase] | None:
        """Discriminator's log-odds per base of each record, by its name: ``replaced_logit``."""
        return None if self.replaced_logit is None else self._by_name(self.replaced_logit)

    def _by_name(self, values: PerBase) -> dict[str, PerBase]:
        ends = np.cumsum([len(r) for r in self.records])
        parts = np.split(values, ends[:-1])
        return {record.name: part for record, part in zip(self.records, parts, strict=True)}
