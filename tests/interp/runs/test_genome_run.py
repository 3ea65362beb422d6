"""A genome by interval: the tracks the whole sequence has, whatever is read of it and however often
the run is cut off.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nucel_interp.cli import app
from nucel_interp.io.fasta import read_records
from nucel_interp.runs import sharded
from nucel_interp.scoring import long_sequences as stretches
from nucel_interp.scoring import score_sequences
from nucel_model import from_pretrained
from tests.genome.genome_files import fasta, twobit
from tests.toy import dna

pytest.importorskip("pybigtools")
pyBigWig = pytest.importorskip("pyBigWig")

REGIONS = "chr2\t100\t900\tpeak\t0\t-\nchr1\t0\t700\nchr2\t900\t1000\nchrS\t3\t30\n"


SEQUENCES = {
    "chr2": dna(1500, 1),
    "chr1": "N" * 300 + dna(600, 2) + "nacgt" * 40,
    "chrS": dna(40, 3),
}


@pytest.fixture(autouse=True)
def _small_shards(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sharded, "SHARD_BP", 300)


@pytest.fixture
def files(tmp_path) -> Path:
    (tmp_path / "g.2bit").write_bytes(twobit(SEQUENCES))
    (tmp_path / "g.fa").write_bytes(fasta(SEQUENCES))
    (tmp_path / "r.bed").write_text(REGIONS)
    return tmp_path


def nucel(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def tracks(path: Path) -> dict[str, np.ndarray]:
    with pyBigWig.open(str(path)) as file:
        return {
            name: file.values(name, 0, length, numpy=True) for name, length in file.chroms().items()
        }


@pytest.fixture(scope="module")
def expected(tiny_folder, tmp_path_factory) -> dict[str, dict[str, np.ndarray]]:
    """Tracks of the same sequences, read as records from end to end."""
    path = tmp_path_factory.mktemp("whole") / "g.fa"
    path.write_bytes(fasta(SEQUENCES))
    records = read_records(path)
    scores = score_sequences(from_pretrained(tiny_folder), [r.sequence for r in records])
    mean = scores.received.astype(np.float32).mean(axis=0)
    assert scores.replaced is not None
    return {
        what: dict(zip(SEQUENCES, np.split(values, scores.offsets[1:-1]), strict=True))
        for what, values in (("attention", mean), ("replaced_logit", scores.replaced))
    }


@pytest.mark.parametrize("name", ["g.2bit", "g.fa"])
def test_regions_get_the_tracks_of_the_whole_sequences(files, tiny_folder, expected, name):
    out = files / "out"
    nucel("attention", files / name, "--bed", files / "r.bed", "-o", out, "-m", tiny_folder)
    inside = {"chr2": (100, 1000), "chr1": (0, 700), "chrS": (3, 30)}
    for what in ("attention", "replaced_logit"):
        found = tracks(out / "tracks" / f"{what}.bw")
        for chromosome, (start, end) in inside.items():
            wanted = np.full(len(SEQUENCES[chromosome]), np.nan)
            wanted[start:end] = expected[what][chromosome][start:end]
            np.testing.assert_allclose(found[chromosome], wanted, rtol=2.0**-10, atol=1e-5)
    assert (out / "regions.bed").read_text() == "chr1\t0\t700\nchr2\t100\t1000\nchrS\t3\t30\n"
    assert json.loads((out / "run.json").read_text())["inputs"][1]["path"].endswith("r.bed")
    assert not list(files.glob(".out*")), "something unfinished was left"


def test_a_2bit_file_alone_is_read_from_end_to_end(files, tiny_folder, expected):
    out = files / "x.bw"
    nucel("discriminator", files / "g.2bit", "-o", out, "-m", tiny_folder)
    found = tracks(out)
    for chromosome, values in expected["replaced_logit"].items():
        np.testing.assert_allclose(found[chromosome], values, rtol=1e-5, atol=1e-5)


def test_a_run_that_was_cut_off_goes_on_and_ends_in_the_same_bytes(files, tiny_folder, monkeypatch):
    command = ["discriminator", files / "g.2bit", "-m", tiny_folder, "-o"]
    nucel(*command, files / "whole.bw")
    real, done = stretches.score_stretches, []

    def interrupted(*arguments, **options):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return real(*arguments, **options)

    monkeypatch.setattr(stretches, "score_stretches", interrupted)
    said = nucel(*command, files / "x.bw", code=130)
    assert "stopped: 1,100 of 2,640 bases are kept in" in said
    assert "the same command goes on with them" in said
    assert not (files / "x.bw").exists()
    refused = nucel(*command, files / "x.bw", "--strand", "forward", code=1)
    assert "3 finished parts of a run with another strand (both; now forward)" in refused
    done.clear()
    done += [0, 0, 0, 0]  # no more interruptions
    assert "going on: 1,100 of 2,640 bases were done" in nucel(*command, files / "x.bw")
    assert len(done) == 4 + 5
    assert (files / "x.bw").read_bytes() == (files / "whole.bw").read_bytes()
    assert not list(files.glob(".x.bw*"))


def test_stopped_before_anything_was_done_nothing_is_left(files, tiny_folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(stretches, "score_stretches", interrupted)
    before = sorted(files.iterdir())
    said = nucel("attention", files / "g.2bit", "-m", tiny_folder, "-o", files / "o", code=130)
    assert "are kept in" not in said
    assert [p for p in sorted(files.iterdir()) if p.name != "cache"] == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("attention", "g.2bit", "--bed", "bad.bed", "-o", "o"), 1, "it writes chr2, with 'chr'"),
        (("attention", "g.2bit", "--map", "0:0", "-o", "o"), 2, "not of a genome"),
        (("attention", "-", "--bed", "r.bed", "-o", "o"), 2, "not from standard input"),
        (("discriminator", "g.2bit", "-o", "x.bedGraph"), 2, "a name that ends in .bw"),
        (("discriminator", "g.2bit"), 2, "a name that ends in .bw"),
        (("discriminator", "g.fa", "--bed", "absent.bed", "-o", "x.bw"), 1, "there is no BED file"),
        (("discriminator", "g.2bit", "-o", "taken.bw"), 1, "exists already; give --force"),
    ],
)
def test_wrong_calls_say_what_to_do_and_leave_nothing(
    files, tiny_folder, monkeypatch, arguments, code, words
):
    monkeypatch.chdir(files)
    (files / "bad.bed").write_text("2\t5\t10\n")
    (files / "taken.bw").write_text("mine")
    before = sorted(files.iterdir())
    said = " ".join(nucel(*arguments, "-m", tiny_folder, code=code).replace("│", " ").split())
    assert words in said
    assert [p for p in sorted(files.iterdir()) if p.name != "cache"] == before
    assert (files / "taken.bw").read_text() == "mine"


def test_regions_of_nothing_but_n_give_no_file_and_a_line_that_says_so(files, tiny_folder):
    (files / "r.bed").write_text("chr1\t5\t250\n")
    out = files / "x.bw"
    said = nucel(
        "discriminator", files / "g.2bit", "--bed", files / "r.bed", "-o", out, "-m", tiny_folder
    )
    assert "0 of 245 bases in 1 regions have a value; nothing was written" in said
    assert not out.exists()


@pytest.mark.slow
def test_a_worker_killed_midway_changes_no_byte(files, tiny_folder):
    """Two workers of a local Ray; one of the processes that read with the model is killed."""
    pytest.importorskip("ray.data")
    sequence = {"chr1": dna(60_000, 5)}
    (files / "g.2bit").write_bytes(twobit(sequence))
    program = (  # 30 shards
        "from nucel_interp.cli import app; from nucel_interp.runs import sharded; "
        "sharded.SHARD_BP = 2000; app()"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
    }

    def command(out: Path, *more: str) -> list[str]:
        arguments = ["discriminator", files / "g.2bit", "-m", tiny_folder, "-o", out, *more]
        return [sys.executable, "-c", program, *map(str, arguments)]

    subprocess.run(command(files / "alone.bw", "--threads", "1"), env=environment, check=True)
    out = files / "cluster.bw"
    running = subprocess.Popen(
        command(out, "--cluster", "local", "--threads", "1"),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    parts, killed = files / ".cluster.bw.unfinished", None
    deadline = time.monotonic() + 240
    while running.poll() is None and time.monotonic() < deadline:
        if killed is None and len(list(parts.glob("[0-9]*.npz"))) >= 4:
            killed = worker_of(running.pid)
            os.kill(killed, signal.SIGKILL)
        time.sleep(0.02)
    running.kill()
    assert running.communicate()[1] is not None
    assert running.returncode == 0
    assert killed is not None, "the run was over before a worker could be killed"
    assert out.read_bytes() == (files / "alone.bw").read_bytes()
    assert not list(files.glob(".cluster*"))


def worker_of(driver: int) -> int:
    """A process below ``driver`` that works on shards, as Ray names it."""
    parents, names = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            names[int(entry.name)] = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
        except OSError:
            continue
    below = [driver]
    for process in below:
        below += [child for child, parent in parents.items() if parent == process]
    return min(p for p in below if names.get(p, "").startswith("ray::MapWorker"))
