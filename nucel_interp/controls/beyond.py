"""What a head or a score has at a motif's sites beyond four controls: one rule for every command.

The measure is the AUROC of the sites' bases against all other bases of the same sequence, averaged
over sequences. Taken off it, one at a time, is what remains of it under each control:

- place: the tracks of other sequences at the same places (`controls.auroc`);
- composition: sites of decoys, the motif's columns in another order (or random intervals, for
  sites without a matrix), weighted to as many G + C and CpG; both less what place gives;
- random weights: what a randomly initialised network of the same shape has at the same sites
  beyond place and composition, its best head chosen in the same way; from what the model has
  beyond both, since a random head may look at the middle of every sequence;
- shuffled sequence: the same head at the same places of dinucleotide-shuffled copies.

Heads are chosen on one half of the sequences, by the studentised difference from the decoys, and
measured on the other, both ways. A model is said to look at a motif if the AUROC and what is left
beyond *every* control are at least `EFFECT`, with intervals above 0; that it does not, if the
interval of what is left beyond some control lies below `EFFECT`; otherwise it cannot be told.
Since every control must be passed, no correction for their number is due (intersection-union test:
Berger, Technometrics 1982, 24:295); intervals are corrected for the number of motifs tested
(Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from nucel_interp.controls.auroc import AtSites, auroc_and_place
from nucel_interp.controls.difference import contributions, difference
from nucel_interp.controls.occurrences import MIN_SEQUENCES, Occurrences

EFFECT = 0.05
"""Smallest difference in AUROC that counts: 0.056 is a standardised difference of 0.2, small by
Cohen's scale (Statistical Power Analysis for the Behavioral Sciences, 1988)."""
ALPHA = 0.05
CONTROLS = ("place", "composition", "random_control", "shuffled_sequence")
Verdict = Literal["yes", "no", "cannot tell"]
Array = NDArray[np.float64]
Heads = tuple[int | None, int | None]
AtQuestions = list[tuple[AtSites, AtSites]]
"""Of each part of each question, at its sites and at its decoys' sites."""


@dataclass(frozen=True)
class Estimate:
    """A mean over sequences.

    Attributes:
        value: The mean.
        se: Standard error of the mean.
        n: Sequences.
    """

    value: float
    se: float
    n: int

    def interval(self, n_tests: int = 1) -> tuple[float, float]:
        """95 % by Student's t, for ``n_tests`` intervals together (Bonferroni)."""
        reach = float(student.ppf(1 - ALPHA / 2 / max(1, n_tests), max(1, self.n - 1))) * self.se
        return self.value - reach, self.value + reach


@dataclass(frozen=True, eq=False)
class Beyond:
    """A head, or a score, at one motif's sites.

    Attributes:
        motif: Name of the motif.
        auroc: AUROC of the sites' bases within each sequence; None if it could not be measured.
        left: Control (`CONTROLS`) -> the AUROC less the control's; None where the control was not
            measured.
        heads: The head that measures half 1 (chosen on half 2), and the one that measures half 2;
            index into layers x heads.
        control_heads: Heads of the randomly initialised control that were chosen in the same way.
        reason: Why something could not be measured; "" if everything was.
    """

    motif: str
    auroc: Estimate | None
    left: dict[str, Estimate | None]
    heads: Heads = (None, None)
    control_heads: Heads = (None, None)
    reason: str = ""

    @property
    def measured(self) -> dict[str, Estimate]:
        """The controls that were measured."""
        return {name: one for name, one in self.left.items() if one is not None}

    def fails(self, n_tests: int = 1) -> list[str]:
        """The measured controls beyond which no effect is shown."""
        return [
            name
            for name, one in self.measured.items()
            if one.value < EFFECT or one.interval(n_tests)[0] <= 0
        ]

    def verdict(self, n_tests: int = 1) -> Verdict:
        """Does it look at the motif? See the module.

        Args:
            n_tests: Number of motifs tested together.
        """
        if self.auroc is None:
            return "cannot tell"
        if any(one.interval(n_tests)[1] < EFFECT for one in self.measured.values()):
            return "no"
        if self.auroc.interval(n_tests)[1] < 0.5 + EFFECT:
            return "no"
        high = self.auroc.value >= 0.5 + EFFECT and self.auroc.interval(n_tests)[0] > 0.5
        if high and len(self.measured) == len(CONTROLS) and not self.fails(n_tests):
            return "yes"
        return "cannot tell"


@dataclass(frozen=True, eq=False)
class Question:
    """One motif's sites, and where each set of them is measured.

    Attributes:
        motif: The name in tables and sentences.
        parts: Pairs of sites with decoys, and (sequences,) bool where they are measured; heads are
            chosen on the other sequences. No sequence is measured twice. A motif whose matrix was
            found in each half anew has a pair per half.
    """

    motif: str
    parts: Sequence[tuple[Occurrences, NDArray[np.bool_]]]


def both_ways(motif: str, at: Occurrences, second_half: NDArray[np.bool_]) -> Question:
    """A motif whose sites owe nothing to the model: each half is measured with the other's head."""
    return Question(motif, [(at, second_half), (at, ~second_half)])


def at_questions(
    questions: Sequence[Question],
    tracks: NDArray[np.floating],
    offsets: NDArray[np.int64],
    second_half: NDArray[np.bool_],
    used: NDArray[np.bool_],
) -> AtQuestions:
    """AUROC of tracks at the sites and decoys of every question; a model's part of the work.

    Args:
        questions: The motifs.
        tracks: (heads, bases) of a model, or (1, bases) of a score, which leaves nothing to choose;
            NaN where there is none.
        offsets: (sequences + 1,) where each sequence begins among the bases.
        second_half: (sequences,) bool.
        used: (sequences,) bool, each sequence once.
    """
    places = [p for q in questions for o, _ in q.parts for p in (o.own, o.other)]
    found = auroc_and_place(tracks, offsets, second_half, used, places)
    return list(zip(found[::2], found[1::2], strict=True))


