"""The result in one sentence, and what the user must know besides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nucel_interp.controls.beyond import CONTROLS, EFFECT
from nucel_interp.controls.claims import SHORT_NAMES, Claim
from nucel_interp.scoring.units import in_words

if TYPE_CHECKING:
    import pandas as pd

_METHODS = {
    "cluster": "by clustering high-scoring intervals of {score}",
    "kmer": "by over-represented words, whatever a model looks at",
    "dnabert": "by DNABERT's method on {score}",
}
_ELSEWHERE = (
    " What the sequences hold whether or not it is looked at is sought by --method kmer, another "
    "score by --score."
)


def answer(
    motifs: pd.DataFrame, untested: pd.DataFrame, facts: dict[str, Any], claims: Sequence[Claim]
) -> str:
    """A sentence or two that a genomicist can repeat.

    Args:
        motifs: Main table.
        untested: The others.
        facts: Contents of summary.json, by key.
        claims: About the first motif: its best head's first, then the score's.
    """
    n = facts["n_units"]
    sequences = in_words(n, facts["n_records"])
    if n < facts["min_units"]:
        seen = {0: "no motif was seen", 1: "1 motif seen is listed untested"}.get(
            len(untested), f"{len(untested)} motifs seen are listed untested"
        )
        few = f"{sequences} {'is' if n == 1 else 'are'} too few to test anything"
        return f"{few} ({facts['min_units']} needed); {seen}."
    if not len(motifs):
        s = "" if len(untested) == 1 else "s"
        tail = f" ({len(untested)} candidate{s} failed the held-out test)" if len(untested) else ""
        how = _METHODS[facts["method"]].format(score=_score(facts))
        elsewhere = "" if facts["method"] == "kmer" else _ELSEWHERE
        return f"No motif was found {how} in these {sequences}{tail}.{elsewhere}"
    first = motifs.iloc[0]
    others = len(motifs) - 1
    more = f" {others} more motif{'s are' if others > 1 else ' is'} in the main table."
    return (
        f"The first motif is {first['consensus']} ({first['identity']}), present in "
        f"{first['found_in']:.0%} of held-out sequences and {first['found_in_shuffled']:.0%} of "
        f"shuffled ones; {looked_at(first, facts, claims)}." + (more if others else "")
    )


def looked_at(first: pd.Series, facts: dict[str, Any], claims: Sequence[Claim]) -> str:
    """What may be said of the model, or the track, at the first motif; a clause.

    Beside the claim stands how often the score's intervals lie on the motif: it decides nothing.
    """
    if facts["score"] == "none":
        return "no score was looked at"
    fold = _fold(first)
    if not claims or claims[0].beyond.auroc is None:
        return f"{fold}, which was not held against the controls"
    claim, auroc = claims[0], claims[0].beyond.auroc
    low, high = auroc.interval(claim.n_tests)
    shown = f"AUROC {auroc.value:.2f}, {low:.2f} to {high:.2f}"
    missing = [SHORT_NAMES[name] for name in CONTROLS if claim.beyond.left[name] is None]
    if facts["score"] == "track":
        text = _of_a_track(claim, shown)
    elif claim.verdict == "yes":
        text = f"{claim.subject} {claim.looks} at it ({shown}), beyond every control"
    elif claim.verdict == "no":
        text = (
            f"{claim.model} does not look at it ({claim.subject}: {shown}; less than {EFFECT} is "
            f"left beyond {claim.within(short=True)})"
        )
    elif missing:
        text = (
            f"that {claim.subject} {claim.looks} at it is not claimed ({shown}), since it could "
            f"not be held against {' and '.join(missing)}"
        )
    else:
        text = f"whether {claim.model} looks at it cannot be told ({claim.subject}: {shown})"
    return f"{text}; {fold}"


def _fold(first: pd.Series) -> str:
    """How often high-scoring intervals lie on the motif; its interval where that is known."""
    value, low, high = (first[f"attention_fold{end}"] for end in ("", "_low", "_high"))
    if math.isnan(value):
        return "how often high-scoring intervals lie on it is not known"
    interval = "" if math.isnan(low) else f"({low:.2f} to {high:.2f}) "
    return f"high-scoring intervals lie on it {value:.2f} times {interval}as often as elsewhere"


def _of_a_track(claim: Claim, shown: str) -> str:
    """A user's own track says nothing of a model: what it is beyond the controls at hand."""
    one = claim.beyond
    beyond = ", ".join(SHORT_NAMES[name] for name in one.measured)
    failed = [SHORT_NAMES[name] for name in one.fails(claim.n_tests)]
    high = one.auroc is not None and one.auroc.interval(claim.n_tests)[0] > 0.5
    if high and not failed:
        return f"the track is high on it ({shown}) beyond {beyond}"
    what = f"beyond {' and '.join(failed)}" if failed else "at all"
    return f"the track is not shown to be high on it {what} ({shown})"


def _score(facts: dict[str, Any]) -> str:
    if facts["score"] == "track":
        return "the track"
    return f"the {facts['score']} score of {facts['model']}"
