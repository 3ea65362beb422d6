"""`motif-order`: examples, one fine-tuning per model and seed, and everything in one folder."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from nucel_genome.text import read_text
from nucel_model import Nucel, from_pretrained, random_control, save_pretrained
from nucel_model.errors import ConfigError, FolderError
from nucel_pretrain import messages
from nucel_pretrain.config import as_dict
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.classifier import give_head
from nucel_pretrain.finetune.kept import fingerprint
from nucel_pretrain.finetune.loop import FineTuned, Labelled, Scores, fine_tune, score
from nucel_pretrain.finetune.run import choose_device
from nucel_pretrain.memory import keep_freed_memory
from nucel_pretrain.messages import Say
from nucel_pretrain.motif_order import outputs
from nucel_pretrain.motif_order.background import open_background
from nucel_pretrain.motif_order.matrices import SHIPPED, Matrix, two_of
from nucel_pretrain.motif_order.methods import methods
from nucel_pretrain.motif_order.sampling import Example, Sampler, labels_of
from nucel_pretrain.motif_order.scan import scan_accuracy
from nucel_pretrain.motif_order.settings import ENOUGH_TO_READ, MotifOrderConfig
from nucel_pretrain.motif_order.shapes import SHAPES

_SEED_STRIDE = 1_000_000_000
"""Training examples of different seeds have numbers this far apart."""


def motif_order(
    settings: MotifOrderConfig,
    out: Path,
    *,
    device: str = "",
    command: list[str] | None = None,
    say: Say | None = None,
    cache: Path | None = None,
) -> dict[str, Any]:
    """Fine-tune every model alike on motif order and write data, models and results into ``out``.

    A run that was cut off goes on by the same call: models that are finished are not trained again.

    Args:
        settings: Models, shapes, motifs, background and training; see `settings.read_settings`.
        out: The run's folder.
        device: cpu or cuda; by default cuda where there is one.
        command: Stored in run.json.
        say: Told how it goes; by default stderr.
        cache: Folder in which converted genomes are kept; None = the user's cache.

    Returns:
        What run.json holds: settings, ``rows`` of results.tsv and ``models`` of summary.tsv.

    Raises:
        PretrainError: A model cannot be loaded or reads too few bases; ``out`` holds another run.
        DataError: Motifs or sequence cannot be used.
    """
    say = say or messages.say
    started = time.monotonic()
    place = choose_device(device)
    sampling = settings.sampling
    motifs = Path(settings.motifs) if settings.motifs else SHIPPED
    motifs_text = read_text(motifs, "MEME")  # once: it may be a pipe
    a, b = two_of(motifs_text, motifs)
    outputs.check(settings, out, motifs_text)
    models = [_load(name) for name in settings.models]
    for model in [*models, *(SHAPES[name](0) for name in settings.shapes)]:
        if sampling.length > model.config.context_bp:
            raise PretrainError(
                f"examples of {sampling.length} bases were asked for; {model.name} reads "
                f"{model.config.context_bp} at once. Set sampling.length lower"
            )
    background = open_background(
        sampling.background,
        order=sampling.order,
        length=sampling.length,
        fasta=settings.fasta,
        cache=cache,
        say=say,
    )
    sampler = Sampler(a, b, background, sampling)
    outputs.begin(settings, out, motifs_text)
    validation, held_out = sampler.fixed("validation"), sampler.fixed("held_out")
    outputs.write_examples(held_out, (a, b), out)
    reference = scan_accuracy(a, b, held_out, strands=sampling.strands)
    say(
        f"A = {a.name} ({a.bits:.1f} bits), B = {b.name} ({b.bits:.1f} bits); scanning with the "
        f"matrices themselves tells {reference:.3f} of {len(held_out):,} held-out sequences"
    )
    keep_freed_memory()
    task = _Task(settings, sampler, _labelled(validation), _labelled(held_out), out, place, say)
    rows: list[dict[str, Any]] = []
    for model in models:
        task.keep(model, f"{model.name}-before")
        task.keep(random_control(model, settings.seeds[0]), f"{model.name}-random-weights")
        for seed in settings.seeds:
            assert model.path is not None
            rows.append(task.learn(_load(str(model.path)), model.name, "pre-trained", seed))
            outputs.write_results(rows, out)
    for name in settings.shapes:
        for seed in settings.seeds:
            task.keep(SHAPES[name](seed), f"{name}-random-weights-seed{seed}")
            rows.append(task.learn(SHAPES[name](seed), name, "random weights", seed))
            outputs.write_results(rows, out)
    result = {
        "settings": as_dict(settings),
        "motifs": [_said(m) for m in (a, b)],
        "background": background.words,
        "matrix_scan_accuracy": reference,
        "rows": rows,
        "models": outputs.over_seeds(rows),
        "device": str(place),
        "seconds": round(time.monotonic() - started, 1),
    }
    text = methods(result)
    outputs.finish(result | {"command": command or []}, text, out)
    return result


class _Task:
    """What every model learns and is measured on."""

    def __init__(
        self,
        settings: MotifOrderConfig,
        sampler: Sampler,
        validation: Labelled,
        held_out: Labelled,
        out: Path,
        device: torch.device,
        say: Say,
    ) -> None:
        self.settings, self.sampler, self.out, self.say = settings, sampler, out, say
        self.device = device
        self.validation, self.held_out = validation, held_out
        a, b = (motif.name for motif in sampler.motifs)
        self.labels = (f"{b} before {a}", f"{a} before {b}")

    def keep(self, model: Nucel, name: str) -> None:
        """Write a model that is not trained here.

        Raises:
            PretrainError: An earlier sitting had another model of this name.
        """
        folder = outputs.model_folder(self.out, name)
        if not folder.exists():
            outputs.whole_folder(folder, lambda made: save_pretrained(model, made))
        elif fingerprint(_load(str(folder))) != fingerprint(model):
            raise PretrainError(
                f"{folder} is of another model than {model.name} is now; give another --out, or "
                "rename the model's folder"
            )

    def learn(self, model: Nucel, name: str, start: str, seed: int) -> dict[str, Any]:
        """Fine-tune one model with one seed, keep it, and return its row of results.tsv."""
        folder = outputs.model_folder(self.out, f"{name}-seed{seed}")
        record = folder / "finetune.json"
        if record.exists():
            self.say(f"{folder.name}: finished in an earlier sitting")
            found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
            return found["row"]
        source = f"motif-order, {self.settings.finetune.steps} steps at most, seed {seed}"
        give_head(model.to(self.device), self.labels, source, seed)
        model.name = folder.name
        run = fine_tune(
            model,
            lambda number: self._batch(number, seed),
            self.validation,
            self.settings.finetune,
            self.settings.optim,
            say=self.say,
        )
        row = _row(name, start, seed, model, run, score(model, self.held_out))
        self.say(f"{folder.name}: held-out accuracy {row['accuracy']:.3f} ({run.stopped})")

        def write(made: Path) -> None:
            save_pretrained(model, made)
            history = [
                dict(
                    zip(("step", "loss", "validation_loss", "validation_accuracy"), h, strict=True)
                )
                for h in run.history
            ]
            record = {"row": row, "history": history, "settings": as_dict(self.settings)}
            (made / "finetune.json").write_text(
                json.dumps(record, indent=2) + "\n", encoding="utf-8"
            )

        outputs.whole_folder(folder, write)
        return row

    def _batch(self, number: int, seed: int) -> Labelled:
        size = self.settings.finetune.batch
        first = seed * _SEED_STRIDE + number * size
        return _labelled([self.sampler.training(first + i) for i in range(size)])


def _labelled(examples: list[Example]) -> Labelled:
    return [e.sequence for e in examples], labels_of(examples)


def _load(name_or_folder: str) -> Nucel:
    try:
        return from_pretrained(name_or_folder)
    except (FolderError, ConfigError) as error:
        raise PretrainError(str(error)) from error


def _row(
    name: str, start: str, seed: int, model: Nucel, run: FineTuned, held_out: Scores
) -> dict[str, Any]:
    low, high = outputs.share_interval(int(held_out.correct.sum()), len(held_out.correct))
    return {
        "model": name,
        "start": start,
        "seed": seed,
        "folder": f"models/{name}-seed{seed}",
        "learned": "yes" if held_out.accuracy >= ENOUGH_TO_READ else "no",
        "accuracy": held_out.accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "auroc": held_out.auroc,
        "n_sequences": len(held_out.correct),
        "steps": run.steps,
        "best_step": run.best_step,
        "stopped": run.stopped,
        "validation_accuracy": next(h[3] for h in run.history if h[0] == run.best_step),
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": round(run.seconds, 1),
        "cpu_seconds": round(run.cpu_seconds, 1),
    }


def _said(motif: Matrix) -> dict[str, Any]:
    return {
        "id": motif.id,
        "name": motif.name,
        "width": motif.width,
        "bits": round(motif.bits, 2),
        "consensus": motif.consensus,
    }
