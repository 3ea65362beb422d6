"""Every command looks at its output and at what it is given before it reads a genome or learns."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import nucel_genome
from nucel_pretrain.cli import app
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation import run as evaluation
from nucel_pretrain.runfolder import check_folder

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture
def calls(genome: Path, toml, tmp_path: Path) -> dict[str, list[object]]:
    """Each command with what it needs, but for -o."""
    table = tmp_path / "data.csv"
    rows = [f"{'ACGT' * 4}{'ACGT'[i % 4] * 4},{i % 2}" for i in range(40)]
    table.write_text("\n".join(["sequence,label", *rows]) + "\n")
    beds = tmp_path / "beds"
    beds.mkdir()
    for name in ("tss", "cpg_islands", "ctcf_bound", "splice_donors", "splice_acceptors"):
        (beds / f"{name}.bed").write_text("chr20\t10\t20\tx\t0\t+\n")
    return {
        "train": [toml()],
        "evaluate": ["nucel-mini", "--fasta", genome],
        "fit-head": [tmp_path / "encoder", "--fasta", genome],
        "ablate": ["ablation", "--fasta", genome],
        "motif-order": ["--models", "nucel-mini", "--fasta", genome],
        "finetune": [table],
        "benchmark": ["hg19-mini", "--fasta", genome, "--sites-dir", beds],
    }


@pytest.fixture
def no_genome_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening one ends the test."""

    def begun(*_: object, **__: object) -> None:
        pytest.fail("the work had begun")

    monkeypatch.setattr(nucel_genome.Genome, "open", begun)


def fails(*arguments: object) -> str:
    """The one line on stderr of a command that ends with exit code 1."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 1, result.output
    return result.stderr.strip().splitlines()[-1]


def test_every_command_that_writes_is_here(calls) -> None:
    assert set(calls) == set(COMMANDS)


@pytest.mark.usefixtures("no_genome_is_read")
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_file_in_the_way_is_told(name: str, calls, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("nucel_pretrain.finetune.run.load", lambda name: pytest.fail("loaded"))
    if name == "fit-head":
        from nucel_model import from_pretrained

        save(from_pretrained("nucel-mini"), tmp_path / "encoder")
    for out in (tmp_path / "out", tmp_path / "out" / "deep"):
        (tmp_path / "out").write_text("what somebody needs")
        said = fails(name, *calls[name], "-o", out)
        assert "out is a file" in said or "out is no folder" in said
    assert (tmp_path / "out").read_text() == "what somebody needs"


def save(model, folder: Path) -> None:
    """An encoder without a head."""
    from nucel_model import Nucel, save_pretrained

    save_pretrained(Nucel(model.encoder), folder)


@pytest.mark.usefixtures("no_genome_is_read")
@pytest.mark.parametrize("name", ["finetune", "benchmark"])
def test_force_does_not_remove_what_is_not_ours(name: str, calls, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").touch()
    assert "does not remove it" in fails(name, *calls[name], "-o", tmp_path / "home", "--force")
    assert (tmp_path / "home" / "thesis.txt").exists()


@pytest.mark.usefixtures("no_genome_is_read")
def test_another_run_in_the_folder_is_told(calls, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "config.json").write_text('{"loop": {"seed": 12345}}')
    assert "another configuration" in fails("train", *calls["train"], "-o", out)
    assert "other settings" in fails("motif-order", *calls["motif-order"], "-o", out)


@pytest.mark.usefixtures("no_genome_is_read")
def test_a_missing_bed_file_of_a_benchmark_is_told(calls, tmp_path: Path) -> None:
    (tmp_path / "beds" / "splice_acceptors.bed").unlink()
    said = fails("benchmark", *calls["benchmark"], "-o", tmp_path / "out")
    assert "no splice_acceptors.bed" in said


def test_a_misspelt_bed_file_is_told_before_anything_is_measured(
    genome: Path, tmp_path: Path, monkeypatch
) -> None:
    settings = tmp_path / "e.toml"
    settings.write_text(
        '[held_out]\nregions = ["chr2"]\nwindow = 64\n'
        '[split]\ntrain = ["chr1:0-2000"]\nchoose = ["chr1:2000-4000"]\ntest = ["chr2"]\n'
        'window = 64\n[[sites]]\nname = "x"\nbed = "misspelt.bed"\n'
    )
    monkeypatch.setattr(evaluation, "_own_task", lambda *_: pytest.fail("measured"))
    said = fails(
        "evaluate", "nucel-mini", "--settings", settings, "--fasta", genome,
        "--sites-dir", tmp_path, "-o", tmp_path / "out",
    )  # fmt: skip
    assert "misspelt.bed" in said


def test_a_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "deep")
    with pytest.raises(PretrainError, match="file is a file"):
        check_folder(tmp_path / "file")
    with pytest.raises(PretrainError, match="file is no folder"):
        check_folder(tmp_path / "file" / "deep")
    if Path("/proc/self").exists():
        with pytest.raises(PretrainError, match="cannot write to the folder"):  # whoever asks
            check_folder(Path("/proc/self/new"))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_is_printed_as_it_is_written(name: str) -> None:
    """Markup would take [[sites]] for its own, and print []."""
    printed = re.sub(r"\s+", " ", CliRunner().invoke(app, [name, "--help"]).output)
    for parameter in COMMANDS[name].params:
        assert re.sub(r"\s+", " ", parameter.help or "") in printed


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_run_that_is_ended_clears_up(sent: int, code: int) -> None:
    source = (
        "import time\n"
        "from nucel_pretrain.cli import app\n"
        "@app.command()\n"
        "def slow():\n"
        "    try:\n"
        "        print('started', flush=True); time.sleep(60)\n"
        "    finally:\n"
        "        print('cleared up', flush=True)\n"
        "app(['slow'])\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(sent, signal.SIG_DFL),
    )
    with run:
        assert run.stdout is not None
        assert run.stdout.readline() == "started\n"
        run.send_signal(sent)
        assert run.communicate(timeout=30)[0] == "cleared up\n"
    assert run.returncode == code
