"""What stands beyond the controls, as sentences and as a table; the same words in every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import UNKNOWN, ConfidenceInterval
from nucel_interp.controls.beyond import CONTROLS, EFFECT, Beyond, Estimate, Heads
from nucel_interp.types import CONTROL_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

BEST_HEAD = "best head"
NAMES = {
    "place": "other sequences' tracks at the same places",
    "composition": "decoys of like composition",
    "random_control": "randomly initialised weights",
    "shuffled_sequence": "the same places of shuffled copies",
}
"""Control -> what stands in sentences."""
SHORT_NAMES = {
    "place": "place",
    "composition": "composition",
    "random_control": "random weights",
    "shuffled_sequence": "shuffled sequence",
}
"""Control -> what stands in lists."""
Label = Callable[[int], str]


@dataclass(frozen=True, eq=False)
class Claim:
    """A head or score at one motif's sites, with the names it is told under.

    Attributes:
        beyond: AUROC and what is left of it beyond each control.
        model: Name of the model, or of the track.
        score: `BEST_HEAD`, "track", or a score that is no single head ("attention score").
        n_tests: Number of motifs tested together.
        label: Index of a head -> "layer:head"; None for a score.
        fold: Ratio of what the sites' bases receive from the head to what the other bases of the
            same sequences receive (`controls.fold`); NaN for a score.
        control_fold: ``fold`` of the randomly initialised control's own head.
        by_head: (heads,) AUROC of every head at the sites; None for a score.
        control_by_head: ``by_head`` of the randomly initialised control.
    """

    beyond: Beyond
    model: str
    score: str
    n_tests: int
    label: Label | None = None
    fold: ConfidenceInterval = UNKNOWN
    control_fold: ConfidenceInterval = UNKNOWN
    by_head: NDArray[np.float64] | None = None
    control_by_head: NDArray[np.float64] | None = None

    @property
    def verdict(self) -> str:
        """yes, no, or cannot tell."""
        return self.beyond.verdict(self.n_tests)

    def heads(self, which: Heads) -> str:
        """``2:0``, or ``2:0/3:5`` where the halves chose different heads (on half 1 / half 2)."""
        if self.label is None:
            return ""
        words = ["-" if head is None else self.label(head) for head in which]
        return words[0] if words[0] == words[1] else "/".join(words)

    @property
    def subject(self) -> str:
        """``head 2:0 of nucel-mini``, or ``the attention score of nucel-mini``."""
        if self.score == "track":
            return self.model
        if self.label is None:
            return f"the {self.score} of {self.model}"
        named = self.heads(self.beyond.heads)
        return f"{'heads' if '/' in named else 'head'} {named} of {self.model}"

    @property
    def looks(self) -> str:
        """The verb: the halves may have chosen different heads."""
        return "look" if "/" in self.heads(self.beyond.heads) else "looks"

    def within(self, *, short: bool = False) -> str:
        """The controls beyond which less than the stated effect is left, in words."""
        below = [
            (SHORT_NAMES if short else NAMES)[name]
            for name, e in self.beyond.measured.items()
            if e.interval(self.n_tests)[1] < EFFECT
        ]
        return _joined(below) or "the other bases of the same sequences"

    @property
    def sentence(self) -> str:
        """One sentence that never says more than the intervals do."""
        one, n = self.beyond, self.n_tests
        if one.auroc is None:
            return f"Whether {self.model} looks at {one.motif} was not measured: {one.reason}."
        looks, does = self.looks, "do" if self.looks == "look" else "does"
        numbers = f"AUROC {_shown(one.auroc, n)} at its sites in {one.auroc.n} sequences"
        left = "; ".join(
            f"{e.value:+.2f} ({_range(e, n)}) beyond {NAMES[name]}"
            for name, e in one.measured.items()
        )
        absent = [NAMES[name] for name in CONTROLS if one.left[name] is None]
        if self.verdict == "yes":
            return f"{_capital(self.subject)} {looks} at {one.motif}: {numbers}; {left}."
        if self.verdict == "no":
            return (
                f"{_capital(self.subject)} {does} not look at {one.motif} "
                f"beyond {self.within()} (less than {EFFECT} of AUROC is left): {numbers}; {left}."
            )
        why = [f"nothing is shown beyond {_joined([NAMES[f] for f in one.fails(n)])}"]
        if not one.fails(n):
            why = [] if absent else [f"the AUROC is not shown to be above {0.5 + EFFECT}"]
        if absent:
            missing = f"{_joined(absent)} could not be compared with"
            why.append(missing + (f" ({one.reason})" if one.reason else ""))
        return (
            f"Whether {self.subject} {looks} at {one.motif} cannot be told: {'; '.join(why)}. "
            f"{numbers}; {left}."
        )


def control_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """One row per motif and head or score (columns `types.CONTROL_COLUMNS`)."""
    import pandas as pd

    rows = []
    for c in claims:
        one = c.beyond
        row: dict[str, object] = {
            "motif": one.motif,
            "model": c.model,
            "score": c.score,
            "heads": c.heads(one.heads) if one.auroc is not None else "",
            "control_heads": c.heads(one.control_heads) if "random_control" in one.measured else "",
            "n_sequences": 0 if one.auroc is None else one.auroc.n,
            "looked_at": c.verdict if one.auroc is not None else "not measured",
            "reason": one.reason,
        }
        named = [("auroc", one.auroc), *((f"beyond_{k}", one.left[k]) for k in CONTROLS)]
        for name, estimate in named:
            if estimate is not None:
                low, high = estimate.interval(c.n_tests)
                row |= {name: estimate.value, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows, columns=CONTROL_COLUMNS)


def _shown(e: Estimate, n: int) -> str:
    return f"{e.value:.2f} ({_range(e, n)})"


def _range(e: Estimate, n: int) -> str:
    low, high = e.interval(n)
    return f"{low:.2f} to {high:.2f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _joined(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