def beyond_controls(
    questions: Sequence[Question],
    tracks: AtQuestions,
    second_half: NDArray[np.bool_],
    *,
    random_control: AtQuestions | None = None,
    shuffled: Sequence[AtQuestions] = (),
) -> list[Beyond]:
    """What is left at each question's sites beyond every control that is at hand.

    Args:
        questions: The motifs.
        tracks: `at_questions` of the model or score.
        second_half: (sequences,) bool.
        random_control: `at_questions` of a randomly initialised network with as many heads; None if
            there is none.
        shuffled: `at_questions` of shuffled copies of the sequences, base for base.

    Returns:
        One per question.
    """
    out, at = [], 0
    for q in questions:
        span = slice(at, at + len(q.parts))
        at = span.stop
        random = None if random_control is None else random_control[span]
        copies = [[own.values for own, _ in c[span]] for c in shuffled]
        out.append(_one(q, tracks[span], random, copies, second_half))
    return out


def _one(
    question: Question,
    real: AtQuestions,
    random: AtQuestions | None,
    copies: list[list[Array]],
    second_half: NDArray[np.bool_],
) -> Beyond:
    reasons = list(dict.fromkeys(o.reason for o, _ in question.parts if o.reason))
    heads: list[int | None] = [None, None]
    control_heads: list[int | None] = [None, None]
    kept: list[dict[str, Array]] = []
    by_decoys: list[tuple[float, float, int]] = []
    by_random: list[tuple[float, float, int]] = []
    for i, ((o, where), (own, other)) in enumerate(zip(question.parts, real, strict=True)):
        at = where[o.own.cell_unit]
        head = _choose(own, other, o, ~where)
        if head is None or not at.any():
            continue
        side = int(bool(second_half[where].any()))
        heads[side] = head
        values: dict[str, Array] = {"auroc": own.values[head, at] + 0.5}
        values["place"] = own.beyond_place[head, at]
        if random is not None:
            control = _choose(*random[i], o, ~where)
            control_heads[side] = control
            if control is not None and not o.reason:
                a, b = (
                    mine.beyond_place[head] - theirs.beyond_place[control]
                    for mine, theirs in zip((own, other), random[i], strict=True)
                )
                by_random.append(_of_decoys(a, b, o, where))
        if copies:
            elsewhere = np.mean([c[i][head, at] for c in copies], axis=0)
            values["shuffled_sequence"] = own.values[head, at] - elsewhere
        kept.append(values)
        if not o.reason:
            by_decoys.append(_of_decoys(own.beyond_place[head], other.beyond_place[head], o, where))
    if not kept:
        few = reasons or [f"sites in fewer than {MIN_SEQUENCES} sequences of a half"]
        return Beyond(question.motif, None, dict.fromkeys(CONTROLS), reason="; ".join(few))
    left = {name: _mean([k[name] for k in kept if name in k], len(kept)) for name in CONTROLS}
    left["composition"] = _pooled(by_decoys) if len(by_decoys) == len(kept) else None
    left["random_control"] = _pooled(by_random) if len(by_random) == len(kept) else None
    return Beyond(
        question.motif,
        _mean([k["auroc"] for k in kept], len(kept)),
        left,
        (heads[0], heads[1]),
        (control_heads[0], control_heads[1]),
        "; ".join(reasons),
    )


def _choose(own: AtSites, other: AtSites, o: Occurrences, part: NDArray[np.bool_]) -> int | None:
    """The head with the largest studentised difference from the decoys on a part of the sequences.

    Where there are no decoys, from the same places of other sequences. None if there is no site to
    choose by; of one head nothing is chosen.
    """
    if len(own.values) == 1:
        return 0
    mine = part[o.own.cell_unit]
    if mine.sum() < 2:
        return None
    if not o.reason and part[o.other.cell_unit].any():
        t = difference(own.beyond_place, other.beyond_place, o, part).t
    else:
        mean, by_cell = contributions(own.beyond_place[:, mine], o.own.cell_counts[mine])
        se = np.sqrt((by_cell**2).sum(axis=1))
        t = np.where(se > 1e-9, mean / np.maximum(se, 1e-9), 0.0)
    return int(np.argmax(np.nan_to_num(t, nan=-np.inf)))


def _of_decoys(
    own: Array, other: Array, o: Occurrences, part: NDArray[np.bool_]
) -> tuple[float, float, int]:
    """Mean at the sites less mean at the decoys', its standard error, and how many sequences."""
    found = difference(own[None], other[None], o, part)
    return float(found.value[0]), float(found.se[0]), found.n


def _mean(parts: list[Array], wanted: int) -> Estimate | None:
    """Mean over all sequences of all parts; None unless every part has the numbers."""
    if len(parts) < wanted:
        return None
    values = np.concatenate(parts)
    n = len(values)
    if n < 2 or not np.isfinite(values).all():
        return None
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(n)), n)


def _pooled(parts: list[tuple[float, float, int]]) -> Estimate:
    """Parts without a sequence in common, weighted by their sequences."""
    n = sum(count for _, _, count in parts)
    value = sum(v * count for v, _, count in parts) / n
    se = float(np.sqrt(sum((s * count) ** 2 for _, s, count in parts))) / n
    return Estimate(value, se, n)
