"""The loop: evaluate -> save -> stop? -> step -> log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from nucel_genome import Genome
from nucel_model import Electra, MaskedLM
from nucel_model.backends import training_backend
from nucel_model.encoder import NucelEncoder
from nucel_pretrain import messages
from nucel_pretrain.batches import Batches
from nucel_pretrain.clock import Clock
from nucel_pretrain.config import PretrainConfig
from nucel_pretrain.data import Windows
from nucel_pretrain.distributed import World, alone, spread
from nucel_pretrain.errors import NonFiniteError, PretrainError
from nucel_pretrain.memory import keep_freed_memory
from nucel_pretrain.messages import Say
from nucel_pretrain.objectives import Batch
from nucel_pretrain.optim import learning_rate, make_optimizer
from nucel_pretrain.runfolder import (
    check_config,
    check_folder,
    keep_metrics_up_to,
    log,
    same_config,
)
from nucel_pretrain.state import checkpoints, export, load_checkpoint, save_checkpoint
from nucel_pretrain.step import make_scaler, train_step
from nucel_pretrain.tokens import Tokens, make_tokens
from nucel_pretrain.validate import SEED, validate
from nucel_pretrain.warm_start import (
    Encoders,
    Start,
    check_same_encoders,
    saved_encoders,
    stated_encoders,
)

Build = Callable[[PretrainConfig, Tokens, torch.device], nn.Module]


def build_model(
    config: PretrainConfig,
    tokens: Tokens,
    device: torch.device,
    encoders: Encoders | None = None,
) -> nn.Module:
    """`Electra` or `MaskedLM`, freshly drawn from ``loop.seed``.

    Args:
        config: The run's.
        tokens: Tokens that the networks read.
        device: Device the networks are moved to.
        encoders: Constants of the networks; None = as the configuration alone says.
    """
    torch.manual_seed(config.loop.seed)
    encoders = encoders or stated_encoders(config, tokens)
    model: nn.Module
    if encoders.generator is None:
        model = MaskedLM(encoders.discriminator)
    else:
        model = Electra(
            encoders.generator,
            encoders.discriminator,
            shared_embeddings=config.electra.embeddings == "shared",
        )
    return ready(model, device, tokens.max_tokens(config.data.window))


def ready(model: nn.Module, device: torch.device, longest: int) -> nn.Module:
    """On its device, with the attention that trains fastest there at ``longest`` tokens."""
    for module in model.modules():
        if isinstance(module, NucelEncoder):
            module.backend = training_backend(device, longest)
    return model.to(device)


def train(
    config: PretrainConfig,
    out: Path,
    *,
    say: Say | None = None,
    world: World | None = None,
    cache: Path | None = None,
    milestones: Sequence[int] = (),
    build: Build | None = None,
) -> Path:
    """Pre-train and return the finished model folder, ``out/model``.

    The same command continues a run that was cut off, from its newest complete checkpoint, on as
    many processes as there are now.

    Args:
        config: The run.
        out: The run's folder.
        say: Takes each line of progress; None = standard error.
        world: This process among all; None = alone on the CPU.
        cache: Folder in which converted genomes are kept; None = the user's cache.
        milestones: Steps at which the model is also written, to ``out/milestones/step-N``.
        build: Makes the model, the same one each time it is called; what needs no gradient stays
            as it is. None = `build_model`, warm-started where ``loop.start_from`` says so.

    Raises:
        PretrainError: The folder holds a run with another configuration, the model to start from is
            another network than the configuration says, the loss is not finite, or a checkpoint
            cannot be written.
        DataError: The sequence cannot be trained on.
    """
    world = world or alone(torch.device("cpu"))
    say = say or messages.say
    if not world.is_main:
        say = _silent
    keep_freed_memory()
    loop = config.loop
    _check_shares(config, world)
    saved = checkpoints(out)
    start = None
    if loop.start_from and build is None and not saved:
        start = Start.open(config)  # before anything is written
    windows, held, tokens = _data(config, out, world, cache, say)
    make = build or partial(build_model, encoders=_encoders(config, tokens, start, saved))

    def blank() -> nn.Module:
        return make(config, tokens, torch.device("cpu"))

    model = make(config, tokens, world.device)
    if start is not None:
        start.load(model)
        turned = "; its discriminator head says original, and is turned round to say replaced"
        say(f"starting from {loop.start_from}{turned if start.turned else ''}")
    if saved:
        check_same_encoders(model, saved[-1] / "model")
    sizes = [f"{name} {sum(p.numel() for p in m.parameters()):,}" for name, m in _parts(model)]
    model = spread(model, loop.parallel, world)
    optimizer = make_optimizer(model, config.optim)
    scaler = make_scaler(world.device, loop.precision)
    step, before = 0, 0.0
    if saved:
        state = load_checkpoint(saved[-1], model, optimizer)
        step, before = int(state["step"]), float(state["seconds"])
        scaler.load_state_dict(state["scaler"])
        say(f"resuming at step {step:,} of {loop.steps:,} from {saved[-1]}")
    if world.is_main:
        keep_metrics_up_to(step, out / "metrics.jsonl")
    bases = windows.size * config.data.window
    say(
        f"training on {windows.windows.usable_bases:,} bases; parameters: {', '.join(sizes)}; "
        f"{loop.steps:,} steps of {bases:,} bases on {world.size} x {world.device.type}"
    )
    run = _Run(config, out, world, say, model, optimizer, scaler, blank, Clock(step, before))
    coming = windows.steps(
        step, loop.steps, rank=world.rank, processes=world.size, parts=loop.accumulate
    )
    while True:
        done = step >= loop.steps
        if done or step in milestones or (step and step % loop.evaluate_every == 0):
            run.validate(step, held)
        if step in milestones:
            export(model, out / "milestones" / f"step-{step:06d}", blank, world)
        if done or run.is_time_to_save():
            run.save(step)
        if done:
            return export(model, out / "model", blank, world)
        numbers = run.learn(step, next(coming), windows)
        step += 1
        if step % loop.log_every == 0 or step == loop.steps:
            run.tell(step, numbers)


def _encoders(
    config: PretrainConfig, tokens: Tokens, start: Start | None, saved: list[Path]
) -> Encoders:
    """A run that goes on is what it was: the model that it started from may have moved since."""
    if saved:
        return saved_encoders(saved[-1] / "model")
    return start.encoders if start else stated_encoders(config, tokens)


@dataclass(frozen=True)
class _Run:
    """What the loop acts on, and what it does between steps."""

    config: PretrainConfig
    out: Path
    world: World
    say: Say
    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    blank: Callable[[], nn.Module]
    clock: Clock

    def learn(self, step: int, batches: list[Batch], windows: Batches) -> dict[str, float]:
        """One step; its metrics."""
        config = self.config
        try:
            return train_step(
                self.model,
                self.optimizer,
                batches,
                electra=config.electra,
                clip=config.optim.clip,
                learning_rate=learning_rate(step, config.loop.steps, config.optim),
                precision=config.loop.precision,
                scaler=self.scaler,
                world=self.world,
            )
        except NonFiniteError as error:
            first = windows.windows.place(config.loop.seed, step * windows.size)
            raise PretrainError(_not_finite(error, step, first, windows.size, self.out)) from error

    def tell(self, step: int, numbers: dict[str, float]) -> None:
        """Log a step's metrics and say how fast it goes and how long it will take."""
        bases = self.config.data.batch * self.config.data.window
        pace, steps = self.clock.pace(step) * bases, self.config.loop.steps
        self._log({"step": step, "seconds": self.clock.total(), **numbers})
        shown = "  ".join(f"{k} {v:.4f}" for k, v in numbers.items() if k.endswith("_loss"))
        left = (steps - step) * bases / pace / 60
        self.say(f"step {step:,}/{steps:,}  {shown}  {pace:,.0f} bases/s  {left:.0f} min left")

    def validate(self, step: int, held: Batches | None) -> None:
        """Measure and log the losses on what is held out, if anything is."""
        if held is None:
            return
        with self.clock.paused():
            numbers = validate(self.model, held, self.config.electra)
        self._log({"step": step, **numbers})
        self.say(f"step {step:,}: " + ", ".join(f"{k} {v:.4f}" for k, v in numbers.items()))

    def is_time_to_save(self) -> bool:
        """The main process's clock decides for all."""
        due = self.clock.since_save() > 60 * self.config.loop.checkpoint_minutes
        return self.world.same(due)

    def save(self, step: int) -> None:
        """Write a checkpoint."""
        with self.clock.paused():
            save_checkpoint(
                self.out,
                self.model,
                self.optimizer,
                {
                    "step": step,
                    "seconds": self.clock.total(),
                    "scaler": self.scaler.state_dict(),
                },
                self.config.loop.keep_checkpoints,
                blank=self.blank,
                world=self.world,
            )
        self.clock.saved()

    def _log(self, numbers: dict[str, float]) -> None:
        if self.world.is_main:
            log(self.out / "metrics.jsonl", numbers)


