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
``vocab.json`` and others  a vocabulary; if there is one, it must be the one that is read with
``tokenizer_config.json``  its ``model_max_length`` bounds what is read at once
=========================  ======================================================================

What config.json says beyond what is read here, such as dropout, is kept and written again.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from nucel_model import tokenizer, vocabulary
from nucel_model.config import LEAST_CONTEXT, NucelConfig, config_from_json, config_to_json
from nucel_model.encoder import NucelEncoder
from nucel_model.errors import ConfigError, FolderError
from nucel_model.files import read_json
from nucel_model.heads import ClassificationHead, MaskedLMHead, ReplacedTokenHead
from nucel_model.nt import NucleotideTransformer
from nucel_model.nt_config import NTConfig, nt_config_from_json, nt_config_to_json
from nucel_model.nucel import AnyConfig, Nucel
from nucel_model.weights import load, save, tensor_names

SHIPPED = ("nucel-mini",)
_HUB_ID = re.compile(r"(InstaDeepAI|FreakingPotato)/[A-Za-z0-9][\w.-]*")
"""Of the publishers whose models are read here; a mistyped folder's name never goes to the net."""
_FETCHED = ("config.json", "model.safetensors", "tokenizer_config.json", *vocabulary.FILES)
_CONVERTERS = {"modernbert": "AutoModel", "esm": "AutoModelForMaskedLM"}
_DROPOUTS = (
    "attention_dropout", "embedding_dropout", "mlp_dropout",
    "hidden_dropout_prob", "attention_probs_dropout_prob",
)  # fmt: skip
_NOT_KEPT = (
    "discriminator_head", "classifier_head", "context_bp", "global_attn_every_n_layers",
    # of files that are not written: weights of another precision, code
    "dtype", "torch_dtype", "auto_map", "quantization_config",
)  # fmt: skip
_LAYER = re.compile(r"(?:esm\.encoder\.layer|layers)\.(\d+)\.")
_COMPUTED = frozenset({"esm.embeddings.position_ids"})
"""0, 1, 2, ...: older transformers wrote it into the file."""
_WHERE = (
    "Get config.json and model.safetensors from the model's page on the Hugging Face hub and give "
    "the folder; the Nucleotide Transformer's weights (InstaDeepAI) are under CC BY-NC-SA 4.0, not "
    "for commercial use, and are not shipped here"
)


def from_pretrained(name_or_folder: str | Path, *, context: int | None = None) -> Nucel:
    """Load a shipped model by name ("nucel-mini"), any folder of the form above, or a hub's id.

    An id such as "InstaDeepAI/nucleotide-transformer-v2-100m-multi-species" is fetched if
    huggingface_hub is installed: its JSON and safetensors, never its code.

    Args:
        name_or_folder: A shipped model's name, a model folder, or a hub's id.
        context: Bases to read at once, longer sequences in windows; a multiple of a token's bases,
            or what is over is left out. From 16 tokens up to what the model has positions for. By
            default what the folder says: ``context_bp`` in config.json (a model saved with one),
            else as many as there are positions for, or ``model_max_length`` in
            tokenizer_config.json if that is fewer. A model may have more positions than it was
            trained on; attention, more than the discriminator, then differs from what it learned.

    Raises:
        FolderError: No such folder, a missing file, wrong or missing tensors, numbers that are not
            finite, another vocabulary, or pickled weights.
        ConfigError: A configuration that contradicts itself or lacks something, or a context out of
            bounds.
    """
    if str(name_or_folder) in SHIPPED:
        folder = Path(str(resources.files("nucel_model") / "checkpoints" / str(name_or_folder)))
    else:
        folder = Path(name_or_folder)
    name = folder.name  # a fetched folder's own is a commit's number
    if not folder.exists() and _HUB_ID.fullmatch(str(name_or_folder)):
        folder = _from_hub(str(name_or_folder))
    data = _read_config(folder)
    source = str(folder / "config.json")
    esm = data.get("model_type") == "esm"
    config = nt_config_from_json(data, source) if esm else config_from_json(data, source)
    if isinstance(config, NucelConfig) and config.vocab_size != tokenizer.VOCAB_SIZE:
        raise ConfigError(
            f"{source}: vocab_size {config.vocab_size} is not NucEL's {tokenizer.VOCAB_SIZE}, so "
            "its tokens are not single bases as read here"
        )
    vocabulary.check_vocabulary(folder, data, config)
    config = _reading(config, folder, context, name)
    _compare_layers(folder / "model.safetensors", config)
    model = (
        _nucleotide_transformer(config, folder)
        if isinstance(config, NTConfig)
        else _nucel(config, data, folder)
    )
    model.classifier_head = read_classifier(folder, data, config.hidden_size)
    model.name, model.path, model.kept = name, folder, _kept(data, config)
    return model.eval()


