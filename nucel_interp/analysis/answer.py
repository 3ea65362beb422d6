"""The result in three sentences: what is there, what of it is looked at, what is besides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nucel_interp.analysis.tables import ATTENDED
from nucel_interp.controls.beyond import CONTROLS, EFFECT
from nucel_interp.controls.claims import SHORT_NAMES, Claim
from nucel_interp.match.naming import called
from nucel_interp.scoring.units import in_words

if TYPE_CHECKING:
    import pandas as pd

_HOW = {
    "both": "by sequence alone or where {score} is high",
    "cluster": "by clustering high-scoring intervals of {score}",
    "kmer": "by over-represented words, whatever a model looks at",
    "dnabert": "by DNABERT's method on {score}",
}
MOST_NAMES = 3


def answer(
    motifs: pd.DataFrame,
    untested: pd.DataFrame,
    facts: dict[str, Any],
    claims: Mapping[str, Sequence[Claim]],
) -> str:
    """Sentences that a genomicist can repeat.

    Args:
        motifs: Main table.
        untested: The others.
        facts: Content of summary.json.
        claims: Motif id -> what may be said of its best head, then of the score.
    """
    n = facts["n_units"]
    sequences = in_words(n, facts["n_records"])
    if n < facts["min_units"]:
        seen = {0: "no motif was seen", 1: "1 motif seen is listed untested"}.get(
            len(untested), f"{len(untested)} motifs seen are listed untested"
        )
        few = f"{sequences} {'is' if n == 1 else 'are'} too few to test anything"
        return f"{few} ({facts['min_units']} needed); {seen}."
    parts = [_held(motifs, untested, facts, sequences)]
    if len(motifs):
        parts.append(looked_at(motifs, facts, claims))
    parts.append(_besides(untested, facts))
    return " ".join(p for p in parts if p)


def _held(
    motifs: pd.DataFrame, untested: pd.DataFrame, facts: dict[str, Any], sequences: str
) -> str:
    """What the sequences hold."""
    if not len(motifs):
        s = "" if len(untested) == 1 else "s"
        tail = f" ({len(untested)} candidate{s} failed the held-out test)" if len(untested) else ""
        how = _HOW[facts["method"]].format(score=_score(facts))
        return f"No motif was found {how} in these {sequences}{tail}."
    rows = motifs.to_dict("records")
    first = rows[0]
    others = [called(row) for row in rows[1:] if not row["variant_of"]]
    variants = len(rows) - 1 - len(others)
    more = ""
    if others:
        named = _joined(list(dict.fromkeys(others))[:MOST_NAMES])
        among = ", among them" if len(set(others)) > MOST_NAMES else ":"
        more = f"; {len(others)} more{among} {named}"
    if variants:
        more += f"; {variants} variant{'s' if variants > 1 else ''} of these"
    return (
        f"These {sequences} hold {first['consensus']} ({first['identity']}), in "
        f"{first['found_in']:.0%} of held-out sequences and {first['found_in_shuffled']:.0%} of "
        f"shuffled ones{more}."
    )


def looked_at(
    motifs: pd.DataFrame, facts: dict[str, Any], claims: Mapping[str, Sequence[Claim]]
) -> str:
    """What may be said of the model, or of the track, at the motifs of the main table."""
    if facts["score"] == "none":
        return "No score was looked at."
    rows = {str(row["motif_id"]): row for row in motifs.to_dict("records")}
    measured = {i: claims[i][0] for i in rows if i in claims and claims[i][0].beyond.auroc}
    if not measured:
        return "Whether anything looks at them was not held against the controls."
    names = {i: called(row) for i, row in rows.items() if i in measured}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    names = {i: f"{name} ({i})" if name in twice else name for i, name in names.items()}
    if len(rows) == 1:
        names = dict.fromkeys(names, "it")
    if facts["score"] == "track":
        return _of_a_track(measured, names)
    yes, no, unknown = (
        [i for i, c in measured.items() if c.verdict == verdict]
        for verdict in ("yes", "no", "cannot tell")
    )
    parts = []
    if yes:
        told = [f"{names[i]} ({_evidence(measured[i])})" for i in yes[:MOST_NAMES]]
        rest = f" and {len(yes) - MOST_NAMES} more" if len(yes) > MOST_NAMES else ""
        parts.append(f"looks at {_joined(told)}{rest}, beyond every control")
    if no:
        about = _listed([names[i] for i in no], len(measured))
        one = measured[no[0]]
        why = f"{_evidence(one)}; less than {EFFECT} is left beyond {one.within(short=True)}"
        where = "" if len(no) == 1 else f"at {names[no[0]]} "
        parts.append(f"does not look at {about} ({where}{why})")
    if unknown:
        about = _listed([names[i] for i in unknown], len(measured))
        parts.append(f"it cannot be told whether it looks at {about}" + _missing(measured, unknown))
    model = next(iter(measured.values())).model
    if parts[0].startswith("it cannot"):
        parts[0] = parts[0].replace("whether it looks", f"whether {model} looks", 1)
        return f"{parts[0][0].upper()}{parts[0][1:]}."
    return f"{model} {'; '.join(parts)}."


def _evidence(claim: Claim) -> str:
    """``head 3:0, AUROC 0.93, 0.91 to 0.95, 11.7 times the attention elsewhere``."""
    one = claim.beyond
    assert one.auroc is not None
    low, high = one.auroc.interval(claim.n_tests)
    named = claim.heads(one.heads)
    head = f"head{'s' if '/' in named else ''} {named}, " if named else ""
    text = f"{head}AUROC {one.auroc.value:.2f}, {low:.2f} to {high:.2f}"
    if math.isfinite(claim.fold.value):
        text += f", {claim.fold.value:.1f} times the attention elsewhere"
    return text


def _missing(measured: Mapping[str, Claim], unknown: Sequence[str]) -> str:
    """Controls that none of these motifs could be held against."""
    absent = [
        SHORT_NAMES[name]
        for name in CONTROLS
        if all(measured[i].beyond.left[name] is None for i in unknown)
    ]
    return f", which could not be held against {_joined(absent)}" if absent else ""


def _of_a_track(measured: Mapping[str, Claim], names: Mapping[str, str]) -> str:
    """A user's own track says nothing of a model: what it is beyond the controls at hand."""
    high: list[str] = []
    low: list[str] = []
    for i, claim in measured.items():
        one = claim.beyond
        assert one.auroc is not None
        above = one.auroc.interval(claim.n_tests)[0] > 0.5 and not one.fails(claim.n_tests)
        (high if above else low).append(i)
    first = next(iter(measured))
    parts = []
    if high:
        beyond = _joined([SHORT_NAMES[n] for n in measured[high[0]].beyond.measured])
        shown = f" ({_evidence(measured[first])})" if first in high else ""
        about = _listed([names[i] for i in high], len(measured), every="all")
        parts.append(f"is high on {about}{shown} beyond {beyond}")
    if low:
        shown = f" ({_evidence(measured[first])})" if first in low else ""
        parts.append(
            f"is not shown to be high on {_listed([names[i] for i in low], len(measured))}{shown}"
        )
    return f"The track {'; it '.join(parts)}."


