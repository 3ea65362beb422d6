"""VCF in: what is scored, skipped and refused, and what is said of it."""

from __future__ import annotations

import bz2
import gzip
import io
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from nucel_genome import Genome
from nucel_interp.errors import InputError
from nucel_interp.io.vcf import read_variants, require_vcf
from nucel_interp.types import Variant
from nucel_model import tokenizer
from tests.interp.pipes import piped

pytest.importorskip("pysam", reason="an extra")

CHR1 = "ACGTTGCATTNACGGATCCA"
HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def genome() -> Genome:
    return Genome.from_arrays({"chr1": tokenizer.encode(CHR1)})


def line(pos: object, ref: str, alt: str, name: str = ".", chromosome: str = "chr1") -> str:
    return f"{chromosome}\t{pos}\t{name}\t{ref}\t{alt}\t.\tq10\t.\n"


def write(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "calls.vcf"
    path.write_text(head + "".join(lines))
    return path


def test_positions_count_from_one_in_the_file_and_from_zero_here(
    tmp_path: Path, genome: Genome
) -> None:
    path = write(tmp_path, line(1, "A", "C", "rs1"), line(20, "A", "AT"), line(2, "cgt", "c"))
    found = read_variants(path, genome, longest=10)
    assert found.scored == [
        Variant("chr1", 0, "A", "C", "rs1"),
        Variant("chr1", 19, "A", "AT"),
        Variant("chr1", 1, "CGT", "C"),
    ]
    assert (found.skipped, found.records) == ([], 3)


def test_every_alternative_is_a_variant_and_what_is_no_sequence_is_skipped_with_a_reason(
    tmp_path: Path, genome: Genome
) -> None:
    path = write(
        tmp_path,
        line(3, "G", "A,<DEL>,*,T"),
        line(4, "T", "."),
        line(5, "T", "T]chr1:9]"),
        line(6, "G", "N"),
        line(7, "C", "C"),
        line(8, "A", "ACGTACGTACG"),
        line(0, "N", "T"),
        line(10, "TNA", "T"),
    )
    found = read_variants(path, genome, longest=10)
    assert [v.alt for v in found.scored] == ["A", "T"]
    reasons = [(v.start, v.alt, reason.partition(",")[0]) for v, reason in found.skipped]
    assert reasons == [
        (2, "<DEL>", "a symbolic allele is no sequence"),
        (2, "*", "* stands for a deletion that another record gives"),
        (3, ".", "no alternative allele"),
        (4, "T]chr1:9]", "a breakend is no sequence"),
        (5, "N", "the alternative allele has other letters than A"),
        (6, "C", "the alternative is the reference"),
        (7, "ACGTACGTACG", "an allele is longer than 10 bases"),
        (-1, "", "position 0 lies before the first base"),
        (9, "T", "the reference allele has other letters than A"),
    ]


@pytest.mark.parametrize("packed", ["gzip", "bgzip"])
def test_packed_files_are_read_too(tmp_path: Path, genome: Genome, packed: str) -> None:
    import pysam

    plain = write(tmp_path, line(1, "A", "C"))
    path = tmp_path / "calls.vcf.gz"
    if packed == "gzip":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        pysam.tabix_compress(str(plain), str(path))
    assert len(read_variants(path, genome, longest=10).scored) == 1
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(InputError, match="cut short or damaged"):
        read_variants(path, genome, longest=10)


def complaint(folder: Path, genome: Genome, *lines: str) -> str:
    with pytest.raises(InputError) as caught:
        read_variants(write(folder, *lines), genome, longest=10)
    return str(caught.value)


def test_a_reference_allele_that_is_not_the_genomes_is_named_with_what_the_genome_has(
    tmp_path: Path, genome: Genome
) -> None:
    good = [line(i + 1, base, "C" if base != "C" else "A") for i, base in enumerate(CHR1[:8])]
    said = complaint(tmp_path, genome, *good, line(9, "C", "G", "rs9"))
    assert "record 9 (chr1:9, rs9): the reference allele is C, but the genome has T" in said
    assert "the other 8 records agree. Is that record damaged" in said


def test_the_likely_cause_of_a_mismatch_is_said(tmp_path: Path, genome: Genome) -> None:
    places = (2, 4, 6, 7, 12, 16)
    swapped = [line(p, {"A": "C"}.get(CHR1[p - 1], "A"), CHR1[p - 1]) for p in places]
    assert "REF and ALT seem to be swapped" in complaint(tmp_path, genome, *swapped)
    complement = dict(zip("ACGT", "TGCA", strict=True))
    turned = [
        line(p, complement[CHR1[p - 1]], "G" if CHR1[p - 1] in "AT" else "A")
        for p in (1, 2, 3, 4, 6, 7)
    ]
    turned = [text for text in turned if text.split("\t")[4] != CHR1[int(text.split("\t")[1]) - 1]]
    assert "the other strand" in complaint(tmp_path, genome, *turned)
    from_zero = [
        line(p, CHR1[p : p + 3], "G" if CHR1[p] != "G" else "T") for p in (1, 2, 3, 4, 5, 6, 12)
    ]
    assert "1 base to the right: VCF counts from 1" in complaint(tmp_path, genome, *from_zero)
    other = [line(1, "TTT", "G"), line(2, "AAA", "T"), line(5, "CCC", "A"), line(13, "TTA", "G")]
    said = complaint(tmp_path, genome, *other)
    assert "so are 3 more of 4 records. Is the file of another assembly" in said


def test_lines_of_sequences_the_genome_lacks_are_skipped_and_none_left_is_refused(
    tmp_path: Path, genome: Genome
) -> None:
    path = write(tmp_path, line(5, "A", "C,G", chromosome="chrM"), line(1, "A", "C"))
    found = read_variants(path, genome, longest=10)
    assert [v.chromosome for v in found.scored] == ["chr1"]
    assert [(v.alt, reason.partition(";")[0]) for v, reason in found.skipped] == [
        ("C", "the genome has no sequence chrM"),
        ("G", "the genome has no sequence chrM"),
    ]
    assert found.records == 2
    said = complaint(tmp_path, genome, line(5, "A", "C", chromosome="chrM"), line(4, "T", "."))
    assert "holds no variant that can be scored: the genome has no sequence chrM" in said


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_byte_order_mark_and_a_pipe(
    tmp_path: Path, genome: Genome, pack: Callable[[bytes], bytes]
) -> None:
    text = pack(b"\xef\xbb\xbf" + (HEAD + line(1, "A", "C")).encode())
    path = tmp_path / "calls"
    path.write_bytes(text)
    assert len(read_variants(path, genome, longest=10).scored) == 1
    with piped(text) as name:
        assert len(read_variants(name, genome, longest=10).scored) == 1


def test_standard_input(genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO((HEAD + line(1, "A", "C")).encode())
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=data))
    assert len(read_variants("-", genome, longest=10).scored) == 1


