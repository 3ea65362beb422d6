"""What a fine-tuned head predicts of many sequences, on both strands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.scoring.device import batch_tokens
from nucel_interp.scoring.scores import TOKENS_PER_BATCH, Strands, check_strands
from nucel_interp.scoring.target import Target
from nucel_interp.types import reverse_complement
from nucel_model import Nucel
from nucel_model.sequences import as_sequences

Array = NDArray[np.float64]


def predict_sequences(
    model: Nucel,
    target: Target,
    sequences: Sequence[str],
    *,
    strands: Strands = "both",
    on_progress: Callable[[int], None] | None = None,
) -> Array:
    """(sequences,) one target's number of each: a column of `predict_targets`.

    Args:
        model: Model with a fine-tuned head.
        target: Output that is predicted, from `target.find_target`.
        sequences: DNA strings, in upper or lower case, each within the model's context.
        strands: "both" takes the mean of both strands; "forward" reads the given one.
        on_progress: Called with the number of sequences finished since the last call.

    Raises:
        InputError: As `predict_targets`.
    """
    found = predict_targets(model, [target], sequences, strands=strands, on_progress=on_progress)
    column: Array = found[:, 0]
    return column


def predict_targets(
    model: Nucel,
    targets: Sequence[Target],
    sequences: Sequence[str],
    *,
    strands: Strands = "both",
    on_progress: Callable[[int], None] | None = None,
) -> Array:
    """(sequences, targets) the number of each target (`target.Target.of`), read once for all.

    Args:
        model: Model with a fine-tuned head.
        targets: Outputs that are predicted, each from `target.find_target`.
        sequences: DNA strings, in upper or lower case, each within the model's context.
        strands: "both" takes the mean of both strands; "forward" reads the given one.
        on_progress: Called with the number of sequences finished since the last call.

    Raises:
        InputError: A sequence is longer than the model's context, or no such ``strands``.
    """
    check_strands(strands)
    sequences = as_sequences(sequences)
    longest = max(map(len, sequences), default=0)
    if longest > model.config.context_bp:
        raise InputError(
            f"a sequence has {longest:,} bases, but {model.name} predicts of "
            f"{model.config.context_bp:,} at most; cut the sequences as for fine-tuning"
        )
    out = np.full((len(sequences), len(targets)), np.nan)
    alike: dict[int, list[int]] = defaultdict(list)  # of one length, so that nothing is padded
    for number, sequence in enumerate(sequences):
        alike[len(sequence)].append(number)
    sides = 2 if strands == "both" else 1
    device = next(model.parameters()).device
    for length, members in sorted(alike.items()):
        step = max(1, batch_tokens(model, TOKENS_PER_BATCH) // (sides * (length + 1)))
        for begin in range(0, len(members), step):
            some = members[begin : begin + step]
            texts = [sequences[i] for i in some]
            if strands == "both":
                texts += [reverse_complement(t) for t in texts]
            ids, mask = model.tokens(texts)
            with torch.inference_mode():
                outputs = model.predict_logits(ids.to(device), mask.to(device))
                found = torch.stack([target.of(outputs) for target in targets], dim=1)
            numbers = found.double().cpu().numpy().reshape(sides, len(some), len(targets))
            out[some] = numbers.mean(axis=0)
            if on_progress is not None:
                on_progress(len(some))
    return out
