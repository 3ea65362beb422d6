"""Models on disk: a folder of JSON and safetensors, and nothing that could run code.

A Nucleotide Transformer's folder is the published one: ``config.json`` and a ``model.safetensors``
with its language-model head (`nt`). NucEL's:

=========================  ======================================================================
``config.json``            transformers' ModernBERT words, plus what its heads are
``model.safetensors``      the encoder alone, with transformers' parameter names
``discriminator.safetensors``  the replaced-token head, if the folder has one
``mlm.safetensors``        the masked-base head (a generator's), if the folder has one
``classifier.safetensors``  a fine-tuned head; ``classifier_head`` says what its outputs are
``generator/``             a folder of the same form
=========================  ======================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from nucel_model import tokenizer
from nucel_model.config import ConfigError, NucelConfig, config_from_json, config_to_json
from nucel_model.encoder import NucelEncoder
from nucel_model.heads import ClassificationHead, MaskedLMHead, ReplacedTokenHead
from nucel_model.nt import NucleotideTransformer
from nucel_model.nt_bases import Rule
from nucel_model.nt_config import NTConfig, nt_config_from_json, nt_config_to_json
from nucel_model.outputs import EncoderOutput, Profile

SHIPPED = ("nucel-mini",)
AnyConfig = NucelConfig | NTConfig
"""Of whatever a folder holds."""
_HUB_ID = re.compile(r"(InstaDeepAI|FreakingPotato)/[A-Za-z0-9][\w.-]*")
"""Of the publishers whose models are read here; a mistyped folder's name never goes to the net."""
_COMPUTED = frozenset({"esm.embeddings.position_ids"})
"""0, 1, 2, ...: older transformers wrote it into the file."""
_WHERE = (
    "Get config.json and model.safetensors from the model's page on the Hugging Face hub and give "
    "the folder; the Nucleotide Transformer's weights (InstaDeepAI) are under CC BY-NC-SA 4.0, not "
    "for commercial use, and are not shipped here"
)


class FolderError(ValueError):
    """A model folder that cannot be used, with what was found and what to do."""


