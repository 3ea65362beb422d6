"""What an alternative allele changes: at its own place, around it, and in a task's prediction.

Both alleles are read in the same window of the genome, as wide as the model's context and centred
on the variant, on both strands. An insertion or deletion is read where it is leftmost: in a repeat
the same change can be written at several places (Tan et al., doi:10.1093/bioinformatics/btv112).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_genome import Genome
from nucel_interp.errors import InputError
from nucel_interp.scoring.scores import Progress, Strands, check_strands
from nucel_interp.scoring.target import Target, find_target
from nucel_interp.scoring.tiling import n_tokens
from nucel_interp.types import Variant
from nucel_model import Nucel, tokenizer

Ids = NDArray[np.uint8]

LOOK_BP = 1 << 10
"""Bases of a genome looked at together for a repeat."""


@dataclass(frozen=True, eq=False)
class VariantScores:
    """Numbers per variant, alternative less reference; log-odds in nats, high = replaced.

    Without a discriminator head, `site`, `flank` and `largest` are NaN.

    Attributes:
        site: (variants,) mean log-odds of the alternative allele's bases, in place, less that of
            the reference allele's; without the bases that both begin or end with. NaN for a pure
            insertion or deletion, where one of the two has no base left.
        flank: (variants,) sum of the changes at all bases of the window outside the alleles.
        largest: (variants,) the change of largest size among those outside the alleles, with its
            sign; of equals the first.
        largest_at: (variants,) place of that base, 0-based in the chromosome; -1 without any.
        targets: Outputs of a fine-tuned head that are predicted: the second of two classes, or
            every one.
        predictions: (variants, targets) change of each target's number, alternative less reference.
        moved: (variants,) bases by which an insertion or deletion was moved to the left before it
            was read, from where the file has it to where it would be if left-aligned.
    """

    site: NDArray[np.float64]
    flank: NDArray[np.float64]
    largest: NDArray[np.float64]
    largest_at: NDArray[np.int64]
    targets: tuple[Target, ...]
    predictions: NDArray[np.float64]
    moved: NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Two alleles between the same flanks.

    Attributes:
        start: First base of the window, 0-based in the chromosome.
        left: Number of bases in front of the allele.
        right: Number of bases behind the allele.
        ref: (window,) base ids as the genome has them.
        alt: (window,) base ids with the alternative allele in place of the reference.
        moved: Bases by which an insertion or deletion was moved to the left before it was read.
    """

    start: int
    left: int
    right: int
    ref: Ids
    alt: Ids
    moved: int


def read_alleles(
    model: Nucel,
    variants: Sequence[Variant],
    genome: Genome,
    *,
    strands: Strands = "both",
    on_progress: Progress | None = None,
) -> VariantScores:
    """Score every variant by the discriminator, by a fine-tuned head, or by both.

    A variant is read by itself, so its digits depend neither on the others nor on their order.

    Args:
        model: Model with a discriminator head, a fine-tuned head, or both.
        variants: Variants to read: reference alleles as the genome has them, alleles shorter than
            the context.
        genome: Genome that holds their chromosomes.
        strands: "both" averages with the reverse complement, turned back.
        on_progress: Called with the number of variants finished since the last call.

    Raises:
        FolderError: The model has neither head.
        InputError: Windows with so many N that they do not fit a model of longer tokens; or no
            such ``strands``.
        ValueError: A reference allele is not the genome's.
    """
    check_strands(strands)
    targets = variant_targets(model)
    # what is left over behind whole tokens is read base by base
    context = model.config.context_bp - model.config.token_bp * (model.config.token_bp - 1)
    n = len(variants)
    site, flank, largest = (np.full(n, np.nan) for _ in range(3))
    largest_at = np.full(n, -1, dtype=np.int64)
    moved = np.zeros(n, dtype=np.int64)
    predictions = np.full((n, len(targets)), np.nan)
    for i, variant in enumerate(variants):
        window = window_around(variant, genome, context)
        (ref, before), (alt, after) = _read_both(model, targets, window, strands)
        predictions[i] = after - before
        moved[i] = window.moved
        middle = ref[window.left : len(ref) - window.right]
        other = alt[window.left : len(alt) - window.right]
        if len(middle) and len(other):
            site[i] = other.mean() - middle.mean()
        changes = np.concatenate(
            [
                alt[: window.left] - ref[: window.left],
                alt[len(alt) - window.right :] - ref[len(ref) - window.right :],
            ]
        )
        if np.isfinite(changes).any():
            flank[i] = np.nansum(changes)
            furthest = int(np.nanargmax(np.abs(changes)))
            largest[i] = changes[furthest]
            behind = len(middle) if furthest >= window.left else 0
            largest_at[i] = window.start + furthest + behind
        if on_progress is not None:
            on_progress(1)
    return VariantScores(site, flank, largest, largest_at, targets, predictions, moved)


