"""Sequence files of every form give the same bases, and the copy on disk is never wrong."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nucel_genome import Genome, GenomeError, readers
from nucel_genome import cache as genome_cache
from nucel_model import tokenizer
from tests.genome.genome_files import FILES, SEQUENCES, twobit


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("piece", [1 << 24, 64, 8], ids=["whole", "pieces of 64", "pieces of 8"])
@pytest.mark.parametrize("name", FILES)
def test_every_form_of_a_genome_gives_the_same_bases(tmp_path, cache, monkeypatch, name, piece):
    monkeypatch.setattr(readers, "PIECE", piece)
    genome = Genome.open([write(tmp_path, name, FILES[name])], cache=cache)
    assert genome.names == list(SEQUENCES)
    assert genome.has_soft_mask
    for chrom, bases in SEQUENCES.items():
        assert genome.length(chrom) == len(bases)
        assert (genome.fetch(chrom, 0, len(bases)) == tokenizer.encode(bases)).all()
        lower = [base.islower() for base in bases]
        assert genome.soft_masked(chrom, 0, len(bases)).tolist() == lower
        known = [base in "ACGTacgt" for base in bases]
        edges = np.flatnonzero(np.diff([False, *known, False]))
        assert genome.runs(chrom).tolist() == edges.reshape(-1, 2).tolist()
    part = genome.fetch("chr1", 100, 140)
    assert tokenizer.decode(part) == tokenizer.decode(tokenizer.encode(SEQUENCES["chr1"][100:140]))
    part[:] = 0  # a fresh array: the genome is not changed by it
    assert (genome.fetch("chr1", 100, 140) > 0).all()


def test_arrays_and_files_give_the_same_genome(tmp_path, cache):
    arrays = {
        name: tokenizer.encode(bases)
        | np.array([128 if base.islower() else 0 for base in bases], dtype=np.uint8)
        for name, bases in SEQUENCES.items()
    }
    one = Genome.from_arrays(arrays)
    two = Genome.open([write(tmp_path, "g.fa", FILES["g.fa"])], cache=cache)
    assert one.names == two.names
    assert one.has_soft_mask
    for name in one.names:
        assert one.runs(name).tolist() == two.runs(name).tolist()
        for what in ("fetch", "soft_masked"):
            ends = (name, 0, one.length(name))
            assert (getattr(one, what)(*ends) == getattr(two, what)(*ends)).all()
    one.fetch("chr2", 0, 10)[:] = 0
    assert (one.fetch("chr2", 0, 10) > 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_blocks_of_a_2bit_file_may_overlap_and_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    starts = rng.integers(100, size=seed)
    ends = starts + rng.integers(1, 30, size=seed)
    expected = np.zeros(130, dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        expected[start:end] = True
    assert (readers._covered(starts, ends, 20, 90) == expected[20:90]).all()


def test_several_files_follow_one_another(tmp_path, cache):
    one = write(tmp_path, "a.fa", b">chr1\nACGT\n")
    two = write(tmp_path, "b.2bit", twobit({"chr2": "GGNA", "chr3": "T"}))
    genome = Genome.open([one, two], cache=cache)
    assert genome.names == ["chr1", "chr2", "chr3"]
    assert tokenizer.decode(genome.fetch("chr2", 1, 4)) == "GNA"
    with pytest.raises(GenomeError, match="repeats the sequence name chr1; names must differ"):
        Genome.open([one, two, write(tmp_path, "c.fa", b">chr1 again\nTT\n")], cache=cache)


@pytest.mark.parametrize(
    ("bases", "masked"), [("acgt", False), ("ACGTn", False), ("NNacgT", True), ("Nacgt", False)]
)
def test_one_case_only_is_no_soft_mask(tmp_path, cache, bases, masked):
    genome = Genome.open([write(tmp_path, "g.fa", f">a\n{bases}\n".encode())], cache=cache)
    assert genome.has_soft_mask is masked


def test_what_is_outside_is_refused():
    genome = Genome.from_arrays({"chr1": tokenizer.encode("ACGT")})
    with pytest.raises(GenomeError, match="chr1 has 4 bases; 2-5 was asked for"):
        genome.fetch("chr1", 2, 5)
    with pytest.raises(GenomeError, match="there is no sequence chr2; there is chr1"):
        genome.length("chr2")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("in.fa", None, "cannot read .*in.fa"),
        ("in.fa", b"", "no sequence in it"),
        ("in.fa", b"ACGT\n", "cannot read .* as FASTA: expected '>'"),
        ("in.fa", b">a\nACGT\n>a again\nACGT\n", "repeats the sequence name a"),
        ("in.fa", bytes(range(256)) * 4, "cannot read .* as FASTA"),
        ("in.fa", b">a\nACGT\n\x00\xff\n", "cannot read .* as FASTA: .*0x00, which is no letter"),
        (
            "in.fa.gz",
            gzip.compress(b">a\n" + b"ACGT" * 5000, mtime=0)[:-20],
            "cannot read .* as FASTA",
        ),
        ("in.2bit", b"", "cannot read .* as 2bit: it does not begin"),
        ("in.2bit", twobit(SEQUENCES)[:5], "cannot read .* as 2bit: it ends early"),
        ("in.2bit", twobit(SEQUENCES)[:30], "cannot read .* as 2bit: it ends early"),
        ("in.2bit", twobit(SEQUENCES)[:150], "cannot read .* as 2bit: it ends early"),
        ("in.2bit", twobit(SEQUENCES)[:-1], "cannot read .* as 2bit: it ends early"),
        ("in.2bit", twobit(SEQUENCES, "<", 7), "its version is 7, not 0 or 1"),
    ],
)
def test_bad_files_in_one_line(tmp_path, cache, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GenomeError, match=words) as caught:
        Genome.open([path], cache=cache)
    assert "\n" not in str(caught.value)
    assert not list(cache.glob(".*")), "an unfinished copy was left behind"


def test_a_folder_is_no_genome(tmp_path, cache):
    with pytest.raises(GenomeError, match="it is no file"):
        Genome.open([tmp_path], cache=cache)


def test_one_path_is_one_file(tmp_path, cache):
    path = write(tmp_path, "g.fa", b">a\nACGT\n")
    assert (
        Genome.open(str(path), cache=cache).names == Genome.open(path, cache=cache).names == ["a"]
    )


def test_no_fasta_names_the_option():
    with pytest.raises(GenomeError, match=r"pass --fasta, or set data\.fasta"):
        Genome.open([])


def test_the_second_start_reads_no_fasta(tmp_path, cache, monkeypatch):
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    first = Genome.open([path], cache=cache)
    monkeypatch.setattr(genome_cache, "read", lambda path: pytest.fail("the FASTA was read"))
    second = Genome.open([path], cache=cache)
    assert second.names == first.names
    assert (second.fetch("chr1", 5, 90) == first.fetch("chr1", 5, 90)).all()


def test_a_changed_file_is_read_again(tmp_path, cache):
    path = write(tmp_path, "g.fa", b">a\nACGT\n")
    old = Genome.open([path], cache=cache)
    stat = path.stat()
    path.write_bytes(b">a\nTTTT\n")  # as long as before: the time alone tells
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert tokenizer.decode(Genome.open([path], cache=cache).fetch("a", 0, 4)) == "TTTT"
    assert tokenizer.decode(old.fetch("a", 0, 4)) == "ACGT"


def test_files_of_one_name_in_two_folders_are_not_confused(tmp_path, cache):
    for folder, bases in (("x", b"AAAA"), ("y", b"CCCC")):
        (tmp_path / folder).mkdir()
        path = write(tmp_path / folder, "g.fa", b">a\n" + bases + b"\n")
        os.utime(path, ns=(0, 0))
        found = Genome.open([path], cache=cache).fetch("a", 0, 4)
        assert tokenizer.decode(found) == bases.decode()


@pytest.mark.parametrize("damage", ["bases.u8", "runs.npy", "index.json"])
def test_a_damaged_copy_is_made_again(tmp_path, cache, damage):
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    Genome.open([path], cache=cache)
    (copy,) = cache.iterdir()
    (copy / damage).write_bytes((copy / damage).read_bytes()[:-3])
    genome = Genome.open([path], cache=cache)
    assert (genome.fetch("chr2", 0, 480) == tokenizer.encode(SEQUENCES["chr2"])).all()
    assert list(cache.iterdir()) == [copy]


def test_a_killed_conversion_leaves_nothing_that_is_used(tmp_path, cache):
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    program = f"""
import os, signal
from pathlib import Path
from nucel_genome import Genome, cache as genome_cache, readers
def read(path):
    for n, item in enumerate(readers.read(path)):
        if n == 3:  # within the second sequence
            os.kill(os.getpid(), signal.SIGKILL)
        yield item
