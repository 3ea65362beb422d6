"""Every way of asking put to the same bases of the same sequences, and what agrees with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucel_interp.compare.agreement.correlation import Bases
from nucel_interp.compare.agreement.faithfulness import Faithfulness, faithfulness
from nucel_interp.compare.agreement.load_models import LoadedModels, load_models
from nucel_interp.compare.agreement.score_pairs import (
    BEFORE,
    FINE_TUNED,
    LETTERS,
    NO_MODEL,
    PERMUTED_LABELS,
    RANDOM_CONTROL,
    AgreementTables,
    Attention,
    BaseScore,
    agreement_tables,
    joint_mask,
    signed_and_size,
)
from nucel_interp.compare.agreement.site_claims import site_claims
from nucel_interp.compare.shared.place_sites import Span, place_sites
from nucel_interp.controls.claims import Claim, control_table
from nucel_interp.errors import InputError
from nucel_interp.io.sites import BedSite
from nucel_interp.motifs.testing import site_bases
from nucel_interp.progress import OnProgress, Stages
from nucel_interp.scoring.attribution import attribute_sequences
from nucel_interp.scoring.prediction import predict_sequences
from nucel_interp.scoring.scores import Strands, score_sequences
from nucel_interp.scoring.shuffle import shuffled as shuffle
from nucel_interp.scoring.units import Unit, split_units
from nucel_interp.sequences import Sequences
from nucel_interp.types import Record, as_records
from nucel_model import NTConfig, Nucel

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("integrated-gradients", "gradient-x-input", "mutagenesis")
"""The size of the last is the reference by which an attention head is chosen: mutagenesis asks the
model itself, and no gradient."""


@dataclass(frozen=True, eq=False)
class ModelAgreement:
    """What `measure_agreement` found.

    Attributes:
        found: The tables of agreement.
        curves: Deletion curves; None if none were asked for.
        records: Records compared, each sequence once.
        bases: Sequences that the tracks of ``found.scores`` are aligned to, laid end to end.
        sites: Name -> (bases,) bool; empty if none were given.
        controls: AUROC of attention at the sites beyond each control (`types.CONTROL_COLUMNS`);
            None if no sites were given.
        models: Name in the tables -> the model that was read.
        summary: Counts, names, choices.
        warnings: Sentences that limit the answer.
    """

    found: AgreementTables
    curves: Faithfulness | None
    records: list[Record]
    bases: Bases
    sites: dict[str, NDArray[np.bool_]]
    controls: pd.DataFrame | None
    models: dict[str, Nucel]
    summary: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Scored:
    """Every score of every base of some records.

    Attributes:
        records: Records, each sequence once.
        scores: Scores of all models, attention left out.
        attention: Every head of all models.
        added_up: (records,) bool: the attributions add up to what they explain.
    """

    records: list[Record]
    scores: list[BaseScore]
    attention: list[Attention]
    added_up: NDArray[np.bool_]


def measure_agreement(
    records: list[Record],
    model: str | Nucel,
    *,
    before: str | Nucel | None = None,
    shuffled: str | Nucel | None = None,
    sites: Sequence[BedSite] | None = None,
    target: str | None = None,
    methods: Sequence[str] | None = None,
    curves: int,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> ModelAgreement:
    """Score the same bases in every way and compare; see `api.agree_models`.

    Args:
        records: Sequences within the model's context; those that hold what the target label means.
        model: Fine-tuned.
        before: Model that ``model`` was fine-tuned from; its discriminator is compared too, if it
            has one.
        shuffled: Fine-tuned alike on permuted labels.
        sites: Known sites, by record name or genome coordinates.
        target: Label that is explained; the second of two classes if not given.
        methods: Ways of attribution, `METHODS` if not given; attention heads are chosen by the
            size of the last.
        curves: Sequences of the deletion curves, drawn by content; 0 leaves them out.
        seed: Seed of every random draw.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No record, one beyond the context, no site in a record, an unknown label.
        FolderError: A model that cannot be loaded, or has no fine-tuned head.
    """
    records = as_records(records)
    stages = Stages(on_progress)
    warnings: list[str] = []
    models = load_models(model, before, shuffled, target, seed)
    methods = _usable_methods(models.fine, methods or METHODS, warnings)
    kept = _usable(records, models.fine, warnings)
    if sites is not None:  # before the work: a misspelt chromosome is told
        _sites(sites, records, kept)
    scored = _sure(_score(models, kept, methods, seed, stages), warnings)
    sequences = Sequences(r.sequence for r in scored.records)
    half, rule = split_units(
        scored.records, [Unit(i, 0, len(s), s) for i, s in enumerate(sequences)], seed
    )
    known = joint_mask([*(s.track for s in scored.scores), *(a.received for a in scored.attention)])
    bases = Bases(sequences, half, known, seed, directed=models.strands == "forward")
    places = None if sites is None else _sites(sites, records, scored.records)
    with stages.stage("comparing scores", 1):
        tables = _tables(bases, scored, methods[-1], places, before is not None)
    claims = _claims(models, bases, scored.attention, places, stages) if places else []
    drawn = _curves(models, bases, tables.scores, curves, stages) if curves else None
    summary = {
        **models.facts(),
        "n_sequences": len(sequences),
        "n_bases": int(known.sum()),
        "methods": list(methods),
        "reference": methods[-1],
        "split_rule": rule,
        "sites": {name: int(inside.sum()) for name, inside in (places or {}).items()},
        "looked_at": [one.sentence for one in claims],
        "curve_sequences": min(curves, len(sequences)),
        "seconds": {name: round(s, 1) for name, s in stages.seconds.items()},
    }
    return ModelAgreement(
        found=tables,
        curves=drawn,
        records=scored.records,
        bases=bases,
        sites=places or {},
        controls=control_table(claims) if places else None,
        models=models.by_name,
        summary=summary,
        warnings=warnings + tables.warnings,
    )


def _usable_methods(model: Nucel, methods: Sequence[str], warnings: list[str]) -> Sequence[str]:
    """The attribution methods that work with the model's kind of tokens."""
    if isinstance(model.config, NTConfig) and tuple(methods) != ("mutagenesis",):
        warnings.append(f"{model.name} reads tokens of several bases: mutagenesis, no gradients")
        return ("mutagenesis",)
    return methods


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
    first = Sequences(r.sequence for r in records).distinct
    if not first.all():
        warnings.append(f"{(~first).sum()} records repeat a sequence, on either strand; left out")
    kept = [r for r, is_first in zip(records, first.tolist(), strict=True) if is_first]
    letters = [r for r in kept if any(c in "ACGT" for c in r.sequence)]
    if not letters:
        raise InputError("no record holds A, C, G or T")
    return letters


