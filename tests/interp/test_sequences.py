"""Every public function that takes sequences: case does not count, and one string is refused.

A function that is new, or takes sequences since lately, fails `test_all_are_here` until it has an
entry in one of the tables below.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import nucel_interp
import nucel_interp as ni
import nucel_model
from nucel_interp import kmers, match, scoring, seqlets
from nucel_interp.baselines import dnabert
from nucel_interp.baselines.cls_row import cls_row_scores
from nucel_interp.compare.agreement.measure_agreement import measure_agreement
from nucel_interp.compare.models.measure_models import measure_models
from nucel_interp.errors import InputError
from nucel_interp.io.sequences import records_of
from nucel_interp.io.tracks import read_tracks
from nucel_interp.kmers.counting import base_codes
from nucel_interp.motifs import scan
from nucel_interp.scoring.attribution import METHODS, attribute_sequences
from nucel_interp.scoring.distance import distance_profile, sample_pieces
from nucel_interp.scoring.long_sequences import LongSequence, Stretch, is_flipped, score_stretches
from nucel_interp.scoring.mutagenesis import mutagenesis
from nucel_interp.scoring.prediction import predict_sequences, predict_targets
from nucel_interp.scoring.substitution_tables import (
    own_base_best,
    own_contribution,
    shuffled_copies,
)
from nucel_interp.scoring.target import find_target
from nucel_interp.scoring.tiling import lay_out, n_tokens
from nucel_interp.scoring.tokens import token_of_base
from nucel_interp.sequences import Sequences
from nucel_interp.types import (
    BASES,
    Motif,
    Record,
    as_records,
    canonical,
    reverse_complement,
)
from nucel_model import NTConfig, Nucel, NucleotideTransformer, nt_tokenizer, tokenizer
from nucel_model.sequences import as_sequence, as_sequences
from tests.toy import dna, tuned

UPPER = [dna(61, seed=1), dna(60, seed=2)[:30] + "N" + dna(29, seed=3), dna(90, seed=4)]
LOWER = [s.lower() for s in UPPER]
MIXED = [s[:20] + s[20:50].lower() + s[50:] for s in UPPER]
OTHER = [("ACNNT" * 20)[:61], "A" * 60, dna(90, seed=9)]
SHORT = slice(0, 2)
"""Those within the small model's context."""

WORD = UPPER[0][10:20]
MOTIF = Motif("m", np.array([[0.94 if base == letter else 0.02 for letter in WORD]
                             for base in BASES]))  # fmt: skip


def begun(texts: Any) -> Any:
    """Their first bases, where every base costs passes; a string stays one."""
    return texts if isinstance(texts, str) else [s[16:30] for s in texts]


def part(given: Any) -> Any:
    """The first two of sequences in any form; a string stays one."""
    if isinstance(given, dict):
        return dict(list(given.items())[:2])
    return given if isinstance(given, str) else given[:2]


def turned(texts: Any, of: int = 0) -> Any:
    """Sixty of one length, each with `WORD` but those that are cut in it; a string stays one."""
    if isinstance(texts, str):
        return texts
    one = texts[of][:60]
    return [one[i:] + one[:i] for i in range(60)]


@pytest.fixture(scope="module")
def model() -> Nucel:
    return tuned(head=True, pooling="cls")


@pytest.fixture(scope="module")
def six() -> NucleotideTransformer:
    torch.manual_seed(0)
    config = NTConfig(
        version="v2", hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=80,
    )  # fmt: skip
    return NucleotideTransformer(config).eval()


def calls() -> seqlets.Calls:
    return seqlets.Calls(
        np.array([0, 1]), np.array([5, 8]), np.array([20, 25]), np.array([2.0, 1.0])
    )


def offsets(texts: list[str]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(s) for s in texts])]).astype(np.int64)


def track(texts: list[str]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=sum(map(len, texts)))


def halves(n: int) -> np.ndarray:
    return np.arange(n) % 2 == 1


def fold() -> kmers.Half:
    units = turned(UPPER)
    everywhere = np.ones(sum(map(len, units)), dtype=bool)
    return kmers.Half(everywhere, [everywhere], track(units), halves(len(units)))


