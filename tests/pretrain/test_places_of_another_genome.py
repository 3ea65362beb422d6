"""Sites and sequences that are not of the genome given: refused, or said how many; never silent."""

from __future__ import annotations

import lzma
import os
import threading

import numpy as np
import pytest
from typer.testing import CliRunner

from nucel_genome import Genome
from nucel_genome.places import stated_place
from nucel_model import tokenizer
from nucel_pretrain.cli import app
from nucel_pretrain.errors import DataError
from nucel_pretrain.evaluation.sites import SiteSet, SplitConfig, labelled_windows, read_sites
from nucel_pretrain.finetune import matched
from nucel_pretrain.finetune.matched import matched_dataset
from nucel_pretrain.finetune.sites import sites_dataset

LENGTH = 60_000


def draw(seed=0):
    rng = np.random.default_rng(seed)
    return {
        f"chr{i}": rng.choice(list(tokenizer.BASE_IDS), LENGTH).astype(np.uint8) for i in range(6)
    }


@pytest.fixture(scope="module")
def arrays():
    return draw()


@pytest.fixture
def fasta(arrays, tmp_path):
    path = tmp_path / "genome.fa"
    text = "".join(f">{name}\n{tokenizer.decode(ids)}\n" for name, ids in arrays.items())
    path.write_text(text)
    return path


def good(names=("chr0", "chr1", "chr2", "chr3")):
    return [f"{c}\t{at}\t{at + 10}" for c in names for at in range(2_000, 58_000, 3_000)]


def write(path, lines, mark=""):
    path.write_text(mark + "\n".join([*lines, ""]))
    return path


def sites_of(bed, fasta, said):
    return sites_dataset(bed, [str(fasta)], window=64, say=said.append)


@pytest.mark.parametrize("name", ["0", "Chr1", "CHR2"])
def test_a_name_that_the_genome_spells_otherwise_is_refused(fasta, tmp_path, name):
    bed = write(tmp_path / "a.bed", [*good(), f"{name}\t5000\t5010"])
    with pytest.raises(DataError, match=rf"a\.bed, line 77 has a site of {name}, .*FASTA writes"):
        sites_of(bed, fasta, [])


@pytest.mark.parametrize("line", ["chr1\t60001\t60010", "chr1\t59995\t60005"])
def test_a_site_beyond_the_end_is_refused(fasta, tmp_path, line):
    bed = write(tmp_path / "a.bed", [*good(), line])
    with pytest.raises(DataError, match=r"line 77: .*beyond chr1, which has 60,000 bases\. Is it"):
        sites_of(bed, fasta, [])


def test_sites_on_sequences_the_genome_lacks_are_left_out_and_said(fasta, tmp_path):
    said: list[str] = []
    lines = [*good(), "chrM\t10\t20", "chrUn_1\t10\t20", "chrM\t50\t60", "chr1\t7\t7"]
    found = sites_of(write(tmp_path / "a.bed", lines), fasta, said)
    without = sites_of(write(tmp_path / "a.bed", good()), fasta, [])
    assert found.checksum == without.checksum
    assert any("3 of 79 sites in" in line and "(chrM, chrUn_1)" in line for line in said)
    assert any(line.startswith("note: 1 lines of") for line in said)


def test_all_commands_that_read_sites_say_the_same(arrays, tmp_path):
    """Of `evaluate`, `ablate --probes` and the benchmark `hg19-mini`: one function, `say` given."""
    genome, said = Genome.from_arrays(arrays), []
    write(tmp_path / "a.bed", [*good(), "chrM\t10\t20"])
    split = SplitConfig(train=("chr0",), choose=("chr1",), test=("chr2",), window=64)
    sites = SiteSet(name="a", bed="a.bed")
    labelled_windows(genome, sites, split, folder=tmp_path, say=said.append)
    assert [line for line in said if line.startswith("note: 1 of 77 sites in")]
    write(tmp_path / "a.bed", [*good(), "2\t10\t20"])
    with pytest.raises(DataError, match="FASTA writes 'chr2'"):
        labelled_windows(genome, sites, split, folder=tmp_path)