def _score(
    models: LoadedModels, records: list[Record], methods: Sequence[str], seed: int, stages: Stages
) -> _Scored:
    """All attention and all attributions of all models; the pre-trained one predicts nothing."""
    sequences = [r.sequence for r in records]
    scores: list[BaseScore] = []
    attention: list[Attention] = []
    added_up = np.ones(len(sequences), dtype=bool)
    for name, one in models.by_name.items():
        read, heads = _attention(name, one, sequences, models.strands, stages)
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
                    target=models.target.label,
                    strands=models.strands,
                    seed=seed,
                    on_progress=step,
                )
            added_up &= found.kept
            scores += signed_and_size(name, method, np.concatenate(found.tracks))
    letters = [[c in "GC" for c in s] for s in sequences]
    scores.append(BaseScore(NO_MODEL, LETTERS, np.concatenate(letters).astype(np.float64)))
    return _Scored(records, scores, attention, added_up)


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


def _sure(scored: _Scored, warnings: list[str]) -> _Scored:
    """Only the sequences whose attributions add up to what they explain."""
    kept = scored.added_up
    if not kept.any():
        raise InputError("the attributions of no sequence add up to what they explain")
    if kept.all():
        return scored
    warnings.append(
        f"{(~kept).sum()} of {len(kept)} sequences were left out: their attributions do not "
        "add up to what they explain"
    )
    bases = kept[Sequences(r.sequence for r in scored.records).number]
    return _Scored(
        [r for r, stays in zip(scored.records, kept.tolist(), strict=True) if stays],
        [BaseScore(s.model, s.score, s.track[bases], s.heads) for s in scored.scores],
        [Attention(a.model, a.received[:, bases], a.n_heads, a.kinds) for a in scored.attention],
        kept[kept],
    )


