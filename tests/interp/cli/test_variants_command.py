"""`nucel-interp variants`: files, numbers in them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from nucel_interp.cli import app
from nucel_interp.types import SKIPPED_VARIANT_COLUMNS, VARIANT_COLUMNS
from nucel_model import from_pretrained, save_pretrained
from nucel_model.heads import ClassificationHead

HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["variants", *map(str, args)])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def genome(folder: Path) -> Path:
    path = folder / "genome.fa"
    path.write_text(">chr1\n" + "ACGTTGCATT" * 40 + "\n")
    return path


def calls(folder: Path, *lines: str) -> Path:
    pytest.importorskip("pysam", reason="an extra")
    path = folder / "calls.vcf"
    path.write_text(HEAD + "".join(f"{line}\t.\t.\t.\n".replace(" ", "\t") for line in lines))
    return path


def test_variants_are_scored_or_listed_with_the_reason(
    tmp_path: Path, out: Path, tiny_folder: Path
) -> None:
    vcf = calls(tmp_path, "chr1 101 rs1 A C,<DEL>", "chr1 103 . GTT G")
    said = run(vcf, "--genome", genome(tmp_path), "-o", out, "-m", tiny_folder)
    assert "2 alleles of 2 records, all as the genome has them; 1 was skipped (1: a symb" in said
    table = pd.read_csv(out / "variants.tsv", sep="\t")
    assert list(table.columns) == VARIANT_COLUMNS
    assert table[["chrom", "pos", "ref", "alt"]].values.tolist() == [
        ["chr1", 101, "A", "C"],
        ["chr1", 103, "GTT", "G"],
    ]
    assert table["site_change"].isna().tolist() == [False, True]
    assert table["flank_change"].notna().all()
    skipped = pd.read_csv(out / "variants_skipped.tsv", sep="\t")
    assert list(skipped.columns) == SKIPPED_VARIANT_COLUMNS
    assert skipped["reason"].tolist() == ["a symbolic allele is no sequence"]


def test_a_fine_tuned_head_adds_a_column(tmp_path: Path, out: Path, tiny_folder: Path) -> None:
    model = from_pretrained(tiny_folder)
    model.discriminator_head = None
    model.classifier_head = ClassificationHead(16, ["no", "donor"])
    model.classifier_head.init_weights(0, std=1.0)
    tuned = save_pretrained(model, tmp_path / "tuned")
    vcf = calls(tmp_path, "chr1 101 rs1 A C")
    said = run(vcf, "--genome", genome(tmp_path), "-o", out, "-m", tuned)
    assert "largest change of donor" in said
    table = pd.read_csv(out / "variants.tsv", sep="\t")
    assert list(table.columns) == [*VARIANT_COLUMNS, "change_donor"]
    assert table["site_change"].isna().all()
    assert table["change_donor"].abs().min() > 0


def test_a_reference_that_is_not_the_genomes_ends_the_run(
    tmp_path: Path, out: Path, tiny_folder: Path
) -> None:
    vcf = calls(tmp_path, "chr1 101 rs1 C G")
    said = run(vcf, "--genome", genome(tmp_path), "-o", out, "-m", tiny_folder, code=1)
    assert "(chr1:101, rs1): the reference allele is C, but the genome has A there" in said
    assert not out.exists()


def test_a_genome_is_no_stream(tmp_path: Path, out: Path) -> None:
    said = run(calls(tmp_path, "chr1 101 . A C"), "--genome", "-", "-o", out, code=2)
    assert "not from standard input" in said
