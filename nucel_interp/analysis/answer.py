"""The result in one sentence, and what the user must know besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def model_adds(row: pd.Series) -> bool:
    """Does the score look at the motif more than untrained and random seqlets do?

    The whole interval of ``attention_fold`` must lie above 1 and above every control.
    """
    controls = [row["untrained_fold"], row["other_offsets_fold"], row["uniform_fold"], 1.0]
    return bool(row["attention_fold_low"] > max(c for c in controls if c == c))


def _power(value: float) -> str:
    """1.6e-6 rather than Python's 1.6e-06, as the report writes it."""
    return f"{value:.1e}".replace("e-0", "e-")


def answer(motifs: pd.DataFrame, untested: pd.DataFrame, facts: dict[str, Any]) -> str:
    """One sentence (two at most) that a genomicist can repeat."""
    n = facts["n_units"]
    sequences = "sequence" if n == 1 else "sequences"
    if n < facts["min_units"]:
        seen = {0: "no motif was seen", 1: "1 motif seen is listed untested"}.get(
            len(untested), f"{len(untested)} motifs seen are listed untested"
        )
        few = f"{n} {sequences} {'is' if n == 1 else 'are'} too few to test anything"
        return f"{few} ({facts['min_units']} needed); {seen}."
    if not len(motifs):
        s = "" if len(untested) == 1 else "s"
        tail = f" ({len(untested)} candidate{s} failed the held-out test)" if len(untested) else ""
        return f"No motif was found in these {n:,} sequences{tail}."
    first = motifs.iloc[0]
    name = first["archetype"] or "no JASPAR motif"
    if first["best_match"]:
        name = f"{first['best_match']}, E = {_power(first['E_value'])}"
    others = len(motifs) - 1
    fold = (
        f"{first['attention_fold']:.2f} times ({first['attention_fold_low']:.2f} to "
        f"{first['attention_fold_high']:.2f})"
    )
    beside = f"random seqlets {max(first['other_offsets_fold'], first['uniform_fold']):.2f}"
    if first["untrained_fold"] == first["untrained_fold"]:
        beside = f"untrained model {first['untrained_fold']:.2f}, {beside}"
    if facts["score"] == "none":
        verdict = "no score was looked at"
    elif facts["score"] in ("track", "cls-row"):
        verdict = f"the track is high on it {fold} as often as elsewhere"
    elif facts["model_adds"]:
        verdict = (
            f"{facts['model']} looks at it {fold} as often as at other bases, more than chance "
            f"({beside})"
        )
    else:
        verdict = (
            f"sequence alone explains the find: that {facts['model']} itself looks at it is not "
            f"shown ({fold} as often as at other bases; {beside})"
        )
    return (
        f"The first motif is {first['consensus']} ({name}), present in {first['found_in']:.0%} of "
        f"held-out sequences and {first['found_in_shuffled']:.0%} of shuffled ones; {verdict}."
        + (
            f" {others} more motif{'s are' if others > 1 else ' is'} in the main table."
            if others
            else ""
        )
    )
