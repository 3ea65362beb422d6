"""What an alternative allele changes: at its own place, around it, and in a task's prediction.

Both alleles are read in the same window of the genome, as wide as the model's context and centred
on the variant, on both strands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_genome import Genome
from nucel_interp.scoring.runner import Progress, Strands
from nucel_interp.scoring.substitution import read_logits, require_discriminator
from nucel_interp.types import Variant
from nucel_model import Nucel, tokenizer

Ids = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class VariantScores:
    """A number per variant; log-odds in nats, high = replaced, alternative less reference.

    Attributes:
        site: (variants,) mean log-odds of the alternative allele's bases, in place, less that of
            the reference allele's; without the bases that both begin or end with. NaN for a pure
            insertion or deletion, where one of the two has no base left.
        flank: (variants,) sum of the changes at all other bases of the window.
        largest: (variants,) the change of largest size among those, with its sign; of equals the
            first.
        largest_at: (variants,) where that base is, 0-based in the chromosome; -1 without any.
    """

    site: NDArray[np.float64]
    flank: NDArray[np.float64]
    largest: NDArray[np.float64]
    largest_at: NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Two alleles between the same flanks.

    Attributes:
        start: Of the window, 0-based in the chromosome.
        left: Bases in front of the allele.
        right: Bases behind it.
        ref: Base ids of the window as the genome has it.
        alt: Base ids with the alternative allele.
    """

    start: int
    left: int
    right: int
    ref: Ids
    alt: Ids


def score_variants(
    model: Nucel,
    variants: Sequence[Variant],
    genome: Genome,
    *,
    strands: Strands = "both",
    on_progress: Progress | None = None,
) -> VariantScores:
    """Score every variant by the discriminator.

    A variant is read by itself, so its digits depend neither on the others nor on their order.

    Args:
        model: Needs a discriminator head.
        variants: Reference alleles as the genome has them; alleles shorter than the context.
        genome: Holds their chromosomes.
        strands: "both" averages with the reverse complement, turned back.
        on_progress: Called with the number of variants finished since the last call.

    Raises:
        FolderError: The model has no discriminator head.
        ValueError: A reference allele is not the genome's.
    """
    require_discriminator(model)
    n = len(variants)
    site, flank, largest = (np.full(n, np.nan) for _ in range(3))
    largest_at = np.full(n, -1, dtype=np.int64)
    for i, variant in enumerate(variants):
        window = window_around(variant, genome, model.config.context_bp)
        ref, alt = _read_both(model, window, strands)
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
    return VariantScores(site, flank, largest, largest_at)


def window_around(variant: Variant, genome: Genome, context: int) -> Window:
    """The window of both alleles: the longer one in the middle of ``context`` bases.

    What both alleles end with, then what both begin with, belongs to the flanks. At the end of a
    chromosome the window is shorter on that side.

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
    )


def _common(one: Ids, other: Ids) -> int:
    """How many bases both begin with."""
    n = min(len(one), len(other))
    differ = np.flatnonzero(one[:n] != other[:n])
    return int(differ[0]) if len(differ) else n


def _read_both(
    model: Nucel, window: Window, strands: Strands
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds of every base of both alleles' windows; NaN where there is no base."""
    alleles = [window.ref, window.alt]
    if len(window.ref) == len(window.alt):  # one pass for both
        ref, alt = _read(model, np.stack(alleles), strands)
    else:
        ref, alt = (_read(model, ids[None], strands)[0] for ids in alleles)
    ref[window.ref < tokenizer.A] = np.nan
    alt[window.alt < tokenizer.A] = np.nan
    return ref, alt


def _read(model: Nucel, rows: Ids, strands: Strands) -> NDArray[np.float64]:
    """(rows, bases) log-odds of equally long windows."""
    if strands == "forward":
        return read_logits(model, rows).astype(np.float64)
    both = np.concatenate([rows, tokenizer.reverse_complement_ids(rows)])
    logits = read_logits(model, both).astype(np.float64)
    mean: NDArray[np.float64] = (logits[: len(rows)] + logits[len(rows) :, ::-1]) / 2
    return mean
