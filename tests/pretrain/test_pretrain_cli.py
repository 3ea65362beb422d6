"""`nucel-pretrain`: quick help, a run, and errors in one line with exit code 1."""

from __future__ import annotations

import json
import subprocess
import sys

from typer.testing import CliRunner

from nucel_model import from_pretrained
from nucel_pretrain.cli import app
from nucel_pretrain.messages import be_quiet, say


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def fails(*arguments) -> str:
    """The one line on stderr of a run that must end with exit code 1."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0]


def test_help_loads_no_torch():
    code = (
        "import sys; from nucel_pretrain.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'numpy', 'scipy'} & set(sys.modules), 'help loads too much'"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for command in ("train", "fit-head"):
        assert command in result.stdout


def test_help_of_train_names_its_options():
    result = run("train", "--help")
    assert result.exit_code == 0
    for word in ("--out", "--fasta", "--threads"):
        assert word in result.output


def test_a_run_from_toml_to_a_model_that_loads(toml, tmp_path):
    result = run("train", toml(loop={"steps": 2}), "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "model written to" in result.stderr
    assert result.stdout == ""
    assert from_pretrained(tmp_path / "run" / "model").config.hidden_size == 16


def test_fasta_on_the_command_line_takes_the_place_of_the_configurations(toml, genome, tmp_path):
    path = toml(loop={"steps": 1}, data={"fasta": ("nowhere.fa",)})
    assert "cannot read nowhere.fa" in fails("train", path, "-o", tmp_path / "a")
    result = run("train", path, "-o", tmp_path / "b", "--fasta", genome)
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "b" / "config.json").read_text())
    assert written["data"]["fasta"] == [str(genome)]


def test_errors_are_one_line_and_exit_code_1(toml, genome, tmp_path):
    out = tmp_path / "run"
    assert "no.toml as a configuration (TOML)" in fails("train", tmp_path / "no.toml", "-o", out)
    assert "no FASTA was given" in fails("train", "mini", "-o", out)
    # the shipped configuration holds out a part of chr20, which this genome has not
    assert "region of chr20" in fails("train", "mini", "-o", out, "--fasta", genome)
    path = toml()
    path.write_text(path.read_text().replace("steps", "step"))
    assert "did you mean 'steps'" in fails("train", path, "-o", out)
    assert not out.exists()


def test_wrong_usage_is_exit_code_2(toml):
    assert run("train", toml()).exit_code == 2
    assert run("nonsense").exit_code == 2


def test_quiet_leaves_warnings_and_errors_on_stderr(toml, tmp_path, capsys):
    loud = run("train", toml(loop={"steps": 1}), "-o", tmp_path / "a")
    assert "step 1/1" in loud.stderr
    quiet = run("train", toml(loop={"steps": 1}), "-o", tmp_path / "b", "-q")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert "error: " in run("-q", "train", tmp_path / "no.toml", "-o", tmp_path / "c").stderr
    be_quiet(True)
    try:
        say("a note")
        say("warning: a leak")
    finally:
        be_quiet(False)
    say("more")
    assert capsys.readouterr().err == "warning: a leak\nmore\n"
