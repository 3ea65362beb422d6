"""Every text a user gives is UTF-8 with or without a mark, in any locale; damage is one line."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading

import pytest

from nucel_pretrain.benchmark.suite import read_suite
from nucel_pretrain.config import read_config
from nucel_pretrain.errors import DataError, PretrainError
from nucel_pretrain.evaluation.settings import read_evaluation
from nucel_pretrain.finetune.read import read_dataset
from nucel_pretrain.motif_order.matrices import read_two
from tests.pretrain.test_pretrain_config import TOML

MARK = b"\xef\xbb\xbf"
SUITE = '[[tasks]]\nname = "Größe"\n'
EVALUATION = '[held_out]\nregions = ["chrß"]\n'
ROWS = "letter-probability matrix: alength= 4 w= 2\n0.97 0.01 0.01 0.01\n0 0 0 1\n\n"
MEME = f"MEME version 4\n\nMOTIF M1 größe\n{ROWS}MOTIF M2\n{ROWS}"
TABLE = "sequence,label\n" + "".join(f"{'ACGT' * 9}{'ACGT'[i % 4] * i},{'äö'[i % 2]}\n"
                                     for i in range(40))  # fmt: skip
READ = {
    "run.toml": (TOML, lambda path: read_config(path).data.fasta[0], "genome.fa"),
    "suite.toml": (SUITE, lambda path: read_suite(str(path)).tasks[0].name, "Größe"),
    "evaluate.toml": (EVALUATION, lambda path: read_evaluation(path).held_out.regions[0], "chrß"),
    "two.meme": (MEME, lambda path: read_two(path)[0].name, "größe"),
    "table.csv": (TABLE, lambda path: read_dataset(path).labels[1], "ö"),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", [b"", MARK], ids=["no mark", "mark"])
@pytest.mark.parametrize("name", READ)
def test_a_mark_and_packing_change_nothing(tmp_path, name, mark, pack):
    text, read, found = READ[name]
    (tmp_path / name).write_bytes(pack(mark + text.encode()))
    assert read(tmp_path / name) == found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", READ)
def test_a_pipe_is_read_once(tmp_path, name):
    text, read, found = READ[name]
    pipe = tmp_path / name
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(text.encode(),))
    writer.start()
    assert read(pipe) == found
    writer.join()


@pytest.mark.parametrize("name", READ)
def test_damage_is_said_in_one_line(tmp_path, name):
    text, read, _ = READ[name]
    raw = gzip.compress(text.encode(), mtime=0)
    (tmp_path / name).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(Exception, match="is cut short or damaged") as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)
    (tmp_path / name).write_bytes(text.encode() + b"# \xf6\n")
    with pytest.raises(Exception, match="which is no UTF-8 text"):
        read(tmp_path / name)


def test_python_callers_get_the_errors_they_are_promised(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(PretrainError):
        read_config(tmp_path / "x")
    with pytest.raises(DataError):
        read_dataset(tmp_path / "x")


def test_meme_names_are_one_word(tmp_path):
    text = MEME.replace("M1 größe", "GTCAC MEME-1\twidth = 15 sites = 17 llr = 2")
    (tmp_path / "a.meme").write_text(text, encoding="utf-8")
    assert read_two(tmp_path / "a.meme")[0].name == "MEME-1"


def test_the_command_runs_in_the_c_locale(tmp_path, genome):
    """FASTA, BED, TOML with names beyond ASCII; the run folder; a second start that goes on."""
    text = genome.read_text().replace(">chr1", ">größe")
    genome.write_text(text, encoding="utf-8")
    (tmp_path / "in.bed").write_text("größe\t0\t3000\n", encoding="utf-8")
    data = (
        f'[data]\nfasta = ["{genome}"]\ninclude = ["{tmp_path}/in.bed"]\nwindow = 32\nbatch = 2\n'
    )
    toml = TOML.replace('[data]\nfasta = ["genome.fa"]\n', f"# größer\n{data}")
    (tmp_path / "run.toml").write_text(toml.replace("steps = 5", "steps = 2"), encoding="utf-8")
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-P",
             "-m", "nucel_pretrain", "train", "run.toml", "-o", "run", "-t", "1"],
            cwd=tmp_path,
            env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
    assert b"model written to run/model" in done.stderr
