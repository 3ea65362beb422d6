"""The discriminator head that a published encoder lacks, fitted on the frozen encoder.

NucEL was released as its encoder alone. Here a small generator is trained from nothing, and with it
the one-layer head (hidden + 1 parameters) that tells which bases it replaced; the encoder takes no
gradient and is no part of the optimiser. The fitted head says what a linear reader finds in the
encoder's last layer. It is not the head the encoder was trained with: that one is lost.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from nucel_model import Electra, Nucel, from_pretrained
from nucel_model.config import NucelConfig
from nucel_model.errors import ConfigError, FolderError
from nucel_pretrain.config import PretrainConfig, build, read_toml
from nucel_pretrain.distributed import World
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.messages import Say
from nucel_pretrain.runfolder import write_whole
from nucel_pretrain.tokens import Tokens
from nucel_pretrain.train import ready, train


def read_encoder(folder: str | Path, *, replace_head: bool = False) -> Nucel:
    """The model whose head is to be fitted.

    Raises:
        PretrainError: There is no such folder, it is not NucEL's kind, or it has a head already
            and ``replace_head`` is not set.
    """
    try:
        model = from_pretrained(folder)
    except (FolderError, ConfigError) as error:
        raise PretrainError(str(error)) from error
    if not isinstance(model.config, NucelConfig):
        raise PretrainError(
            f"{folder} holds a Nucleotide Transformer; a discriminator head is fitted to models of "
            "single bases"
        )
    if model.discriminator_head is not None and not replace_head:
        raise PretrainError(
            f"{folder} has a discriminator head already; "
            "pass --replace-head to fit another one, in a folder of its own"
        )
    return model


def head_config(
    path: str | Path, folder: str | Path, encoder: NucelConfig, fasta: tuple[str, ...] = ()
) -> PretrainConfig:
    """A run's configuration from TOML without a discriminator: the folder says what that is.

    Args:
        path: A TOML file or a shipped name (``fit-head``).
        folder: Folder of the encoder, or a shipped name.
        encoder: Configuration of the encoder.
        fasta: Takes the place of ``data.fasta``.

    Raises:
        PretrainError: As `read_config`; a section or value that makes no sense here; or windows
            longer than the encoder reads at once.
    """
    raw = read_toml(path)
    if "discriminator" in raw or "start_from" in raw.get("loop", {}):
        raise PretrainError(
            f"{path}: fit-head takes the encoder from its folder; "
            "leave out [discriminator] and loop.start_from"
        )
    raw["discriminator"] = {
        "hidden": encoder.hidden_size,
        "layers": encoder.num_hidden_layers,
        "heads": encoder.num_attention_heads,
        "intermediate": encoder.intermediate_size,
    }
    if isinstance(raw.get("loop"), dict):
        raw["loop"]["start_from"] = str(folder)
    if fasta and isinstance(raw.setdefault("data", {}), dict):
        raw["data"]["fasta"] = list(fasta)
    config = build(PretrainConfig, raw)
    if config.objective != "electra" or config.tokens.kind != "base":
        raise PretrainError(
            f'{path}: fit-head needs objective = "electra" and tokens.kind = "base"; '
            f"got {config.objective!r} and {config.tokens.kind!r}"
        )
    if config.data.window > encoder.context_bp:
        raise PretrainError(
            f"data.window = {config.data.window} bases are more than the {encoder.context_bp} "
            f"the encoder in {folder} reads at once"
        )
    return config


def fit_head(
    folder: str | Path,
    config: PretrainConfig,
    out: Path,
    *,
    replace_head: bool = False,
    say: Say | None = None,
    world: World | None = None,
    cache: Path | None = None,
) -> Path:
    """Fit a head and return the finished folder, ``out/model``.

    It holds the encoder's own ``model.safetensors`` byte for byte and its ``config.json`` with
    ``discriminator_head`` added, the head, and the generator. Checkpoints, metrics and resuming are
    those of `train`.

    Args:
        folder: The encoder's.
        config: Configuration that `head_config` gave.
        out: The run's folder.
        replace_head: Fit a head though the folder has one.
        say: Called with each line of progress.
        world: Processes that train together; None = this one alone.
        cache: Folder in which converted genomes are kept; None = the user's cache.

    Raises:
        PretrainError: As `read_encoder` and `train`, or the encoder's file is no longer the one
            that the run began with.
        DataError: The sequence cannot be trained on.
    """
    found = read_encoder(folder, replace_head=replace_head)
    encoder, shape = found.encoder, found.config
    assert found.path is not None
    assert isinstance(shape, NucelConfig)

    def frozen(config: PretrainConfig, tokens: Tokens, device: torch.device) -> nn.Module:
        torch.manual_seed(config.loop.seed)
        longest = tokens.max_tokens(config.data.window)
        model = Electra(
            config.generator.encoder(longest, tokens.vocab_size),
            shape,
            shared_embeddings=config.electra.embeddings == "shared",
        )
        model.discriminator.load_state_dict(encoder.state_dict())
        # without a weight that needs one, autograd records nothing inside the encoder
        model.discriminator.requires_grad_(False)
        return ready(model, device, longest)

    fitted = train(config, out, say=say, world=world, cache=cache, build=frozen)
    if world is None or world.is_main:
        _keep_encoder(found.path, fitted, config)
    return fitted


def _keep_encoder(folder: Path, fitted: Path, config: PretrainConfig) -> None:
    """Put the encoder's own files in place of what was exported, which must be equal."""
    try:
        given, used = (load_file(at / "model.safetensors") for at in (folder, fitted))
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, SafetensorError, ValueError) as error:
        raise PretrainError(f"{folder} cannot be read any more: {error}") from error
    if given.keys() != used.keys() or not all(
        torch.equal(tensor.to(used[name].dtype), used[name]) for name, tensor in given.items()
    ):
        raise PretrainError(
            f"{folder / 'model.safetensors'} is not the encoder that this run began with; "
            "put that one back, or give another --out"
        )
    head = json.loads((fitted / "config.json").read_text(encoding="utf-8"))["discriminator_head"]
    names = ", ".join(Path(name).name for name in config.data.fasta)
    head["source"] = (
        f"fitted by nucel-pretrain fit-head on a frozen encoder: {config.loop.steps} steps, {names}"
    )
    try:
        partial = fitted / ".model.safetensors.partial"
        shutil.copyfile(folder / "model.safetensors", partial)
        partial.replace(fitted / "model.safetensors")
        text = json.dumps({**data, "discriminator_head": head}, indent=2) + "\n"
        write_whole(fitted / "config.json", text)
    except OSError as error:
        raise PretrainError(
            f"cannot write the model {fitted}: {error}. "
            "Free some space and give the same command to go on"
        ) from error