genome_cache.read = read
Genome.open([{str(path)!r}], cache=Path({str(cache)!r}))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert done.returncode == -9, done.stderr
    (left,) = cache.iterdir()
    assert left.name.startswith(".g.fa-")
    genome = Genome.open([path], cache=cache)
    assert (genome.fetch("chr2", 0, 480) == tokenizer.encode(SEQUENCES["chr2"])).all()
    assert left.exists(), "it may belong to a process that is still reading"


def test_what_a_killed_conversion_left_is_removed_after_an_hour(tmp_path, cache):
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    Genome.open([path], cache=cache)
    (copy,) = cache.iterdir()
    (copy / "index.json").unlink()
    for name, age in ((f".{copy.name}.busy", 60), (f".{copy.name}.dead", 3700)):
        (cache / name).mkdir()
        file = write(cache / name, "bases.u8", b"ACG")
        os.utime(file, (time.time() - age, time.time() - age))
    Genome.open([path], cache=cache)
    assert sorted(f.name for f in cache.iterdir()) == [f".{copy.name}.busy", copy.name]


def test_two_at_once_both_get_the_genome(tmp_path, cache, monkeypatch):
    path = write(tmp_path, "g.fa", FILES["g.fa"])

    def read_while_another_finishes(path):
        monkeypatch.setattr(genome_cache, "read", readers.read)
        Genome.open([path], cache=cache)
        yield from readers.read(path)

    monkeypatch.setattr(genome_cache, "read", read_while_another_finishes)
    genome = Genome.open([path], cache=cache)
    assert (genome.fetch("chr2", 0, 480) == tokenizer.encode(SEQUENCES["chr2"])).all()
    assert len(list(cache.iterdir())) == 1


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, cache, monkeypatch):
    path = write(tmp_path, "g.fa", FILES["g.fa"])

    def read_and_append(path):
        yield from readers.read(path)
        with path.open("ab") as file:
            file.write(b"ACGT\n")

    monkeypatch.setattr(genome_cache, "read", read_and_append)
    with pytest.raises(GenomeError, match="was changed while it was read"):
        Genome.open([path], cache=cache)
    assert not list(cache.iterdir())


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    (tmp_path / "taken").write_text("a file where the cache should be")
    with pytest.raises(GenomeError, match=r"in .*taken.*give another folder"):
        Genome.open([path], cache=tmp_path / "taken")


