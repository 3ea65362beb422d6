"""In-silico mutagenesis: what every single substitution does to a fine-tuned prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.scoring.device import batch_tokens
from nucel_interp.scoring.scores import Progress, Strands, check_strands
from nucel_interp.scoring.target import Target, find_target, target_logit
from nucel_interp.types import reverse_complement
from nucel_model import Nucel, tokenizer
from nucel_model.sequences import as_sequences

Array = NDArray[np.float64]
TOKENS = 4096
"""Read at once on a CPU."""
_BASES = "ACGT"


def mutagenesis(
    model: Nucel,
    sequences: Sequence[str],
    *,
    target: str | None = None,
    strands: Strands | None = None,
    on_progress: Progress | None = None,
) -> list[Array]:
    """f(x with base b at j) - f(x) for every place and base, f being the target's number.

    Three forward passes per base and strand, in batches of equally long sequences.

    Args:
        model: Model of single bases or of longer tokens, with a fine-tuned head.
        sequences: DNA strings, in upper or lower case, each within the model's context. Letters
            other than A, C, G, T are read as N and not replaced.
        target: Label of the output; if not given, the only one or the second of two classes.
        strands: "both" averages with what the reverse complement gives, turned back; None does what
            the head was fitted for.
        on_progress: Called with the number of bases finished since the last call.

    Returns:
        One array per sequence, (bases, 4) for A, C, G, T, in the target's unit; 0 at the base that
        stands there, NaN where there is none.

    Raises:
        FolderError: The model has no fine-tuned head.
        InputError: A sequence is longer than the context, or the target is not known.
    """
    sequences = as_sequences(sequences)
    chosen = find_target(model, target)
    sides = reading(model, strands)
    check_lengths(model, sequences)
    maps = []
    for sequence in sequences:
        found = _one_strand(model, chosen, sequence)
        if sides == "both":
            other = _one_strand(model, chosen, reverse_complement(sequence))
            found = (found + other[::-1, ::-1]) / 2
        maps.append(found)
        if on_progress is not None:
            on_progress(len(sequence))
    return maps


def importance(change: Array) -> Array:
    """(bases,) what the base that stands there adds, from a map (bases, 4).

    f(x) less the mean of f over the three other bases: positive where the base pushes f up.
    """
    total: Array = -change.sum(axis=1) / 3
    return total


def reading(model: Nucel, strands: Strands | None) -> Strands:
    """``strands``, or what the head was fitted for.

    Raises:
        InputError: No such ``strands``.
    """
    if strands is not None:
        check_strands(strands)
        return strands
    head = model.classifier_head
    return "both" if head is None else head.strands


def check_lengths(model: Nucel, sequences: Sequence[str]) -> None:
    """Refuse what the model cannot read at once.

    Raises:
        InputError: How long the longest is, and what to do.
    """
    longest = max(map(len, sequences), default=0)
    if longest > model.config.context_bp:
        raise InputError(
            f"a sequence has {longest:,} bases and {model.name} reads "
            f"{model.config.context_bp:,} at once; a prediction is of a whole sequence, so cut the "
            "sequences as for fine-tuning"
        )


def _one_strand(model: Nucel, target: Target, sequence: str) -> Array:
    code = tokenizer.encode(sequence).astype(np.int64) - tokenizer.A
    places = np.flatnonzero((code >= 0) & (code < 4))
    at, base = np.repeat(places, 4), np.tile(np.arange(4), len(places))
    changed = code[at] != base
    at, base = at[changed], base[changed]
    out = np.full((len(sequence), 4), np.nan)
    if not len(places):
        return out
    unchanged = _read(model, target, [sequence])[0]
    out[places, code[places]] = 0.0
    step = max(1, batch_tokens(model, TOKENS) // (len(sequence) + 1))
    for begin in range(0, len(at), step):
        some = slice(begin, begin + step)
        variants = [
            sequence[:i] + _BASES[b] + sequence[i + 1 :]
            for i, b in zip(at[some].tolist(), base[some].tolist(), strict=True)
        ]
        out[at[some], base[some]] = _read(model, target, variants) - unchanged
    return out


def _read(model: Nucel, target: Target, texts: list[str]) -> Array:
    """(texts,) the target's number of equally long sequences."""
    device = next(model.parameters()).device
    ids, mask = model.tokens(texts)
    with torch.inference_mode():
        found = target_logit(model, target, ids.to(device), mask.to(device))
    numbers: Array = found.double().cpu().numpy()
    return numbers
