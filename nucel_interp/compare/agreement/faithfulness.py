"""Comprehensiveness and sufficiency of a score: deletion curves of the prediction.

The bases that a score ranks highest are deleted (comprehensiveness: the prediction should fall), or
all others are (sufficiency: it should stay).

A base is deleted by putting in its place what a dinucleotide-shuffled copy of the sequence has
there, so that an edited sequence is made of the same letters (the occlusion curves of Samek et al.
2017, IEEE TNNLS 28:2660, with draws of sequence in place of noise). Beside every score stand as
many bases in random order, and the same score taken from another sequence of equal length, whose
high values stand together and lie where the score likes to lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import interval
from nucel_interp.compare.agreement.correlation import Bases
from nucel_interp.compare.agreement.score_pairs import BaseScore
from nucel_interp.progress import OnProgress
from nucel_interp.scoring.shuffle import draw, shuffled
from nucel_interp.types import FAITHFULNESS_AREA_COLUMNS, FAITHFULNESS_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

SHARES = (0.05, 0.1, 0.15, 0.2)
"""Of the bases that count; most known sites are a tenth of a 200 bp sequence."""
DRAWS = 2
"""Shuffled copies, random orders and other sequences; the same for all scores."""
RANDOM_ORDERS = 4
"""Per draw; all scores are held against them, so they are to be steadier than each."""
TEXTS_AT_ONCE = 512

Edit = Literal["delete", "keep"]
EDITS: tuple[Edit, ...] = ("delete", "keep")
Array = NDArray[np.float64]
Predict = Callable[[list[str]], NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Curves (columns `types.FAITHFULNESS_COLUMNS`) and areas (`FAITHFULNESS_AREA_COLUMNS`)."""

    curves: pd.DataFrame
    areas: pd.DataFrame


def faithfulness(
    predict: Predict,
    bases: Bases,
    scores: Sequence[BaseScore],
    *,
    shares: Sequence[float] = SHARES,
    draws: int = DRAWS,
    on_progress: OnProgress | None = None,
) -> Faithfulness:
    """Predictions of edited sequences, as means over sequences, and the areas between curves.

    The area of deletion is how far the prediction lies below that with random bases deleted, as a
    mean over the shares from 0 to the largest (trapezoids); of keeping, how far it lies above.
    Positive is faithful in both. ``excess_over_permuted`` is the area less that of the score of
    another sequence.

    Args:
        predict: Sequences to numbers, in the unit of the prediction.
        bases: The sequences; what is not known is never edited.
        scores: High = matters; ties are broken at random.
        shares: Ascending, of the bases that count.
        draws: Number of draws of replacement bases, random orders and other sequences' scores; a
            prediction is the mean over draws.
        on_progress: Called as ``on_progress(done, total, stage)`` with numbers of predictions.
    """
    n = len(bases.sequences)
    shape = (n, draws, RANDOM_ORDERS + 2 * len(scores), len(EDITS), len(shares))
    total, done = int(np.prod(shape)) + n * (1 + draws), 0
    donors = _donors(bases, draws)
    values: list[Array] = []
    texts = _texts(bases, scores, shares, draws, donors)
    while some := list(islice(texts, TEXTS_AT_ONCE)):
        values.append(np.asarray(predict(some), dtype=np.float64))
        done += len(some)
        if on_progress is not None:
            on_progress(done, total, "predicting edited sequences")
    each = np.concatenate(values).reshape(n, -1) if values else np.zeros((0, 1))
    unedited = each[:, 0]
    ends = each[:, 1 : 1 + draws].mean(axis=1)
    edited = np.moveaxis(each[:, 1 + draws :].reshape(shape).mean(axis=1), 0, -1)
    lacking = donors[0] < 0
    random, edited = edited[:RANDOM_ORDERS].mean(axis=0), edited[RANDOM_ORDERS:]
    edited[1::2, ..., lacking] = np.nan  # each score's own, then others'
    return _tables(bases, scores, shares, unedited, ends, random, edited)


