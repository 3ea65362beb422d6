"""A fine-tuning's folder: seeds that are finished are read, the others are written whole."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nucel_model import Nucel, save_pretrained
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation.metrics import Estimate
from nucel_pretrain.finetune.loop import FineTuned
from nucel_pretrain.runfolder import write_whole


@dataclass(frozen=True)
class SeedResult:
    """One seed's model, measured.

    Attributes:
        seed: Seed of the run.
        learning_rate: The one it learned with.
        dev_loss: The lowest on the dev part.
        metrics: Part ("dev", "test") -> metric -> value with its interval.
        predicted: (n, labels) of the test part: probabilities, or values.
        steps: Made; best_step: whose weights were kept; stopped: why it ended.
        seconds: Wall-clock time of training in seconds.
        folder: Folder that the model was written to, or None.
    """

    seed: int
    learning_rate: float
    dev_loss: float
    metrics: dict[str, dict[str, Estimate]]
    predicted: NDArray[np.float64]
    steps: int
    best_step: int
    stopped: str
    seconds: float
    folder: Path | None


class Kept:
    """The run's folder: what is finished is read, what is not is done.

    Args:
        out: The folder.
        about: The model, the data and, under "settings", how it learns; a folder of another run is
            refused, but for "seeds".
    """

    def __init__(self, out: Path, about: dict[str, Any]) -> None:
        self.out, self._sweep = out, out / "sweep.json"
        self._about = json.loads(json.dumps(about))
        for path in sorted(out.glob("seed*/finetune.json")):
            self._same(json.loads(path.read_text(encoding="utf-8"))["about"], path)
        if self._sweep.exists():
            self._same(json.loads(self._sweep.read_text(encoding="utf-8"))["about"], self._sweep)

    def _same(self, about: dict[str, Any], path: Path) -> None:
        """More seeds may be asked for later; nothing else may differ."""
        mine, theirs = (
            {
                **{k: v for k, v in x.items() if k in about},  # older folders say less
                "settings": {k: v for k, v in x["settings"].items() if k != "seeds"},
            }
            for x in (self._about, about)
        )
        if mine != theirs:
            raise PretrainError(
                f"{path} is of a run with another model, other data or other settings; give "
                "another -o, or --force to begin anew"
            )

    def swept(self, rate: float) -> float | None:
        """The dev loss of a rate that was tried."""
        if not self._sweep.exists():
            return None
        losses: dict[str, float] = json.loads(self._sweep.read_text(encoding="utf-8"))["dev_loss"]
        return losses.get(f"{rate:g}")

    def sweep(self, rate: float, loss: float) -> None:
        """Keep it."""
        before = (
            json.loads(self._sweep.read_text(encoding="utf-8"))["dev_loss"]
            if self._sweep.exists()
            else {}
        )
        self.out.mkdir(parents=True, exist_ok=True)
        said = {"about": self._about, "dev_loss": before | {f"{rate:g}": loss}}
        write_whole(self._sweep, _json(said))

    def read(self, seed: int) -> SeedResult | None:
        """A seed that is finished."""
        folder = self.out / f"seed{seed}"
        path = folder / "finetune.json"
        if not path.exists():
            return None
        said = json.loads(path.read_text(encoding="utf-8"))["result"]
        metrics = {
            part: {name: Estimate(**value) for name, value in found.items()}
            for part, found in said.pop("metrics").items()
        }
        predicted = np.array(said.pop("predicted"))
        return SeedResult(**said, metrics=metrics, predicted=predicted, folder=folder)

    def write(self, model: Nucel, run: FineTuned, result: SeedResult) -> SeedResult:
        """The model's folder, whole or not at all."""
        folder = self.out / f"seed{result.seed}"
        made = self.out / f".seed{result.seed}.partial"
        shutil.rmtree(made, ignore_errors=True)
        save_pretrained(model, made)
        said = dataclasses.asdict(result)
        said["predicted"] = result.predicted.tolist()
        del said["folder"]
        history = [
            dict(zip(("step", "loss", "dev_loss", "dev_accuracy"), entry, strict=True))
            for entry in run.history
        ]
        for entry in history:
            if math.isnan(entry["dev_accuracy"]):
                del entry["dev_accuracy"]
        about = {"about": self._about, "result": said, "history": history}
        write_whole(made / "finetune.json", _json(about))
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        return dataclasses.replace(result, folder=folder)


def fingerprint(model: Nucel) -> str:
    """Of an encoder's weights and constants: two models of one name are told apart."""
    found = hashlib.sha256(json.dumps(dataclasses.asdict(model.config)).encode())
    for name, tensor in model.encoder.state_dict().items():
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()


def _json(said: dict[str, Any]) -> str:
    return json.dumps(said, indent=2) + "\n"
