"""`nucel-interp info`: what is installed, and what a run here would use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from nucel_interp.cli.options import DEFAULT_MODEL, Context, Format, Model, TableFormat


def info(
    model: Model = DEFAULT_MODEL, context: Context = None, format: TableFormat = Format.tsv
) -> None:
    """Versions, backend, scanner, model, threads.

    Example: nucel-interp info --model nucel-mini
    """
    import pandas as pd

    from nucel_interp.io.provenance import versions
    from nucel_interp.io.tables import to_json, to_tsv

    rows: list[tuple[str, str]] = [("python", sys.version.split()[0])]
    rows += versions().items()
    rows += [
        ("attention backend", _or_reason(_backend)),
        ("attention profile", _or_reason(_profile)),
        ("motif scanner", _or_reason(_scanner)),
        ("motif comparison", _or_reason(_comparison)),
        ("threads", _or_reason(_threads)),
    ]
    if model == DEFAULT_MODEL and context is None:
        rows += _model_or_reason()
    else:
        rows += _model(model, context)  # a wrong --model is an error like any other

    frame = pd.DataFrame(rows, columns=["what", "value"])
    typer.echo(to_json(frame) if format is Format.json else to_tsv(frame), nl=False)


def _or_reason(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except (ImportError, AttributeError) as error:
        return f"not available ({error})"


def _backend() -> str:
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name, reason = import_module("nucel_model.backends").choose_backend(device, torch.float32)
    return f"{name}: {reason}"


def _profile() -> str:
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    reason: str = import_module("nucel_model.profile_gpu").available(device)[1]
    return reason


def _scanner() -> str:
    name, reason = import_module("nucel_interp.motifs.scan").scanner()
    return f"{name}: {reason}"


def _comparison() -> str:
    compiled = import_module("nucel_interp.motifs.compiled")
    kept = compiled.kept_in()
    if kept is None:
        often = f"compiles in every run, about 90 s: {compiled.VARIABLE} names a folder to keep it"
    else:
        ready = compiled.is_compiled()
        often = f"{'compiled' if ready else 'compiles once, about 90 s, at first use'}, in {kept}"
    return f"memelite's Tomtom, {often}"


def _threads() -> str:
    import torch

    return f"{torch.get_num_threads()} of {os.cpu_count()} processors"


def _model_or_reason() -> list[tuple[str, str]]:
    try:
        return _model(DEFAULT_MODEL, None)
    except (ImportError, ValueError) as error:
        return [("model", f"not available ({error})")]


def _model(name: str, context: int | None) -> list[tuple[str, str]]:
    from nucel_interp.io.provenance import folder_sha256

    loaded: Any = import_module("nucel_model").from_pretrained(name, context=context)
    config, folder = loaded.config, Path(loaded.path)
    heads = "with" if loaded.discriminator_head is not None else "without"
    size = sum(p.numel() for p in loaded.parameters())
    rows = [
        ("model", name),
        ("model folder", str(folder)),
        (
            "model shape",
            f"{config.num_hidden_layers} layers, {size:,} parameters, {heads} discriminator",
        ),
        (
            "model context",
            f"{config.context_bp:,} bp, read in tokens of {config.token_bp} bp"
            + (
                ""
                if config.context_bp == config.longest_bp
                else f"; there are positions for {config.longest_bp:,} bp"
            ),
        ),
    ]
    head = loaded.classifier_head
    if head is not None:
        read = "both strands" if head.strands == "both" else "one strand"
        where = "[CLS]" if head.pooling == "cls" else "the mean of all tokens"
        said = f"{head.task} ({', '.join(head.labels)}) from {where}, {read}"
        rows.append(("fine-tuned head", said))
    return rows + [
        (f"sha256 {file}", digest or "") for file, digest in folder_sha256(folder).items()
    ]
