"""Shuffle what the score points at, and see how much changes elsewhere.

In each sequence one seqlet and, apart from it, a matched control interval that scores low are
shuffled (dinucleotides kept). How far the discriminator's logits and the encoder's embedding move
at the same bases, more than 5 bp from either interval, is compared within the sequence. If the
model uses what stands in its seqlets, shuffling them moves the rest more.

What could fool it, and what is done:

- Shuffling simple sequence changes little: both shuffles change the same number of bases, and
  controls are matched for dinucleotide entropy.
- GC, and where in the sequence: controls are matched for both; `Intervention.balance` says how
  well, and how far the measured bases are from either interval.
- A base that is attended passes changes on, in an untrained network too. The untrained twin reads
  the same shuffles: it shows whether the seqlets' sequence or place alone makes the difference. It
  was not asked for seqlets of its own, so "more than untrained" does not say that attention is
  needed.

Give seqlets of the test half: the heads behind the score were not chosen on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.pairs import Interval, Pair, find_pairs, reach
from nucel_interp.errors import InputError
from nucel_interp.seqlets import Calls
from nucel_interp.types import INTERVENTION_COLUMNS, as_sequences

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

MAX_SEQUENCES = 200
MIN_PAIRS = 20
N_BOOTSTRAP = 1000
ALPHA = 0.05
"""Of the verdict, over all measures (Bonferroni)."""
BALANCED = 0.1
"""Standardised differences below this are taken for none (Austin, Stat Med 2009, 28:3083)."""
NAMES = {"gc": "GC", "entropy_bits": "complexity", "edge_bp": "distance from the end"}
TOKENS_PER_BATCH = 8192

OnProgress = Callable[[int, int, str], None]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Intervention:
    """What `intervene` found.

    Attributes:
        table: One row per sequence (columns `types.INTERVENTION_COLUMNS`); start and end on the
            strand given, effects as in ``effects``.
        effects: One row per measure: ``discriminator`` (mean absolute change of the logit, nats),
            ``embedding`` (mean length of the change over the mean length of the embedding), and
            ``untrained_embedding``. Columns n, seqlet and control (means over sequences),
            median_ratio with a 95 % interval from resampled sequences, mean_difference likewise,
            share_higher (of sequences in which the seqlet moves more), p (Wilcoxon's signed-rank
            test of the log ratios, one-sided).
        balance: One row per property: means of seqlets and controls, and their standardised
            difference (difference over the standard deviation; under 0.1 counts as balanced).
        n_with_seqlet: Distinct sequences with a seqlet.
        n_tried: Of these, how many were looked at for a control.
        beyond_untrained_p: Wilcoxon's p that the embedding's log ratio is above the untrained
            twin's in the same sequence.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    balance: pd.DataFrame
    n_with_seqlet: int
    n_tried: int
    beyond_untrained_p: float

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        n = len(self.table)
        if n < MIN_PAIRS:
            return (
                f"Not tested: only {n} of {self.n_tried} sequences with a seqlet have a control "
                f"interval alike in GC, complexity and place; {MIN_PAIRS} are needed."
            )
        rows = {str(row["measure"]): row for row in self.effects.to_dict("records")}

        def ratio(name: str) -> str:
            row = rows[name]
            return (
                f"{row['median_ratio']:.2f} times as far "
                f"({row['ratio_low']:.2f}-{row['ratio_high']:.2f}, p = {row['p']:.2g})"
            )

        trained = [name for name in ("discriminator", "embedding") if name in rows]
        moved = [name for name in trained if rows[name]["p"] * len(trained) < ALPHA]
        words = "; ".join(f"the {name} {ratio(name)}" for name in trained)
        verdict = (
            f"moves the {' and the '.join(moved)} of the rest of the sequence more"
            if moved
            else "does not move the rest of the sequence more"
        )
        return (
            f"In {n} sequences, shuffling a seqlet {verdict} than shuffling a low-scoring interval "
            f"alike in GC, complexity and place: {words}. In an untrained model the embedding "
            f"moves {ratio('untrained_embedding')}.{self._caution}"
        )

    @property
    def _caution(self) -> str:
        """What the pairs are not alike in, though they should be; "" if nothing."""
        rows = self.balance[self.balance["property"].isin(list(NAMES))]
        off = rows[rows["standardised_difference"].abs() >= BALANCED]
        if not len(off):
            return ""
        words = " and ".join(
            f"{NAMES[row['property']]} ({row['seqlet']:.2f} against {row['control']:.2f}, "
            f"{row['standardised_difference']:+.2f} sd)"
            for row in off.to_dict("records")
        )
        return f" The pairs differ in {words}, which may be part of it."