def test_a_mark_costs_no_site(tmp_path):
    plain = read_sites(write(tmp_path / "a.bed", good()), stranded=False)
    marked = read_sites(write(tmp_path / "b.bed", good(), "\ufeff"), stranded=False)
    assert plain.keys() == marked.keys()
    assert all((plain[name] == marked[name]).all() for name in plain)


def test_sites_may_be_packed_in_any_way(fasta, tmp_path):
    bed = tmp_path / "a.bed.xz"
    bed.write_bytes(lzma.compress("\n".join(good()).encode()))
    result = CliRunner().invoke(
        app, ["finetune", str(bed), "--fasta", str(fasta), "-m", "nowhere", "-o", f"{tmp_path}/o"]
    )
    assert "a.bed.xz: classes (0, 1); train" in result.output


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_sites_may_come_through_a_pipe(fasta, tmp_path):
    pipe = tmp_path / "pipe.bed"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write, args=(pipe, good()))
    writer.start()
    found = sites_of(pipe, fasta, [])
    writer.join()
    bed = tmp_path / "file.bed"
    assert len(found.parts["train"]) == len(sites_of(write(bed, good()), fasta, []).parts["train"])


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("chr20:100-300", ("chr20", 100, 300, "+")),
        ("chr20:1,100-1,300(+)", ("chr20", 1100, 1300, "+")),
        ("peak1::chr20:100-300(-)", ("chr20", 100, 300, "-")),
        ("a:b::chr20:100-300(.)", ("chr20", 100, 300, "+")),
        ("chr20:100-300/rc", ("chr20", 100, 300, "-")),
        ("HLA-A*01:01:5-9", ("HLA-A*01:01", 5, 9, "+")),
        ("peak1", None),
        ("::5-9", None),
        ("chr20:100", None),
        ("chr20:100-", None),
    ],
)
def test_places_that_names_state(name, place):
    assert stated_place(name) == place


def peaks(path, arrays, named):
    lines = []
    for number, (name, ids) in enumerate(arrays.items()):
        for start in range(1_000, 50_000, 5_000):
            said = named.format(name=name, n=f"p{number}_{start}", start=start, end=start + 60)
            lines += [f">{said}", tokenizer.decode(ids[start : start + 60])]
    return write(path, lines)


def test_names_of_bedtools_place_a_peak_as_plain_ones_do(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr(matched.Genome, "open", lambda *_, **__: Genome.from_arrays(arrays))
    plain = matched_dataset(peaks(tmp_path / "a.fa", arrays, "{name}:{start}-{end}"), ["x"])
    named = peaks(tmp_path / "b.fa", arrays, "{n}::{name}:{start}-{end}(+) some words")
    assert matched_dataset(named, ["x"]).checksum == plain.checksum
    homes = [name.split(":")[0] for name in plain.parts["train"].names]
    assert homes[0::2] == homes[1::2]  # a peak and its window


def test_peaks_of_another_genome_are_said_or_refused(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr(matched.Genome, "open", lambda *_, **__: Genome.from_arrays(arrays))
    bare = {name.removeprefix("chr"): ids for name, ids in arrays.items()}
    with pytest.raises(DataError, match=r"0:1000-1060 has a sequence of 0, .*FASTA writes 'chr0'"):
        matched_dataset(peaks(tmp_path / "a.fa", bare, "{name}:{start}-{end}"), ["x"])
    said: list[str] = []
    some = arrays | {"chr9": arrays["chr0"][:10_000]}
    path = tmp_path / "b.fa"
    lines = peaks(path, arrays, "{name}:{start}-{end}").read_text().splitlines()
    write(path, [*lines, ">chr9:5-65", tokenizer.decode(some["chr9"][5:65])])
    matched_dataset(path, ["x"], say=said.append)
    assert any("1 of 61 sequences in" in line and "(chr9)" in line for line in said)


def test_the_command_says_it_and_goes_on(fasta, tmp_path):
    bed = write(tmp_path / "a.bed", [*good(), "0\t10\t20"])
    result = CliRunner().invoke(
        app, ["finetune", str(bed), "--fasta", str(fasta), "--window", "64", "-o", f"{tmp_path}/o"]
    )
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "Is a 'chr' missing? The FASTA writes 'chr0', the region '0'." in result.output
