"""What a fine-tuned model predicts for each sequence."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nucel_interp.api.given import SequenceInput, paths, records_of
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.api.given import Model
    from nucel_interp.progress import OnProgress
    from nucel_interp.scoring.scores import Strands


@dataclass(frozen=True, eq=False, repr=False)
class PredictionResult(FolderResult):
    """What `predict` found.

    Attributes:
        predictions: A row per record: ``record``, ``length``, then a column per label: of classes
            the log-odds against all other classes, of labels the log-odds (nats), of a regression
            the value.
        summary: Flat facts: model, labels, their unit.
        run: Facts of the run (model, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    predictions: pd.DataFrame
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """How many sequences, and the median of every label."""
        labels = self.summary["labels"]
        said = ", ".join(f"{label} {self.predictions[label].median():.2f}" for label in labels)
        return f"{len(self.predictions):,} sequences; median {said} ({self.summary['unit']})"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The table by the name of its file."""
        return {"predictions": self.predictions}


def predict(
    sequences: SequenceInput,
    model: Model,
    *,
    strand: Strands | None = None,
    context: int | None = None,
    on_progress: OnProgress | None = None,
) -> PredictionResult:
    """Ask a fine-tuned model for its prediction of every sequence.

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records; each
            within the model's context.
        model: Folder of a fine-tuned model, or a loaded one.
        strand: "both" averages both strands, "forward" reads the given one; by default what the
            head was fitted for.
        context: Bases the model reads at once; by default what its folder says.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        FolderError: The model cannot be loaded, or has no fine-tuned head.
        InputError: A sequence is longer than the context, or no such strand.

    Example:
        >>> import nucel_interp as ni
        >>> ni.predict(["ACGT" * 12], "tuned").predictions.shape[0]
        1
    """
    import pandas as pd

    from nucel_interp.progress import Stages
    from nucel_interp.scoring.device import load_model, model_facts
    from nucel_interp.scoring.mutagenesis import reading
    from nucel_interp.scoring.prediction import predict_targets
    from nucel_interp.scoring.scores import check_strands
    from nucel_interp.scoring.target import find_target

    started = perf_counter()
    if strand is not None:
        check_strands(strand)
    records = records_of(sequences)
    loaded = load_model(model, context)
    head = loaded.classifier_head
    labels = [] if head is None else list(head.labels)
    targets = [find_target(loaded, label) for label in labels] or [find_target(loaded)]
    texts = [record.sequence for record in records]
    sides = reading(loaded, strand)
    with Stages(on_progress).stage("predicting", len(texts)) as step:
        found = predict_targets(loaded, targets, texts, strands=sides, on_progress=step)
    columns: dict[str, Any] = {
        "record": [r.name for r in records],
        "length": [len(r) for r in records],
        **{target.label: found[:, number] for number, target in enumerate(targets)},
    }
    unit = {"classes": "log-odds against all other classes, nats", "multilabel": "log-odds, nats"}
    return PredictionResult(
        predictions=pd.DataFrame(columns),
        summary={
            "model": loaded.name,
            "labels": [target.label for target in targets],
            "unit": unit.get(targets[0].task, "the values' unit"),
        },
        run=Run(
            "predict",
            paths(sequences),
            {**model_facts(loaded, profile=False), "strand": sides},
            perf_counter() - started,
        ),
    )