class Nucel(nn.Module):
    """An encoder with whatever heads its folder holds; what `from_pretrained` gives.

    Attributes:
        name: The folder's name, for tables and figures.
        path: Where it was loaded from; None if it was made in memory.
    """

    def __init__(
        self,
        encoder: NucelEncoder | NucleotideTransformer,
        discriminator_head: ReplacedTokenHead | None = None,
        mlm_head: MaskedLMHead | None = None,
        classifier_head: ClassificationHead | None = None,
        *,
        name: str = "model",
        path: Path | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.discriminator_head = discriminator_head
        self.mlm_head = mlm_head
        self.classifier_head = classifier_head
        self.name = name
        self.path = path

    @property
    def config(self) -> AnyConfig:
        """The encoder's configuration."""
        return self.encoder.config

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> EncoderOutput:
        """The encoder's forward pass; see `NucelEncoder.forward`."""
        return self.encoder(
            input_ids,
            attention_mask,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )

    def profile(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Profile:
        """Attention reduced per base; see `NucelEncoder.profile`."""
        return self.encoder.profile(input_ids, attention_mask)

    def tokens(self, sequences: Sequence[str]) -> tuple[Tensor, Tensor]:
        """``input_ids`` and ``attention_mask`` of sequences, (batch, tokens), [CLS] in front."""
        return self.encoder.tokens(sequences)

    def profile_sequences(self, sequences: Sequence[str], rule: Rule = "density") -> Profile:
        """Attention reduced per base, of sequences of any lengths up to the context.

        The same shapes from any kind of model: bases along the last axis, padded to the longest
        sequence; NaN at N and beyond a sequence's end. ``rule`` says how a model of longer tokens
        lays a token's number on its bases (`NucleotideTransformer.profile_sequences`).
        """
        return self.encoder.profile_sequences(sequences, rule)

    def replaced_logit(self, last_hidden_state: Tensor) -> Tensor:
        """Log-odds per base, nats, (batch, bases), high = replaced, from (batch, tokens, hidden).

        Raises:
            FolderError: The folder holds an encoder without a discriminator head.
        """
        if isinstance(self.config, NTConfig):
            raise FolderError(
                f"{self.name} is a Nucleotide Transformer: it was not trained with a "
                "discriminator, so it has no discriminator scores. Use attention."
            )
        if self.discriminator_head is None:
            raise FolderError(
                f"{self.name} has no discriminator head (the released NucEL is the encoder alone), "
                "so it has no discriminator scores. Fit one with `nucel-pretrain fit-head`, "
                "or use attention."
            )
        return self.discriminator_head(last_hidden_state).float()[:, 1:]

    def predict_logits(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """What the fine-tuned head says of each sequence: (batch, labels) fp32, gradients kept.

        The outputs' meaning is `ClassificationHead.task`'s: logits of classes or labels, or values.

        Raises:
            FolderError: The folder holds no fine-tuned head.
        """
        if self.classifier_head is None:
            raise FolderError(
                f"{self.name} has no fine-tuned head, so it predicts nothing of a whole sequence. "
                "Fine-tune it on labelled sequences with `nucel-pretrain finetune`."
            )
        hidden = self(input_ids, attention_mask).last_hidden_state
        return self.classifier_head(hidden, attention_mask).float()


def untrained_twin(model: Nucel, seed: int) -> Nucel:
    """A model of the same shape with fresh random weights: what architecture alone gives."""
    encoder = model.encoder
    if isinstance(encoder, NucleotideTransformer):
        encoder = NucleotideTransformer(encoder.config, with_head=encoder.lm_head is not None)
    else:
        encoder = NucelEncoder(encoder.config)
    encoder.init_weights(seed)
    return (
        Nucel(encoder, name=f"{model.name} (untrained)").eval().to(next(model.parameters()).device)
    )


def from_pretrained(name_or_folder: str | Path) -> Nucel:
    """Load a shipped model by name ("nucel-mini"), any folder of the form above, or a hub's id.

    An id such as "InstaDeepAI/nucleotide-transformer-v2-100m-multi-species" is fetched if
    huggingface_hub is installed: its JSON and safetensors, never its code.

    Raises:
        FolderError: No such folder, a missing file, wrong or missing tensors, or pickled weights.
        ConfigError: A configuration that contradicts itself or lacks something.
    """
    if str(name_or_folder) in SHIPPED:
        folder = Path(str(resources.files("nucel_model") / "checkpoints" / str(name_or_folder)))
    else:
        folder = Path(name_or_folder)
    name = folder.name  # a fetched folder's own is a commit's number
    if not folder.exists() and _HUB_ID.fullmatch(str(name_or_folder)):
        folder = _from_hub(str(name_or_folder))
    data = _read_config(folder)
    if data.get("model_type") == "esm":
        return _nucleotide_transformer(data, folder, name)
    config = config_from_json(data, source=str(folder / "config.json"))
    if config.vocab_size != tokenizer.VOCAB_SIZE:
        raise ConfigError(
            f"{folder / 'config.json'}: vocab_size {config.vocab_size} is not NucEL's "
            f"{tokenizer.VOCAB_SIZE}, so its tokens are not single bases as read here"
        )
    model = Nucel(NucelEncoder(config), name=name, path=folder)
    _load(model.encoder, folder / "model.safetensors")
    if (folder / "discriminator.safetensors").exists():
        positive = (data.get("discriminator_head") or {}).get("positive")
        if positive not in ("replaced", "original"):
            raise ConfigError(
                f"{folder / 'config.json'} does not say which way the discriminator head points: "
                'add "discriminator_head": {"positive": "replaced"} or "original"'
            )
        model.discriminator_head = ReplacedTokenHead(config, positive)
        _load(model.discriminator_head, folder / "discriminator.safetensors")
    if (folder / "mlm.safetensors").exists():
        model.mlm_head = MaskedLMHead(config)
        _load(model.mlm_head, folder / "mlm.safetensors")
    model.classifier_head = read_classifier(folder, data, config.hidden_size)
    return model.eval()


def _nucleotide_transformer(data: dict[str, Any], folder: Path, name: str) -> Nucel:
    """A published folder; without ``lm_head`` tensors it is taken for an encoder alone."""
    config = nt_config_from_json(data, source=str(folder / "config.json"))
    path = folder / "model.safetensors"
    with_head = any(key.startswith("lm_head.") for key in _keys(path))
    encoder = NucleotideTransformer(config, with_head=with_head)
    _load(encoder, path, unused=_COMPUTED)
    head = read_classifier(folder, data, config.hidden_size)
    return Nucel(encoder, classifier_head=head, name=name, path=folder).eval()


def _from_hub(name: str) -> Path:
    """A model's JSON and weights from the hub's local copy or the net."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise FolderError(f"there is no model folder {name}. {_WHERE}") from error
    try:
        wanted = ["config.json", "model.safetensors"]
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # the hub's own errors are many, and all mean the same here
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FolderError(f"{name} could not be fetched: {reason.rstrip('.')}. {_WHERE}") from error


def save_pretrained(
    model: Nucel, folder: str | Path, *, head_source: str = "trained with the encoder"
) -> Path:
    """Write the model into ``folder`` (made if need be); returns the folder.

    A head that an earlier model left there and this one lacks is removed: it would be loaded with
    an encoder it was not trained on.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = model.config
    data = nt_config_to_json(config) if isinstance(config, NTConfig) else config_to_json(config)
    _save(model.encoder, folder / "model.safetensors")
    if model.discriminator_head is not None:
        data["discriminator_head"] = {
            "source": head_source,
            "positive": model.discriminator_head.positive,
        }
        _save(model.discriminator_head, folder / "discriminator.safetensors")
    else:
        (folder / "discriminator.safetensors").unlink(missing_ok=True)
    if model.mlm_head is not None:
        _save(model.mlm_head, folder / "mlm.safetensors")
    else:
        (folder / "mlm.safetensors").unlink(missing_ok=True)
    data |= write_classifier(model.classifier_head, folder)
    (folder / "config.json").write_text(json.dumps(data, indent=2) + "\n")
    return folder


def read_classifier(
    folder: Path, data: dict[str, Any], hidden_size: int
) -> ClassificationHead | None:
    """The fine-tuned head of a folder of any kind of encoder, or None where there is none.

    Args:
        folder: Where ``classifier.safetensors`` would be.
        data: Its config.json.
        hidden_size: Width of the encoder.

    Raises:
        FolderError: Its tensors do not fit.
        ConfigError: config.json does not say what its classes are.
    """
    path = folder / "classifier.safetensors"
    if not path.exists():
        return None
    said = data.get("classifier_head")
    said = said if isinstance(said, dict) else {}
    labels = said.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigError(
            f"{folder / 'config.json'} does not say what the classes of classifier.safetensors "
            'are: add "classifier_head": {"labels": ["...", "..."]}, in the order of its rows'
        )
    try:
        head = ClassificationHead(
            hidden_size,
            labels,
            str(said.get("source", "")),
            task=said.get("task", "classes"),
            pooling=said.get("pooling", "cls"),
            strands=said.get("strands", "both"),
        )
    except ValueError as error:
        raise ConfigError(f"{folder / 'config.json'}: {error}") from error
    _load(head, path)
    return head


def write_classifier(head: ClassificationHead | None, folder: Path) -> dict[str, Any]:
    """Write the head, or remove an earlier model's; returns what config.json says of it."""
    path = folder / "classifier.safetensors"
    if head is None:
        path.unlink(missing_ok=True)
        return {}
    _save(head, path)
    said = {
        "labels": list(head.labels),
        "task": head.task,
        "pooling": head.pooling,
        "strands": head.strands,
        "source": head.source,
    }
    return {"classifier_head": said}


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise FolderError(
            f"there is no model folder {folder}; give a folder with config.json and "
            f"model.safetensors, or a shipped name: {', '.join(SHIPPED)}"
        )
    path = folder / "config.json"
    if not path.exists():
        raise FolderError(f"{folder} has no config.json, so it is not a model folder")
    if not (folder / "model.safetensors").exists():
        if list(folder.glob("*.bin")) or list(folder.glob("*.pt")):
            raise FolderError(
                f"{folder} holds pickled weights (.bin or .pt), which can run code when opened and "
                "are not read here. Convert them where you trust them: load the folder with "
                "transformers and call save_pretrained, which writes model.safetensors"
            )
        raise FolderError(f"{folder} has no model.safetensors")
    try:
        data = json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise FolderError(f"{path} is not a JSON object")
    return data


def _keys(path: Path) -> list[str]:
    try:
        with safe_open(path, "pt") as file:
            return list(file.keys())
    except (SafetensorError, OSError) as error:
        raise FolderError(
            f"{path} cannot be read: {error}. Was it cut short in a download?"
        ) from error


def _load(module: nn.Module, path: Path, unused: frozenset[str] = frozenset()) -> None:
    """Load strictly: a missing, extra or misshapen tensor is named; ``unused`` may be there."""
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise FolderError(
            f"{path} cannot be read: {error}. Was it cut short in a download?"
        ) from error
    tensors = {key: tensor for key, tensor in tensors.items() if key not in unused}
    wanted = module.state_dict()
    missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or extra:
        raise FolderError(
            f"{path} does not fit its config.json: "
            f"missing {_few(missing)}; not expected {_few(extra)}"
        )
    for key, tensor in wanted.items():
        if tensors[key].shape != tensor.shape:
            raise FolderError(
                f"{path}: {key} has shape {tuple(tensors[key].shape)}, "
                f"config.json asks for {tuple(tensor.shape)}"
            )
    module.load_state_dict({k: t.to(wanted[k].dtype) for k, t in tensors.items()})


def _save(module: nn.Module, path: Path) -> None:
    save_file(
        {k: t.detach().cpu().contiguous() for k, t in module.state_dict().items()},
        path,
        metadata={"format": "pt"},
    )


def _few(keys: list[str]) -> str:
    return ("nothing" if not keys else ", ".join(keys[:3])) + (
        f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    )
