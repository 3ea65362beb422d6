"""What the main job returns: tables, matrices, tracks and a summary, ready to draw or write."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.types import Motif, Record

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.analysis.study import Copy, Study
    from nucel_interp.scoring import Scores
    from nucel_interp.seqlets import Calls


@dataclass(frozen=True, eq=False, repr=False)
class MotifResult:
    """The whole result of `find_motifs`.

    Attributes:
        records: The input, in its order.
        motifs: Main table, best first (columns `types.MOTIF_COLUMNS`; with the method
            "dnabert" also `types.DNABERT_COLUMNS`).
        untested: Motifs that failed the held-out test or could not be tested, with the reason.
        matches: Tomtom matches of every motif (`types.MATCH_COLUMNS`).
        kmers: High-attention k-mers (`types.KMER_COLUMNS`).
        heads: Every head, chosen ones marked (`types.HEAD_COLUMNS`); empty for a user's track.
        sites: Sites of every motif in all records (`types.SITE_COLUMNS`).
        controls: For every motif of ``motifs``, what the model's best head and the score have at
            its held-out sites beyond each control (`types.CONTROL_COLUMNS`).
        seqlets: Called intervals in all records (`types.SEQLET_COLUMNS`).
        pwms: Every motif of ``motifs`` and ``untested`` by its id.
        targets: The JASPAR matrices that ``matches`` names, by matrix id.
        tracks: Score per base of each record, z against shuffled copies (NaN = no score).
        replaced: Discriminator log-odds per base of each record, nats, high = replaced; None if
            the model has no discriminator head or the score is a user's track.
        scores: Every head's track; None for a user's track.
        study: Units, halves and shuffled copies, for analyses that go on from here.
        calls: The seqlets of ``seqlets`` as intervals in the study's units.
        copy: A shuffled copy of every unit, with its score (of which each unit's comes from the
            half that tests it), for controls; None for a user's track.
        copy_calls: The copy's seqlets.
        n_layers: Layers of the model; 0 for a user's track.
        summary: Flat facts for summary.json; see `summary_keys` in the README.
        warnings: Sentences the user must read.
    """

    records: list[Record]
    motifs: pd.DataFrame
    untested: pd.DataFrame
    matches: pd.DataFrame
    kmers: pd.DataFrame
    heads: pd.DataFrame
    sites: pd.DataFrame
    controls: pd.DataFrame
    seqlets: pd.DataFrame
    pwms: dict[str, Motif]
    targets: dict[str, Motif]
    tracks: list[NDArray[np.float32]]
    replaced: list[NDArray[np.float32]] | None
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
        """The result in one sentence."""
        return str(self.summary["answer"])

    def __repr__(self) -> str:
        return f"<MotifResult: {self.answer}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer and the main table."""
        shown = self.motifs if len(self.motifs) else self.untested
        table = shown.to_html(index=False, float_format="{:.3g}".format)
        return f"<p><b>{html.escape(self.answer)}</b></p>{table}"