def _data(
    config: PretrainConfig, out: Path, world: World, cache: Path | None, say: Say
) -> tuple[Batches, Batches | None, Tokens]:
    """Training and held-out batches; the main process reads and writes first, the rest reuse."""
    if not world.is_main:
        world.barrier()
    try:
        if world.is_main:  # before the genome is read, which may take long
            check_folder(out)
            saved = checkpoints(out)
            done = int(saved[-1].name.removeprefix("step-")) if saved else 0
            check_config(config, out / "config.json", done)
        genome = Genome.open(config.data.fasta, cache=cache, say=say)
        windows = Windows(genome, config.data)
        if windows.unmatched:
            say(
                f"not in the sequence, so not used: {', '.join(windows.unmatched[:5])}"
                f"{' ...' if len(windows.unmatched) > 5 else ''} (of BED files)"
            )
        held = Windows(genome, config.data, validation=True) if config.data.validation else None
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PretrainError(f"cannot make the run folder {out}: {error}") from error
        if world.is_main:
            same_config(config, out / "config.json", done)
        try:
            tokens = make_tokens(config.tokens, windows.stretches(), out / "tokenizer.json")
        except ValueError as error:
            raise PretrainError(str(error)) from error
    finally:
        if world.is_main:
            world.barrier()
    return (
        Batches(windows, tokens, config.masking, config.loop.seed),
        Batches(held, tokens, config.masking, SEED) if held is not None else None,
        tokens,
    )


def _check_shares(config: PretrainConfig, world: World) -> None:
    shares = world.size * config.loop.accumulate
    if config.data.batch % shares:
        raise PretrainError(
            f"data.batch = {config.data.batch} windows cannot be shared alike among "
            f"{world.size} processes x {config.loop.accumulate} accumulated batches; "
            f"make it a multiple of {shares}"
        )


def _parts(model: nn.Module) -> list[tuple[str, nn.Module]]:
    if isinstance(model, Electra):
        return [("discriminator", model.discriminator), ("generator", model.generator)]
    assert isinstance(model, MaskedLM)
    return [("encoder", model.encoder)]


def _not_finite(
    error: Exception, step: int, first: tuple[str, int, bool], size: int, out: Path
) -> str:
    chrom, start, flip = first
    saved = checkpoints(out)
    kept = f"{saved[-1].name} is kept" if saved else "no checkpoint was due yet"
    return (
        f"{error} at step {step}: stopped before the optimiser moved. The step's {size} windows "
        f"began with {chrom}:{start}{' (-)' if flip else ''}; {kept}. "
        "Lower optim.learning_rate."
    )


def _silent(line: str) -> None:
    """What every process but the main one says."""
