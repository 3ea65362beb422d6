"""From rough groups to motifs: seqlets compete, and only what shuffled sequence lacks stays.

All motifs are refined at once, as in a mixture model: a seqlet goes to the motif under which it is
likeliest, and stays there if few shuffled seqlets would. A member is scored by the matrix *without*
it. Otherwise any ten random seqlets make a matrix that all ten fit well, which is how noise becomes
a motif.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nucel_interp.motifs.alignment import align
from nucel_interp.motifs.gapped_kmer_seeds import commonest_word
from nucel_interp.motifs.placement import learned_placement
from nucel_interp.motifs.pwm import from_counts, information
from nucel_interp.motifs.seqlet_windows import (
    GROW_BP,
    MAX_WIDTH,
    PER_BIT,
    BestPlaces,
    SeqletWindows,
    hundredths,
)

PSEUDOCOUNT = 2.0
"""In sites, shared out by the background."""
MIN_SEQLETS = 10
MIN_WIDTH = 5
TRIM_BITS = 0.3
"""Outer columns with fewer bits are cut, and those that chance may give: at n sites without any
preference, 2 ln 2 n bits follow a chi-squared law with 3 degrees of freedom (a G-test)."""
CHANCE = 11.34
"""Exceeded by one column in a hundred."""
SAME = 0.9
"""Motifs as similar as this (`alignment`) are one."""
_SHARED = 0.5


@dataclass(frozen=True, eq=False)
class Group:
    """Aligned seqlets.

    Attributes:
        stack: (members, width) bases of each at the motif's columns, on its strand; -1 beyond the
            end of a sequence.
        rows: (members,) which seqlets they are.
        distance: (members,) `Windows.distance` of each; empty if it is not known.
    """

    stack: NDArray[np.int8]
    rows: NDArray[np.int64]
    distance: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def width(self) -> int:
        """Columns."""
        return self.stack.shape[1]

    def counts(self) -> NDArray[np.float64]:
        """(4, width) how often each base stands in each column."""
        return np.stack([(self.stack == b).sum(axis=0) for b in range(4)]).astype(np.float64)

    def pwm(self, background: NDArray[np.float64]) -> NDArray[np.float64]:
        """(4, width) probabilities, half a pseudocount added."""
        return from_counts(self.counts(), background=background)


@dataclass(frozen=True)
class Tolerance:
    """How many shuffled seqlets may be expected in a group: a share of it, but at least so many.

    A share alone would forbid small groups: one expected stranger in ten members is already 10 %.
    """

    share: float
    at_least: float = 0.0


LENIENT = (Tolerance(0.4, 4.0), Tolerance(0.3, 4.0))
STRICT = Tolerance(0.12, 3.0)


def seed_group(
    windows: SeqletWindows, rows: NDArray[np.int64], background: NDArray[np.float64]
) -> Group | None:
    """Lay the seqlets of a community over each other; None if they have nothing in common.

    Starts from the 6-mer that most of them hold and realigns to the growing matrix four times.
    """
    part = windows.take(rows)
    word = commonest_word(part.codes, 6)
    if word is None:
        return None
    counts = _counts_of(word)
    group = None
    for _ in range(4):
        odds = log_odds(counts, background)
        places = part.best([odds])
        kept = np.flatnonzero(places.score[:, 0] > 0)
        if len(kept) < MIN_WIDTH:
            return None
        trimmed = _regrown(part, kept, places, 0, odds.shape[1], background)
        if trimmed is None:
            return None
        group = Group(trimmed, rows[kept], part.distance(kept, places, 0, odds.shape[1]))
        counts = group.counts()
    return group


def word_group(
    windows: SeqletWindows,
    word: NDArray[np.int64],
    rows: NDArray[np.int64],
    background: NDArray[np.float64],
) -> Group:
    """The seqlets that hold a word, aligned at it."""
    part = windows.take(rows)
    places, every = part.best([log_odds(_counts_of(word), background)]), np.arange(len(rows))
    stack = part.sites(every, places, 0, len(word))
    return Group(stack, rows, part.distance(every, places, 0, len(word)))


def compete(
    groups: list[Group],
    windows: SeqletWindows,
    null: SeqletWindows,
    background: NDArray[np.float64],
    tolerance: Tolerance,
    *,
    rivals: int | None = None,
    grow: bool = True,
) -> list[Group]:
    """One round: every seqlet to its likeliest motif, the threshold of each from the null.

    Where sites lie in their seqlets counts too, as all groups together show it
    (`learned_placement`), and counts alike in the null. It does not while fresh groups grow: a word
    that two motifs share would gain from both, and swallow them.

    Args:
        groups: Motifs as they stand.
        windows: The seqlets.
        null: Seqlets of shuffled sequence, any number; counts are scaled to that of the seqlets.
        background: (4,) base frequencies.
        tolerance: Shuffled seqlets that a group may be expected to hold.
        rivals: Only the first so many groups take seqlets from others; all, if not given. Fresh
            groups, many of which are the same motif, would tear each other apart.
        grow: May the motif's ends move?

    Returns:
        The groups that still have ten members, in the same order.
    """
    if not groups:
        return []
    counts = [group.counts() for group in groups]
    odds = [log_odds(c, background) for c in counts]
    near: list[tuple[NDArray[np.int64], int]] = []
    if rivals is None:
        near = [(group.distance, group.width) for group in groups]
    placement = learned_placement(near, windows.width)
    places = windows.best(odds, placement)
    score, shuffled = places.score, null.best(odds, placement).score
    for m, group in enumerate(groups):
        current = windows.sites(group.rows, places, m, group.width)
        off = windows.distance(group.rows, places, m, group.width)
        worth = placement[np.minimum(off, windows.width)]
        without = _scores_without_self(current, counts[m], background) + worth
        score[group.rows, m] = np.minimum(score[group.rows, m], without)
    # log prior: a common motif is likelier from the start
    prior = np.rint(PER_BIT * np.log2([len(group.rows) for group in groups])).astype(np.float32)
    mine_of, null_of = _won(score + prior, rivals), _won(shuffled + prior, rivals)
    after = []
    for m, group in enumerate(groups):
        mine = np.flatnonzero(mine_of(m) & (score[:, m] > 0))
        scale = len(windows) / max(1, len(null))
        limit = _threshold(score[mine, m], shuffled[null_of(m), m], scale, tolerance)
        if limit is None:
            continue
        kept = mine[score[mine, m] >= limit]
        if grow:
            stack = _regrown(windows, kept, places, m, group.width, background)
        else:
            stack = windows.sites(kept, places, m, group.width)
        if stack is not None:
            after.append(Group(stack, kept, windows.distance(kept, places, m, group.width)))
    return after


def distinct(groups: list[Group], background: NDArray[np.float64]) -> list[Group]:
    """The groups, largest first, without those that share half their seqlets with a larger one."""
    order = sorted(range(len(groups)), key=lambda i: (-len(groups[i].rows), i))
    n = max((int(group.rows.max()) for group in groups), default=-1) + 1
    kept: list[int] = []
    held: list[NDArray[np.bool_]] = []
    for i in order:
        rows = groups[i].rows
        if all(other[rows].mean() <= _SHARED for other in held):
            kept.append(i)
            held.append(np.isin(np.arange(n), rows))
    return merged([groups[i] for i in kept], background)


def without_variants(
    groups: list[Group], windows: SeqletWindows, background: NDArray[np.float64]
) -> list[Group]:
    """The groups, largest first, without those whose seqlets a larger one would take as well.

    A large group of sites leaves its rarer forms to small groups that fit them a little better. If
    half of a group's seqlets score as high under a larger motif as that one's weakest member, they
    are its sites.
    """
    if not groups:
        return []
    groups = sorted(groups, key=lambda group: -len(group.rows))
    counts = [group.counts() for group in groups]
    places = windows.best([log_odds(c, background) for c in counts])
    kept: list[int] = []
    weakest = []
    for m, group in enumerate(groups):
        own = windows.sites(group.rows, places, m, group.width)
        weakest.append(np.percentile(_scores_without_self(own, counts[m], background), 10))
        taken = [(places.score[group.rows, k] >= weakest[k]).mean() > _SHARED for k in kept]
        if not any(taken):
            kept.append(m)
    return [groups[m] for m in kept]


def merged(groups: list[Group], background: NDArray[np.float64]) -> list[Group]:
    """The groups, largest first, without those that a larger one resembles.

    The members of a merged group are free, and find the larger one in the next round.
    """
    order = sorted(range(len(groups)), key=lambda i: (-len(groups[i].rows), i))
    pwms = [group.pwm(background) for group in groups]
    kept: list[int] = []
    for i in order:
        if all(align(pwms[k], pwms[i]).similarity < SAME for k in kept):
            kept.append(i)
    return [groups[i] for i in kept]


def log_odds(counts: NDArray[np.float64], background: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, width) log-odds of counts in whole hundredths of a bit."""
    p = (counts + PSEUDOCOUNT * background[:, None]) / (counts.sum(axis=0) + PSEUDOCOUNT)
    return hundredths(np.log2(p / background[:, None]))


