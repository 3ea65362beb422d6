"""What is DNA is decided once: RNA, protein and gaps are refused with their place everywhere."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from nucel_genome import Genome, GenomeError, letters, readers
from nucel_genome import cache as genome_cache
from nucel_model import tokenizer

PROTEIN = "RCHTYPETLVNQFRNDSAWWHWRCCDEMFNMKKSFEKKAKPGIKWRGYFW"
FAULTS = {
    "rna": ("AUGAUCGA", r"'U' at position 2, .* this is RNA\. Write T for U \(sed "),
    "rna, lower case": ("acguacg", r"'U' at position 4, .* this is RNA"),
    "mixed": ("ACGTACGU", r"'U' at position 8, .* it mixes U and T"),
    "protein": (PROTEIN, r"'P' at position 6, .* looks like protein"),
    "gaps": ("ACGT--AC", r"'-' at position 5, .* alignment gaps are not read"),
    "masked by X": ("ACGTXXXXACGT", r"'X' at position 5, .* Write N for bases that are not known"),
    "ambiguous": ("SWKMSWKM", r"is 100% ambiguity codes .* is it protein\?"),
}


def opened(tmp_path: Path, text: bytes) -> Genome:
    path = tmp_path / "g.fa"
    path.write_bytes(text)
    return Genome.open([path], cache=tmp_path / "cache")


@pytest.mark.parametrize("piece", [1 << 24, 8], ids=["whole", "pieces of 8"])
@pytest.mark.parametrize("kind", ["rna", "mixed", "gaps", "masked by X", "ambiguous", "protein"])
def test_a_genome_that_is_not_dna_is_refused_with_its_place(tmp_path, monkeypatch, kind, piece):
    """The same words as for records; what follows the place may differ where a piece is cut."""
    monkeypatch.setattr(readers, "PIECE", piece)
    bases, words = FAULTS[kind]
    if piece == 8:
        words = words.split(" .* ")[0]
    lines = "\n".join(bases[i : i + 3] for i in range(0, len(bases), 3))
    with pytest.raises(GenomeError, match=rf"g\.fa: record 2 \(two\) (has )?{words}") as caught:
        opened(tmp_path, f">one\nACGTNRY\n>two said\n{lines}\n>three\nACGT\n".encode())
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("kind", FAULTS)
def test_a_sequence_that_is_not_dna_is_told_by_the_same_words(kind):
    bases, words = FAULTS[kind]
    assert re.search(words, letters.fault(letters.upper(bases), " (sed "))
    assert letters.fault(letters.upper("acgtnACGTNry")) == ""


def test_iupac_codes_in_either_case_are_n_and_a_record_of_n_alone_is_read(tmp_path):
    genome = opened(tmp_path, b">a\nACGTRYSWKMBDHVNacgtacgtryn\nACGTACGTACGTACGT\n>b\nNNNN\n")
    assert tokenizer.decode(genome.fetch("a", 0, 26)) == "ACGT" + "N" * 11 + "ACGTACGT" + "NNN"
    assert genome.soft_masked("a", 0, 26).tolist() == [False] * 15 + [True] * 11
    assert genome.runs("b").tolist() == []


def test_a_copy_made_before_letters_were_checked_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(genome_cache, "FORMAT", 1)
    monkeypatch.setattr(genome_cache, "read", lambda path: iter(["c1", tokenizer.encode("AUGU")]))
    opened(tmp_path, b">c1\nAUGU\n")
    monkeypatch.undo()
    with pytest.raises(GenomeError, match="this is RNA"):
        Genome.open([tmp_path / "g.fa"], cache=tmp_path / "cache")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path, pack):
    genome = opened(tmp_path, pack(b"\xef\xbb\xbf>chr10\r\nACGT\r\n"))
    assert genome.names == ["chr10"]
    assert tokenizer.decode(genome.fetch("chr10", 0, 4)) == "ACGT"


def test_upper_case_changes_no_length_and_one_string_is_no_list():
    assert letters.upper("acgßt") == "ACGßT"  # str.upper gives ACGSST, all of them nucleotide codes
    assert letters.upper_all(["acgt", "ACGT"]) == ["ACGT", "ACGT"]
    with pytest.raises(TypeError, match="expected a list of sequences, found one string"):
        letters.upper_all("ACGT")