# what each gives of a list of sequences; the second argument is the models
OF_LISTS: dict[str, Callable[[list[str], Any, Any], Any]] = {
    "nucel_model.Nucel.tokens": lambda s, m, six: m.tokens(s),
    "nucel_model.Nucel.profile_sequences": lambda s, m, six: m.profile_sequences(s[SHORT]),
    "nucel_model.NucelEncoder.tokens": lambda s, m, six: m.encoder.tokens(s),
    "nucel_model.NucelEncoder.profile_sequences": lambda s, m, six: m.encoder.profile_sequences(
        s[SHORT], "mass"
    ),
    "nucel_model.NucleotideTransformer.tokens": lambda s, m, six: six.tokens(s),
    "nucel_model.NucleotideTransformer.profile_sequences": lambda s, m, six: six.profile_sequences(
        s
    ),
    "nucel_interp.scoring.score_sequences": lambda s, m, six: scoring.score_sequences(m, s),
    "nucel_interp.scoring.substitution_map": lambda s, m, six: scoring.substitution_map(
        m, begun(s)
    ),
    "nucel_interp.scoring.dependency_map": lambda s, m, six: scoring.dependency_map(m, begun(s)),
    "nucel_interp.scoring.attribution.attribute_sequences": lambda s, m, six: [
        attribute_sequences(m, begun(s)[:1], method=method, steps=32) for method in METHODS
    ],
    "nucel_interp.baselines.cls_row.cls_row_scores": lambda s, m, six: cls_row_scores(m, s),
    "nucel_interp.scoring.distance.distance_profile": lambda s, m, six: distance_profile(m, s),
    "nucel_interp.scoring.distance.sample_pieces": lambda s, m, six: sample_pieces(s, 20, 6, 0),
    "nucel_interp.scoring.mutagenesis.mutagenesis": lambda s, m, six: mutagenesis(m, begun(s)),
    "nucel_interp.scoring.tiling.lay_out": lambda s, m, six: lay_out(s, [False] * len(s), 60, 6),
    "nucel_interp.scoring.prediction.predict_sequences": lambda s, m, six: predict_sequences(
        m, find_target(m), s[SHORT]
    ),
    "nucel_interp.scoring.prediction.predict_targets": lambda s, m, six: predict_targets(
        m, [find_target(m)], s[SHORT]
    ),
    "nucel_interp.baselines.dnabert.dnabert_motifs": lambda s, m, six: dnabert.dnabert_motifs(
        s, np.split(track(UPPER), offsets(UPPER)[1:-1]), s, min_instances=1, cutoff=1.1, window=8
    ),
    "nucel_interp.baselines.dnabert.count_strings": lambda s, m, six: dnabert.count_strings(
        s, [WORD.lower()]
    ),
    "nucel_interp.motifs.scan.strand_background": lambda s, m, six: scan.strand_background(s),
    "nucel_interp.scan": lambda s, m, six: scan.scan(MOTIF, s, 0.1),
    "nucel_interp.motifs.scan.Scanner": lambda s, m, six: scan.Scanner(s).scan(MOTIF, 0.1),
    "nucel_interp.kmers.counting.base_codes": lambda s, m, six: base_codes(s),
    "nucel_interp.kmers.KmerIndex": lambda s, m, six: kmers.KmerIndex(s, 4, 3).code,
    "nucel_interp.kmers.kmer_table": lambda s, m, six: kmers.kmer_table(
        turned(s), [turned(UPPER, 2)], [fold()], 7
    ),
    "nucel_interp.seqlets.low_complexity": lambda s, m, six: seqlets.low_complexity(
        calls(), s, offsets(UPPER)
    ),
    "nucel_interp.sequences.Sequences": lambda s, m, six: list(Sequences(s)),
    "nucel_interp.scoring.substitution_tables.own_base_best": lambda s, m, six: own_base_best(
        s, [np.random.default_rng(0).normal(size=(len(x), 4)) for x in UPPER]
    ),
    "nucel_interp.scoring.substitution_tables.shuffled_copies": lambda s, m, six: shuffled_copies(
        s, 0
    ),
    "nucel_model.sequences.as_sequences": lambda s, m, six: as_sequences(s),
}
OF_ONE: dict[str, Callable[[str, Any, Any], Any]] = {
    "nucel_model.NucleotideTransformer.base_probabilities": lambda s, m, six: (
        six.base_probabilities(s)
    ),
    "nucel_model.tokenizer.encode": lambda s, m, six: tokenizer.encode(s),
    "nucel_model.nt_tokenizer.tokenize": lambda s, m, six: nt_tokenizer.tokenize(s, "v1"),
    "nucel_model.sequences.as_sequence": lambda s, m, six: as_sequence(s),
    "nucel_interp.shuffled": lambda s, m, six: [
        scoring.shuffled(s, k=k, copy=copy) for k in (2, 3) for copy in (0, 1)
    ],
    "nucel_interp.scoring.draw": lambda s, m, six: scoring.draw(0, s, "x").random(),
    "nucel_interp.scoring.Unit": lambda s, m, six: scoring.Unit(0, 0, len(s), s),
    "nucel_interp.scoring.tiling.n_tokens": lambda s, m, six: n_tokens(s, 6),
    "nucel_interp.scoring.tokens.token_of_base": lambda s, m, six: [
        token_of_base(x, s) for x in (m, Nucel(six))
    ],
    "nucel_interp.scoring.long_sequences.score_stretches": lambda s, m, six: score_stretches(
        m, [Stretch(LongSequence(len(s), lambda a, b: s[a:b], False), 3, len(s))]
    ),
    "nucel_interp.scoring.long_sequences.is_flipped": lambda s, m, six: is_flipped(
        lambda a, b: s[a:b], len(s)
    ),
    "nucel_interp.scoring.substitution_tables.own_contribution": lambda s, m, six: own_contribution(
        s, np.random.default_rng(0).normal(size=(len(s), 4))
    ),
    "nucel_interp.reverse_complement": lambda s, m, six: reverse_complement(s),
    "nucel_interp.types.canonical": lambda s, m, six: canonical(s),
    "nucel_interp.Record": lambda s, m, six: Record("r", s).sequence,
}
# of records: those in either case are the same records, so that a string is all there is to refuse
OF_RECORDS: dict[str, Callable[[Any, Any], Any]] = {
    "nucel_interp.read_tracks": lambda r, m: read_tracks("no file", r),
    "nucel_interp.types.as_records": lambda r, m: as_records(r),
    "nucel_interp.scoring.cut_units": lambda r, m: scoring.cut_units(r, 30),
    "nucel_interp.scoring.shuffle_records": lambda r, m: scoring.shuffle_records(
        r, [], k=2, seed=0, copy=0
    ),
    "nucel_interp.scoring.split_units": lambda r, m: scoring.split_units(r, [], 0),
    "nucel_interp.seqlets.masked_bases": lambda r, m: seqlets.masked_bases(r),
    "nucel_interp.compare.agreement.measure_agreement.measure_agreement": lambda r, m: (
        measure_agreement(r, m, curves=0)
    ),
    "nucel_interp.compare.models.measure_models.measure_models": lambda r, m: measure_models(
        r, ["nucel-mini"]
    ),
}
# of sequences in any form, as users give them; the second argument is a model
OF_ANY: dict[str, Callable[[Any, Any], Any]] = {
    "nucel_interp.find_motifs": lambda s, m: ni.find_motifs(s, m).untested,
    "nucel_interp.find_seqlets": lambda s, m: ni.find_seqlets(s, m).seqlets,
    "nucel_interp.find_kmers": lambda s, m: ni.find_kmers(s, m).kmers,
    "nucel_interp.calibrate": lambda s, m: ni.calibrate(s, m, runs=1).runs,
    "nucel_interp.agree_models": lambda s, m: ni.agree_models(s, m, curves=0).pairs,
    "nucel_interp.compare_models": lambda s, m: ni.compare_models(s, m, motifs=[MOTIF]).snr,
    "nucel_interp.head_motifs": lambda s, m: ni.head_motifs(s, [MOTIF], m).head_motifs,
    "nucel_interp.attention": lambda s, m: list(ni.attention(s, m).mean.values()),
    "nucel_interp.attention_map": lambda s, m: ni.attention_map(part(s), ["1:0"], m).maps,
    "nucel_interp.discriminator": lambda s, m: list(ni.discriminator(s, m).tracks.values()),
    "nucel_interp.attribute": lambda s, m: (
        ni.attribute(part(s), m, method="gradient-x-input").attribution
    ),
    "nucel_interp.predict": lambda s, m: ni.predict(s, m).predictions,
    "nucel_interp.substitution": lambda s, m: ni.substitution(part(s), m).substitution,
}
INNER = {
    "nucel_interp.scoring.value_norm.value_norm": "of texts as score_sequences reads them",
    "nucel_interp.scoring.relevance.relevance": "of texts as score_sequences reads them",
    "nucel_interp.scoring.influence.influence": "of texts as score_sequences reads them",
    "nucel_interp.scoring.substitution_tables.substitution_table": "of records as scored",
    "nucel_interp.scoring.substitution_tables.dependency_table": "of records as scored",
    "nucel_interp.AgreementResult": "what agree_models gives",
    "nucel_interp.MotifResult": "what find_motifs gives",
    "nucel_interp.AttentionMapResult": "what attention_map gives",
    "nucel_interp.AttributionResult": "what attribute gives",
    "nucel_interp.SubstitutionResult": "what substitution gives",
    "nucel_interp.scoring.mutagenesis.check_lengths": "asks for lengths alone",
    "nucel_interp.scoring.long_sequences.cut_stretches": "of LongSequences",
    "nucel_interp.controls.composition.composition": "asked of many sites of sequences as checked",
    "nucel_interp.motifs.seqlet_windows.Regions": "made of units",
    "nucel_interp.motifs.testing.Layout": "made of units",
    "nucel_model.tokenizer.batch": "of token ids",
    "nucel_model.nt_tokenizer.batch": "of tokens",
}
NAMES = {"sequences", "sequence", "records", "texts", "text"}
PACKAGES = (nucel_model, nucel_interp, scoring, kmers, seqlets, match)
"""Whose ``__all__`` is looked at."""
WHOLE = ("nucel_interp.scoring", "nucel_interp.motifs", "nucel_interp.controls")
"""Whose modules are looked at, too."""


