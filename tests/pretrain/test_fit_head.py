"""`fit-head`: a head for an encoder that has none, and not a bit of the encoder changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from nucel_model import Nucel, NucelEncoder, from_pretrained, random_control, save_pretrained
from nucel_pretrain.cli import app
from nucel_pretrain.config import read_config
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.fit_head import fit_head, head_config
from nucel_pretrain.state import checkpoints
from nucel_pretrain.train import train
from tests.pretrain.cut_runs import CutOff, cut_at, silent

TOML = """
[data]
fasta = ["{genome}"]
validation = ["chr2:0-1000"]
window = {window}
batch = 8
[generator]
hidden = 8
layers = 1
heads = 2
intermediate = 12
[electra]
temperature = 3.0
[optim]
learning_rate = 3e-2
warmup_steps = 3
[loop]
steps = {steps}
log_every = 1
precision = "fp32"
"""


def metrics(out: Path) -> list[dict]:
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [{k: v for k, v in m.items() if k != "seconds"} for m in lines]


@pytest.fixture
def toml(genome, tmp_path):
    def write(*, window: int = 32, steps: int = 12, more: str = "") -> Path:
        path = tmp_path / "head.toml"
        path.write_text(TOML.format(genome=genome, window=window, steps=steps) + more)
        return path

    return write


@pytest.fixture
def encoder_alone(tmp_path):
    """Writes a folder such as NucEL was released: config.json and model.safetensors."""

    def write(model: Nucel, name: str = "released") -> Path:
        return save_pretrained(Nucel(model.encoder), tmp_path / name)

    return write


@pytest.fixture
def released(tiny_config, encoder_alone):
    config = tiny_config().discriminator.encoder(max_tokens=65)
    return encoder_alone(Nucel(NucelEncoder(config)))


def fit(folder: Path, toml: Path, out: Path, **kwargs) -> Path:
    config = head_config(toml, folder, from_pretrained(folder).config)
    return fit_head(folder, config, out, say=silent, **kwargs)


def test_the_head_finds_what_the_encoder_knows_and_a_random_encoder_does_not(
    tiny_config, toml, encoder_alone, tmp_path
):
    trained = tiny_config(
        data={"batch": 16, "validation": ("chr2:0-1000",)},
        discriminator={"hidden": 32, "intermediate": 48},
        electra={"temperature": 3.0},
        loop={"steps": 120},
        optim={"learning_rate": 1e-2},
    )
    model = from_pretrained(train(trained, tmp_path / "trained", say=silent))
    found = {}
    for name, taken in (("knows", model), ("random", random_control(model, 0))):
        folder = encoder_alone(taken, name)
        fit(folder, toml(steps=60), tmp_path / f"{name}-head")
        found[name] = metrics(tmp_path / f"{name}-head")[-1]["validation_auroc"]
    assert found["knows"] > 0.7
    assert found["random"] < found["knows"] - 0.1


def test_the_encoder_is_unchanged_bit_for_bit_and_the_rest_is_learned(released, toml, tmp_path):
    before = (released / "model.safetensors").read_bytes()
    folder = fit(released, toml(), tmp_path / "head")
    assert (released / "model.safetensors").read_bytes() == before
    assert (folder / "model.safetensors").read_bytes() == before
    model = from_pretrained(folder)
    head = model.discriminator_head
    assert head is not None
    assert sum(p.numel() for p in head.parameters()) == 16 + 1
    ids = torch.randint(11, 15, (2, 33))
    logit = model.replaced_logit(model(ids).last_hidden_state)
    assert logit.shape == (2, 32)
    assert from_pretrained(folder / "generator").mlm_head is not None
    # most bases are not replaced: the head's bias, 0 at first, has learned that
    assert head.discriminator_predictions.bias.item() < -0.1
    losses = [m["generator_loss"] for m in metrics(tmp_path / "head") if "loss" in m]
    assert losses[-1] < losses[0]


def test_the_folder_says_where_its_head_is_from(released, toml, tmp_path):
    config = json.loads((released / "config.json").read_text())
    (released / "config.json").write_text(json.dumps({**config, "note": "kept"}))
    folder = fit(released, toml(), tmp_path / "head")
    written = json.loads((folder / "config.json").read_text())
    assert written.pop("discriminator_head") == {
        "source": "fitted by nucel-pretrain fit-head on a frozen encoder: 12 steps, genome.fa",
        "positive": "replaced",
    }
    assert written == {**config, "note": "kept"}


def test_half_precision_weights_are_kept_as_they_are(released, toml, tmp_path):
    path = released / "model.safetensors"
    save_file({k: t.half() for k, t in load_file(path).items()}, path)
    folder = fit(released, toml(steps=2), tmp_path / "head")
    assert (folder / "model.safetensors").read_bytes() == path.read_bytes()
    assert from_pretrained(folder).discriminator_head is not None


def test_no_gradient_and_no_optimiser_state_for_the_encoder(released, toml, tmp_path):
    fit(released, toml(), tmp_path / "head")
    (shard,) = checkpoints(tmp_path / "head")[-1].glob("shard-*")
    moments = [name for name in load_file(shard) if name.startswith("exp_avg/")]
    assert "exp_avg/discriminator_head.discriminator_predictions.weight" in moments
    assert any(name.startswith("exp_avg/generator.") for name in moments)
    assert not any(name.startswith("exp_avg/discriminator.") for name in moments)


def test_resuming_equals_not_stopping(released, toml, tmp_path):
    path = toml(more="checkpoint_minutes = 1e-9\n")
    config = head_config(path, released, from_pretrained(released).config)
    with pytest.raises(CutOff):
        fit_head(released, config, tmp_path / "cut", say=cut_at("step 6/12"))
    fit_head(released, config, tmp_path / "cut", say=silent)
    fit_head(released, config, tmp_path / "whole", say=silent)
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")
    for path in (tmp_path / "whole" / "model").rglob("*.safetensors"):
        other = tmp_path / "cut" / path.relative_to(tmp_path / "whole")
        assert path.read_bytes() == other.read_bytes(), path


def test_another_encoder_in_the_same_run_is_refused(released, toml, tmp_path):
    fit(released, toml(), tmp_path / "head")
    copy = shutil.copytree(released, tmp_path / "copy")
    with pytest.raises(PretrainError, match=r"loop\.start_from was .*released.*is .*copy"):
        fit(copy, toml(), tmp_path / "head")
    save_pretrained(Nucel(random_control(from_pretrained(released), 4).encoder), released)
    with pytest.raises(PretrainError, match="is not the encoder that this run began with"):
        fit(released, toml(), tmp_path / "head")


def test_shipped_settings_read_and_take_the_encoders_size(released):
    encoder = from_pretrained("nucel-mini").config
    config = head_config("fit-head", "nucel-mini", encoder, ("chr1.fa",))
    assert config.discriminator == read_config("mini").discriminator
    assert (config.generator.hidden, config.generator.layers) == (128, 4)
    assert config.data.fasta == ("chr1.fa",)
    assert config.loop.start_from == "nucel-mini"


def test_what_makes_no_sense_is_refused(released, toml, tiny_config, tmp_path):
    with pytest.raises(PretrainError, match=r"data\.window = 65 bases are more than the 64"):
        fit(released, toml(window=65), tmp_path / "head")
    with pytest.raises(PretrainError, match=r"leave out \[discriminator\]"):
        fit(released, toml(more="[discriminator]\nhidden = 8\n"), tmp_path / "head")
    with pytest.raises(PretrainError, match=r'tokens\.kind = "base"; got \'electra\' and \'6mer\''):
        fit(released, toml(more='[tokens]\nkind = "6mer"\n'), tmp_path / "head")
    assert not (tmp_path / "head").exists()


def fails(*arguments) -> str:
    result = CliRunner().invoke(app, ["fit-head", *map(str, arguments)])
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_the_command_line_and_its_errors(released, toml, tmp_path):
    out = tmp_path / "head"
    rest = ("--config", toml(steps=2), "-o", out)
    assert "there is no model folder" in fails(tmp_path / "nowhere", *rest)
    assert "reads at once" in fails(released, "-o", out)  # the shipped settings' windows
    without = tmp_path / "without.toml"
    without.write_text(toml(steps=2).read_text().replace("fasta", "# fasta"))
    assert "no FASTA was given" in fails(released, "--config", without, "-o", out)
    config = json.loads((released / "config.json").read_text())
    (released / "config.json").write_text(json.dumps({**config, "vocab_size": 30}))
    assert "vocab_size 30 is not NucEL's 27" in fails(released, *rest)
    (released / "config.json").write_text(json.dumps(config))
    result = CliRunner().invoke(app, ["fit-head", str(released), *map(str, rest), "-t", "1"])
    assert result.exit_code == 0, result.output
    assert f"model written to {out / 'model'}" in result.stderr
    other = ("--config", toml(steps=2), "-o", tmp_path / "other")
    assert "has a discriminator head already; pass --replace-head" in fails(out / "model", *other)
    arguments = ["fit-head", str(out / "model"), *map(str, other), "--replace-head", "-t", "1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert from_pretrained(tmp_path / "other" / "model").discriminator_head is not None
