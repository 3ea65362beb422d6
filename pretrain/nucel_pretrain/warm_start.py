"""Which networks a run trains: as its configuration says, or as the model that it starts from is.

Weights do not show everything. Number of heads, rotary thetas, eps, window and layer pattern change
what they compute, and a head's polarity turns it round, without the shape of a tensor telling. So a
start's own constants are taken, and what the configuration says otherwise is refused by name.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from nucel_model import Electra, MaskedLM, Nucel, from_pretrained
from nucel_model.config import NucelConfig, config_from_json
from nucel_model.errors import ConfigError, FolderError
from nucel_model.heads import ReplacedTokenHead
from nucel_pretrain.config import PretrainConfig, SizeConfig, layer_types
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.tokens import BaseTokens, Tokens


@dataclass(frozen=True)
class Encoders:
    """Constants of a run's networks.

    Attributes:
        discriminator: Constants of the discriminator, or of masked prediction's only encoder.
        generator: None for masked prediction.
    """

    discriminator: NucelConfig
    generator: NucelConfig | None


def stated_encoders(config: PretrainConfig, tokens: Tokens) -> Encoders:
    """As the configuration alone says; NucEL's values where it says nothing."""
    longest = tokens.max_tokens(config.data.window)
    generator = None
    if config.objective != "mlm":
        generator = config.generator.encoder(longest, tokens.vocab_size)
    return Encoders(config.discriminator.encoder(longest, tokens.vocab_size), generator)


def saved_encoders(folder: Path) -> Encoders:
    """As a model that a run wrote says.

    Raises:
        PretrainError: It cannot be read.
    """

    def read(path: Path) -> NucelConfig:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return config_from_json(data, source=str(path))
        except (OSError, ValueError, AttributeError) as error:
            raise PretrainError(f"{path} cannot be read: {error}") from error

    inner = folder / "generator" / "config.json"
    return Encoders(read(folder / "config.json"), read(inner) if inner.exists() else None)


def check_same_encoders(model: nn.Module, folder: Path) -> None:
    """Refuse to go on, with a network that computes otherwise, from what a run has saved.

    Args:
        model: Network that is to be trained on.
        folder: The model in the run's newest checkpoint.

    Raises:
        PretrainError: A constant differs; each is named.
    """
    now, saved = _encoders_of(model), saved_encoders(folder)
    changed = [
        f"{network}'s {name} was {getattr(before, name)!r}, is {getattr(after, name)!r}"
        for network, before, after in (
            ("the discriminator", saved.discriminator, now.discriminator),
            ("the generator", saved.generator, now.generator),
        )
        if before is not None and after is not None
        for name in (field.name for field in dataclasses.fields(NucelConfig))
        if getattr(before, name) != getattr(after, name)
    ]
    if changed:
        raise PretrainError(
            f"{folder} was made by another network: {'; '.join(changed)}. Give another --out, or "
            "the first one again"
        )


def _encoders_of(model: nn.Module) -> Encoders:
    if isinstance(model, MaskedLM):
        return Encoders(model.encoder.config, None)
    assert isinstance(model, Electra)
    return Encoders(model.discriminator.config, model.generator.config)


@dataclass(frozen=True)
class Start:
    """A saved model that a run starts from.

    Attributes:
        model: Model with the head that the objective trains.
        generator: Generator in the folder inside, with its head; None for masked prediction.
        encoders: Constants of the networks, for windows of the run's length.
    """

    model: Nucel
    generator: Nucel | None
    encoders: Encoders

    @classmethod
    def open(cls, config: PretrainConfig) -> Start:
        """Load what ``loop.start_from`` names.

        Raises:
            PretrainError: It cannot be loaded, lacks what the objective trains, or is another
                network than the configuration says; every difference is named.
        """
        name = config.loop.start_from
        try:
            model, generator = _load(config)
        except (FolderError, ConfigError) as error:
            raise PretrainError(f"loop.start_from = {name!r}: {error}") from error
        networks = [("discriminator", config.discriminator, model)]
        if generator is not None:
            networks.append(("generator", config.generator, generator))
        different, taken = [], []
        for network, size, found in networks:
            assert isinstance(found.config, NucelConfig)
            different += [f"{network}.{what}" for what in _differences(size, found.config)]
            longest = BaseTokens().max_tokens(config.data.window)
            taken.append(dataclasses.replace(found.config, max_position_embeddings=longest))
        if different:
            raise PretrainError(
                f"loop.start_from = {name!r} is another network than the configuration says: "
                f"{'; '.join(different)}. Write the values there; thetas, norm_eps, "
                "local_attention and global_every may be left out and are then taken from there"
            )
        return cls(model, generator, Encoders(taken[0], taken[1] if generator else None))

    @property
    def turned(self) -> bool:
        """Whether the discriminator head there is high where a base is original."""
        head = self.model.discriminator_head
        return head is not None and head.positive != "replaced"

    def load(self, model: nn.Module) -> None:
        """Copy the weights into a model made from `encoders`."""
        if isinstance(model, MaskedLM):
            _copy(self.model.encoder, model.encoder)
            _copy(self.model.mlm_head, model.head)
            return
        assert isinstance(model, Electra)
        assert self.generator is not None
        _copy(self.model.encoder, model.discriminator)
        _copy(self.model.discriminator_head, model.discriminator_head)
        _copy(self.generator.encoder, model.generator)
        _copy(self.generator.mlm_head, model.generator_head)


