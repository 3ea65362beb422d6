"""Pairwise rank correlation of per-base scores, and how well each finds bases of known sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nucel_interp.bootstrap import FEWEST, UNKNOWN, interval, paired
from nucel_interp.compare.agreement.correlation import (
    Agreement,
    Bases,
    agreement,
    centred,
    scaled,
    site_weights,
)
from nucel_interp.compare.shared.head_selection import FEWEST_PER_HALF, Chosen, crossfit_heads
from nucel_interp.types import AGREE_COLUMNS, AGREE_HEAD_COLUMNS, AGREE_SITE_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

FINE_TUNED, BEFORE = "fine-tuned", "pre-trained"
RANDOM_CONTROL, PERMUTED_LABELS = "randomly initialised", "permuted labels"
NO_MODEL, LETTERS = "no model", "G or C"
"""A score that knows a base's letter alone."""
LETTER_AND_POSITION = "letter and position"
"""At sites: what can be known of a base without its neighbours, and so by a random network too."""
PLACES = 10
CONTROLS = (RANDOM_CONTROL, PERMUTED_LABELS)
"""Models that have not learned the task; the others are measured against them."""
BEST_HEAD = "attention, best head"
ALL_HEADS = "attention, mean of heads"
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BaseScore:
    """A number per base.

    Attributes:
        model: The model it comes from, as in the tables' column ``model``.
        score: Name of the score, as in the column ``score``.
        track: (bases,) high = matters.
        heads: "layer:head" on half 1 / on half 2 for the attention of one head, "" for others.
    """

    model: str
    score: str
    track: NDArray[np.floating]
    heads: str = ""


@dataclass(frozen=True, eq=False)
class Attention:
    """Every head of one model.

    Attributes:
        model: Name of the model, as in the tables.
        received: (layers x heads, bases).
        n_heads: Heads of a layer.
        kinds: "local" or "global" for each layer.
    """

    model: str
    received: NDArray[np.floating]
    n_heads: int
    kinds: Sequence[str]

    def label(self, chosen: Chosen) -> str:
        """The head that measures half 1, and the one that measures half 2."""
        first, second = chosen.of(False), chosen.of(True)
        words = ["-" if h is None else ":".join(map(str, divmod(h, self.n_heads)))
                 for h in (first, second)]  # fmt: skip
        return words[0] if words[0] == words[1] else "/".join(words)


@dataclass(frozen=True, eq=False)
class AgreementTables:
    """What was found.

    Attributes:
        pairs: Columns `types.AGREE_COLUMNS`.
        sites: Columns `types.AGREE_SITE_COLUMNS`; None if no sites were given.
        heads: Columns `types.AGREE_HEAD_COLUMNS`.
        scores: Scores that were compared, the chosen heads among them.
        warnings: Sentences that limit the answer.
    """

    pairs: pd.DataFrame
    sites: pd.DataFrame | None
    heads: pd.DataFrame
    scores: list[BaseScore]
    warnings: list[str] = field(default_factory=list)


