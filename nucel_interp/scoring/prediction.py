"""What a fine-tuned head says of many sequences: one number each, both strands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.scoring.device import batch_tokens
from nucel_interp.scoring.scores import TOKENS_PER_BATCH, Strands, check_strands
from nucel_interp.scoring.target import Target, target_logit
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
    """(sequences,) the target's number, the mean of both strands; see `target.Target.of`.

    Args:
        model: With a fine-tuned head.
        target: From `target.find_target`.
        sequences: In either case; each within the model's context.
        strands: "forward" reads the given strand alone.
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
    out = np.full(len(sequences), np.nan)
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
                found = target_logit(model, target, ids.to(device), mask.to(device))
            numbers = found.double().cpu().numpy().reshape(sides, len(some))
            out[some] = numbers.mean(axis=0)
            if on_progress is not None:
                on_progress(len(some))
    return out
