"""BED lines become regions of the genome, or one line says which of them cannot and why."""

from __future__ import annotations

import gzip
import warnings

import pytest

from nucel_genome import Genome, GenomeError
from nucel_interp.errors import InputError, NucelWarning
from nucel_interp.io.regions import read_regions, whole_genome
from nucel_interp.types import Location
from nucel_model import tokenizer


@pytest.fixture
def genome() -> Genome:
    lengths = {"chr2": 1000, "chr1": 500, "chrX": 1234567, "MT": 0}
    return Genome.from_arrays({name: tokenizer.encode("A" * n) for name, n in lengths.items()})


def regions(tmp_path, genome, content: str | bytes) -> list[Location]:
    path = tmp_path / "in.bed"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_regions(path, genome)


def test_regions_come_in_the_genomes_order_whatever_the_files(tmp_path, genome):
    content = "chr1\t30\t40\nchr2\t500\t1000\tpeak\t7\t-\nchr1\t0\t20\nchr2\t0\t10\n"
    assert regions(tmp_path, genome, content) == [
        Location("chr2", 0, 10),
        Location("chr2", 500, 1000),
        Location("chr1", 0, 20),
        Location("chr1", 30, 40),
    ]


def test_gzip_windows_line_ends_blanks_and_header_lines_are_read(tmp_path, genome):
    content = "browser position chr1\r\ntrack name=x\r\n# by hand\r\n\r\nchr1 3 9\r\n"
    assert regions(tmp_path, genome, content) == [Location("chr1", 3, 9)]
    assert regions(tmp_path, genome, gzip.compress(content.encode())) == [Location("chr1", 3, 9)]


def test_regions_that_overlap_or_touch_are_merged_and_that_is_said_once(tmp_path, genome):
    content = "chr1\t5\t10\nchr1\t10\t20\nchr1\t15\t18\nchr1\t21\t30\n"
    with pytest.warns(NucelWarning, match=r"4 regions were merged into 2") as caught:
        found = regions(tmp_path, genome, content)
    assert found == [Location("chr1", 5, 20), Location("chr1", 21, 30)]
    assert len(caught) == 1


def test_apart_by_one_base_is_two_regions_without_a_word(tmp_path, genome):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(regions(tmp_path, genome, "chr1\t5\t10\nchr1\t11\t20\n")) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1\t5\t10", "no sequence 1; it writes chr1, with 'chr'"),
        ("chrMT\t5\t10", "no sequence chrMT; it writes MT, without 'chr'"),
        ("ChrX\t5\t10", "no sequence ChrX; it writes chrX. Write"),
        ("chr22\t5\t10", "no sequence chr22; the nearest is chr2. Is it misspelt"),
        ("scaffold_9\t5\t10", "it has chr2, chr1, chrX and 1 more. Is it of another assembly"),
        ("chr1\t400\t501", "chr1:400-501 reaches beyond the end of chr1, which has 500 bases"),
        ("chrX\t1234567\t1234568", "which has 1,234,567 bases. Is it of another assembly"),
        ("chr1\t7\t7", "chr1:7-7 is empty; BED counts from 0"),
    ],
)
def test_a_region_the_genome_does_not_have_is_named_with_its_line(tmp_path, genome, line, words):
    with pytest.raises(InputError) as caught:
        regions(tmp_path, genome, f"chr1\t5\t10\n{line}\n")
    assert "in.bed, line 2: " in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["chr1\t9\t5", "chr1\t-1\t5", "chr1\tten\t12", "chr1\t5", ">chr1"])
def test_a_line_that_is_no_bed_is_shown(tmp_path, genome, line):
    with pytest.raises(GenomeError, match=r"in\.bed, line 2: expected chrom, start, end"):
        regions(tmp_path, genome, f"chr1\t5\t10\n{line}\n")


def test_a_bed_file_that_is_not_there_or_holds_nothing(tmp_path, genome):
    with pytest.raises(GenomeError, match=r"cannot read .*absent\.bed as BED"):
        read_regions(tmp_path / "absent.bed", genome)
    with pytest.raises(InputError, match="holds no region"):
        regions(tmp_path, genome, "track name=x\n")


def test_without_a_bed_file_every_sequence_is_read_from_end_to_end(genome):
    found = whole_genome(genome)
    assert found == [
        Location("chr2", 0, 1000),
        Location("chr1", 0, 500),
        Location("chrX", 0, 1234567),
    ]