def agreement_tables(
    bases: Bases,
    scores: Sequence[BaseScore],
    attention: Sequence[Attention],
    reference: Mapping[str, NDArray[np.floating]],
    families: Sequence[Sequence[str]],
    sites: Mapping[str, NDArray[np.bool_]] | None = None,
) -> AgreementTables:
    """Every pair of scores within each family of models, every score at sites, every head at all.

    Attention enters twice: as the mean of all heads, which nothing chooses, and as the head that
    agrees best with the model's reference beyond position, chosen on the other half of the
    sequences.

    Args:
        bases: Sequences that all tracks are aligned to, laid end to end.
        scores: Scores of all models, attention left out.
        attention: Attention of every head of every model.
        reference: Model -> (bases,) the track by which its best head is chosen.
        families: Models whose scores are paired; a model and itself is a family too.
        sites: Name -> (bases,) bool; their table is left out if not given.
    """
    import pandas as pd

    every = [*scores]
    for one in attention:
        every.append(BaseScore(one.model, ALL_HEADS, one.received.astype(np.float64).mean(axis=0)))
        every.append(_best_head(one, scaled(reference[one.model], bases), bases))
    family_of = {model: i for i, models in enumerate(families) for model in models}
    every.sort(key=lambda s: family_of[s.model])  # stable: as given within a family
    ranked = [scaled(s.track, bases) for s in every]
    pairs = [
        [a.model, a.score, a.heads, b.model, b.score, b.heads, *_measured(found, 0.0, bases)]
        for (i, a), (j, b) in combinations(enumerate(every), 2)
        if family_of[a.model] == family_of[b.model]
        for found in [agreement(ranked[i], ranked[j], bases)]
    ]
    at_sites = None if sites is None else _at_sites(bases, every, attention, sites)
    warnings = []
    alike = sum(map(len, bases.strata(np.ones(len(bases.sequences), dtype=bool))))
    if alike < len(bases.sequences):
        warnings.append(
            f"{len(bases.sequences) - alike} of {len(bases.sequences)} sequences have fewer than "
            "10 of their length in their half: what position alone gives is not known for them"
        )
    if len(bases.sequences) < FEWEST:
        warnings.append(f"no intervals from fewer than {FEWEST} sequences")
    if min((~bases.second_half).sum(), bases.second_half.sum()) < FEWEST_PER_HALF:
        warnings.append("too few sequences to choose a head on one half and measure on the other")
    return AgreementTables(
        pd.DataFrame(pairs, columns=AGREE_COLUMNS),
        at_sites,
        _every_head(bases, scores, attention, family_of, sites or {}),
        every,
        warnings,
    )


def _best_head(attention: Attention, reference: Array, bases: Bases) -> BaseScore:
    """Of each half the head that agrees best with the reference on the other half."""
    among = [agreement(scaled(h, bases), reference, bases, permutations=0)
             for h in attention.received]  # fmt: skip
    chosen = _chosen(among, bases)
    track = _composed(attention, chosen, bases)
    return BaseScore(attention.model, BEST_HEAD, track, attention.label(chosen))


def _chosen(found: Sequence[Agreement], bases: Bases) -> Chosen:
    """Heads by their excess over position: not one that looks at the middle of every sequence.

    As it stands where that cannot be told.
    """
    values = np.stack([f.values - np.nan_to_num(f.expected) for f in found])
    return crossfit_heads(values, bases.second_half, np.ones(len(values), dtype=bool), "mean")


def _composed(attention: Attention, chosen: Chosen, bases: Bases) -> Array:
    """One track from the two chosen heads, each where it measures."""
    half = bases.second_half[bases.sequences.number]
    track = np.full(len(half), np.nan)
    for side in (False, True):
        head = chosen.of(side)
        if head is not None:
            track[half == side] = attention.received[head, half == side]
    return np.where(np.isnan(track) & bases.known, 0.0, track)  # no head: no contrast


