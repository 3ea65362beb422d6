"""What the discriminator says of every base in every place: the substitution map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_interp.scoring.device import batch_tokens
from nucel_interp.scoring.scores import TOKENS_PER_BATCH, Progress, Strands, check_strands
from nucel_interp.scoring.tiling import cut_pieces
from nucel_interp.types import canonical
from nucel_model import Nucel, tokenizer
from nucel_model.sequences import as_sequences

_BASE_IDS = np.array(tokenizer.BASE_IDS, dtype=np.uint8)

Watch = Callable[[NDArray[np.int64], NDArray[np.float32]], None]
"""Told of a batch of substitutions: their places (rows,) and the change at every base (rows, n)."""


def substitution_map(
    model: Nucel,
    sequences: Sequence[str],
    *,
    spans: Sequence[tuple[int, int]] | None = None,
    strands: Strands = "both",
    on_progress: Progress | None = None,
) -> list[NDArray[np.float32]]:
    """Discriminator log-odds of base b at place j, with b put there and all else as it is.

    Three forward passes per base and strand, and one for the sequence as it stands. A sequence
    longer than the model's context is read in half-overlapping windows, each base in the window in
    whose middle half it lies.

    Args:
        model: Model with a discriminator head.
        sequences: DNA strings, in upper or lower case; letters other than A, C, G, T are read as N
            and never replaced.
        spans: Per sequence the stretch (start, end) to look at, 0-based half-open; the rest of the
            sequence is context. The whole sequence by default.
        strands: "both" averages with the map of the reverse complement, turned back.
        on_progress: Called with the number of bases finished since the last call.

    Returns:
        One array per sequence, (bases, 4) for A, C, G, T, nats, high = replaced; the column of the
        base that stands there is its log-odds in the unchanged sequence. NaN where the sequence has
        no base, and outside ``spans``.

    Raises:
        FolderError: The model has no discriminator head.
        InputError: No such ``strands``.
        ValueError: A span outside its sequence, or not one span per sequence.
    """
    check_strands(strands)
    sequences = as_sequences(sequences)
    model.require_discriminator()
    if spans is None:
        spans = [(0, len(s)) for s in sequences]
    lengths = np.array([len(s) for s in sequences], dtype=np.int64)
    for (start, end), length in zip(spans, lengths.tolist(), strict=True):
        if not 0 <= start <= end <= length:
            raise ValueError(f"the span {start}-{end} does not lie in a sequence of {length} bases")
    encoded = [tokenizer.encode(s) for s in sequences]
    turned = [s != canonical(s) for s in sequences]
    maps = [np.full((length, 4), np.nan, dtype=np.float32) for length in lengths.tolist()]
    for p in cut_pieces(lengths, model.config.context_bp, turned):
        start, end = spans[p.sequence]
        start, end = max(start, p.keep_start), min(end, p.keep_end)
        if start >= end:
            continue
        ids = encoded[p.sequence][p.start : p.end]
        first, last = start - p.start, end - p.start
        found = read_substitutions(model, ids, first, last)
        if strands == "both":
            n, turned_ids = len(ids), tokenizer.reverse_complement_ids(ids)
            found = mean_of_strands(
                found, read_substitutions(model, turned_ids, n - last, n - first)
            )
        maps[p.sequence][start:end] = found
        if on_progress is not None:
            on_progress(end - start)
    return maps


def hypothetical_contributions(substitution: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much better each base would fit than the four do on average.

    H[j, a] = mean over b of S[j, b] - S[j, a], with S the substitution map: a base that the
    discriminator takes for original is positive. Each row sums to zero, so S may be counted from
    any base, the reference among them. This is the form of score that TF-MoDISco reads; the
    contribution of a base that stands in the sequence is its own entry.

    Args:
        substitution: (..., 4) log-odds for A, C, G, T, nats, as `substitution_map` gives them.

    Returns:
        (..., 4); NaN rows stay NaN.
    """
    s = np.asarray(substitution, dtype=np.float64)
    contributions: NDArray[np.float64] = s.mean(axis=-1, keepdims=True) - s
    return contributions


def read_substitutions(
    model: Nucel, ids: NDArray[np.uint8], first: int, last: int, watch: Watch | None = None
) -> NDArray[np.float32]:
    """The substitution map of one stretch of a window, as it is given: (last - first, 4).

    What a variant is batched with comes from its own window alone: neither the other sequences nor
    the strand that was given change a digit.

    Args:
        model: Model with a discriminator head.
        ids: (window,) base ids, no more than the model's context.
        first: First base of the window that is replaced, 0-based.
        last: One past the last base of the window that is replaced, 0-based.
        watch: Called with the places replaced in a batch, and with what each changes at every base
            of the window.
    """
    places = first + np.flatnonzero(ids[first:last] >= tokenizer.A)
    at = np.repeat(places, 4)
    base = np.tile(_BASE_IDS, len(places))
    changed = ids[at] != base
    out = np.full((last - first, 4), np.nan, dtype=np.float32)
    if not len(places):
        return out
    unchanged = read_logits(model, ids[None])
    out[places - first, ids[places] - tokenizer.A] = unchanged[0, places]
    at, base = at[changed], base[changed]
    rows = max(1, batch_tokens(model, TOKENS_PER_BATCH) // (len(ids) + 1))
    for begin in range(0, len(at), rows):
        where, what = at[begin : begin + rows], base[begin : begin + rows]
        variants = np.tile(ids, (len(where), 1))
        number = np.arange(len(where))
        variants[number, where] = what
        logits = read_logits(model, variants)
        out[where - first, what - tokenizer.A] = logits[number, where]
        if watch is not None:
            watch(where, logits - unchanged)
    return out


def mean_of_strands(
    forward: NDArray[np.float32], turned: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The mean with the other strand's map, whose axes (places, bases) both run backwards."""
    mean: NDArray[np.float32] = (forward + turned[::-1, ::-1]) / np.float32(2)
    return mean


def read_logits(model: Nucel, rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(rows, bases) log-odds; the rows are equally long."""
    device = next(model.parameters()).device
    input_ids, _ = tokenizer.batch(list(rows))
    with torch.inference_mode():
        hidden = model(input_ids.to(device)).last_hidden_state
        logits: NDArray[np.float32] = model.replaced_logit(hidden).cpu().numpy()
    return logits
