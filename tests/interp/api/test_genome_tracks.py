"""`genome_tracks`, as users call it, writes what the two commands write of a genome."""

from __future__ import annotations

import pickle

import pytest

import nucel_interp as ni
from nucel_interp.runs import sharded
from tests.genome.genome_files import twobit
from tests.interp.api.same_files import contents, nucel, still_clock
from tests.toy import dna, fasta_of, tiny

pytest.importorskip("pybigtools")

SEQUENCES = {"chr2": dna(500, 1), "chr1": "N" * 50 + dna(300, 2)}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sharded, "SHARD_BP", 130)


@pytest.fixture
def regions(tmp_path):
    path = tmp_path / "r.bed"
    path.write_text("chr2\t20\t180\nchr2\t300\t420\nchr1\t40\t120\n")
    return path


@pytest.fixture(params=["g.fa", "g.2bit"])
def genome(request, tmp_path):
    path = tmp_path / request.param
    if path.suffix == ".fa":
        return fasta_of(path, SEQUENCES)
    path.write_bytes(twobit(SEQUENCES))
    return path


@pytest.mark.parametrize("kind", ["folder", "loaded"])
def test_attention_of_a_genome(tmp_path, monkeypatch, tiny_folder, genome, regions, kind):
    still_clock(monkeypatch)
    nucel("attention", genome, "--bed", regions, "-m", tiny_folder, "-o", tmp_path / "c")
    model = tiny_folder if kind == "folder" else ni.from_pretrained(tiny_folder)
    result = ni.genome_tracks(genome, tmp_path / "p", model, bed=regions)
    assert result.save(tmp_path / "p") == 160 + 120 + 70
    found = contents(tmp_path / "p")
    assert found == contents(tmp_path / "c")
    assert {"tracks/attention.bw", "tracks/replaced_logit.bw", "regions.bed"} < found.keys()
    result.close()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("with_bed", [True, False])
def test_discriminator_of_a_genome(tmp_path, tiny_folder, regions, with_bed):
    genome = tmp_path / "g.2bit"
    genome.write_bytes(twobit(SEQUENCES))
    bed = ["--bed", regions] if with_bed else []
    nucel("discriminator", genome, *bed, "-m", tiny_folder, "-o", tmp_path / "c.bw")
    result = ni.genome_tracks(
        genome, tmp_path / "p.bw", tiny_folder, bed=regions if with_bed else None,
        discriminator=True,
    )  # fmt: skip
    known = result.save_track(tmp_path / "elsewhere" / "p.bw", "replaced")
    assert known == (350 if with_bed else 800)
    written = (tmp_path / "elsewhere" / "p.bw").read_bytes()
    assert written == (tmp_path / "c.bw").read_bytes()
    with pytest.raises(ni.OutputError, match="exists already"):
        result.save_track(tmp_path / "c.bw", "replaced")
    result.close()
    with pytest.raises(ni.InputError, match="this result was closed"):
        result.save_track(tmp_path / "again.bw", "replaced")
    with pytest.raises(ni.InputError, match="this result was closed"):
        result.save(tmp_path / "again")


def test_regions_without_a_base_give_no_file(tmp_path, tiny_folder, genome):
    (tmp_path / "n.bed").write_text("chr1\t3\t44\n")
    result = ni.genome_tracks(genome, tmp_path / "p.bw", tiny_folder, bed=tmp_path / "n.bed")
    assert result.save_track(tmp_path / "p.bw", "attention") == 0
    assert not (tmp_path / "p.bw").exists()


def test_workers_that_load_the_model_themselves_give_the_same(
    tmp_path, monkeypatch, tiny_folder, genome
):
    """What a cluster does, but for Ray: the work is sent as bytes, and done in any order."""

    def on_cluster(prepare, shards, *, address, threads):
        assert (address, threads) == ("auto", 1)
        work = pickle.loads(pickle.dumps(prepare))("cpu")
        for number in reversed(shards):
            yield number, work(number)

    monkeypatch.setattr("nucel_interp.runs.ray_cluster.on_cluster", on_cluster)
    ni.genome_tracks(genome, tmp_path / "a", tiny_folder).save(tmp_path / "a")
    far = ni.genome_tracks(genome, tmp_path / "b", tiny_folder, cluster="auto", threads=1)
    far.save(tmp_path / "b")
    assert len(list(far._genome.folder.glob("[0-9]*.npz"))) > 1
    found, wanted = contents(tmp_path / "b"), contents(tmp_path / "a")
    assert {**found, "run.json": b""} == {**wanted, "run.json": b""}


def test_what_cannot_be_is_told_before_the_work(tmp_path, tiny_folder, genome, monkeypatch):
    monkeypatch.setattr("nucel_interp.scoring.long_sequences.score_stretches", None)
    bare = tiny(head=False)
    for words, options in (
        ("load the model themselves", {"cluster": "local", "model": tiny()}),
        ("no discriminator", {"discriminator": True, "model": bare}),
        ("reads 64 bp at once", {"context": 32, "model": bare}),
        ("strand is 'both' or 'forward'", {"strand": "-", "model": bare}),
    ):
        with pytest.raises(ni.NucelError, match=words):
            ni.genome_tracks(genome, tmp_path / "p", **options)
    assert list(tmp_path.glob(".*")) == []


def test_a_model_in_memory_goes_on_with_its_own_parts_alone(tmp_path, genome):
    ni.genome_tracks(genome, tmp_path / "p", tiny())
    changed = tiny()
    next(changed.parameters()).data.mul_(2)
    with pytest.raises(ni.OutputError, match="of a run with another model"):
        ni.genome_tracks(genome, tmp_path / "p", changed)
