"""The one number of a fine-tuned prediction that is explained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nucel_interp.errors import InputError
from nucel_model import Nucel


@dataclass(frozen=True)
class Target:
    """Which output, and how it becomes a number.

    Attributes:
        label: Name of the output.
        index: Place of the output among the head's, from 0.
        task: Task of the head: classes, multilabel or regression
            (`nucel_model.heads.ClassificationHead`).
    """

    label: str
    index: int
    task: str

    @property
    def unit(self) -> str:
        """What the number is, in words."""
        return {
            "classes": f"log-odds of {self.label} against all other classes, nats",
            "multilabel": f"log-odds of {self.label}, nats",
            "regression": f"{self.label}, in the units it was fitted in",
        }[self.task]

    def of(self, outputs: Tensor) -> Tensor:
        """(batch,) from the head's outputs (batch, labels).

        Of classes, the class's logit less the log-sum-exp of the others', which is the log-odds of
        its probability; of two classes the difference of their logits.
        """
        own = outputs[:, self.index]
        if self.task != "classes":
            return own
        others = [i for i in range(outputs.shape[1]) if i != self.index]
        return own - torch.logsumexp(outputs[:, others], dim=1)


def find_target(model: Nucel, label: str | None = None) -> Target:
    """The output called ``label``.

    Without a label: the only output, or the second of two classes.

    Raises:
        FolderError: The model has no fine-tuned head.
        InputError: No output of that name, or several to choose from.
    """
    head = model.classifier_head
    if head is None:
        device = next(model.parameters()).device
        model.predict_logits(torch.zeros(1, 1, dtype=torch.int64, device=device))  # says so
    assert head is not None
    if label is None:
        if len(head.labels) > (2 if head.task == "classes" else 1):
            raise InputError(
                f"{model.name} has {len(head.labels)} outputs: {', '.join(head.labels)}; say which "
                "one is to be explained (--target)"
            )
        label = head.labels[-1]
    if label not in head.labels:
        raise InputError(
            f"{model.name} has no output {label!r}; its fine-tuned head has "
            f"{', '.join(head.labels)}"
        )
    return Target(label, head.labels.index(label), head.task)


def target_logit(model: Nucel, target: Target, input_ids: Tensor, mask: Tensor | None) -> Tensor:
    """(batch,) the number of each sequence, fp32; gradients pass."""
    return target.of(model.predict_logits(input_ids, mask))