def test_a_damaged_archive_is_said_in_one_line(tmp_path: Path, genome: Genome) -> None:
    lines = [line(1, "A", "C", f"rs{i * 7919 % 10007}") for i in range(500)]
    raw = bytearray(gzip.compress((HEAD + "".join(lines)).encode()))
    raw[len(raw) // 2] ^= 0x55
    path = tmp_path / "calls.vcf.gz"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"as VCF: it is cut short or damaged") as caught:
        read_variants(path, genome, longest=10)
    assert "\n" not in str(caught.value)


def test_names_and_places_the_genome_does_not_have(tmp_path: Path, genome: Genome) -> None:
    said = complaint(tmp_path, genome, line(1, "A", "C", chromosome="1"))
    assert "no sequence 1; it writes chr1, with 'chr'" in said
    said = complaint(tmp_path, genome, line(20, "AC", "A"))
    assert "beyond the end of chr1, which has 20 bases. Is it of another assembly?" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "holds no variant"),
        ("", "is not VCF: it should begin with ##fileformat"),
        (">chr1\nACGT\n", "is not VCF"),
        (HEAD + line(1, "A", "C") + "chr1\tx\t.\tA\tC\t.\t.\t.\n", "record behind chr1:1 is not"),
        (HEAD + "chr1\t1\t.\tA\n", "record behind the header is not VCF: it needs eight columns"),
    ],
)
def test_what_is_no_vcf_is_refused(tmp_path: Path, genome: Genome, text: str, said: str) -> None:
    path = write(tmp_path, head=text)
    with pytest.raises(InputError, match=said):
        read_variants(path, genome, longest=10)


def test_a_missing_file_and_a_missing_library(
    tmp_path: Path, genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="as VCF: there is no such file"):
        read_variants(tmp_path / "none.vcf", genome, longest=10)
    monkeypatch.setitem(sys.modules, "pysam", None)
    with pytest.raises(InputError, match=r"pip install 'nucel-interp\[vcf\]'"):
        require_vcf()


def test_htslib_says_nothing_on_stderr(
    tmp_path: Path, genome: Genome, capfd: pytest.CaptureFixture[str]
) -> None:
    read_variants(write(tmp_path, line(1, "A", "C")), genome, longest=10)  # no ##contig line
    complaint(tmp_path, genome, "chr1\tx\t.\tA\tC\t.\t.\t.\n")
    assert capfd.readouterr().err == ""