def public() -> Iterator[tuple[str, Any]]:
    """All public functions, classes and methods, under the name that the tables have."""
    found: dict[str, Any] = {}
    for package in PACKAGES:
        for name in package.__all__:
            found[f"{package.__name__}.{name}"] = getattr(package, name)
    for package_name in WHOLE:
        package = importlib.import_module(package_name)
        for module in pkgutil.iter_modules(package.__path__, f"{package_name}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                if not name.startswith("_") and getattr(value, "__module__", "") == module.name:
                    found[f"{module.name}.{name}"] = value
    seen: set[int] = set()
    for name, value in found.items():
        if id(value) in seen or not callable(value):
            continue
        seen.add(id(value))
        yield name, value
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function


def takes_sequences(value: Any) -> bool:
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        p.name in NAMES and ("str" in str(p.annotation) or "Record" in str(p.annotation))
        for p in parameters
    )


def test_all_are_here():
    wanted = {name for name, value in public() if takes_sequences(value)}
    tables = OF_LISTS.keys() | OF_ONE.keys() | OF_RECORDS.keys() | OF_ANY.keys() | INNER.keys()
    assert not wanted - tables, "public functions of sequences without an entry above"
    assert len(wanted) > 35


def parts(value: Any) -> Iterator[Any]:
    """What a result holds, down to arrays, texts and numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from parts(list(value.keys()))
        yield from parts(list(value.values()))
    elif isinstance(value, list | tuple):
        yield len(value)
        for item in value:
            yield from parts(item)
    elif isinstance(value, pd.DataFrame):
        yield value.to_csv()
    elif isinstance(value, torch.Tensor):
        yield value.detach().numpy().tobytes()
    elif isinstance(value, np.ndarray):
        yield value.tobytes()
    elif isinstance(value, float):
        yield np.float64(value).tobytes()
    else:
        yield value


def same(one: Any, other: Any) -> bool:
    return list(parts(one)) == list(parts(other))


@pytest.mark.parametrize("name", OF_LISTS)
def test_case_does_not_count_in_a_list(name, model, six):
    call = OF_LISTS[name]
    wanted = call(UPPER, model, six)
    assert same(call(LOWER, model, six), wanted)
    assert same(call(MIXED, model, six), wanted)
    assert not same(call(OTHER, model, six), wanted), "the letters must count"


@pytest.mark.parametrize("name", OF_ONE)
def test_case_does_not_count_in_a_sequence(name, model, six):
    call = OF_ONE[name]
    for upper, lower, mixed in zip(UPPER[SHORT], LOWER, MIXED, strict=False):
        wanted = call(upper, model, six)
        assert same(call(lower, model, six), wanted)
        assert same(call(mixed, model, six), wanted)


@pytest.mark.parametrize("name", OF_LISTS)
def test_one_string_is_refused(name, model, six):
    with pytest.raises(
        TypeError, match=r"is one string, where a list is wanted: give \[sequence\]"
    ):
        OF_LISTS[name](Whole(UPPER[0]), model, six)


class Whole(str):
    """A string, of which a slice is the string: for entries that give their function a part."""

    def __getitem__(self, key: Any) -> str:
        return self if isinstance(key, slice) else str.__getitem__(self, key)


@pytest.mark.parametrize("name", OF_RECORDS)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ACGTACGT", "is one string"),
        (["ACGTACGT"], r"type str: give what read_records\(path\)"),
        ({"r": Record("r", "ACGT")}, "is a mapping"),
        (5, "of type int"),
    ],
)
def test_what_is_no_record_is_refused(name, given, words, model):
    with pytest.raises(TypeError, match=words):
        OF_RECORDS[name](given, model)


@pytest.mark.parametrize("name", OF_ANY)
def test_case_does_not_count_in_sequences_of_any_form(name, model):
    texts = turned(UPPER)
    named = {f"sequence_{i}": text for i, text in enumerate(texts, start=1)}
    wanted = OF_ANY[name](texts, model)
    assert same(OF_ANY[name]([s.lower() for s in texts], model), wanted)
    assert same(OF_ANY[name](named, model), wanted)
    assert same(OF_ANY[name](records_of(named), model), wanted)
    with pytest.raises(InputError, match=r"put them into a list: \[sequence\]"):
        OF_ANY[name](UPPER[0], model)


def test_a_record_keeps_where_its_case_changed():
    assert Record("r", "ACgtNNac") == Record("r", "ACGTNNAC", masked=((2, 4), (6, 8)))
    assert Record("r", "acgtNNac").masked is None, "an N in upper case says nothing"
    assert Record("r", "acgt").masked is None
    assert Record("r", "ACGT").masked is None
    assert Record("r", "ACgt", masked=()).masked == ()


@pytest.mark.parametrize("make", [lambda s: Record("r", s), lambda s: as_sequences(["A", s])])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ACGU", "has 'U' at position 4, which is not a DNA letter: write T for U"),
        ("acgtacgtu", "'U' at position 9"),
        ("MEEPQ", "has 'E' at position 2.*write N"),
        ("AC-GT", "'-' at position 3"),
        ("ACé", "'é' at position 3"),
    ],
)
def test_letters_of_no_nucleotide_are_refused_with_their_place(make, text, words):
    with pytest.raises(ValueError, match=words):
        make(text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a": "ACGT"}, r"is a mapping: give its sequences, list\(mapping.values\(\)\)"),
        (["ACGT", 5], r"sequences\[1\] is of type int, where a string is wanted"),
        ([b"ACGT"], r"sequences\[0\] is of type bytes"),
        (b"ACGT", "is one string"),
        (None, "is of type NoneType"),
        ([Record("r", "ACGT")], "is of type Record"),
    ],
)
def test_what_is_no_list_of_strings_is_named(given, words):
    with pytest.raises(TypeError, match=words):
        as_sequences(given)


def test_iupac_codes_stay_and_count_as_n(model):
    codes = "RYSWKMBDHVN"
    assert as_sequences([BASES + codes.lower()]) == [BASES + codes]
    found = scoring.score_sequences(model, [f"ACGTACGT{codes}ACGT"])
    known = scoring.score_sequences(model, ["ACGTACGT" + "N" * len(codes) + "ACGT"])
    assert same(found, known)
    assert np.isnan(found.received[:, 8 : 8 + len(codes)]).all()


def test_seqlets_of_a_track_do_not_depend_on_case():
    rng = np.random.default_rng(0)
    records, values = [], []
    for i in range(60):
        text = dna(100, seed=100 + i)
        at = int(rng.integers(80))
        text = text[:at] + "TGACTCATGAC" + text[at + 11 :]
        track = rng.normal(size=100)
        track[at : at + 11] += 4
        records.append((f"r{i}", text))
        values.append(track)
    upper, lower = (
        ni.find_seqlets([Record(n, fold(s)) for n, s in records], track=values)
        for fold in (str.upper, str.lower)
    )
    assert len(upper.seqlets) > 30
    assert same(upper.seqlets, lower.seqlets)
