"""Which base's log-odds move when another base is replaced: the nucleotide-dependency map.

The idea is the dependency map of Tomaz da Silva et al. (bioRxiv 2024.07.27.605418), who replace a
base and watch what a masked or causal language model predicts elsewhere. Here a discriminator's
log-odds are watched, so the map is an analogue and its numbers are not theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucel_interp.errors import InputError
from nucel_interp.scoring.scores import Progress, Strands, check_strands
from nucel_interp.scoring.substitution import mean_of_strands, read_substitutions
from nucel_model import Nucel, tokenizer
from nucel_model.sequences import as_sequences


@dataclass(frozen=True, eq=False)
class DependencyMap:
    """What replacing each base of a sequence does, in place and elsewhere.

    Attributes:
        substitution: (bases, 4) log-odds for A, C, G, T, nats: the very numbers of
            `substitution_map`.
        dependency: (bases, bases) D[i, j] = max over the three other bases a of
            |l_j(x with a at i) - l_j(x)|, nats, with l_j the log-odds that base j was replaced.
            Rows are replaced, columns watched. NaN on the diagonal and where there is no base.
    """

    substitution: NDArray[np.float32]
    dependency: NDArray[np.float32]


def dependency_map(
    model: Nucel,
    sequences: Sequence[str],
    *,
    strands: Strands = "both",
    on_progress: Progress | None = None,
) -> list[DependencyMap]:
    """Dependency and substitution map of each sequence, from the same forward passes.

    3 passes per base and strand; besides the model's own need, a map takes 4 bytes for each pair of
    bases (16 MB at 2,000), twice that while it is made of both strands.

    Args:
        model: Model with a discriminator head.
        sequences: DNA strings, in upper or lower case; none longer than the model's context, since
            bases that are not read together cannot depend on each other.
        strands: "both" averages with the maps of the reverse complement, turned back.
        on_progress: Called with the number of bases finished since the last call.

    Raises:
        FolderError: The model has no discriminator head.
        InputError: A sequence is longer than the context, or no such ``strands``.
    """
    check_strands(strands)
    sequences = as_sequences(sequences)
    model.require_discriminator()
    require_fit(model, {"a sequence": max(map(len, sequences), default=0)})
    found = []
    for sequence in sequences:
        ids = tokenizer.encode(sequence)
        substitution, dependency = _one_strand(model, ids)
        if strands == "both":
            turned = _one_strand(model, tokenizer.reverse_complement_ids(ids))
            substitution = mean_of_strands(substitution, turned[0])
            dependency = mean_of_strands(dependency, turned[1])
        found.append(DependencyMap(substitution, dependency))
        if on_progress is not None:
            on_progress(len(sequence))
    return found


def require_fit(model: Nucel, lengths: Mapping[str, int]) -> None:
    """Say before the work begins that a sequence is too long.

    Args:
        model: Model that is to read the records.
        lengths: Record name -> length in bases.

    Raises:
        InputError: One is longer than the context.
    """
    context = model.config.context_bp
    for name, length in lengths.items():
        if length > context:
            raise InputError(
                "a dependency map needs all its bases read together: "
                f"{model.name} reads {context:,}, and {name:.60} has {length:,}. Cut out the part "
                "to look at"
            )


def _one_strand(
    model: Nucel, ids: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(bases, 4) and (bases, bases) of a sequence as it is given."""
    n = len(ids)
    strongest = np.full((n, n), np.nan, dtype=np.float32)

    def watch(where: NDArray[np.int64], change: NDArray[np.float32]) -> None:
        for place, row in zip(where.tolist(), np.abs(change), strict=True):
            np.fmax(strongest[place], row, out=strongest[place])

    substitution = read_substitutions(model, ids, 0, n, watch)
    strongest[:, ids < tokenizer.A] = np.nan
    np.fill_diagonal(strongest, np.nan)
    return substitution, strongest