def intervene(
    model: Nucel,
    sequences: Sequence[str],
    seqlets: Calls,
    track: NDArray[np.floating],
    offsets: NDArray[np.int64],
    seed: int = 0,
    *,
    max_sequences: int = MAX_SEQUENCES,
    on_progress: OnProgress | None = None,
) -> Intervention:
    """Shuffle seqlets and matched controls, and compare what changes outside them.

    One pair per sequence, so that sequences are the unit of replication; sequences are chosen and
    read on their canonical strand, so neither order nor strand of the file matters.

    Args:
        model: A trained model; an untrained twin is made from it.
        sequences: One per unit, none longer than the model's context.
        seqlets: High-scoring intervals.
        track: (bases,) the score they were called on; NaN where there is none.
        offsets: (units + 1,) where each unit begins in ``track``.
        seed: Of the choice, the shuffles and the twin.
        max_sequences: At most so many pairs.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: A sequence is longer than the model's context.
    """
    from nucel_model import untrained_twin

    sequences = as_sequences(sequences)
    longest = max(map(len, sequences), default=0)
    if longest > model.config.context_bp:
        raise InputError(
            f"A sequence has {longest:,} bases, but {model.name} reads {model.config.context_bp:,} "
            "at once. Cut the sequences into units first."
        )
    pairs, tried, with_seqlet = find_pairs(
        sequences, seqlets, track, np.asarray(offsets), seed, max_sequences
    )
    done = 0

    def step(n: int) -> None:
        nonlocal done
        done += n
        if on_progress is not None:
            on_progress(done, 2 * len(pairs), "shuffling seqlets")

    embedding, logit = _effects(model, pairs, step)
    untrained, _ = _effects(untrained_twin(model, seed), pairs, step)
    measures = {"embedding": embedding, "untrained_embedding": untrained}
    if logit is not None:
        measures = {"discriminator": logit, **measures}
    return Intervention(
        table=_table(pairs, measures),
        effects=_summary(measures, seed),
        balance=_balance(pairs),
        n_with_seqlet=with_seqlet,
        n_tried=tried,
        beyond_untrained_p=wilcoxon_p(_log_ratio(embedding) - _log_ratio(untrained)),
    )


def _effects(
    model: Nucel, pairs: list[Pair], step: Callable[[int], None]
) -> tuple[Array, Array | None]:
    """(pairs, 2) change of the embedding and of the logits by the seqlet's and the control's."""
    import torch

    from nucel_interp.scoring.tokens import token_of_base

    device = next(model.parameters()).device
    embedding = np.zeros((len(pairs), 2))
    logit = np.zeros((len(pairs), 2)) if model.discriminator_head is not None else None
    for batch in _batches(pairs):
        texts = [
            text
            for i in batch
            for text in (pairs[i].sequence, pairs[i].high.shuffled, pairs[i].low.shuffled)
        ]
        ids, mask = model.tokens(texts)
        with torch.inference_mode():
            hidden = model(ids.to(device), mask.to(device)).last_hidden_state
            scores = None if logit is None else model.replaced_logit(hidden).double().cpu().numpy()
            states = hidden.double().cpu().numpy()
        for row, i in enumerate(batch):
            at = np.flatnonzero(pairs[i].measured)
            # a token of six bases that holds a base more than 5 bp off holds none of the interval
            token = token_of_base(model, pairs[i].sequence)[at]
            before, *after = states[3 * row : 3 * row + 3, token]
            length = np.linalg.norm(before, axis=1).mean()
            embedding[i] = [np.linalg.norm(a - before, axis=1).mean() / length for a in after]
            if logit is not None and scores is not None:
                plain, *moved = scores[3 * row : 3 * row + 3, at]
                logit[i] = [np.abs(m - plain).mean() for m in moved]
        step(len(batch))
    return embedding, logit


def _batches(pairs: list[Pair]) -> list[list[int]]:
    """Pairs of like length together; what is batched together depends on content alone."""
    batches: list[list[int]] = []
    order = sorted(range(len(pairs)), key=lambda i: (len(pairs[i].sequence), pairs[i].sequence))
    for i in order:
        tokens = 3 * (len(pairs[i].sequence) + 1)
        if not batches or tokens * (len(batches[-1]) + 1) > TOKENS_PER_BATCH:
            batches.append([])
        batches[-1].append(i)
    return batches


def _log_ratio(effect: Array) -> Array:
    tiny = np.finfo(float).tiny
    return np.asarray(np.log(np.maximum(effect[:, 0], tiny) / np.maximum(effect[:, 1], tiny)))


def wilcoxon_p(values: Array) -> float:
    """One-sided p of Wilcoxon's signed-rank test that values lie above 0; NaN without any."""
    from scipy.stats import wilcoxon

    if not len(values):
        return float("nan")
    if not values.any():
        return 1.0
    return float(wilcoxon(values, alternative="greater").pvalue)


def _summary(measures: dict[str, Array], seed: int) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, effect in measures.items():
        n = len(effect)
        # sorted, so that the same resampling meets the same values whatever the order
        ratio, difference = np.sort(_log_ratio(effect)), np.sort(effect[:, 0] - effect[:, 1])
        low, high = _interval_of(ratio, np.median, seed)
        least, most = _interval_of(difference, np.mean, seed)
        rows.append(
            {
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
    drawn = np.random.default_rng(seed).integers(len(values), size=(N_BOOTSTRAP, len(values)))
    low, high = np.percentile(statistic(values[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)


def _table(pairs: list[Pair], measures: dict[str, Array]) -> pd.DataFrame:
    import pandas as pd

    def place(pair: Pair, which: Interval) -> tuple[int, int]:
        n = len(pair.sequence)
        return (n - which.end, n - which.start) if pair.flipped else (which.start, which.end)

    rows = []
    for i, pair in enumerate(pairs):
        row: dict[str, float] = {"unit": pair.unit, "changed_bases": pair.changed}
        for side, (name, which) in enumerate((("seqlet", pair.high), ("control", pair.low))):
            row[f"{name}_start"], row[f"{name}_end"] = place(pair, which)
            for column in ("score", "gc", "entropy_bits", "edge_bp"):
                row[f"{name}_{column}"] = getattr(which, column)
            for measure, effect in measures.items():
                row[f"{name}_{measure}"] = effect[i, side]
        rows.append(row)
    return pd.DataFrame(rows, columns=INTERVENTION_COLUMNS)


def _balance(pairs: list[Pair]) -> pd.DataFrame:
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
