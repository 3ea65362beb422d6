"""What attention has at known sites beyond every control, for several models of one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.agreement.correlation import Bases
from nucel_interp.compare.agreement.score_pairs import RANDOM_CONTROL, Attention
from nucel_interp.controls.beyond import AtQuestions, at_questions, beyond_controls, both_ways
from nucel_interp.controls.claims import BEST_HEAD, Claim
from nucel_interp.controls.occurrences import given_occurrences
from nucel_interp.types import Site

MEAN_OF_HEADS = "mean of all heads"


def site_claims(
    bases: Bases,
    attention: Sequence[Attention],
    copies: Mapping[str, NDArray[np.floating]],
    sites: Mapping[str, NDArray[np.bool_]],
) -> list[Claim]:
    """The best head, and the mean of all heads, of every model that was read in shuffled copies.

    Args:
        bases: Sequences that all tracks are aligned to, laid end to end.
        attention: Attention of every head of every model, the randomly initialised control among
            them.
        copies: Model -> (heads, bases) its attention in shuffled copies of the sequences.
        sites: Name -> (bases,) bool.
    """
    half = np.asarray(bases.second_half, dtype=bool)
    questions = [
        both_ways(
            name,
            given_occurrences(
                name,
                _stretches(inside & bases.known, bases.offsets),
                bases.sequences,
                bases.known,
                half,
                bases.seed,
            ),
            half,
        )
        for name, inside in sites.items()
    ]
    everyone = np.ones(len(bases.sequences), dtype=bool)

    def at(tracks: NDArray[np.floating]) -> AtQuestions:
        known = np.where(bases.known, tracks, np.nan)
        return at_questions(questions, known, bases.offsets, half, everyone)

    random = next((a for a in attention if a.model == RANDOM_CONTROL), None)
    claims = []
    for one in attention:
        if one.model not in copies:
            continue

        def label(head: int, n: int = one.n_heads) -> str:
            return ":".join(map(str, divmod(head, n)))

        for score, named in ((BEST_HEAD, label), (MEAN_OF_HEADS, None)):
            real, control, copy = (
                None if t is None else at(t if named is not None else t.mean(axis=0)[None])
                for t in (
                    one.received.astype(np.float32),
                    None if random is None else random.received.astype(np.float32),
                    copies[one.model].astype(np.float32),
                )
            )
            assert real is not None
            assert copy is not None
            found = beyond_controls(questions, real, half, random_control=control, shuffled=[copy])
            claims += [
                Claim(b, f"the {one.model} model", score, len(questions), named) for b in found
            ]
    return claims


def _stretches(inside: NDArray[np.bool_], offsets: NDArray[np.int64]) -> list[Site]:
    """The runs of True in each sequence."""
    found = []
    for number, (begin, end) in enumerate(pairwise(offsets.tolist())):
        edges = np.flatnonzero(np.diff(inside[begin:end].astype(np.int8), prepend=0, append=0))
        found += [
            Site(number, int(a), int(b), ".", 0.0, 1.0) for a, b in edges.reshape(-1, 2).tolist()
        ]
    return found