def test_the_users_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    """Some programs have no option for it."""
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    (tmp_path / "taken").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "taken"))
    with pytest.raises(GenomeError, match=r"set XDG_CACHE_HOME to another folder$"):
        Genome.open([path])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, cache, monkeypatch):
    path = write(tmp_path, "g.fa", FILES["g.fa"])

    def folder_on_a_full_disk(prefix, dir):
        (dir / prefix).mkdir()
        (dir / prefix / "bases.u8").symlink_to("/dev/full")
        return str(dir / prefix)

    monkeypatch.setattr(genome_cache.tempfile, "mkdtemp", folder_on_a_full_disk)
    with pytest.raises(GenomeError, match=r"No space left on device.*give another folder"):
        Genome.open([path], cache=cache)
    assert not list(cache.iterdir())


def test_the_cache_is_where_the_system_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert genome_cache.default_cache() == tmp_path / "c/nucel-interp/genomes"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert genome_cache.default_cache() == tmp_path / ".cache/nucel-interp/genomes"


def test_slow_reading_is_told(tmp_path, cache, monkeypatch):
    path = write(tmp_path, "g.fa", FILES["g.fa"])
    told: list[str] = []
    Genome.open([path], cache=cache, say=told.append)
    assert told == []  # it took no two seconds
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(genome_cache.time, "monotonic", lambda: next(clock))
    Genome.open([path], cache=tmp_path / "other", say=told.append)
    assert told[0].startswith(f"reading chr1 of {path}")