def renamed(group: Group, rows: NDArray[np.int64]) -> Group:
    """The group with its rows counted in a larger table."""
    return replace(group, rows=rows[group.rows])


def _won(total: NDArray[np.float32], rivals: int | None) -> Callable[[int], NDArray[np.bool_]]:
    """For each motif, which rows it wins against all others, or against the first ``rivals``."""
    if rivals is None:
        winner = total.argmax(axis=1)
        return lambda m: winner == m
    if rivals == 0:
        return lambda m: np.ones(len(total), dtype=bool)
    winner, top = total[:, :rivals].argmax(axis=1), total[:, :rivals].max(axis=1)
    return lambda m: winner == m if m < rivals else total[:, m] > top


def _counts_of(word: NDArray[np.int64]) -> NDArray[np.float64]:
    """Three sites' worth of counts, seven tenths of them the word's own bases."""
    counts = np.full((4, len(word)), 0.3)
    counts[word, np.arange(len(word))] = 2.1
    return counts


def _scores_without_self(
    stack: NDArray[np.int8], counts: NDArray[np.float64], background: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Each member's score under the matrix of all others, hundredths of a bit."""
    letters = np.maximum(stack, 0)
    own = np.maximum(counts[letters, np.arange(stack.shape[1])] - 1, 0)
    others = np.maximum(counts.sum(axis=0) - 1, 0)
    b = background[letters]
    odds = hundredths(np.log2((own + PSEUDOCOUNT * b) / (others + PSEUDOCOUNT) / b))
    return np.where(stack >= 0, odds, 0).sum(axis=1).astype(np.float32)


def _threshold(
    scores: NDArray[np.float32],
    null: NDArray[np.float32],
    scale: float,
    tolerance: Tolerance,
) -> float | None:
    """The lowest score at which the null's expected number is tolerable; None if there is none."""
    best_first = np.sort(scores)[::-1]
    n = np.arange(1, len(best_first) + 1)
    above = len(null) - np.searchsorted(np.sort(null), best_first, side="left")
    allowed = np.maximum(tolerance.share * n, tolerance.at_least)
    fine = np.flatnonzero((above * scale <= allowed) & (n >= MIN_SEQLETS))
    return float(best_first[fine[-1]]) if len(fine) else None


def _regrown(
    windows: SeqletWindows,
    rows: NDArray[np.int64],
    places: BestPlaces,
    motif: int,
    width: int,
    background: NDArray[np.float64],
) -> NDArray[np.int8] | None:
    """The sites with their ends moved to where information ends; None if there is none.

    An end moves no further than half of the sites have room for: where seqlets are alike beyond
    their ends, as in repeats, a matrix would outgrow the table and find none of them again.
    """
    left, right = (np.minimum(r, GROW_BP) for r in windows.room(rows, places, motif, width))
    before, after = int(np.median(left)), int(np.median(right))
    stack = windows.sites(rows, places, motif, width, GROW_BP)
    stack = stack[:, GROW_BP - before : stack.shape[1] - (GROW_BP - after)]
    return _trimmed(stack, background, before + width // 2)


def _trimmed(
    stack: NDArray[np.int8], background: NDArray[np.float64], middle: int
) -> NDArray[np.int8] | None:
    """The stack between its outermost informative columns; None if there is none.

    Of more than `MAX_WIDTH` columns those around ``middle`` stay, so that a matrix of that width
    does not wander.
    """
    bits = information(Group(stack, np.arange(len(stack))).pwm(background))
    n = np.maximum((stack >= 0).sum(axis=0), 1)
    good = np.flatnonzero(bits >= np.maximum(TRIM_BITS, CHANCE / (2 * np.log(2) * n)))
    if not len(good):
        return None
    first, past = int(good[0]), int(good[-1]) + 1
    if past - first < MIN_WIDTH:
        first = min(max(0, first - (MIN_WIDTH - (past - first)) // 2), stack.shape[1] - MIN_WIDTH)
        past = first + MIN_WIDTH
    if past - first > MAX_WIDTH:
        first = min(max(first, middle - MAX_WIDTH // 2), past - MAX_WIDTH)
    return stack[:, first : min(past, first + MAX_WIDTH)]
