"""--context, in every command that reads a model; what run.json says of the model."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import nucel_interp as ni
from nucel_interp.cli import app
from nucel_interp.cli.options import Context
from nucel_interp.io.provenance import file_sha256
from nucel_interp.report.page import provenance
from nucel_interp.scoring import score_sequences
from nucel_model import from_pretrained, save_pretrained
from tests.toy import dna, tuned

ABOUT = {
    "model", "model_path", "model_sha256", "context_bp", "backend", "backend_reason", "seed",
    "threads", "seconds", "inputs", "versions", "command", "finished", "platform",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_pretrained(
        tuned(head=True, pooling="cls"), tmp_path_factory.mktemp("models") / "tiny"
    )


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "some.fa"
    path.write_text("".join(f">r{i}\n{dna(40 if i else 60, seed=i)}\n" for i in range(3)))
    return path


def run(*args):
    result = CliRunner().invoke(app, [str(a) for a in args])
    return result.exit_code, " ".join(result.output.split())


def commands():
    for command in app.registered_commands:
        assert command.callback is not None
        yield command.callback.__name__, inspect.signature(command.callback, eval_str=True)


def test_every_command_that_reads_a_model_has_the_option():
    having = {n for n, s in commands() if "context" in s.parameters}
    reading = {n for n, s in commands() if {"model", "models"} & s.parameters.keys()}
    assert having == reading
    assert len(reading) > 10
    for name, signature in commands():
        if name in having:
            assert signature.parameters["context"].annotation == Context, name
            assert signature.parameters["context"].default is None


def test_a_run_says_what_it_read_with(folder, fasta, tmp_path):
    more = {
        "attention": ("--threads", 1),
        "substitution": ("--threads", 1),
        "attribute": ("--method", "gradient-x-input", "--threads", 1),
    }
    fasta.write_text(f">one\n{dna(20)}\n")
    for command, options in more.items():
        out = tmp_path / command
        code, text = run(command, fasta, "-m", folder, "--context", 60, "-o", out, *options)
        assert code == 0, text
        about = json.loads((out / "run.json").read_text())
        assert about.keys() >= ABOUT, command
        assert about["context_bp"] == 60
        assert about["model_path"] == str(folder)
        assert about["model_sha256"] == file_sha256(folder / "model.safetensors")
        assert about["seconds"] >= 0
        assert about["backend"] in ("profile", "sdpa", "matmul", "flash")


def test_the_numbers_are_those_of_shorter_windows(folder, fasta, tmp_path):
    text = dna(60, seed=0)
    wanted = score_sequences(from_pretrained(folder, context=32), [text]).replaced
    whole = score_sequences(from_pretrained(folder), [text]).replaced
    assert not np.allclose(wanted, whole)
    out = tmp_path / "x.bedGraph"
    code, _ = run("discriminator", fasta, "-m", folder, "--context", 32, "-o", out)
    assert code == 0
    rows = [line.split("\t") for line in out.read_text().splitlines()]
    got = {
        int(i): float(v) for name, a, b, v in rows if name == "r0" for i in range(int(a), int(b))
    }
    np.testing.assert_allclose([got[i] for i in range(60)], wanted, rtol=1e-3)


def test_parts_of_another_context_are_not_gone_on_with(folder, fasta, tmp_path):
    keep = tmp_path / "x"
    ni.discriminator(fasta, folder, context=32, keep=keep)
    with pytest.raises(ni.OutputError, match=r"with another context \(32; now 64\)"):
        ni.discriminator(fasta, folder, keep=keep)


@pytest.mark.parametrize("ask", [ni.attention, ni.discriminator, ni.predict])
def test_a_loaded_model_is_not_asked_to_read_another_context(folder, ask):
    loaded = ni.from_pretrained(folder, context=32)
    short = {"a": dna(30)}
    ask(short, loaded, context=32)
    with pytest.raises(ni.InputError, match="is loaded already and reads 32 bp at once"):
        ask(short, loaded, context=64)


@pytest.mark.parametrize("context", [15, 65, 10**9])
def test_a_context_out_of_bounds_is_one_line(folder, fasta, context):
    code, text = run("discriminator", fasta, "-m", folder, "--context", context)
    assert code == 1
    assert f"tiny: a context of {context} bp was asked for; this model reads from 16 to 64" in text


@pytest.mark.parametrize("command", ["seqlets", "kmers", "calibrate", "motifs"])
def test_a_context_without_a_model_is_refused(fasta, tmp_path, command):
    code, text = run(
        command, fasta, "--track", tmp_path / "t.npz", "--context", 100, "-o", tmp_path / "o"
    )
    assert code == 2
    assert "--context is of a model" in text


def test_info_says_both_numbers(folder):
    code, text = run("info", "-m", folder, "--context", 40)
    assert code == 0
    assert "40 bp, read in tokens of 1 bp; there are positions for 64 bp" in text


def test_the_report_tells_it():
    assert ("bases read at once", "1,024") in provenance({"context_bp": 1024})
    several = provenance({"context_bp": {"a": 256, "b": 5994}})
    assert ("bases read at once", "a 256, b 5,994") in several


def test_a_model_that_holds_no_numbers_ends_every_command(folder, fasta, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    bad = tmp_path / "bad"
    shutil.copytree(folder, bad)
    tensors = load_file(bad / "model.safetensors")
    tensors["layers.1.mlp.Wi.weight"][0, 0] = float("nan")
    save_file(tensors, bad / "model.safetensors")
    for command in ("info", "attention", "discriminator", "seqlets", "motifs", "substitution"):
        files = [] if command == "info" else [fasta]
        out = [] if command == "info" else ["-o", tmp_path / command]
        code, text = run(command, *files, "-m", bad, *out)
        assert code == 1, command
        assert "1 of 512 numbers in layers.1.mlp.Wi.weight are not finite" in text
        assert not (tmp_path / command).exists()
