"""Options that public functions share are never taken for something else in silence."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nucel_interp as ni
from nucel_model import Nucel, save_pretrained
from tests.toy import dna, tuned

SEQUENCES = [dna(40, 1), dna(40, 2)]
CALLS: dict[str, Callable[..., Any]] = {
    "attention": lambda m, **given: ni.attention(SEQUENCES, m, **given),
    "attribute": lambda m, **given: ni.attribute(SEQUENCES, m, **given),
    "calibrate": lambda m, **given: ni.calibrate(SEQUENCES, m, runs=1, **given),
    "discriminator": lambda m, **given: ni.discriminator(SEQUENCES, m, **given),
    "find_kmers": lambda m, **given: ni.find_kmers(SEQUENCES, m, **given),
    "find_motifs": lambda m, **given: ni.find_motifs(SEQUENCES, m, **given),
    "find_seqlets": lambda m, **given: ni.find_seqlets(SEQUENCES, m, **given),
    "genome_tracks": lambda m, **given: ni.genome_tracks("genome.fa", "out", m, **given),
    "head_motifs": lambda m, **given: ni.head_motifs(
        SEQUENCES, ni.load_jaspar().motifs, m, **given
    ),
    "predict": lambda m, **given: ni.predict(SEQUENCES, m, **given),
    "score_variants": lambda m, **given: ni.score_variants("calls.vcf", "genome.fa", m, **given),
    "substitution": lambda m, **given: ni.substitution(SEQUENCES, m, **given),
}
EXTRA = {"genome_tracks": "pybigtools", "score_variants": "pysam"}
WITHOUT_STRAND = {"agree_models", "attention_map", "compare_models"}


def having(option: str) -> set[str]:
    """Public functions with such an argument."""
    functions = {name: getattr(ni, name) for name in ni.__all__}
    return {
        name
        for name, value in functions.items()
        if inspect.isfunction(value) and option in inspect.signature(value).parameters
    }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Nucel:
    folder = save_pretrained(tuned(head=True), tmp_path_factory.mktemp("models") / "tuned")
    return ni.from_pretrained(folder)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A genome and a variant in the folder where the test runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("genome.fa").write_text(">chr1\n" + "ACGTTGCATT" * 20 + "\n")
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    Path("calls.vcf").write_text(head + "chr1\t101\t.\tA\tC\t.\t.\t.\n")


def test_every_function_is_here():
    assert having("strand") == CALLS.keys()
    assert having("context") == CALLS.keys() | WITHOUT_STRAND | {"from_pretrained"}


def call(name: str, model: Nucel, **given: Any) -> Any:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name], reason="an extra")
    return CALLS[name](model, **given)


@pytest.mark.parametrize("name", CALLS)
def test_a_misspelt_strand_is_refused_before_anything_is_read(name):
    function = getattr(ni, name)
    needed = [
        argument
        for argument, what in inspect.signature(function).parameters.items()
        if what.default is inspect.Parameter.empty
    ]
    with pytest.raises(ni.InputError, match="strand is 'both' or 'forward', not 'reverse'"):
        function(**dict.fromkeys(needed, "nothing"), strand="reverse")


@pytest.mark.parametrize("name", ["calibrate", "find_kmers", "find_motifs", "find_seqlets"])
def test_a_misspelt_strand_is_refused_where_no_model_is_read(name):
    with pytest.raises(ni.InputError, match="not 'reverse'"):
        getattr(ni, name)(SEQUENCES, track=[np.zeros(40)] * 2, strand="reverse")


def test_a_misspelt_strand_is_refused_of_a_map_of_pairs(model):
    with pytest.raises(ni.InputError, match="not 'reverse'"):
        ni.substitution(SEQUENCES, model, dependency=True, strand="reverse")


@pytest.mark.parametrize("name", CALLS)
def test_another_context_than_a_loaded_models_is_refused(name, model):
    with pytest.raises(ni.InputError, match=r"reads 64 bp at once: for another context"):
        call(name, model, context=32)


def test_a_loaded_models_own_context_may_be_given(model):
    given = ni.predict(SEQUENCES, model, context=64).predictions
    assert given.equals(ni.predict(SEQUENCES, model).predictions)


def test_too_few_steps_and_no_genome_are_refused(model):
    with pytest.raises(ni.InputError, match="steps is 31; give 32 points"):
        ni.attribute(SEQUENCES, model, steps=31)
    pytest.importorskip("pysam", reason="an extra")
    with pytest.raises(ni.InputError, match="no genome was given"):
        ni.score_variants("calls.vcf", [], model)
