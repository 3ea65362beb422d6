"""What shuffling seqlets did, as tables: pairs, effects, their excess over controls, balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import limits, resample, resample_counts
from nucel_interp.compare.intervention.matched_controls import MatchedInterval, Pair, reach
from nucel_interp.sequences import Sequences
from nucel_interp.types import INTERVENTION_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

MIN_PAIRS = 20
N_BOOTSTRAP = 2000
GIVEN, COPY = "given", "shuffled copy"
MEASURES = ("discriminator", "embedding")
RANDOM = "random_control_"
"""Before a measure's name: the same of the randomly initialised network."""

Array = NDArray[np.float64]


def excess_table(
    sequences: Sequences,
    pairs: dict[str, list[Pair]],
    measured: dict[str, dict[str, Array]],
    seed: int,
) -> pd.DataFrame:
    """Mean log ratio given less shuffled, model less random weights; empty with too few pairs."""
    import pandas as pd

    columns = ["measure", "ratio", "low", "high", "n_given", "n_shuffled"]
    if min(map(len, pairs.values())) < MIN_PAIRS:
        return pd.DataFrame(columns=columns)
    units = {name: [p.unit for p in found] for name, found in pairs.items()}
    # sequences are drawn in an order that their letters decide, never the file
    order = sorted(set(units[GIVEN]) | set(units[COPY]), key=sequences.rank.__getitem__)
    index = {unit: i for i, unit in enumerate(order)}
    drawn = resample_counts(np.ones(len(order), dtype=np.int64), seed, N_BOOTSTRAP)
    both = [m for m in MEASURES if m in measured[GIVEN] and RANDOM + m in measured[GIVEN]]
    rows = []
    for measure in both:
        value, resampled = 0.0, np.zeros(N_BOOTSTRAP)
        for name, sign in ((GIVEN, 1), (COPY, -1)):
            more = log_ratio(measured[name][measure])
            more = more - log_ratio(measured[name][RANDOM + measure])
            counts = drawn[:, [index[u] for u in units[name]]]
            value += sign * float(more.mean())
            resampled += sign * (counts @ more) / np.maximum(counts.sum(axis=1), 1)
        low, high = limits(resampled, n_tests=len(both))
        numbers = (np.exp(value), np.exp(low), np.exp(high))
        rows.append((measure, *numbers, len(pairs[GIVEN]), len(pairs[COPY])))
    return pd.DataFrame(rows, columns=columns)


MOST_EXACT = 13
"""Values up to which scipy's test of tied ones is exact."""


def log_ratio(effect: Array) -> Array:
    """(pairs,) log of the seqlet's effect over the control's, from (pairs, 2)."""
    tiny = np.finfo(float).tiny
    return np.asarray(np.log(np.maximum(effect[:, 0], tiny) / np.maximum(effect[:, 1], tiny)))


def wilcoxon_p(values: Array) -> float:
    """One-sided p of Wilcoxon's signed-rank test that values lie above 0; NaN without any.

    Exact for few values, with ties too, by the distribution of the sum of positive ranks; scipy,
    which would try all signs one by one, for more.
    """
    from scipy.stats import rankdata, wilcoxon

    if not len(values):
        return float("nan")
    if not values.any():
        return 1.0
    signed = values[values != 0]
    if len(signed) > MOST_EXACT:
        return float(wilcoxon(values, alternative="greater").pvalue)
    # twice the ranks are whole numbers, whatever is tied
    ranks = np.rint(2 * rankdata(np.abs(signed))).astype(np.int64)
    ways = np.ones(1)
    for rank in ranks.tolist():
        ways = np.convolve(ways, np.r_[1.0, np.zeros(rank - 1), 1.0])
    return float(ways[ranks[signed > 0].sum() :].sum() / 2 ** len(signed))


