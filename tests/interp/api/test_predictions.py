"""`attribute`, `predict`, `substitution` and `score_variants`, as users call them."""

from __future__ import annotations

import html
from pathlib import Path

import numpy as np
import pytest

import nucel_interp as ni
from nucel_model import ClassificationHead, save_pretrained
from nucel_model.files import FolderError
from tests.interp.api.same_files import assert_same
from tests.toy import dna, tiny

SEQUENCES = {"one": dna(40, 1), "two": dna(30, 2)[:20] + "NN" + dna(30, 3)[:8]}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny()
    model.classifier_head = ClassificationHead(16, ["no", "yes"], pooling="mean")
    model.classifier_head.init_weights(1, std=1.0)
    return save_pretrained(model, tmp_path_factory.mktemp("tuned"))


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "in.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in SEQUENCES.items()))
    return path


@pytest.mark.parametrize("method", ["integrated-gradients", "mutagenesis"])
def test_attribute_writes_what_save_writes(tmp_path, monkeypatch, tuned, fasta, method):
    call = ["attribute", str(fasta), "-m", str(tuned), "--method", method, "--target", "no"]
    files = assert_same(
        monkeypatch,
        call,
        tmp_path,
        lambda to: ni.attribute(fasta, tuned, method=method, target="no").save(to),
    )
    assert {"attribution.tsv", "tracks/attribution.npz", "summary.json"} <= files.keys()


def test_contributions_are_had_by_name_and_add_up(tuned):
    result = ni.attribute(SEQUENCES, tuned)
    assert list(result.tracks) == ["one", "two"]
    row = result.attribution.iloc[0]
    added = np.nansum(result.tracks["one"])
    assert added == pytest.approx(row["prediction"] - row["baseline"] + row["delta"], abs=1e-5)
    page = result._repr_html_()
    assert html.escape(result.answer) in page
    assert "<svg" in page


def test_predictions_are_the_numbers_that_attribute_explains(tuned, tmp_path):
    result = ni.predict(list(SEQUENCES.values()), tuned)
    assert list(result.predictions) == ["record", "length", "no", "yes"]
    explained = ni.attribute(SEQUENCES, tuned).attribution["prediction"]
    np.testing.assert_allclose(result.predictions["yes"], explained, rtol=1e-6)
    np.testing.assert_allclose(result.predictions["no"], -result.predictions["yes"], rtol=1e-6)
    result.save(tmp_path / "out")
    assert (tmp_path / "out" / "predictions.tsv").read_text().count("\n") == 3
    with pytest.raises(FolderError, match="no fine-tuned head"):
        ni.predict(SEQUENCES, tiny())


@pytest.mark.parametrize("dependency", [False, True])
def test_substitution_writes_what_save_writes(
    tmp_path, monkeypatch, tiny_folder, fasta, dependency
):
    call = ["substitution", str(fasta), "-m", str(tiny_folder), "--export", "modisco"]
    files = assert_same(
        monkeypatch,
        [*call, *(["--dependency"] if dependency else [])],
        tmp_path,
        lambda to: ni.substitution(fasta, tiny_folder, dependency=dependency).save(
            to, export="modisco"
        ),
    )
    assert {"substitution.tsv", "substitution.npz", "tracks/range.bedGraph"} <= files.keys()
    assert ("dependency.npz" in files) is dependency
    assert any(name.startswith("modisco/") for name in files)


def test_maps_are_had_by_name(tiny_folder):
    result = ni.substitution(SEQUENCES, tiny_folder, dependency=True)
    assert {name: found.shape for name, found in result.maps.items()} == {
        "one": (40, 4),
        "two": (30, 4),
    }
    assert np.isnan(result.maps["two"][20:22]).all()
    assert result.contributions["one"].shape == (40,)
    assert result.dependencies is not None
    assert result.dependencies.maps["one"].shape == (40, 40)
    assert result._repr_html_().count("<svg") == 2
    with pytest.raises(ni.InputError, match="give 'modisco'"):
        result.save("nowhere", export="homer")


def test_variants_writes_what_save_writes(tmp_path, monkeypatch, tuned):
    pytest.importorskip("pysam", reason="an extra")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    genome, vcf = tmp_path / "genome.fa", tmp_path / "calls.vcf"
    genome.write_text(">chr1\n" + "ACGTTGCATT" * 40 + "\n")
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    vcf.write_text(head + "chr1\t101\trs1\tA\tC\t.\t.\t.\n")
    call = ["variants", str(vcf), "--genome", str(genome), "-m", str(tuned)]
    files = assert_same(
        monkeypatch, call, tmp_path, lambda to: ni.score_variants(vcf, genome, tuned).save(to)
    )
    assert {"variants.tsv", "variants_skipped.tsv", "summary.json"} <= files.keys()
    result = ni.score_variants(str(vcf), [genome], tuned)
    assert result.variants["change_yes"].abs().min() > 0
    assert "largest change of yes" in repr(result)
