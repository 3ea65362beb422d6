"""What a comparison of models shows, in plain sentences; never more than its intervals say.

First, which model looks at which motif, by the rule that every command shares
(`controls.beyond`). Then how models differ: the headline is the mean ratio inside over outside the
sites at matched resolution, the head chosen among all layers on one half of the sequences and
measured on the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.compare.models.result import Comparison

HEADLINE = {"resolution": "matched", "layers": "all", "definition": "mean_ratio", "heads": "best"}
MOST_NAMES = 4
OTHER_DEFINITION = "peak_over_median"
CONTROL, COPIES = "its randomly initialised control", "shuffled sequence"
SHUFFLED = ", shuffled input"  # behind a model's name in the table of differences


@dataclass(frozen=True)
class Contrast:
    """One ratio of signal-to-noise, model a over model b, with its 95 % interval."""

    motif: str
    ratio: float
    low: float
    high: float
    n_sequences: int

    @property
    def side(self) -> int:
        """1 if a is higher, -1 if b is, 0 if the interval holds 1 or is not known."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return 0
        return int(self.low > 1) - int(self.high < 1)


def verdict(result: Comparison) -> str:
    """What each model looks at, how they differ, and how each compares with its controls.

    The first trained model is compared with every other. A difference is named only if its interval
    leaves out 1; if the higher model is not shown to look at the motif, that is said too. Where
    another definition of signal-to-noise points elsewhere, that is said as well.
    """
    trained = _names(result.models, "yes")
    motifs = list(dict.fromkeys(result.snr["motif"].astype(str)))
    if not trained or not motifs:
        return "No model could be compared: there is no sequence with a site to measure at."
    looked = {name: _looked_at(result, name) for name in trained}
    sentences = [_all_looked_at(looked)]
    pairs = [_pair(result, trained[0], other, looked) for other in trained[1:]]
    if pairs:
        sentences.append(f"At matched resolution, {'; '.join(pairs)}.")
    sentences.append(_over_controls(result, trained, motifs))
    return " ".join([s for s in sentences if s] + _disagreements(result, trained, motifs))


def _looked_at(result: Comparison, name: str) -> dict[str, str]:
    """Motif -> what may be said of a model there; empty where the controls were not measured."""
    if result.controls is None:
        return {}
    rows = result.controls[result.controls["model"].astype(str) == name]
    return dict(zip(rows["motif"].astype(str), rows["looked_at"].astype(str), strict=True))


def _all_looked_at(looked: dict[str, dict[str, str]]) -> str:
    """``mini looks at CTCF and not at AP-1; of SP1 it cannot be told``; "" if not measured."""
    clauses = []
    for name, verdicts in looked.items():
        groups = {v: [m for m, found in verdicts.items() if found == v] for v in verdicts.values()}
        yes, no = groups.pop("yes", []), groups.pop("no", [])
        unknown = [m for motifs in groups.values() for m in motifs]
        parts = []
        if yes:
            parts.append(f"looks at {_listed(yes)}")
        if no:
            parts.append(f"does not look at {_listed(no)}")
        if unknown:
            parts.append(f"is not shown to look at {_listed(unknown)}")
        if parts:
            clauses.append(f"{name} {_joined(parts)}")
    if not clauses:
        return ""
    return (
        f"{'; '.join(clauses)} (beyond place, composition, random weights and shuffled sequence)."
    )


def _over_control(result: Comparison, name: str, control: str, **which: str) -> list[Contrast]:
    """A model's ratios over its random control, or over itself in shuffled sequence."""
    if control == COPIES:
        return contrasts(result, name, f"{name}{SHUFFLED}", **which)
    models = result.models
    own = models[(models["control_of"].astype(str) == name) & (models["trained"] == "no")]
    return contrasts(result, name, str(own["model"].iloc[0]), **which) if len(own) else []


def _disagreements(result: Comparison, trained: Sequence[str], motifs: Sequence[str]) -> list[str]:
    """Where peak over median is on the other side of a control than the mean ratio."""
    found = []
    for name in trained:
        for control in (CONTROL, COPIES):
            mean = {c.motif: c for c in _over_control(result, name, control)}
            other = _over_control(result, name, control, definition=OTHER_DEFINITION)
            found += [
                f"{name} at {c.motif} against {control}: {c.ratio:.2f}{_short(c)}"
                for c in other
                if c.motif in mean and c.side * mean[c.motif].side < 0
            ]
    if not found:
        return []
    shown = found[:MOST_NAMES]
    more = f", and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return [
        f"Definitions disagree: peak over median has the other sign for {'; '.join(shown)}{more}."
    ]


def contrasts(result: Comparison, a: str, b: str, **which: str) -> list[Contrast]:
    """The headline's ratios of model a over model b, one per motif, whichever way they are kept.

    ``which`` are values of `HEADLINE`'s columns to take in place of its own.
    """
    table = result.differences
    if not len(table):
        return []
    rows = _headline(table, **which)
    found = [
        Contrast(*_numbers(row, "ratio", "low", "high"))
        for row in rows[(rows["model_a"] == a) & (rows["model_b"] == b)].to_dict("records")
    ]
    for row in rows[(rows["model_a"] == b) & (rows["model_b"] == a)].to_dict("records"):
        motif, ratio, low, high, n = _numbers(row, "ratio", "low", "high")
        found.append(Contrast(motif, _over(ratio), _over(high), _over(low), n))
    return found


