"""Everything that decides a motif-order run's result, besides the models' own weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nucel_pretrain.config import build, read_toml
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.finetune.loop import FinetuneConfig
from nucel_pretrain.motif_order.sampling import SamplingConfig
from nucel_pretrain.motif_order.shapes import SHAPES
from nucel_pretrain.optim import OptimConfig

ENOUGH_TO_READ = 0.95
"""Held-out accuracy from which a run counts as having learned the task: attention of a model that
has not is not evidence about how it would solve it."""


@dataclass(frozen=True, kw_only=True)
class MotifOrderConfig:
    """One run: models, examples, fine-tuning."""

    models: tuple[str, ...] = ()
    """Folders or shipped names: pre-trained."""
    shapes: tuple[str, ...] = ()
    """Names of `shapes.SHAPES`: from random weights."""
    motifs: str = ""
    """MEME file with A and B; the shipped one where empty."""
    fasta: tuple[str, ...] = ()
    """Real sequence, for a markov or shuffled background."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One fine-tuning each: of head, training examples and, for shapes, first weights."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)

    def __post_init__(self) -> None:
        """Check what no section can check alone."""
        if not self.models and not self.shapes:
            raise ValueError(
                "no model was given: pass --models (folders or nucel-mini) or --shapes "
                f"({', '.join(SHAPES)})"
            )
        unknown = [name for name in self.shapes if name not in SHAPES]
        if unknown:
            raise ValueError(f"there is no shape {unknown[0]!r}; there is {', '.join(SHAPES)}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds must be whole numbers from 0 up, all different: {self.seeds}")
        names = [Path(model).name for model in self.models] + list(self.shapes)
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"two models are called {name}, so their folders and rows could not be told "
                    "apart; rename a folder"
                )


_SECTIONS: dict[str, type] = {
    "sampling": SamplingConfig,
    "finetune": FinetuneConfig,
    "optim": OptimConfig,
}


def read_settings(
    path: str | Path,
    *,
    models: tuple[str, ...] = (),
    shapes: tuple[str, ...] = (),
    motifs: str = "",
    fasta: tuple[str, ...] = (),
) -> MotifOrderConfig:
    """A TOML file, or the shipped ``motif-order``, with what a command line gives in its place.

    Raises:
        PretrainError: No such file, not TOML, an unknown key (the nearest is named), a value out
            of bounds, no model at all, or two of the same name.
    """
    raw = read_toml(path)
    given: dict[str, list[str] | str] = {
        "models": list(models),
        "shapes": list(shapes),
        "motifs": motifs,
        "fasta": list(fasta),
    }
    raw |= {key: value for key, value in given.items() if value}
    for key in ("models", "shapes", "fasta", "seeds"):
        if key in raw and not isinstance(raw[key], list):
            raise PretrainError(f"{path}: {key} must be a list; got {raw[key]!r}")
    return build(MotifOrderConfig, raw, _SECTIONS)
