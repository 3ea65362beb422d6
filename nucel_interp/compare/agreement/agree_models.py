"""`agree_models`: everything that `nucel-interp agree` does between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.agreement.correlation import Bases
from nucel_interp.compare.agreement.faithfulness import Faithfulness, faithfulness
from nucel_interp.compare.agreement.score_pairs import (
    BEFORE,
    FINE_TUNED,
    LETTERS,
    NO_MODEL,
    SHUFFLED,
    UNTRAINED,
    Agree,
    Attention,
    BaseScore,
    agree,
    joint_mask,
    signed_and_size,
)
from nucel_interp.compare.shared.place_sites import place_sites
from nucel_interp.compare.shared.site_claims import site_claims
from nucel_interp.compare.shared.windows import Windows
from nucel_interp.controls.claims import control_table
from nucel_interp.controls.distinct import content_order, first_of_each
from nucel_interp.errors import InputError
from nucel_interp.io.provenance import folder_sha256
from nucel_interp.io.sites import BedSite
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.attribution import attribute_sequences
from nucel_interp.scoring.device import load_model
from nucel_interp.scoring.mutagenesis import reading
from nucel_interp.scoring.prediction import predict_sequences
from nucel_interp.scoring.scores import Strands, score_sequences
from nucel_interp.scoring.shuffle import shuffled as shuffle
from nucel_interp.scoring.target import Target, find_target
from nucel_interp.scoring.units import Unit, split_units
from nucel_interp.types import Record, as_records
from nucel_model import ClassificationHead, NTConfig, Nucel, untrained_twin

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("integrated-gradients", "gradient-x-input", "mutagenesis")
"""The size of the last is the reference by which an attention head is chosen: mutagenesis asks the
model itself, and no gradient."""
CURVES = 40
"""Sequences of the faithfulness curves."""

_SPEARMAN = ["spearman", "low", "high", "by_place"]


@dataclass(frozen=True, eq=False)
class AgreeResult:
    """What `agree_models` found.

    Attributes:
        found: The tables of agreement.
        curves: Of faithfulness; None if none were asked for.
        records: Those compared: each sequence once.
        bases: What the tracks of ``found.scores`` are aligned to.
        sites: Name -> (bases,) bool; empty if none were given.
        controls: What attention has at the sites beyond each control
            (`types.CONTROL_COLUMNS`); None if no sites were given.
        summary: Counts, names, choices.
        warnings: What limits the answer.
    """

    found: Agree
    curves: Faithfulness | None
    records: list[Record]
    bases: Bases
    sites: dict[str, NDArray[np.bool_]]
    controls: pd.DataFrame | None
    summary: dict[str, Any]
    warnings: list[str] = field(default_factory=list)

    def against_reference(self) -> pd.DataFrame:
        """Each score's agreement with the fine-tuned model's reference, or in a twin its own.

        Columns model, score, heads, spearman, low, high, by_place.
        """
        import pandas as pd

        pairs, own = self.found.pairs, f"|{self.summary['reference']}|"
        sides = []
        for mine, other in (("a", "b"), ("b", "a")):
            rows = pairs[(pairs[f"score_{other}"] == own) & (pairs[f"model_{other}"] != BEFORE)]
            names = {f"{c}_{mine}": c for c in ("model", "score", "heads")}
            sides.append(rows.rename(columns=names)[[*names.values(), *_SPEARMAN]])
        return pd.concat(sides).sort_index(kind="stable").reset_index(drop=True)


def agree_models(
    records: list[Record],
    model: str | Nucel,
    *,
    before: str | Nucel | None = None,
    shuffled: str | Nucel | None = None,
    sites: Sequence[BedSite] | None = None,
    target: str | None = None,
    methods: Sequence[str] = METHODS,
    curves: int = CURVES,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> AgreeResult:
    """Score the same bases in every way and compare.

    Args:
        records: Sequences within the model's context; those that hold what the target label means.
        model: Fine-tuned.
        before: What it was fine-tuned from; its discriminator is asked too, if it has one.
        shuffled: Fine-tuned alike on labels dealt out anew.
        sites: Known sites, by record name or genome coordinates.
        target: Label that is explained; the second of two classes if not given.
        methods: Of attribution; attention heads are chosen by the size of the last.
        curves: Sequences of the faithfulness curves, drawn by content; 0 leaves them out.
        seed: Of every random draw.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No record, one beyond the context, no site in a record, an unknown label.
        FolderError: A model that cannot be loaded, or has no fine-tuned head.
    """
    records = as_records(records)
    stages = Stages(on_progress)
    fine = load_model(model)
    which = find_target(fine, target)
    sides = reading(fine, None)
    models = {FINE_TUNED: fine}
    if before is not None:
        models[BEFORE] = load_model(before)
    models[UNTRAINED] = untrained_classifier(fine, seed)
    if shuffled is not None:
        models[SHUFFLED] = load_model(shuffled)
        find_target(models[SHUFFLED], which.label)  # says so if it has none
    warnings: list[str] = []
    if isinstance(fine.config, NTConfig) and tuple(methods) != ("mutagenesis",):
        methods = ("mutagenesis",)
        warnings.append(f"{fine.name} reads tokens of several bases: mutagenesis, no gradients")
    kept_records = _usable(records, fine, warnings)
    sequences = [r.sequence for r in kept_records]
    if sites is not None:  # before the work: a misspelt chromosome is told
        _sites(sites, records, kept_records, np.zeros(len(sequences), dtype=bool), "")
    scores: list[BaseScore] = []
    attention: list[Attention] = []
    sure = np.ones(len(sequences), dtype=bool)
    for name, one in models.items():
        read, heads = _attention(name, one, sequences, sides, stages)
        attention.append(heads)
        scores += read
        if name == BEFORE:
            continue
        for method in methods:
            with stages.stage(f"{method}, {name}", sum(map(len, sequences))) as step:
                found = attribute_sequences(
                    one,
                    sequences,
                    method=method,
                    target=which.label,
                    strands=sides,
                    seed=seed,
                    on_progress=step,
                )
            sure &= found.kept
            scores += signed_and_size(name, method, np.concatenate(found.tracks))
    letters = [[c in "GC" for c in s] for s in sequences]
    scores.append(BaseScore(NO_MODEL, LETTERS, np.concatenate(letters).astype(np.float64)))
    if not sure.any():
        raise InputError("the attributions of no sequence add up to what they explain")
    if not sure.all():
        warnings.append(
            f"{(~sure).sum()} of {len(sure)} sequences were left out: their attributions do not "
            "add up to what they explain"
        )
        kept_records, scores, attention = _without(kept_records, scores, attention, sure)
    sequences = [r.sequence for r in kept_records]
    units = [Unit(i, 0, len(s), s) for i, s in enumerate(sequences)]
    half, rule = split_units(kept_records, units, seed)
    known = joint_mask([*(s.track for s in scores), *(a.received for a in attention)])
    bases = Bases(sequences, half, known, seed, directed=sides == "forward")
    places = {} if sites is None else _sites(sites, records, kept_records, half, rule)
    reference = {s.model: s.track for s in scores if s.score == f"|{methods[-1]}|"}
    if before is not None:
        reference[BEFORE] = reference[FINE_TUNED]
    families = [(FINE_TUNED, BEFORE, NO_MODEL), (UNTRAINED,), (SHUFFLED,)]
    with stages.stage("comparing scores", 1):
        found_pairs = agree(
            bases, scores, attention, reference, families, places if sites is not None else None
        )
    claims = []
    if places:
        copies = [shuffle(s, seed=seed) for s in sequences]
        in_copies = {
            name: _attention(f"{name} (shuffled copies)", one, copies, sides, stages)[1].received
            for name, one in models.items()
            if name in (FINE_TUNED, BEFORE)
        }
        claims = site_claims(bases, attention, in_copies, places)
    drawn = (
        _faithful(fine, which, sides, bases, found_pairs.scores, curves, stages) if curves else None
    )
    summary = {
        "models": {name: one.name for name, one in models.items()},
        "model_sha256": {
            name: {} if one.path is None else folder_sha256(one.path)
            for name, one in models.items()
        },
        "target": which.label,
        "target_unit": which.unit,
        "strands": sides,
        "n_sequences": len(sequences),
        "n_bases": int(known.sum()),
        "methods": list(methods),
        "reference": methods[-1],
        "split_rule": rule,
        "sites": {name: int(inside.sum()) for name, inside in places.items()},
        "looked_at": [one.sentence for one in claims],
        "curve_sequences": min(curves, len(sequences)),
        "seconds": {name: round(s, 1) for name, s in stages.seconds.items()},
    }
    return AgreeResult(
        found_pairs,
        drawn,
        kept_records,
        bases,
        places,
        control_table(claims) if places else None,
        summary,
        warnings + found_pairs.warnings,
    )


def untrained_classifier(model: Nucel, seed: int) -> Nucel:
    """A network of the same shape, its head too, with random weights."""
    twin = untrained_twin(model, seed)
    head = model.classifier_head
    assert head is not None
    size = head.linear.in_features
    twin.classifier_head = ClassificationHead(
        size,
        head.labels,
        "random weights",
        task=head.task,
        pooling=head.pooling,
        strands=head.strands,
    )
    twin.classifier_head.init_weights(seed)
    return twin.to(next(model.parameters()).device).eval()


def _usable(records: list[Record], model: Nucel, warnings: list[str]) -> list[Record]:
    """Each sequence once, within the context."""
    if not records:
        raise InputError("there is no sequence to look at")
    longest = max(records, key=len)
    if len(longest) > model.config.context_bp:
        raise InputError(
            f"{longest.name} has {len(longest):,} bases, but {model.name} predicts of "
            f"{model.config.context_bp:,} at most; cut the sequences as for fine-tuning"
        )
    first = first_of_each([r.sequence for r in records])
    if not first.all():
        warnings.append(f"{(~first).sum()} records repeat a sequence, on either strand; left out")
    kept = [r for r, is_first in zip(records, first.tolist(), strict=True) if is_first]
    letters = [r for r in kept if any(c in "ACGT" for c in r.sequence)]
    if not letters:
        raise InputError("no record holds A, C, G or T")
    return letters


def _attention(
    name: str, model: Nucel, sequences: list[str], strands: Strands, stages: Stages
) -> tuple[list[BaseScore], Attention]:
    """Every head, and of a pre-trained model how well each base fits its discriminator."""
    with stages.stage(f"reading with the {name} model", sum(map(len, sequences))) as step:
        read = score_sequences(
            model, sequences, strands=strands, consistency=False, on_progress=step
        )
    config = model.config
    kinds = [
        "global" if config.window(i) is None else "local" for i in range(config.num_hidden_layers)
    ]
    # fine-tuning moves the encoder away from under the discriminator's head
    fits = [] if name != BEFORE or read.replaced is None else [-read.replaced]
    return (
        [BaseScore(name, "discriminator", track) for track in fits],
        Attention(name, read.received, config.num_attention_heads, kinds),
    )


def _without(
    records: list[Record], scores: list[BaseScore], attention: list[Attention], kept: NDArray
) -> tuple[list[Record], list[BaseScore], list[Attention]]:
    """Only the sequences that are kept."""
    bases = np.repeat(kept, [len(r) for r in records])
    return (
        [r for r, stays in zip(records, kept.tolist(), strict=True) if stays],
        [BaseScore(s.model, s.score, s.track[bases], s.heads) for s in scores],
        [Attention(a.model, a.received[:, bases], a.n_heads, a.kinds) for a in attention],
    )


def _sites(
    sites: Sequence[BedSite],
    records: list[Record],
    kept: list[Record],
    half: NDArray[np.bool_],
    rule: str,
) -> dict[str, NDArray[np.bool_]]:
    """Name -> which bases lie in a site."""
    whole = Windows(
        max(map(len, kept)), kept, np.arange(len(kept)), np.zeros(len(kept), dtype=np.int64),
        [r.sequence for r in kept], half, rule, 0, 0, 0,
    )  # fmt: skip
    found = {}
    for name, placed in place_sites(sites, records, whole).sites.items():
        inside = np.zeros(int(whole.offsets[-1]), dtype=bool)
        for s in placed:
            first = int(whole.offsets[s.record])
            inside[first + s.start : first + s.end] = True
        found[name] = inside
    return found


def _faithful(
    model: Nucel,
    target: Target,
    strands: Strands,
    bases: Bases,
    scores: Sequence[BaseScore],
    most: int,
    stages: Stages,
) -> Faithfulness:
    """Curves of some sequences, by the scores of the fine-tuned and the pre-trained model.

    Signed scores alone: what raises the prediction is what it should fall without. The sequences
    are drawn by their letters, and an equal number of either half.
    """
    order = content_order(bases.sequences)
    order = np.random.default_rng(bases.seed).permutation(order)
    halves = [order[bases.second_half[order] == side] for side in (False, True)]
    some = np.sort(np.concatenate([halves[0][: -(-most // 2)], halves[1][: most // 2]]))
    inside = np.repeat(np.isin(np.arange(len(bases.sequences)), some), np.diff(bases.offsets))
    part = Bases(
        [bases.sequences[i] for i in some.tolist()], bases.second_half[some], bases.known[inside],
        bases.seed, bases.directed,
    )  # fmt: skip
    shown = [
        BaseScore(s.model, s.score, s.track[inside], s.heads)
        for s in scores
        if s.model in (FINE_TUNED, BEFORE) and not s.score.startswith("|")
    ]
    ask = partial(predict_sequences, model, target, strands=strands)
    return faithfulness(ask, part, shown, on_progress=stages.on_progress)
