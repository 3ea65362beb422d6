"""FASTA in: what is accepted, and one clear line for everything else."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import sys
import time
import types
import warnings
from pathlib import Path

import pytest

from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.fasta import read_records
from nucel_interp.types import Location

DNA = "".join(random.Random(0).choices("ACGT", k=200))


@pytest.fixture
def fasta(tmp_path):
    """Writes text or bytes to a file and gives its path."""

    def write(content: str | bytes, name: str = "in.fa") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def message(path) -> str:
    with pytest.raises(InputError) as caught:
        read_records(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_names_sequences_and_order(fasta):
    records = read_records(fasta(">b second record\nACGT\nACGT\n>a\nGG\n"))
    assert [(r.name, r.sequence, r.location) for r in records] == [
        ("b", "ACGTACGT", None),
        ("a", "GG", None),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b">x\r\nACGT\r\nTTGG\r\n",
        b"\n\n>x\nacgtTTgg",
        b"\xef\xbb\xbf>x\nACGTTTGG\n",
        b">x\nACGT TTGG\n\n",
        b"# a comment\n>x\nACGTTTGG\n",
        gzip.compress(b">x\nACGTTTGG\n", mtime=0),
        gzip.compress(b">x\nACGT\n", mtime=0)
        + gzip.compress(b"TTGG\n", mtime=0),  # as bgzip writes: several members
        gzip.compress(b"\xef\xbb\xbf>x\nACGTTTGG\n", mtime=0),
        bz2.compress(b">x\nACGTTTGG\n"),
    ],
    ids=[
        "crlf",
        "lower, no last newline",
        "byte order mark",
        "blanks",
        "comment",
        "gzip",
        "members",
        "mark in gzip",
        "bzip2",
    ],
)
def test_spellings_of_one_record(fasta, content):
    (record,) = read_records(fasta(content))
    assert (record.name, record.sequence) == ("x", "ACGTTTGG")


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(monkeypatch, packed):
    data = b">x\nACGT\n"
    data = gzip.compress(data) if packed else data
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(data)))
    assert read_records("-")[0].sequence == "ACGT"


def test_iupac_codes_are_kept(fasta):
    assert read_records(fasta(">x\nACGTRYSWKMBDHVNACGTACGTACGT\n"))[0].sequence.startswith(
        "ACGTRYSWKM"
    )


@pytest.mark.parametrize(
    "name",
    ["a/b/../c", "<script>alert(1)</script>", "x" * 500, "Müller", "a|b;c=d,'\"&", "%s{0}\\n"],
)
def test_odd_names_survive_as_data(fasta, name):
    assert read_records(fasta(f">{name} described\nACGT\n"))[0].name == name


def test_a_header_without_a_name_gets_its_number(fasta):
    assert [r.name for r in read_records(fasta(">a\nAC\n>\nACGT\n>  \nGG\n"))] == [
        "a",
        "record_2",
        "record_3",
    ]


def test_duplicate_names_are_made_unique_with_one_warning(fasta):
    path = fasta(">a\nAC\n>a_2\nAC\n>a\nAC\n>a\nAC\n>b\nAC\n")
    with pytest.warns(NucelWarning, match=r"2 of 5 names .*a -> a_3") as caught:
        records = read_records(path)
    assert [r.name for r in records] == ["a", "a_2", "a_3", "a_4", "b"]
    assert len(caught) == 1


def test_duplicate_coordinates_keep_their_location(fasta):
    with pytest.warns(NucelWarning):
        records = read_records(fasta(">chr1:4-8\nACGT\n>chr1:4-8\nACGT\n"))
    assert [r.location for r in records] == [Location("chr1", 4, 8)] * 2


def test_all_n_is_kept_with_a_warning(fasta):
    with pytest.warns(NucelWarning, match=r"1 of 2 records hold no A, C, G or T \(first: gap\)"):
        records = read_records(fasta(f">x\nACGT\n>gap\n{'N' * 50}\n"))
    assert records[1].sequence == "N" * 50


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"ACGT\nACGT\n", "line 1: expected a header that begins with '>', found 'ACGT'"),
        (b"chr1\t100\t200\n", "looks like BED"),
        (b"@read\nACGT\n+\nIIII\n", "FASTQ"),
        (bytes(range(256)) * 20, "binary"),
        (b">x\nACGT\xff\xfe\nACGT\n", "not UTF-8 text"),
        (b"BZh91AY", "cut short or damaged"),
        (b"PK\x03\x04zip", "unzip"),
        (b"BAM\x01", "samtools fasta"),
        (b">x\nACGT\n>empty\n>y\nAC\n", "record 2 (empty) has no sequence"),
        (b">last\n", "record 1 (last) has no sequence"),
        (b">rna\nACGUUACG\n", "sed '/^>/!y/Uu/Tt/'"),
        (b">rna\nACGUTTACG\n", "mixes U and T"),
        (b">gaps\nACG--TTACG\n", "'-' at position 4, which is not a DNA letter: alignment gaps"),
        (b">one\nACGT\n>two\nACGTACXGT\n", "record 2 (two) has 'X' at position 7"),
        (b">cafe\nACGT\xc3\xa9T\n", "at position 5"),
        (b">digits\n1 ACGT\n", "'1' at position 1"),
        (b">p\nMSTNPKPQRKTKRNTNRRPQDVKFPGGGQIVGGVYLLPRRGPRLGVRATRK\n", "looks like protein"),
        (b">p\nMKRHVSWYDNMKKRVVSSDNGGHHWYKKRAACDV\n", "is it protein?"),
    ],
)
def test_bad_content_ends_in_one_clear_line(fasta, content, expected):
    path = fasta(content)
    text = message(path)
    assert expected in text
    assert str(path) in text


def test_missing_file_and_folder(tmp_path):
    assert "there is no such file" in message(tmp_path / "nothing.fa")
    assert "Is a directory" in message(tmp_path)


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_gzip_cut_short(fasta, keep):
    packed = gzip.compress("".join(f">r{i}\n{DNA}\n" for i in range(500)).encode())
    assert "cut short" in message(fasta(packed[: int(keep * len(packed))], "in.fa.gz"))


def test_gzip_damaged(fasta):
    packed = bytearray(gzip.compress("".join(f">r{i}\n{DNA}\n" for i in range(500)).encode()))
    packed[len(packed) // 2] ^= 0xFF
    assert "damaged" in message(fasta(bytes(packed)))


def test_long_names_are_shortened_in_messages(fasta):
    assert len(message(fasta(f">{'x' * 5000}\n>y\nAC\n"))) < 400


def test_many_tiny_records_and_one_long(fasta):
    tiny = fasta("".join(f">r{i}\nACGTACGTAC\n" for i in range(100_000)), "tiny.fa")
    long = fasta(">long\n" + "\n".join([DNA] * 10_000) + "\n", "long.fa")
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_records(tiny)) == 100_000
        assert len(read_records(long)[0]) == 2_000_000
    assert (
        time.perf_counter() - started < 10
    )  # about 0.6 s on an idle core; room for a busy machine


def test_lower_case_is_kept_as_a_mask(tmp_path: Path) -> None:
    path = tmp_path / "in.fa"
    path.write_text(">a\nACgt\nttAC g\tT\n>b\nACGT\n>c\nacgt\n")
    a, b, c = read_records(path)
    assert (a.sequence, a.masked) == ("ACGTTTACGT", ((2, 6), (8, 9)))
    assert (b.masked, c.masked) == ((), ((0, 4),))


@pytest.mark.parametrize("text", [">a\nACGT\n>b\nNNAC\n", ">a\nacgt\n>b\nNNacNN\n", ">a\nNNnn\n"])
@pytest.mark.filterwarnings("ignore::nucel_interp.errors.NucelWarning")
def test_one_case_throughout_is_no_mask(tmp_path: Path, text: str) -> None:
    path = tmp_path / "in.fa"
    path.write_text(text)
    assert {record.masked for record in read_records(path)} == {None}


def test_letters_that_grow_in_upper_case_are_no_dna(tmp_path: Path) -> None:
    path = tmp_path / "in.fa"
    path.write_text(">a\nACß\n", encoding="utf-8")
    with pytest.raises(InputError, match="'ß' at position 3"):
        read_records(path)
