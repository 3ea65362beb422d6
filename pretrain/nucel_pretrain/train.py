"""The loop: evaluate -> save -> stop? -> step -> log."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nucel_model import Electra, from_pretrained
from nucel_model.backends import training_backend
from nucel_model.config import ConfigError
from nucel_model.folder import FolderError
from nucel_pretrain.config import PretrainConfig, PretrainError, as_dict
from nucel_pretrain.data import Windows, read_chromosomes
from nucel_pretrain.evaluate import validate
from nucel_pretrain.memory import keep_freed_memory
from nucel_pretrain.optim import learning_rate, make_optimizer
from nucel_pretrain.state import checkpoints, load_checkpoint, save_checkpoint, save_model
from nucel_pretrain.step import NonFiniteError, electra_step

Say = Callable[[str], None]


def build_model(config: PretrainConfig) -> Electra:
    """Both encoders, freshly drawn from ``loop.seed``."""
    torch.manual_seed(config.loop.seed)
    tokens = config.data.window + 1
    model = Electra(config.generator.encoder(tokens), config.discriminator.encoder(tokens))
    model.generator.backend = model.discriminator.backend = training_backend(
        torch.device("cpu"), tokens
    )
    if config.loop.start_from:
        _start_from(model, config.loop.start_from)
    return model


def _start_from(model: Electra, name_or_folder: str) -> None:
    """Copy the weights of a discriminator and of the generator in its folder."""
    try:
        found = from_pretrained(name_or_folder)
        generator = from_pretrained(found.path / "generator")
        pairs = (
            (model.discriminator, found.encoder),
            (model.discriminator_head, found.discriminator_head),
            (model.generator, generator.encoder),
            (model.generator_head, generator.mlm_head),
        )
        for ours, theirs in pairs:
            if theirs is None:
                raise PretrainError(
                    f"loop.start_from: {name_or_folder} lacks the head a warm start needs"
                )
            ours.load_state_dict(theirs.state_dict())
    except (FolderError, ConfigError, RuntimeError) as error:
        raise PretrainError(f"loop.start_from = {name_or_folder!r}: {error}") from error


def train(config: PretrainConfig, out: Path, *, say: Say | None = None) -> Path:
    """Pre-train and return the finished model folder, ``out/model``.

    The same command continues a run that was cut off, from its newest complete checkpoint.

    Raises:
        PretrainError: The folder holds a run with another configuration, or the loss is not finite.
        DataError: The sequence cannot be trained on.
    """
    say = say or (lambda line: print(line, file=sys.stderr, flush=True))
    chromosomes = read_chromosomes(config.data.fasta)
    windows = Windows(chromosomes, config.data)
    held = Windows(chromosomes, config.data, validation=True) if config.data.validation else None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PretrainError(f"cannot make the run folder {out}: {error}") from error
    _same_config(config, out / "config.json")
    keep_freed_memory()
    model = build_model(config)
    optimizer = make_optimizer(model, config.optim)
    step, seconds = 0, 0.0
    saved = checkpoints(out)
    if saved:
        state = load_checkpoint(saved[-1], model, optimizer)
        step, seconds = int(state["step"]), float(state["seconds"])
        say(f"resuming at step {step:,} of {config.loop.steps:,} from {saved[-1]}")
    metrics_path = out / "metrics.jsonl"
    _keep_metrics_up_to(step, metrics_path)
    sizes = [sum(p.numel() for p in m.parameters()) for m in (model.discriminator, model.generator)]
    say(
        f"training on {windows.usable_bases:,} bases; discriminator {sizes[0]:,} parameters, "
        f"generator {sizes[1]:,}; {config.loop.steps:,} steps of "
        f"{config.data.batch * config.data.window:,} bases"
    )
    loop, n = config.loop, config.data.batch
    last_save, started, since = time.monotonic(), time.monotonic() - seconds, time.monotonic()
    model.train()
    while True:
        done = step >= loop.steps
        if held is not None and (done or (step and step % loop.evaluate_every == 0)):
            numbers = validate(model, held, config.electra)
            _log(metrics_path, {"step": step, **numbers})
            say(f"step {step:,}: " + ", ".join(f"{k} {v:.4f}" for k, v in numbers.items()))
        if done or time.monotonic() - last_save > 60 * loop.checkpoint_minutes:
            state = {"step": step, "seconds": time.monotonic() - started}
            save_checkpoint(out, model, optimizer, state, loop.keep_checkpoints)
            last_save = time.monotonic()
        if done:
            break
        ids = torch.from_numpy(windows.batch(loop.seed, range(step * n, (step + 1) * n)))
        try:
            numbers = electra_step(
                model,
                optimizer,
                ids,
                electra=config.electra,
                optim=config.optim,
                learning_rate=learning_rate(step, loop.steps, config.optim),
                seed=loop.seed,
                step=step,
                bf16=loop.precision == "bf16",
            )
        except NonFiniteError as error:
            chrom, start, flip = windows.place(loop.seed, step * n)
            raise PretrainError(
                f"{error}: stopped before the optimiser moved. The batch began with "
                f"{chrom}:{start}{' (-)' if flip else ''}; the last good checkpoint is kept. "
                "Lower optim.learning_rate."
            ) from error
        step += 1
        if step % loop.log_every == 0 or step == loop.steps:
            now = time.monotonic()
            bases_per_second = loop.log_every * n * config.data.window / (now - since)
            since = now
            left = (loop.steps - step) * n * config.data.window / bases_per_second / 60
            _log(metrics_path, {"step": step, "seconds": now - started, **numbers})
            say(
                f"step {step:,}/{loop.steps:,}  generator {numbers['generator_loss']:.4f}  "
                f"discriminator {numbers['discriminator_loss']:.4f}  "
                f"{bases_per_second:,.0f} bases/s  {left:.0f} min left"
            )
    return save_model(model, out / "model")


def _log(path: Path, numbers: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(numbers) + "\n")


def _keep_metrics_up_to(step: int, path: Path) -> None:
    """Drop what a cut-off run logged after its last checkpoint: those steps are done again."""
    if path.exists():
        lines = path.read_text().splitlines()
        kept = []
        for line in lines:
            numbers = json.loads(line) if line.endswith("}") else {"step": step + 1}
            # a checkpoint is written after its step's validation, which is run once more
            if numbers["step"] < step + ("loss" in numbers):
                kept.append(f"{line}\n")
        path.write_text("".join(kept))


def _same_config(config: PretrainConfig, path: Path) -> None:
    """Write the resolved configuration, or refuse to go on with another one."""
    now = as_dict(config)
    if not path.exists():
        path.write_text(json.dumps(now, indent=2) + "\n")
        return
    try:
        before = json.loads(path.read_text())
    except ValueError as error:
        raise PretrainError(f"{path} is not a run's configuration: {error}") from error
    changed = [
        f"{section}.{key} was {before.get(section, {}).get(key)!r}, is {value!r}"
        for section, values in now.items()
        for key, value in values.items()
        if before.get(section, {}).get(key) != value
    ]
    if changed:
        raise PretrainError(
            f"{path.parent} holds a run with another configuration: {'; '.join(changed)}. "
            "Give another --out, or the first configuration."
        )