def _load(config: PretrainConfig) -> tuple[Nucel, Nucel | None]:
    """The model, and for ELECTRA the generator inside, if they hold what the objective trains.

    Raises:
        FolderError, ConfigError: They do not, or cannot be loaded.
    """
    name = config.loop.start_from
    if config.tokens.kind != "base":
        raise ConfigError(
            f"saved models read single bases; tokens.kind = {config.tokens.kind!r} needs a run "
            "from random weights"
        )
    model = from_pretrained(name)
    if not isinstance(model.config, NucelConfig):
        raise FolderError("it is a Nucleotide Transformer; give a folder of NucEL's kind")
    if config.objective == "mlm":
        if model.mlm_head is None:
            raise FolderError("it lacks a masked-base head, which masked prediction trains")
        return model, None
    if config.electra.embeddings == "shared":
        raise ConfigError(
            'it does not go with electra.embeddings = "shared": a folder holds what the '
            "generator's table amounts to, not the projection that makes it"
        )
    assert model.path is not None
    inner = model.path / "generator"
    if model.discriminator_head is None or not inner.is_dir():
        lacking = "generator" if model.discriminator_head else "discriminator head"
        raise FolderError(
            f"it has no {lacking} (NucEL was released as its encoder alone). Fit both first: "
            f"nucel-pretrain fit-head {name} --fasta GENOME -o HEAD"
            f"{' --replace-head' if model.discriminator_head else ''}, and start from HEAD/model"
        )
    generator = from_pretrained(inner)
    if generator.mlm_head is None or not isinstance(generator.config, NucelConfig):
        raise FolderError(f"{inner} lacks a masked-base head, so it is no generator")
    return model, generator


def _copy(source: nn.Module | None, target: nn.Module) -> None:
    assert source is not None
    weights: dict[str, Tensor] = source.state_dict()
    if (
        isinstance(source, ReplacedTokenHead)
        and isinstance(target, ReplacedTokenHead)
        and source.positive != target.positive
    ):  # one linear layer: log-odds of the other polarity are its negative
        weights = {name: torch.neg(tensor) for name, tensor in weights.items()}
    target.load_state_dict(weights)


def _differences(size: SizeConfig, theirs: NucelConfig) -> list[str]:
    """What a section of the configuration says otherwise than a saved encoder."""
    pairs = {
        "hidden": (size.hidden, theirs.hidden_size),
        "layers": (size.layers, theirs.num_hidden_layers),
        "heads": (size.heads, theirs.num_attention_heads),
        "intermediate": (size.intermediate, theirs.intermediate_size),
        "local_attention": (size.local_attention, theirs.local_attention),
        "global_rope_theta": (size.global_rope_theta, theirs.global_rope_theta),
        "local_rope_theta": (size.local_rope_theta, theirs.local_rope_theta),
        "norm_eps": (size.norm_eps, theirs.norm_eps),
    }
    found = [
        f"{name} is {said!r}, there {has!r}"
        for name, (said, has) in pairs.items()
        if said is not None and said != has
    ]
    every = size.global_every
    if every is not None and layer_types(theirs.num_hidden_layers, every) != theirs.layer_types:
        pattern = "".join("G" if kind == "full_attention" else "l" for kind in theirs.layer_types)
        found.append(f"global_every is {every}, the layers there are {pattern} (G global, l local)")
    return found