def _besides(untested: pd.DataFrame, facts: dict[str, Any]) -> str:
    """What the score is high on, though sequences hold hardly more of it than shuffled ones."""
    if facts["score"] == "none" or not len(untested):
        return ""
    rows = untested[untested["reason"].astype(str).str.startswith(ATTENDED)].to_dict("records")
    if not rows:
        return ""
    told = []
    for row in rows[:MOST_NAMES]:
        what = [called(row)] if called(row) != row["consensus"] else []
        what += ["low complexity"] if row["low_complexity"] > 0.5 else []
        what += ["repeats"] if row["soft_masked"] > 0.5 else []
        told.append(row["consensus"] + (f" ({', '.join(what)})" if what else ""))
    rest = f" and {len(rows) - MOST_NAMES} more" if len(rows) > MOST_NAMES else ""
    return (
        f"Besides, {_score(facts)} is high on {_joined(told)}{rest}, hardly more frequent than "
        "in shuffled sequence."
    )


def _score(facts: dict[str, Any]) -> str:
    if facts["score"] == "track":
        return "the track"
    return f"the {facts['score']} score of {facts['model']}"


def _listed(names: Sequence[str], of: int, *, every: str = "any of the") -> str:
    """Names, or how many where they are too many to read."""
    if len(names) == of > MOST_NAMES:
        return f"{every} {of} motifs"
    if len(names) > MOST_NAMES:
        return f"{len(names)} of {of} motifs ({_joined(names[: MOST_NAMES - 1])}, ...)"
    return _joined(names)


def _joined(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
