"""Names beyond ASCII in a locale that has no letters for them, as a process of its own."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nucel_interp.io.fasta import read_records
from nucel_interp.io.meme import write_meme
from nucel_interp.io.tracks import read_tracks
from nucel_interp.types import Motif

NAME = "Größe_1"
TEXT = "ACGTTGCATTGACGGATCCATTACG"
PLAIN = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RUN = """
import json, locale, os, sys
from nucel_interp.cli import app
assert locale.getpreferredencoding(False).upper() not in ("UTF-8", "UTF8")
for words in json.loads(sys.argv[1]):
    words = [os.fsdecode(word.encode()) for word in words]  # as a shell gives them
    sys.argv = ["nucel-interp", *words]
    app(words, standalone_mode=False)
"""
"""Several commands in one process, since each takes seconds to load torch."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> tuple[Path, str, str]:
    """The folder of all outputs, stdout and stderr."""
    folder = tmp_path_factory.mktemp("locale")
    (folder / "in.fa").write_text(f">{NAME}\n{TEXT}\n", encoding="utf-8")
    (folder / "ö").mkdir()
    pwm = np.full((4, 8), 0.05)
    pwm[[2, 0, 3, 3, 0, 1, 0, 2], range(8)] = 0.85
    (folder / "ä.meme").write_text(write_meme([Motif("ö", pwm, name="ü")]), encoding="utf-8")
    line = f"{NAME}\t5\tß\tT\tA\t.\t.\t.\n"
    (folder / "ä.vcf").write_text(HEAD + line, encoding="utf-8")
    model = ["-m", str(tiny_folder)]
    commands = [
        ["discriminator", "in.fa", "-o", "x.bedGraph.gz", *model],
        ["seqlets", "in.fa", "--track", "x.bedGraph.gz", "-o", "x.bed"],
        ["match", "ä.meme", "--db", "ä.meme", "-o", "é.tsv"],
        ["attention", "in.fa", "-o", "ö/out", *model],
        ["discriminator", "in.fa", *model],
    ]
    if importlib.util.find_spec("pysam"):
        commands.insert(0, ["variants", "ä.vcf", "--genome", "in.fa", "-o", "v", *model])
    if importlib.util.find_spec("pybigtools") and importlib.util.find_spec("pyBigWig"):
        commands.insert(0, ["seqlets", "in.fa", "--track", "ö/ü.bw", "-o", "bw.bed"])
        commands.insert(0, ["discriminator", "in.fa", "-o", "ö/ü.bw", *model])
    found = subprocess.run(
        [sys.executable, "-P", "-c", RUN, json.dumps(commands)],
        cwd=folder, env={**os.environ, **PLAIN, "XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True, check=False,
    )  # fmt: skip
    said = found.stderr.decode(errors="replace")
    assert found.returncode == 0, said
    return folder, found.stdout.decode(), said


def test_fasta_in_and_tracks_out_in_a_file_and_on_stdout(done: tuple[Path, str, str]) -> None:
    folder, said, _ = done
    text = gzip.decompress((folder / "x.bedGraph.gz").read_bytes()).decode()
    assert text.startswith(f"{NAME}\t0\t1\t")
    assert text in said
    (track,) = read_tracks(folder / "x.bedGraph.gz", read_records(folder / "in.fa"))
    assert np.isfinite(track).all()


def test_a_track_in_and_seqlets_out(done: tuple[Path, str, str]) -> None:
    assert (done[0] / "x.bed").read_text(encoding="utf-8").startswith(f"{NAME}\t")


def test_motifs_in_and_matches_out(done: tuple[Path, str, str]) -> None:
    row = (done[0] / "é.tsv").read_text(encoding="utf-8").splitlines()[1].split("\t")
    assert (row[0], row[10]) == ("ö", "ü")


def test_a_folder_whose_path_has_no_letters(done: tuple[Path, str, str]) -> None:
    folder, said, _ = done
    assert "ö/out/profile.h5" in said
    run = json.loads((folder / "ö" / "out" / "run.json").read_text(encoding="utf-8"))
    assert run["command"][:5] == ["nucel-interp", "attention", "in.fa", "-o", "ö/out"]
    track = (folder / "ö" / "out" / "tracks" / "attention.bedGraph").read_text(encoding="utf-8")
    assert track.startswith(NAME)


def test_bigwig_at_a_path_without_letters(done: tuple[Path, str, str]) -> None:
    pytest.importorskip("pybigtools")
    pytest.importorskip("pyBigWig")
    assert (done[0] / "bw.bed").read_text(encoding="utf-8").startswith(f"{NAME}\t")


def test_variants(done: tuple[Path, str, str]) -> None:
    pytest.importorskip("pysam")
    row = (done[0] / "v" / "variants.tsv").read_text(encoding="utf-8").splitlines()[1]
    assert row.split("\t")[:3] == [NAME, "5", "ß"]
