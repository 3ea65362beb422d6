"""Shuffle what the score points at, and see how much changes elsewhere.

In each sequence one seqlet and, apart from it, a matched control interval that scores low are
shuffled (dinucleotides kept). How far the discriminator's logits and the encoder's embedding move
at the same bases, more than 5 bp from either interval, is compared within the sequence.

A network moves more where it attends, whatever stands there: random DNA gives ratios of 1.1 to 1.3.
So the same is done, with the score's own seqlets, in shuffled copies of the sequences, and by a
randomly initialised network, whose random head stands for the discriminator. What is told is the
excess alone: the mean log ratio in the sequences less that in their copies, of the model less that
of random weights, as a factor with an interval over sequences.

What else could fool it, and what is done:

- Shuffling simple sequence changes little: both shuffles change the same number of bases, and
  controls are matched for dinucleotide entropy.
- GC, and where in the sequence: controls are matched for both; `Intervention.balance` says how
  well, and how far the measured bases are from either interval.

Give seqlets of the test half: the heads behind the score were not chosen on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.intervention.matched_controls import Pair, find_pairs
from nucel_interp.compare.intervention.tables import (
    COPY,
    GIVEN,
    MIN_PAIRS,
    RANDOM,
    balance_table,
    effect_table,
    excess_table,
    pair_table,
)
from nucel_interp.errors import InputError
from nucel_interp.progress import OnProgress
from nucel_interp.seqlets import Calls
from nucel_interp.sequences import Sequences

if TYPE_CHECKING:
    import pandas as pd

    from nucel_model import Nucel

MAX_SEQUENCES = 200
BALANCED = 0.1
"""Standardised differences below this are taken for none (Austin, Stat Med 2009, 28:3083)."""
NAMES = {"gc": "GC", "entropy_bits": "complexity", "edge_bp": "distance from the end"}
TOKENS_PER_BATCH = 8192

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scored:
    """Sequences with a score and what was called on it.

    Attributes:
        sequences: Sequences of the units, one per unit, none longer than the model's context.
        seqlets: High-scoring intervals.
        track: (bases,) the score they were called on; NaN where there is none.
    """

    sequences: Sequences
    seqlets: Calls
    track: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Intervention:
    """What `intervene` found.

    Attributes:
        table: A row per sequence and input (columns `types.INTERVENTION_COLUMNS`); start and end on
            the strand given, effects as in ``effects``.
        effects: A row per input (given, shuffled copy) and measure: ``discriminator`` (mean
            absolute change of the logit, nats), ``embedding`` (mean length of the change over the
            mean length of the embedding), and both of the control (``random_control_``). Columns n,
            seqlet and control (means over sequences), median_ratio with a 95 % interval from
            resampled sequences, mean_difference likewise, share_higher (of sequences in which the
            seqlet moves more), p (Wilcoxon's signed-rank test of the log ratios, one-sided).
        excess: A row per measure: ratio with low and high (95 % over all measures together), see
            the module; n_given and n_shuffled sequences.
        balance: A row per property of the pairs in the given sequences: means of seqlets and
            controls, and their standardised difference (difference over the standard deviation;
            under 0.1 counts as balanced).
        n_with_seqlet: Distinct sequences with a seqlet.
        n_tried: Number of these in which a control was looked for.
    """

    table: pd.DataFrame
    effects: pd.DataFrame
    excess: pd.DataFrame
    balance: pd.DataFrame
    n_with_seqlet: int
    n_tried: int

    @property
    def shown(self) -> list[str]:
        """The measures whose excess is shown to be above 1."""
        rows = self.excess[self.excess["low"] > 1]
        return [str(m) for m in rows["measure"]]

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        if not len(self.excess):
            n = int((self.table["input"] == GIVEN).sum())
            return (
                f"Not tested: only {n} of {self.n_tried} sequences with a seqlet have a control "
                f"interval alike in GC, complexity and place, and {len(self.table) - n} shuffled "
                f"copies; {MIN_PAIRS} of each are needed."
            )
        words = "; ".join(
            f"{row['measure']} {row['ratio']:.2f} times ({row['low']:.2f} to {row['high']:.2f})"
            for row in self.excess.to_dict("records")
        )
        n, copies = (int(self.excess.iloc[0][c]) for c in ("n_given", "n_shuffled"))
        what = (
            f"shuffling a seqlet moves the {' and the '.join(self.shown)} of the rest of the "
            "sequence more, beyond shuffled copies and random weights"
            if self.shown
            else "no effect of shuffling a seqlet on the rest of the sequence is shown beyond "
            "shuffled copies and random weights"
        )
        return f"In {n} sequences and {copies} shuffled copies, {what}: {words}.{self._caution}"

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
    given: Scored,
    copy: Scored,
    seed: int = 0,
    *,
    max_sequences: int = MAX_SEQUENCES,
    on_progress: OnProgress | None = None,
) -> Intervention:
    """Shuffle seqlets and matched controls, and compare what changes outside them.

    One pair per sequence, so that sequences are the unit of replication; sequences are chosen and
    read on their canonical strand, so neither order nor strand of the file matters.

    Args:
        model: A trained model; a randomly initialised one is made from it.
        given: The sequences.
        copy: A shuffled copy of each, scored and called in the same way.
        seed: Decides the choice, the shuffles and the random weights.
        max_sequences: Largest number of pairs of each input.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: A sequence is longer than the model's context.
    """
    longest = int(given.sequences.lengths.max(initial=0))
    if longest > model.config.context_bp:
        raise InputError(
            f"A sequence has {longest:,} bases, but {model.name} reads {model.config.context_bp:,} "
            "at once. Cut the sequences into units first."
        )
    found = {
        name: find_pairs(one.sequences, one.seqlets, one.track, seed, max_sequences)
        for name, one in ((GIVEN, given), (COPY, copy))
    }
    total = 2 * sum(len(pairs) for pairs, _, _ in found.values())
    done = 0

    def step(n: int) -> None:
        nonlocal done
        done += n
        if on_progress is not None:
            on_progress(done, total, "shuffling seqlets")

    random = _random_control(model, seed)
    measured: dict[str, dict[str, Array]] = {}
    for name, (pairs, _, _) in found.items():
        measured[name] = {}
        for prefix, one in (("", model), (RANDOM, random)):
            embedding, logit = _effects(one, pairs, step)
            if logit is not None:
                measured[name][f"{prefix}discriminator"] = logit
            measured[name][f"{prefix}embedding"] = embedding
    import pandas as pd

    tables = [
        pair_table(one.sequences, found[name][0], measured[name], name)
        for name, one in ((GIVEN, given), (COPY, copy))
    ]
    pairs, tried, with_seqlet = found[GIVEN]
    return Intervention(
        table=pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True),
        effects=pd.concat(
            [effect_table(measured[name], seed, name) for name in found],
            ignore_index=True,
        ),
        excess=excess_table(
            given.sequences, {name: found[name][0] for name in found}, measured, seed
        ),
        balance=balance_table(pairs),
        n_with_seqlet=with_seqlet,
        n_tried=tried,
    )


def _random_control(model: Nucel, seed: int) -> Nucel:
    """The randomly initialised network, with a random discriminator if the model has one."""
    import torch

    from nucel_model import random_control
    from nucel_model.config import NucelConfig
    from nucel_model.heads import ReplacedTokenHead

    random = random_control(model, seed)
    if model.discriminator_head is not None and isinstance(model.config, NucelConfig):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = ReplacedTokenHead(model.config)
        random.discriminator_head = head.to(next(random.parameters()).device).eval()
    return random


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