def variant_targets(model: Nucel) -> tuple[Target, ...]:
    """What of a fine-tuned head is told: the second of two classes, or every output; none without.

    Raises:
        FolderError: The model has neither a fine-tuned nor a discriminator head.
    """
    head = model.classifier_head
    if head is None:
        model.require_discriminator()
        return ()
    two = head.task == "classes" and len(head.labels) == 2
    return tuple(find_target(model, label) for label in (head.labels[-1:] if two else head.labels))


def window_around(variant: Variant, genome: Genome, context: int) -> Window:
    """The window of both alleles: the longer one in the middle of ``context`` bases.

    What both alleles end with, then what both begin with, belongs to the flanks; what is left, if
    it is inserted or deleted bases alone, is moved as far left as the change stays the same. At the
    end of a chromosome the window is shorter on that side.

    Raises:
        ValueError: The reference allele is not the genome's, or an allele fills the context.
    """
    ref, alt = tokenizer.encode(variant.ref), tokenizer.encode(variant.alt)
    size = len(ref)
    if not np.array_equal(
        genome.fetch(variant.chromosome, variant.start, variant.start + size), ref
    ):
        raise ValueError(f"the genome does not have {variant.ref:.20} at {variant.start}")
    end = _common(ref[::-1], alt[::-1])
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    begin = _common(ref, alt)
    ref, alt, at = ref[begin:], alt[begin:], variant.start + begin
    moved = 0
    if not (len(ref) and len(alt)):
        steps = _leftwards(genome, variant.chromosome, at, ref if len(ref) else alt)
        ref, alt, at = np.roll(ref, steps), np.roll(alt, steps), at - steps
        # a file has the base in front of the change, or behind it at a chromosome's first
        moved = max(0, variant.start + 1 - max(at, 1))
    room = context - max(len(ref), len(alt))
    if room < 0:
        raise ValueError(f"an allele of {context - room} bases; the model reads {context}")
    first = max(0, at - room // 2)
    last = min(genome.length(variant.chromosome), at + len(ref) + room - room // 2)
    before = genome.fetch(variant.chromosome, first, at)
    after = genome.fetch(variant.chromosome, at + len(ref), last)
    return Window(
        first,
        len(before),
        len(after),
        np.concatenate([before, ref, after]),
        np.concatenate([before, alt, after]),
        moved,
    )


def _leftwards(genome: Genome, chromosome: str, at: int, bases: Ids) -> int:
    """By how much bases inserted or deleted at ``at`` can move to the left: a repeat's length."""
    moved, step = 0, max(len(bases), LOOK_BP // len(bases) * len(bases)) if len(bases) else 0
    while step and moved < at:
        before = genome.fetch(chromosome, max(0, at - moved - step), at - moved)[::-1]
        # the bases over and over, from the last: whole times in a step
        again = np.resize(bases[::-1], len(before))
        same = _common(before, again)
        moved += same
        if same < len(before):
            break
    return moved


def _common(one: Ids, other: Ids) -> int:
    """How many bases both begin with."""
    n = min(len(one), len(other))
    differ = np.flatnonzero(one[:n] != other[:n])
    return int(differ[0]) if len(differ) else n


Reading = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Log-odds of every base of a window, NaN where there is none, and the number of each target."""


def _read_both(
    model: Nucel, targets: Sequence[Target], window: Window, strands: Strands
) -> list[Reading]:
    """The reference allele's window and the alternative's; one pass if they are equally long."""
    if len(window.ref) == len(window.alt):
        return _read(model, targets, [window.ref, window.alt], strands)
    return [_read(model, targets, [ids], strands)[0] for ids in (window.ref, window.alt)]


def _read(
    model: Nucel, targets: Sequence[Target], windows: list[Ids], strands: Strands
) -> list[Reading]:
    """Equally long windows, each on its strands."""
    n = len(windows)
    turned = [tokenizer.reverse_complement_ids(ids) for ids in windows] if strands == "both" else []
    texts = [tokenizer.decode(ids) for ids in (*windows, *turned)]
    config = model.config
    if config.token_bp > 1:
        most = config.context_bp // config.token_bp
        if (tokens := max(n_tokens(t, config.token_bp) for t in texts)) > most:
            raise InputError(
                f"N beside a variant make {tokens:,} tokens of its window, since they are read one "
                f"by one; {model.name} reads {most:,}. Leave out variants beside assembly gaps"
            )
    ids, mask = (x.to(next(model.parameters()).device) for x in model.tokens(texts))
    with torch.inference_mode():
        hidden = model(ids, None if bool(mask.all()) else mask).last_hidden_state
        logits = np.full((len(texts), len(windows[0])), np.nan)
        if model.discriminator_head is not None:
            logits = model.replaced_logit(hidden).cpu().numpy().astype(np.float64)
        values = np.zeros((len(texts), len(targets)))
        if model.classifier_head is not None:
            outputs = model.classifier_head(hidden, mask).double()
            values = torch.stack([t.of(outputs) for t in targets], dim=1).cpu().numpy()
    if turned:
        logits = (logits[:n] + logits[n:, ::-1]) / 2
        values = (values[:n] + values[n:]) / 2
    for row, window in zip(logits, windows, strict=True):
        row[window < tokenizer.A] = np.nan
    return list(zip(logits, values, strict=True))