def _sites(
    sites: Sequence[BedSite], records: list[Record], kept: list[Record]
) -> dict[str, NDArray[np.bool_]]:
    """Name -> (bases,) which bases of the kept records lie in a site."""
    offsets = Sequences(r.sequence for r in kept).offsets
    spans = {r.name: [Span(i, 0, len(r), 0)] for i, r in enumerate(kept)}
    found = {}
    for name, placed in place_sites(sites, records, spans).sites.items():
        found[name] = site_bases(placed, offsets)
    return found


def _tables(
    bases: Bases,
    scored: _Scored,
    method: str,
    places: dict[str, NDArray[np.bool_]] | None,
    has_before: bool,
) -> AgreementTables:
    """Pairs within each family of models; heads are chosen by the size of a method's attribution.

    The pre-trained model predicts nothing: its heads are chosen by the fine-tuned one's reference.
    """
    reference = {s.model: s.track for s in scored.scores if s.score == f"|{method}|"}
    if has_before:
        reference[BEFORE] = reference[FINE_TUNED]
    families = [(FINE_TUNED, BEFORE, NO_MODEL), (RANDOM_CONTROL,), (PERMUTED_LABELS,)]
    return agreement_tables(bases, scored.scores, scored.attention, reference, families, places)


def _claims(
    models: LoadedModels,
    bases: Bases,
    attention: Sequence[Attention],
    places: dict[str, NDArray[np.bool_]],
    stages: Stages,
) -> list[Claim]:
    """What may be said of attention at the sites, before and after fine-tuning."""
    copies = [shuffle(s, seed=bases.seed) for s in bases.sequences]
    in_copies = {
        name: _attention(f"{name} (shuffled copies)", one, copies, models.strands, stages)[
            1
        ].received
        for name, one in models.by_name.items()
        if name in (FINE_TUNED, BEFORE)
    }
    return site_claims(bases, attention, in_copies, places)


def _curves(
    models: LoadedModels, bases: Bases, scores: Sequence[BaseScore], most: int, stages: Stages
) -> Faithfulness:
    """Deletion curves of some sequences, by scores of the fine-tuned and the pre-trained model.

    Signed scores alone: what raises the prediction is what it should fall without. The sequences
    are drawn by their letters, and an equal number of either half.
    """
    order = np.random.default_rng(bases.seed).permutation(bases.sequences.order)
    halves = [order[bases.second_half[order] == side] for side in (False, True)]
    some = np.sort(np.concatenate([halves[0][: -(-most // 2)], halves[1][: most // 2]]))
    inside = np.isin(bases.sequences.number, some)
    part = Bases(
        bases.sequences.take(some), bases.second_half[some], bases.known[inside],
        bases.seed, bases.directed,
    )  # fmt: skip
    shown = [
        BaseScore(s.model, s.score, s.track[inside], s.heads)
        for s in scores
        if s.model in (FINE_TUNED, BEFORE) and not s.score.startswith("|")
    ]
    ask = partial(predict_sequences, models.fine, models.target, strands=models.strands)
    return faithfulness(ask, part, shown, on_progress=stages.on_progress)