def _nucel(config: NucelConfig, data: dict[str, Any], folder: Path) -> Nucel:
    """The encoder with the heads of its folder."""
    model = Nucel(load(lambda: NucelEncoder(config), folder / "model.safetensors"))
    if (folder / "discriminator.safetensors").exists():
        said = data.get("discriminator_head")
        positive = said.get("positive") if isinstance(said, dict) else None
        if positive not in ("replaced", "original"):
            raise ConfigError(
                f"{folder / 'config.json'} does not say which way the discriminator head points: "
                'add "discriminator_head": {"positive": "replaced"} or "original"'
            )
        model.discriminator_head = load(
            lambda: ReplacedTokenHead(config, positive), folder / "discriminator.safetensors"
        )
    if (folder / "mlm.safetensors").exists():
        model.mlm_head = load(lambda: MaskedLMHead(config), folder / "mlm.safetensors")
    return model


def _nucleotide_transformer(config: NTConfig, folder: Path) -> Nucel:
    """A published folder; without ``lm_head`` tensors it is taken for an encoder alone."""
    path = folder / "model.safetensors"
    with_head = any(name.startswith("lm_head.") for name in tensor_names(path))
    return Nucel(load(lambda: NucleotideTransformer(config, with_head=with_head), path, _COMPUTED))


def _compare_layers(path: Path, config: AnyConfig) -> None:
    """Said before a network is planned, and plainer than a list of tensors."""
    found = {int(m[1]) for name in tensor_names(path) if (m := _LAYER.match(name))}
    if found and len(found) != config.num_hidden_layers:
        raise FolderError(
            f"{path} does not fit its config.json: it holds {len(found):,} layers, and "
            f"num_hidden_layers is {config.num_hidden_layers:,}"
        )


def _reading(config: AnyConfig, folder: Path, context: int | None, name: str) -> AnyConfig:
    """The configuration with what is to be read at once."""
    if context is not None:
        try:
            return replace(config, context=context)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
    path = folder / "tokenizer_config.json"
    if config.context is not None or not path.exists():
        return config
    said = read_json(path).get("model_max_length")
    if not isinstance(said, int | float) or not said > 0:
        return config
    # [CLS] is counted, and a number beyond the positions stands for none
    bases = int(min(said, config.max_position_embeddings) - 1) * config.token_bp
    if not LEAST_CONTEXT * config.token_bp <= bases < config.longest_bp:
        return config
    return replace(config, context=bases)


def _kept(data: dict[str, Any], config: AnyConfig) -> dict[str, Any]:
    """What config.json says that `save_pretrained` would not write by itself."""
    own = nt_config_to_json(config) if isinstance(config, NTConfig) else config_to_json(config)
    return {
        key: value
        for key, value in data.items()
        if key in _DROPOUTS or (key not in own and key not in _NOT_KEPT)
    }


def _from_hub(name: str) -> Path:
    """A model's JSON and weights from the hub's local copy or the net."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise FolderError(f"there is no model folder {name}. {_WHERE}") from error
    try:
        return Path(snapshot_download(name, allow_patterns=list(_FETCHED)))
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
    data |= model.kept
    save(model.encoder, folder / "model.safetensors")
    if model.discriminator_head is not None:
        data["discriminator_head"] = {
            "source": head_source,
            "positive": model.discriminator_head.positive,
        }
        save(model.discriminator_head, folder / "discriminator.safetensors")
    else:
        (folder / "discriminator.safetensors").unlink(missing_ok=True)
    if model.mlm_head is not None:
        save(model.mlm_head, folder / "mlm.safetensors")
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
        folder: Model folder that may hold ``classifier.safetensors``.
        data: Content of the folder's config.json.
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

    def head() -> ClassificationHead:
        return ClassificationHead(
            hidden_size,
            labels,
            str(said.get("source", "")),
            task=said.get("task", "classes"),
            pooling=said.get("pooling", "cls"),
            strands=said.get("strands", "both"),
        )

    try:
        return load(head, path)
    except FolderError:
        raise
    except ValueError as error:
        raise ConfigError(f"{folder / 'config.json'}: {error}") from error


def write_classifier(head: ClassificationHead | None, folder: Path) -> dict[str, Any]:
    """Write the head, or remove an earlier model's; returns what config.json says of it."""
    path = folder / "classifier.safetensors"
    if head is None:
        path.unlink(missing_ok=True)
        return {}
    save(head, path)
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
    data = read_json(path)
    if not (folder / "model.safetensors").exists():
        if list(folder.glob("*.bin")) or list(folder.glob("*.pt")):
            kind = data.get("model_type", "modernbert")
            reader = _CONVERTERS.get(kind, "AutoModel") if isinstance(kind, str) else "AutoModel"
            raise FolderError(
                f"{folder} holds pickled weights (.bin or .pt), which can run code when opened and "
                "are not read here. Convert them where you trust them, with transformers: "
                f'{reader}.from_pretrained("{folder}").save_pretrained("NEW FOLDER"), which writes '
                "model.safetensors"
            )
        raise FolderError(f"{folder} has no model.safetensors")
    return data