def _texts(
    bases: Bases, scores: Sequence[BaseScore], shares: Sequence[float], draws: int, donors: NDArray
) -> Iterator[str]:
    """Of each sequence: itself, its copies, then draw by draw random, own and others' tracks."""
    for number, (sequence, flipped) in enumerate(
        zip(bases.sequences, bases.sequences.flipped.tolist(), strict=True)
    ):
        at = np.flatnonzero(bases.known[bases.sequences.span(number)])
        copies = [_letters(shuffled(sequence, seed=bases.seed, copy=k)) for k in range(draws)]
        own = _letters(sequence)
        yield sequence
        for copy in copies:
            yield _edited(own, copy, at)
        for k, copy in enumerate(copies):
            orders = [
                _random_order(sequence, flipped, len(at), bases.seed, k, i)
                for i in range(RANDOM_ORDERS)
            ]
            order = orders[0]
            for score in scores:
                donor = number if donors[k, number] < 0 else int(donors[k, number])
                for origin in (number, donor):
                    start = int(bases.offsets[origin])
                    track = score.track[start : start + len(sequence)][at]
                    track = np.where(np.isnan(track), -np.inf, track)
                    # a random order first, sorted stably: ties stay in it
                    orders.append(order[np.argsort(-track[order], kind="stable")])
            for one in orders:
                counts = [round(share * len(at)) for share in shares]
                for count in counts:
                    yield _edited(own, copy, at[one[:count]])
                for count in counts:
                    yield _edited(own, copy, at[one[count:]])


def _letters(sequence: str) -> NDArray[np.uint8]:
    return np.frombuffer(sequence.encode(), dtype=np.uint8)


def _edited(own: NDArray[np.uint8], copy: NDArray[np.uint8], places: NDArray[np.int64]) -> str:
    out = own.copy()
    out[places] = copy[places]
    return out.tobytes().decode()


def _random_order(
    sequence: str, flipped: bool, n: int, seed: int, *number: int
) -> NDArray[np.int64]:
    """The same bases in the same order, whichever strand is given."""
    order = list(range(n))
    draw(seed, sequence, "order of deletion", *number).shuffle(order)
    placed = np.array(order, dtype=np.int64)
    return n - 1 - placed if flipped else placed


def _donors(bases: Bases, draws: int) -> NDArray[np.int64]:
    """(draws, sequences) another of the same length and half; -1 with too few alike."""
    n = len(bases.sequences)
    out = np.full((draws, n), -1, dtype=np.int64)
    for members in bases.strata(np.ones(n, dtype=bool)):
        ordered = members[np.argsort(bases.sequences.rank[members], kind="stable")]
        rng = np.random.default_rng(bases.seed)
        for k in range(draws):
            ring = rng.permutation(ordered)  # each gives to the next: nobody to itself
            out[k, ring] = np.roll(ring, 1)
    return out


def _tables(
    bases: Bases, scores: Sequence[BaseScore], shares: Sequence[float],
    unedited: Array, ends: Array, random: Array, edited: Array,
) -> Faithfulness:  # fmt: skip
    import pandas as pd

    curves, areas = [], []
    axis = np.array([0.0, *shares])
    for e, edit in enumerate(EDITS):
        first = unedited if edit == "delete" else ends
        sign = -1.0 if edit == "delete" else 1.0
        path = np.concatenate([np.tile(first, (len(edited), 1, 1)), edited[:, e]], axis=1)
        by_chance = np.concatenate([first[None], random[e]])
        for i, score in enumerate(scores):
            own, other = path[2 * i], path[2 * i + 1]
            for s, share in enumerate(axis.tolist()):
                mean = interval(own[s], bases.bootstrap, "mean")
                curves.append([
                    score.model, score.score, edit, share, mean.value, mean.low, mean.high,
                    by_chance[s].mean(), _mean(other[s]), len(first),
                ])  # fmt: skip
            gained = sign * np.trapezoid(own - by_chance, axis, axis=0) / axis[-1]
            of_other = sign * np.trapezoid(other - by_chance, axis, axis=0) / axis[-1]
            area = interval(gained, bases.bootstrap, "mean")
            beyond = interval(gained - of_other, bases.bootstrap, "mean")
            areas.append([
                score.model, score.score, edit, area.value, area.low, area.high,
                beyond.value, beyond.low, beyond.high, len(first),
            ])  # fmt: skip
    return Faithfulness(
        pd.DataFrame(curves, columns=FAITHFULNESS_COLUMNS),
        pd.DataFrame(areas, columns=FAITHFULNESS_AREA_COLUMNS),
    )


def _mean(values: Array) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