def effect_table(measures: dict[str, Array], seed: int, input: str) -> pd.DataFrame:
    """Means, ratios and tests of each measure in one input; see `Intervention.effects`."""
    import pandas as pd

    rows = []
    for name, effect in measures.items():
        n = len(effect)
        # sorted, so that the same resampling meets the same values whatever the order
        ratio, difference = np.sort(log_ratio(effect)), np.sort(effect[:, 0] - effect[:, 1])
        low, high = _interval_of(ratio, np.median, seed)
        least, most = _interval_of(difference, np.mean, seed)
        rows.append(
            {
                "input": input,
                "measure": name,
                "n": n,
                "seqlet": effect[:, 0].mean() if n else np.nan,
                "control": effect[:, 1].mean() if n else np.nan,
                "median_ratio": np.exp(np.median(ratio)) if n else np.nan,
                "ratio_low": np.exp(low),
                "ratio_high": np.exp(high),
                "mean_difference": difference.mean() if n else np.nan,
                "difference_low": least,
                "difference_high": most,
                "share_higher": (difference > 0).mean() if n else np.nan,
                "p": wilcoxon_p(ratio),
            }
        )
    return pd.DataFrame(rows)


def _interval_of(
    values: Array, statistic: Callable[..., NDArray[np.float64]], seed: int
) -> tuple[float, float]:
    """95 % of the statistic over resampled sequences."""
    if not len(values):
        return float("nan"), float("nan")
    return limits(statistic(values[resample(len(values), seed, N_BOOTSTRAP)], axis=1))


def pair_table(
    sequences: Sequences, pairs: list[Pair], measures: dict[str, Array], input: str
) -> pd.DataFrame:
    """One row per pair of one input (columns `types.INTERVENTION_COLUMNS`)."""
    import pandas as pd

    def places(intervals: list[MatchedInterval]) -> list[tuple[int, int]]:
        """Start and end on the strand given."""
        unit, start, end = (
            np.array(column, dtype=np.int64)
            for column in (
                [p.unit for p in pairs], [i.start for i in intervals], [i.end for i in intervals],
            )
        )  # fmt: skip
        left, right = sequences.turned(unit, start, end)
        return list(zip(left.tolist(), right.tolist(), strict=True))

    sides = [
        (name, intervals, places(intervals))
        for name, intervals in (
            ("seqlet", [p.high for p in pairs]), ("control", [p.low for p in pairs]),
        )
    ]  # fmt: skip
    rows = []
    for i, pair in enumerate(pairs):
        row: dict[str, object] = {
            "input": input, "unit": pair.unit, "changed_bases": pair.changed,
        }  # fmt: skip
        for side, (name, intervals, at) in enumerate(sides):
            row[f"{name}_start"], row[f"{name}_end"] = at[i]
            for column in ("score", "gc", "entropy_bits", "edge_bp"):
                row[f"{name}_{column}"] = getattr(intervals[i], column)
            for measure, effect in measures.items():
                row[f"{name}_{measure}"] = effect[i, side]
        rows.append(row)
    return pd.DataFrame(rows, columns=INTERVENTION_COLUMNS)


def balance_table(pairs: list[Pair]) -> pd.DataFrame:
    """How alike seqlets and controls are; see `Intervention.balance`."""
    import pandas as pd

    sides = [[p.high for p in pairs], [p.low for p in pairs]]
    columns = {
        name: [np.array([getattr(w, name) for w in side], dtype=np.float64) for side in sides]
        for name in ("score", "gc", "entropy_bits", "edge_bp")
    }
    changed = np.array([p.changed for p in pairs], dtype=np.float64)
    columns["changed_bases"] = [changed, changed]
    columns["distance_measured_bp"] = [
        np.array(
            [reach(p.measured, (w.start + w.end - 1) / 2) for p, w in zip(pairs, side, strict=True)]
        )
        for side in sides
    ]
    rows = []
    for name, (high, low) in columns.items():
        sd = np.sqrt((high.var() + low.var()) / 2) if len(high) else np.nan
        gap = high.mean() - low.mean() if len(high) else np.nan
        rows.append(
            {
                "property": name,
                "seqlet": high.mean() if len(high) else np.nan,
                "control": low.mean() if len(high) else np.nan,
                "standardised_difference": gap / sd if sd > 0 else (np.nan if sd != sd else 0.0),
            }
        )
    return pd.DataFrame(rows)
