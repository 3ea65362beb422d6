"""Tables of what the discriminator says of substitutions, of pairs of bases and of variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.dependency_pairs import MOST_COPIES, Pairs, copies_each
from nucel_interp.scoring.shuffle import draw, shuffled
from nucel_interp.scoring.substitution import hypothetical_contributions
from nucel_interp.types import (
    BASES,
    DEPENDENCY_COLUMNS,
    SKIPPED_VARIANT_COLUMNS,
    SUBSTITUTION_COLUMNS,
    VARIANT_COLUMNS,
    Record,
    Variant,
    as_sequences,
    canonical,
)

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.scoring.variants import VariantScores

Array = NDArray[np.float64]


def own_contribution(sequence: str, substitution: NDArray[np.floating[Any]]) -> Array:
    """How much better the standing base fits than the four do on average, (bases,); NaN at N."""
    hypothetical = hypothetical_contributions(substitution)
    letters = as_sequences([sequence])[0]
    own = np.array([max(BASES.find(letter), 0) for letter in letters], dtype=np.int64)
    contribution: Array = hypothetical[np.arange(len(own)), own]
    return contribution  # rows without a base are NaN whichever column is taken


def substitution_range(substitution: NDArray[np.floating[Any]]) -> Array:
    """Range over the four bases, (bases,), nats; NaN at N."""
    s = np.asarray(substitution, dtype=np.float64)
    spread: Array = s.max(axis=1, initial=-np.inf) - s.min(axis=1, initial=np.inf)
    return spread


def own_base_best(
    sequences: Sequence[str], maps: Sequence[NDArray[np.floating[Any]]]
) -> tuple[int, int]:
    """At how many bases none of the other three fits better than what stands there; of how many."""
    best = read = 0
    for sequence, found in zip(as_sequences(sequences), maps, strict=True):
        own = np.array([BASES.find(letter) for letter in sequence], dtype=np.int64)
        known = np.flatnonzero((own >= 0) & np.isfinite(found).all(axis=1))
        best += int((found[known, own[known]] == found[known].min(axis=1, initial=np.inf)).sum())
        read += len(known)
    return best, read


def substitution_table(
    records: Sequence[Record], maps: Sequence[NDArray[np.floating[Any]]]
) -> pd.DataFrame:
    """A row per record, `types.SUBSTITUTION_COLUMNS`."""
    import pandas as pd

    rows = []
    for record, found in zip(records, maps, strict=True):
        spread = substitution_range(found)
        read = np.flatnonzero(np.isfinite(spread))
        row: list[Any] = [record.name, len(record), len(read), np.nan, np.nan, np.nan, np.nan]
        if len(read):
            best, _ = own_base_best([record.sequence], [found])
            largest = int(np.nanargmax(spread))
            row[3:] = [best / len(read), spread[read].mean(), spread[largest], largest]
        rows.append(row)
    return pd.DataFrame(rows, columns=SUBSTITUTION_COLUMNS)


def shuffled_copies(sequences: Sequence[str], seed: int) -> list[str]:
    """Dinucleotide-shuffled copies that make the null of pairs: 20 to 100 in all, if there are any.

    Of more than 100 sequences 100 are drawn, by what they are and not by where they stand.
    """
    different = {canonical(s) for s in as_sequences(sequences)}
    chosen = sorted(different, key=lambda s: (draw(seed, s, "dependency null").random(), s))
    chosen = chosen[:MOST_COPIES]
    copies = range(copies_each(len(chosen)))
    return [shuffled(s, seed=seed, copy=copy) for s in chosen for copy in copies]


def dependency_table(records: Sequence[Record], pairs: Sequence[Pairs]) -> pd.DataFrame:
    """A row per pair, `types.DEPENDENCY_COLUMNS`, places 0-based in the record."""
    import pandas as pd

    tables = []
    for record, found in zip(records, pairs, strict=True):
        values = [
            [record.name] * len(found.first),
            found.first,
            found.second,
            found.second - found.first,
            found.strength,
            found.shuffled_mean,
            found.fold,
            found.p_pair,
            found.p_record,
        ]
        tables.append(pd.DataFrame(dict(zip(DEPENDENCY_COLUMNS, values, strict=True))))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled) if filled else pd.DataFrame(columns=DEPENDENCY_COLUMNS)


def variant_table(variants: Sequence[Variant], scores: VariantScores) -> pd.DataFrame:
    """A row per variant: `types.VARIANT_COLUMNS`, then a column ``change_LABEL`` per target."""
    import pandas as pd

    known = scores.largest_at >= 0
    place = [
        int(at) + 1 if here else None
        for at, here in zip(scores.largest_at, known.tolist(), strict=True)
    ]
    values = [*_columns(variants), scores.site, scores.flank, scores.largest, place, scores.moved]
    table = pd.DataFrame(dict(zip(VARIANT_COLUMNS, values, strict=True)))
    for number, target in enumerate(scores.targets):
        table[f"change_{target.label}"] = scores.predictions[:, number]
    return table


def skipped_table(skipped: Sequence[tuple[Variant, str]]) -> pd.DataFrame:
    """A row per allele that was not read, `types.SKIPPED_VARIANT_COLUMNS`."""
    import pandas as pd

    values = [*_columns([v for v, _ in skipped]), [reason for _, reason in skipped]]
    return pd.DataFrame(dict(zip(SKIPPED_VARIANT_COLUMNS, values, strict=True)))


def _columns(variants: Sequence[Variant]) -> list[list[Any]]:
    return [
        [v.chromosome for v in variants],
        [v.start + 1 for v in variants],
        [v.id for v in variants],
        [v.ref for v in variants],
        [v.alt for v in variants],
    ]