def _pair(result: Comparison, a: str, b: str, looked: dict[str, dict[str, str]]) -> str:
    found = contrasts(result, a, b)
    if not found:
        return f"{a} and {b} could not be compared"
    if len(found) == 1:
        return _one_motif(found[0], a, b, looked)
    higher, lower = ([c.motif for c in found if c.side == side] for side in (1, -1))
    if not higher and not lower:
        return (
            f"no difference in signal-to-noise between {a} and {b} is "
            f"shown for any of {len(found)} motifs"
        )
    sides = [(a, b, higher), (b, a, lower)]
    parts = [f"higher in {one} than in {two} for {_listed(m)}" for one, two, m in sides if m]
    text = f"signal-to-noise at motif sites is {_joined(parts)}"
    rest = len(found) - len(higher) - len(lower)
    return text + (f" (no difference shown for {rest} of {len(found)})" if rest else "")


def _one_motif(found: Contrast, a: str, b: str, looked: dict[str, dict[str, str]]) -> str:
    if not found.side:
        return (
            f"no difference between {a} and {b} is shown at {found.motif} "
            f"sites: their signal-to-noise has the ratio {found.ratio:.2f} {_interval(found)}"
        )
    if found.side < 0:
        a, b = b, a
        ratio, low, high = _over(found.ratio), _over(found.high), _over(found.low)
        found = Contrast(found.motif, ratio, low, high, found.n_sequences)
    text = (
        f"the signal-to-noise of attention at {found.motif} sites is {found.ratio:.2f} times as "
        f"high in {a} as in {b} {_interval(found)}"
    )
    if looked[a].get(found.motif, "yes") == "yes":
        return text
    return f"{text}, but {a} is not shown to look at them"


def _over_controls(result: Comparison, trained: Sequence[str], motifs: Sequence[str]) -> str:
    """How each model stands to its control and to itself in shuffled sequence; "" if neither."""
    clauses, without = [], []
    for name in trained:
        random, copies = (_over_control(result, name, what) for what in (CONTROL, COPIES))
        parts = _one_over(random, copies) if len(motifs) == 1 else _many_over(random, copies)
        if parts:
            clauses.append(f"{name} has {_joined(parts)}")
        if not random:
            without.append(name)
    if clauses:
        clauses[-1] += ", at matched resolution"
    if without:
        clauses.append(
            f"{_joined(without)} could not be compared with a randomly initialised control"
        )
    if clauses and len(motifs) > 1:
        clauses.append("these intervals are not corrected for the number of motifs")
    return f"{'; '.join(clauses)}." if clauses else ""


def _one_over(random: Sequence[Contrast], copies: Sequence[Contrast]) -> list[str]:
    """Of one motif: the ratios themselves."""
    told = [
        (random, "the signal-to-noise of its randomly initialised control at {} sites"),
        (copies, "its own signal-to-noise at the same places in shuffled sequence"),
    ]
    return [
        f"{found[0].ratio:.2f} times{_short(found[0])} {what.format(found[0].motif)}"
        for found, what in told
        if found
    ]


def _many_over(random: Sequence[Contrast], copies: Sequence[Contrast]) -> list[str]:
    """Of several motifs: for how many the ratio is shown to be above 1."""
    told = [
        (random, "a higher signal-to-noise than its randomly initialised control"),
        (copies, "a higher one than itself at the same places in shuffled sequence"),
    ]
    return [
        f"{what} for {sum(c.side == 1 for c in found)} of {len(found)} motifs"
        for found, what in told
        if found
    ]


def _names(models: pd.DataFrame, trained: str) -> list[str]:
    return [str(name) for name in models.loc[models["trained"] == trained, "model"]]


def _headline(table: pd.DataFrame, **which: str) -> pd.DataFrame:
    for column, value in (HEADLINE | which).items():
        table = table[table[column].astype(str) == value]
    return table


def _numbers(row: dict[Any, Any], *columns: str) -> tuple[str, float, float, float, int]:
    ratio, low, high = (float(row[column]) for column in columns)
    return str(row["motif"]), ratio, low, high, int(row["n_sequences"])


def _over(value: float) -> float:
    return 1 / value if value else math.inf


def _interval(found: Contrast) -> str:
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return f"(interval not known, {found.n_sequences} sequences)"
    return f"(95 % interval {found.low:.2f} to {found.high:.2f}, {found.n_sequences} sequences)"


def _short(found: Contrast) -> str:
    known = math.isfinite(found.low) and math.isfinite(found.high)
    return f" ({found.low:.2f} to {found.high:.2f})" if known else " (interval not known)"


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMES:
        return f"{len(names)} motifs ({', '.join(names[:MOST_NAMES])}, ...)"
    return _joined(names)


def _joined(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
