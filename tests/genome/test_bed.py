"""BED files, whatever wrote them; and genomes given as a pipe."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading

import pytest

from nucel_genome import Genome, GenomeError, bed_lines

LINES = b"track name=x\n#chrom\tstart\tend\nchr1\t0\t10\tfirst\t0\t+\nchr2 5 9\n"


def places(path):
    return [(number, name, start, end) for number, name, start, end, _ in bed_lines(path)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "mark"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_line_is_read_with_or_without_a_mark(tmp_path, mark, pack):
    path = tmp_path / "a.bed"
    path.write_bytes(pack(mark + LINES))
    assert places(path) == [(3, "chr1", 0, 10), (4, "chr2", 5, 9)]
    path.write_bytes(pack(mark + b"chr1\t0\t10\n"))
    assert places(path) == [(1, "chr1", 0, 10)]


def test_names_and_strands_are_read_where_there_are_any(tmp_path):
    path = tmp_path / "a.bed"
    path.write_bytes(
        b"chr1\t0\t9\tfirst\t0\t-\nchr1\t0\t9\t.\t0\t.\nchr1 0 9\nchr1 \t0\t9\tx \t0\t+ \n"
    )
    found = [(line.chrom, line.name(path), line.strand) for line in bed_lines(path)]
    assert found == [
        ("chr1", "first", "-"), ("chr1", "", "."), ("chr1", "", "."), ("chr1", "x", "+"),
    ]  # fmt: skip


def test_damage_and_bad_lines_in_one_line(tmp_path):
    path = tmp_path / "a.bed.gz"
    raw = bytearray(gzip.compress(LINES * 50, mtime=0))
    raw[len(raw) // 2] ^= 0x55
    path.write_bytes(raw)
    with pytest.raises(GenomeError, match="as BED: it is cut short or damaged") as caught:
        places(path)
    assert "\n" not in str(caught.value)
    path.write_bytes(b"chr1\t0\t10\nchr1\t9\t3\n")
    with pytest.raises(GenomeError, match=r"a\.bed\.gz, line 2: expected chrom, start, end"):
        places(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_bed_file_may_be_a_pipe_and_a_genome_may_not(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(LINES,))
    writer.start()
    assert len(places(pipe)) == 2
    writer.join()
    for path, shown in ((pipe, "pipe"), ("-", "standard input")):
        with pytest.raises(
            GenomeError, match=rf"{shown} as FASTA: it is no file but a pipe.*Write it to a file"
        ):
            Genome.open([path], cache=tmp_path / "cache")


def test_names_beyond_ascii_in_any_locale(tmp_path):
    (tmp_path / "g.fa").write_text(">Größe_1\nACGT\n", encoding="utf-8")
    (tmp_path / "a.bed").write_text("Größe_1\t0\t4\n", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from nucel_genome import Genome, bed_lines;"
        "folder = Path(sys.argv[1]); (line,) = bed_lines(folder / 'a.bed');"
        "[print(ascii(Genome.open([folder / 'g.fa'], cache=folder / 'c').names), ascii(line[1]))"
        " for _ in range(2)]"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path)],
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.splitlines() == [r"['Gr\xf6\xdfe_1'] 'Gr\xf6\xdfe_1'"] * 2
