"""The models whose scores are compared: fine-tuned, before it, and their controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nucel_interp.compare.agreement.score_pairs import (
    BEFORE,
    FINE_TUNED,
    PERMUTED_LABELS,
    RANDOM_CONTROL,
)
from nucel_interp.io.provenance import folder_sha256
from nucel_interp.scoring.device import load_model
from nucel_interp.scoring.mutagenesis import reading
from nucel_interp.scoring.scores import Strands
from nucel_interp.scoring.target import Target, find_target
from nucel_model import ClassificationHead, Nucel, random_control


@dataclass(frozen=True, eq=False)
class LoadedModels:
    """Models whose scores are compared, the output that is explained, and the strands.

    Attributes:
        by_name: Name in the tables -> model, the fine-tuned one first.
        target: Output of the fine-tuned head that is explained.
        strands: "both" or "forward", as the fine-tuned head was fitted.
    """

    by_name: dict[str, Nucel]
    target: Target
    strands: Strands

    @property
    def fine(self) -> Nucel:
        """The fine-tuned model."""
        return self.by_name[FINE_TUNED]

    def facts(self) -> dict[str, Any]:
        """Which models were read, and what was explained, for the summary."""
        return {
            "models": {name: one.name for name, one in self.by_name.items()},
            "model_sha256": {
                name: {} if one.path is None else folder_sha256(one.path)
                for name, one in self.by_name.items()
            },
            "target": self.target.label,
            "target_unit": self.target.unit,
            "strands": self.strands,
        }


def load_models(
    model: str | Nucel,
    before: str | Nucel | None,
    shuffled: str | Nucel | None,
    target: str | None,
    seed: int,
) -> LoadedModels:
    """Load every model, and make the randomly initialised control.

    Args:
        model: Fine-tuned.
        before: Model that the other was fine-tuned from; None leaves it out.
        shuffled: Fine-tuned alike on permuted labels, if there is one.
        target: Label to explain; the second of two classes if not given.
        seed: Seed of the control's weights.

    Raises:
        InputError: An unknown label.
        FolderError: A model that cannot be loaded, or has no fine-tuned head.
    """
    fine = load_model(model)
    which = find_target(fine, target)
    strands = reading(fine, None)
    by_name = {FINE_TUNED: fine}
    if before is not None:
        by_name[BEFORE] = load_model(before)
    by_name[RANDOM_CONTROL] = random_classifier(fine, seed)
    if shuffled is not None:
        by_name[PERMUTED_LABELS] = load_model(shuffled)
        find_target(by_name[PERMUTED_LABELS], which.label)  # says so if it has none
    return LoadedModels(by_name, which, strands)


def random_classifier(model: Nucel, seed: int) -> Nucel:
    """A network of the same shape, its head too, with random weights."""
    control = random_control(model, seed)
    control.name = f"{model.name}, randomly initialised"
    head = model.classifier_head
    assert head is not None
    control.classifier_head = ClassificationHead(
        head.linear.in_features,
        head.labels,
        "random weights",
        task=head.task,
        pooling=head.pooling,
        strands=head.strands,
    )
    control.classifier_head.init_weights(seed)
    return control.to(next(model.parameters()).device).eval()
