"""From all heads' tracks to one score: z against shuffled copies, heads chosen on one half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.scoring.scores import Scores
from nucel_model import AnyConfig

if TYPE_CHECKING:
    import pandas as pd

SMOOTH_BP = 3
MIN_HEADS = 4
BEST_SHARE = 0.1
NULL_PERCENTILE = 99.0
END_BP = 128
"""Farther from an end than this, all bases count as alike."""
MIN_PER_BIN = 500


@dataclass(frozen=True, eq=False)
class HeadChoice:
    """Which heads make the score, and how often each tells real from shuffled sequence.

    Attributes:
        chosen: Chosen heads, as indices into layers x heads.
        exceedance: Share of real discovery bases above the head's 99th null percentile; 0.01 by
            chance.
        exceedance_test: Share of real bases of the test half above that percentile; the test half
            has no part in the choice.
    """

    chosen: NDArray[np.int64]
    exceedance: NDArray[np.float64]
    exceedance_test: NDArray[np.float64]


def smooth(values: NDArray[np.floating], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean over three neighbours of the same sequence, missing ones left out; NaN stays NaN."""
    x = np.asarray(values, dtype=np.float32)
    known = ~np.isnan(x)
    filled = np.where(known, x, np.float32(0))
    total, count = filled.copy(), known.astype(np.float32)
    inner = np.ones(x.shape[-1], dtype=bool)
    inner[offsets[:-1][offsets[:-1] < x.shape[-1]]] = False
    link = inner[1:]  # is base i + 1 in the same sequence as base i?
    total[..., 1:] += np.where(link, filled[..., :-1], 0)
    count[..., 1:] += np.where(link, known[..., :-1], 0)
    total[..., :-1] += np.where(link, filled[..., 1:], 0)
    count[..., :-1] += np.where(link, known[..., 1:], 0)
    return np.where(known, total / np.maximum(count, 1), np.float32(np.nan))


def end_bins(offsets: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Bin of every base by its distance to the nearer end of its sequence: (bases,).

    Ends of the input attract or repel attention in any model, trained or not, so a base is compared
    with shuffled bases equally far from an end. A bin holds at least `MIN_PER_BIN` of the
    ``counted`` bases; everything beyond `END_BP` is one bin.
    """
    lengths = np.diff(offsets)
    position = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    distance = np.minimum(np.minimum(position, np.repeat(lengths, lengths) - 1 - position), END_BP)
    present = np.bincount(distance[counted], minlength=END_BP + 1)
    bin_of = np.zeros(END_BP + 1, dtype=np.int64)
    current, held = 0, 0
    for d, n in enumerate(present):
        if held >= MIN_PER_BIN and present[d:].sum() >= MIN_PER_BIN:
            current, held = current + 1, 0
        bin_of[d] = current
        held += int(n)
    return bin_of[distance]


def standardise(
    real: NDArray[np.floating],
    null: list[NDArray[np.floating]],
    bins: NDArray[np.int64],
    in_test: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Z of the real and of each null track against the null of the discovery half, bin by bin."""
    n_bins = int(bins.max()) + 1 if bins.size else 1
    count, first, second = np.zeros(n_bins), np.zeros(n_bins), np.zeros(n_bins)
    for track in null:
        known = ~np.isnan(track) & ~in_test
        values, where = track[known].astype(np.float64), bins[known]
        count += np.bincount(where, minlength=n_bins)
        first += np.bincount(where, values, minlength=n_bins)
        second += np.bincount(where, values**2, minlength=n_bins)
    count = np.maximum(count, 1)
    mean = first / count
    sd = np.maximum(np.sqrt(np.maximum(second / count - mean**2, 0)), 1e-6)
    scaled = [((t - mean[bins]) / sd[bins]).astype(np.float32) for t in (real, *null)]
    return scaled[0], scaled[1:]


def attention_score(
    real: Scores,
    null: list[Scores],
    in_test: NDArray[np.bool_],
    heads: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]], HeadChoice]:
    """Mean z of the best heads for every base of the real and of the shuffled sequences.

    Heads are ranked by how often real bases of the discovery half exceed the 99th percentile of
    the same head on that half's shuffled copies; the best tenth (at least four) make the score.

    Args:
        real: Scores of the real sequences.
        null: Scores of their shuffled copies, each aligned base for base with ``real``.
        in_test: (bases,) bool, True at bases of the test half, which takes no part in choice or
            scaling.
        heads: Heads to use, as indices into layers x heads; chosen on the discovery half if not
            given.

    Returns:
        Real track (bases,), one null track per copy, and the choice.
    """
    n_heads, n_bases = real.received.shape
    known = ~np.isnan(real.received[0])
    train, test = known & ~in_test, known & in_test
    bins = end_bins(real.offsets, train)
    exceedance, exceedance_test = np.zeros(n_heads), np.full(n_heads, np.nan)

    def z_of(head: int) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        smoothed = [smooth(n.received[head], n.offsets) for n in null]
        return standardise(smooth(real.received[head], real.offsets), smoothed, bins, in_test)

    for h in range(n_heads):
        track, shuffled = z_of(h)
        pool = np.concatenate([t[train] for t in shuffled])
        if not pool.size:
            continue
        limit = np.percentile(pool, NULL_PERCENTILE)
        exceedance[h] = (track[train] > limit).mean()
        if test.any():
            exceedance_test[h] = (track[test] > limit).mean()
    if heads is None:
        n_best = min(n_heads, max(MIN_HEADS, math.ceil(BEST_SHARE * n_heads)))
        heads = np.sort(np.argsort(-exceedance, kind="stable")[:n_best])
    total = np.zeros(n_bases)
    totals = [np.zeros(n_bases) for _ in null]
    for h in heads:
        track, shuffled = z_of(int(h))
        total += track
        for sum_, one in zip(totals, shuffled, strict=True):
            sum_ += one
    score = (total / len(heads)).astype(np.float32)
    null_scores = [(t / len(heads)).astype(np.float32) for t in totals]
    return score, null_scores, HeadChoice(heads, exceedance, exceedance_test)