def _at_sites(
    bases: Bases,
    scores: Sequence[BaseScore],
    attention: Sequence[Attention],
    sites: Mapping[str, NDArray[np.bool_]],
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, is_site in sites.items():
        weights, defined = site_weights(is_site, bases)
        heads = []
        for (
            one
        ) in attention:  # here the best head is the one that finds the sites of the other half
            among = [
                agreement(weights, centred(h, bases), bases, used=defined, permutations=0)
                for h in one.received
            ]
            chosen = _chosen(among, bases)
            track = _composed(one, chosen, bases)
            heads.append(BaseScore(one.model, BEST_HEAD, track, one.label(chosen)))
        of_sites = {s.model: s for s in heads}
        used = [of_sites[s.model] if s.score == BEST_HEAD else s for s in scores]
        alone = _letter_and_position(is_site, bases)
        used = [alone if s.model == NO_MODEL else s for s in used]
        found = {
            (s.model, s.score): agreement(weights, centred(s.track, bases), bases, used=defined)
            for s in used
        }
        for s in used:
            mine = found[s.model, s.score]
            row = [s.model, s.score, s.heads, name, *_measured(mine, 0.5, bases)]
            for control in CONTROLS:
                other = None if s.model in (NO_MODEL, *CONTROLS) else found.get((control, s.score))
                less = UNKNOWN if other is None else paired(
                    mine.values, other.values, bases.bootstrap, "mean"
                )[1]  # fmt: skip
                row += [less.value, less.low, less.high]
            rows.append(row)
    return pd.DataFrame(rows, columns=AGREE_SITE_COLUMNS)


def _letter_and_position(is_site: NDArray[np.bool_], bases: Bases) -> BaseScore:
    """Log-odds of a site base by its letter and its tenth of the sequence, as if independent.

    Counted on one half and measured on the other, both ways.
    """
    letters = np.frombuffer("".join(bases.sequences).encode(), dtype=np.uint8)
    letter = np.searchsorted(np.frombuffer(b"ACGT", dtype=np.uint8), letters) % 4
    number = bases.sequences.number
    place = PLACES * bases.sequences.position // bases.sequences.lengths[number]
    if not bases.directed:
        letter, place = np.minimum(letter, 3 - letter), np.minimum(place, PLACES - 1 - place)
    half = bases.second_half[number]
    track = np.zeros(len(letters))
    for side in (False, True):
        there, here = bases.known & (half != side), half == side
        for kind, n in ((letter, 4), (place, PLACES)):
            inside = 1 + np.bincount(kind[there & is_site], minlength=n)
            outside = 1 + np.bincount(kind[there & ~is_site], minlength=n)
            track[here] += np.log(inside / outside)[kind[here]]
    return BaseScore(NO_MODEL, LETTER_AND_POSITION, track)


def _measured(found: Agreement, zero: float, bases: Bases) -> list[float]:
    """Mean, interval, what position gives, the excess over it, p and how many sequences."""
    whole = interval(found.values + zero, bases.bootstrap, "mean")
    beyond = interval(found.values - found.expected, bases.bootstrap, "mean")
    known = np.isfinite(found.expected)
    expected = float(found.expected[known].mean()) + zero if known.any() else float("nan")
    return [
        whole.value, whole.low, whole.high, expected,
        beyond.value, beyond.low, beyond.high, found.p, int(np.isfinite(found.values).sum()),
    ]  # fmt: skip


def _every_head(
    bases: Bases,
    scores: Sequence[BaseScore],
    attention: Sequence[Attention],
    family_of: Mapping[str, int],
    sites: Mapping[str, NDArray[np.bool_]],
) -> pd.DataFrame:
    """Each head by itself; nothing is chosen, so nothing here is the best of many by design."""
    import pandas as pd

    ranked = [scaled(s.track, bases) for s in scores]
    weights = {name: site_weights(is_site, bases) for name, is_site in sites.items()}
    rows: list[list[object]] = []
    for one in attention:
        for number, track in enumerate(one.received):
            layer, head = divmod(number, one.n_heads)
            about = [one.model, layer, head, one.kinds[layer]]
            mine, ranks = scaled(track, bases), centred(track, bases)
            for score, other in zip(scores, ranked, strict=True):
                if family_of[score.model] == family_of[one.model]:
                    found = agreement(mine, other, bases, permutations=0)
                    against = [*about, "spearman", score.model, score.score]
                    rows.append([*against, *_measured(found, 0.0, bases)[:4]])
            for name, (weight, defined) in weights.items():
                found = agreement(weight, ranks, bases, used=defined, permutations=0)
                rows.append([*about, "auroc", "", name, *_measured(found, 0.5, bases)[:4]])
    return pd.DataFrame(rows, columns=AGREE_HEAD_COLUMNS)


def signed_and_size(model: str, score: str, track: NDArray[np.floating]) -> list[BaseScore]:
    """A signed score twice: what raises the prediction, and how much a base matters either way."""
    return [
        BaseScore(model, score, track),
        BaseScore(model, f"|{score}|", np.abs(track)),
    ]


def joint_mask(tracks: Sequence[NDArray[np.floating]]) -> NDArray[np.bool_]:
    """(bases,) True where every track has a number; (heads, bases) tracks count as many."""
    known = np.ones(tracks[0].shape[-1], dtype=bool)
    for track in tracks:
        known &= np.isfinite(track).reshape(-1, track.shape[-1]).all(axis=0)
    return known
