"""What attention, gradients, mutagenesis and known sites say of the same bases, and who agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nucel_interp.api.given import SequenceInput, paths, records_of
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.compare.agreement.measure_agreement import ModelAgreement
    from nucel_interp.io.sites import BedSite
    from nucel_interp.progress import OnProgress
    from nucel_interp.types import Record

    Scores = dict[str, dict[str, list[NDArray[np.floating]]]]

CURVES = 40
"""Sequences of the deletion curves, if nothing is said."""


@dataclass(frozen=True, eq=False, repr=False)
class AgreementResult(FolderResult):
    """What `agree_models` found.

    Attributes:
        pairs: Rank correlation of every pair of scores (columns `types.AGREE_COLUMNS`).
        heads: Every attention head with every score and site (columns `types.AGREE_HEAD_COLUMNS`).
        sites: AUROC of the bases of known sites by each score (columns `types.AGREE_SITE_COLUMNS`);
            None if none were given.
        controls: AUROC of attention at the sites beyond each control (columns
            `types.CONTROL_COLUMNS`); None if no sites were given.
        curves: Deletion curves of the prediction (columns `types.FAITHFULNESS_COLUMNS`); None if
            they were left out.
        areas: Areas between those curves: comprehensiveness and sufficiency (columns
            `types.FAITHFULNESS_AREA_COLUMNS`); None if they were left out.
        records: The records that were compared, each sequence once.
        scores: Model -> score -> one array per record, (bases,): what was compared, the chosen
            attention heads among them. Names are those of the tables.
        summary: Flat facts, for summary.json.
        run: Facts of the run (models, seed, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    pairs: pd.DataFrame
    heads: pd.DataFrame
    sites: pd.DataFrame | None
    controls: pd.DataFrame | None
    curves: pd.DataFrame | None
    areas: pd.DataFrame | None
    records: list[Record]
    scores: Scores
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    _shown = ("agree", "agree_sites")

    @property
    def answer(self) -> str:
        """What was explained in how many sequences, and where attention is beyond its controls."""
        facts = self.summary
        explained = (
            f"{facts['n_sequences']:,} sequences, {facts['n_bases']:,} bases; explained is the "
            f"{facts['target_unit']}."
        )
        return " ".join([explained, *facts["looked_at"]])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        found = {
            "agree": self.pairs,
            "agree_heads": self.heads,
            "agree_sites": self.sites,
            "controls": self.controls,
            "faithfulness": self.curves,
            "faithfulness_area": self.areas,
        }
        return {name: table for name, table in found.items() if table is not None}

    def figures(self) -> Figures:
        """Rank correlations, heads, sites and deletion curves."""
        from nucel_interp.plots.agree import (
            agreement_figure,
            faithfulness_figure,
            head_agreement_figure,
            site_figure,
        )

        drawn = {
            "agree": (agreement_figure(self.pairs), self.pairs),
            "agree_heads": (head_agreement_figure(self.heads, self._reference), self.heads),
        }
        if self.sites is not None:
            drawn["agree_sites"] = (site_figure(self.sites), self.sites)
        if self.curves is not None and self.areas is not None:
            figure = faithfulness_figure(self.curves, self.areas, self.summary["target_unit"])
            drawn["faithfulness"] = (figure, self.curves)
        return drawn

    def against_reference(self) -> pd.DataFrame:
        """How each score agrees with the reference, by which attention heads were chosen.

        The reference is the size of the fine-tuned model's mutagenesis; of a control, its own.

        Returns:
            Columns model, score, heads, spearman, low, high, expected_by_position.
        """
        import pandas as pd

        from nucel_interp.compare.agreement.score_pairs import BEFORE

        measured = ["spearman", "low", "high", "expected_by_position"]
        sides = []
        for mine, other in (("a", "b"), ("b", "a")):
            rows = self.pairs[
                (self.pairs[f"score_{other}"] == self._reference)
                & (self.pairs[f"model_{other}"] != BEFORE)
            ]
            names = {f"{c}_{mine}": c for c in ("model", "score", "heads")}
            sides.append(rows.rename(columns=names)[[*names.values(), *measured]])
        return pd.concat(sides).sort_index(kind="stable").reset_index(drop=True)

    @property
    def _reference(self) -> str:
        return f"|{self.summary['reference']}|"


def agree_models(
    sequences: SequenceInput,
    model: Model,
    *,
    before: Model | None = None,
    shuffled: Model | None = None,
    sites: str | Path | Sequence[BedSite] | None = None,
    target: str | None = None,
    methods: Sequence[str] | None = None,
    curves: int = CURVES,
    context: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> AgreementResult:
    """Pairwise rank correlation of per-base scores of a fine-tuned model.

    Scores are attention (mean of all heads, and the best head chosen on one half of the sequences
    and measured on the other), the pre-trained model's discriminator, and attributions. Beside them
    stand the same of a randomly initialised control, and of a model fine-tuned on permuted labels
    if there is one. Spearman's coefficient is taken within each sequence, beside the same with one
    of the two scores permuted between sequences. At known sites the AUROC of site bases is measured
    (Mann and Whitney 1947), and deletion curves say how far the prediction depends on the bases
    that a score ranks highest: comprehensiveness and sufficiency (after Samek et al. 2017, IEEE
    TNNLS 28:2660).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records, each
            within the model's context: those that hold what the target label means.
        model: A fine-tuned model's folder, or the model loaded.
        before: Model that ``model`` was fine-tuned from; its discriminator is compared too, if it
            has one.
        shuffled: A model fine-tuned alike on permuted labels.
        sites: Known sites: a BED file (column 1 a record's name or a chromosome), or its lines.
        target: Label to explain; the second of two classes if not given.
        methods: Ways of attribution (see `attribute`), by default integrated gradients, gradient
            times input and mutagenesis; the size of the last is the reference by which attention
            heads are chosen.
        curves: Sequences of the deletion curves, drawn by content; 0 leaves them out.
        context: Bases a model reads at once; by default what its folder says.
        seed: Seed of halves, permutations, shuffled copies, the control and bootstrap.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No record, one beyond the context, no site in a record, an unknown label.
        FolderError: A model that cannot be loaded, or has no fine-tuned head.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.agree_models("peaks.fa", "tuned", sites="sites.bed")
        >>> folder = found.save("agree")
    """
    from nucel_interp.compare.agreement.measure_agreement import measure_agreement
    from nucel_interp.io.sites import read_sites
    from nucel_interp.scoring.device import load_model

    started = perf_counter()
    records = records_of(sequences)
    placed = read_sites(sites) if isinstance(sites, (str, Path)) else sites
    found = measure_agreement(
        records,
        load_model(model, context),
        before=None if before is None else load_model(before, context),
        shuffled=None if shuffled is None else load_model(shuffled, context),
        sites=placed,
        target=target,
        methods=methods,
        curves=curves,
        seed=seed,
        on_progress=on_progress,
    )
    run = Run(
        "agree_models",
        paths(sequences, sites),
        _facts(found, seed),
        perf_counter() - started,
    )
    return AgreementResult(
        pairs=found.found.pairs,
        heads=found.found.heads,
        sites=found.found.sites,
        controls=found.controls,
        curves=None if found.curves is None else found.curves.curves,
        areas=None if found.curves is None else found.curves.areas,
        records=found.records,
        scores=_by_record(found),
        summary={**found.summary, "warnings": found.warnings},
        run=run,
        warnings=found.warnings,
    )


def _facts(found: ModelAgreement, seed: int) -> dict[str, Any]:
    """What run.json says of the models that were given."""
    from nucel_interp.compare.agreement.score_pairs import RANDOM_CONTROL
    from nucel_interp.scoring.device import facts_of_several

    given = {name: one for name, one in found.models.items() if name != RANDOM_CONTROL}
    return {
        "model": found.summary["models"],
        "model_sha256": found.summary["model_sha256"],
        **facts_of_several(given),
        "seed": seed,
    }


def _by_record(found: ModelAgreement) -> Scores:
    """Tracks laid end to end, cut into one array per record."""
    import numpy as np

    scores: Scores = {}
    for one in found.found.scores:
        of_records = np.split(one.track, found.bases.offsets[1:-1])
        scores.setdefault(one.model, {})[one.score] = of_records
    return scores