def most_concentrated(real: Scores, null: Sequence[Scores], chosen: NDArray[np.bool_]) -> int:
    """The head whose attention is most concentrated, beyond what it is on shuffled copies.

    Concentration is the mean square of what bases receive over the square of the mean: 1 where all
    receive alike, the number of bases per attended base where few receive everything.

    Args:
        real: Scores of the sequences.
        null: Scores of their shuffled copies.
        chosen: (bases,) bool, the bases that are looked at.

    Returns:
        Index into layers x heads.
    """
    excess = concentration(real, chosen) - np.mean([concentration(n, chosen) for n in null], axis=0)
    return int(np.argmax(excess))


def concentration(scores: Scores, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(heads,) log of mean square over squared mean of what the chosen bases receive."""
    out = np.zeros(len(scores.received))
    for head, received in enumerate(scores.received):
        values = received[chosen].astype(np.float64)
        values = values[~np.isnan(values)]
        if len(values) and values.any():
            out[head] = np.log(np.mean(values**2) / np.mean(values) ** 2)
    return out


def head_table(config: AnyConfig, scores: Scores, choice: HeadChoice) -> pd.DataFrame:
    """One row per head, best first (columns `types.HEAD_COLUMNS`)."""
    import pandas as pd

    from nucel_interp.types import HEAD_COLUMNS

    index = np.arange(len(choice.exceedance))
    layer = index // config.num_attention_heads
    frame = pd.DataFrame(
        {
            "layer": layer,
            "head": index % config.num_attention_heads,
            "kind": ["global" if config.window(int(i)) is None else "local" for i in layer],
            "chosen": np.isin(index, choice.chosen),
            "chosen_in": np.where(np.isin(index, choice.chosen), "1", ""),
            "exceedance": choice.exceedance,
            "exceedance_test": choice.exceedance_test,
            "rc_consistency": scores.rc_consistency,
            "cls_share": scores.cls_share,
            "n_share": scores.n_share,
            "entropy_bits": scores.entropy,
        }
    )[HEAD_COLUMNS]
    return frame.sort_values(["chosen", "exceedance"], ascending=False, kind="stable").reset_index(
        drop=True
    )
