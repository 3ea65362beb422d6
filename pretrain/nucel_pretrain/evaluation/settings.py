"""What `evaluate` measures and where: TOML in, checked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from nucel_pretrain.config import build, read_toml
from nucel_pretrain.errors import PretrainError
from nucel_pretrain.evaluation.metrics import DRAWS
from nucel_pretrain.evaluation.probes import PENALTIES
from nucel_pretrain.evaluation.sites import SiteSet, SplitConfig
from nucel_pretrain.masking import MaskingConfig
from nucel_pretrain.objectives import ElectraConfig
from nucel_pretrain.regions import check_region


@dataclass(frozen=True, kw_only=True)
class HeldOutConfig:
    """Where windows for the losses and the planted changes are drawn."""

    fasta: tuple[str, ...] = ()
    """FASTA or .2bit files."""
    regions: tuple[str, ...]
    """Never trained on: "chr20:40000000-63025520", "chr20" or a .bed."""
    repeats: tuple[str, ...] = ()
    """Repeats besides those in lower case, usually a .bed: the losses in them and outside."""
    windows: int = 1000
    """How many, for each of the two."""
    window: int = 256
    """Bases per window."""
    changes: int = 4
    """Planted per window."""
    seed: int = 11

    def __post_init__(self) -> None:
        """Check the values."""
        for region in (*self.regions, *self.repeats):
            check_region(region)
        if self.windows < 1 or not 0 < self.changes < self.window:
            raise ValueError(
                "held_out.windows must be at least 1 and held_out.changes less than a window; "
                f"got {self.windows}, {self.changes}"
            )


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """The probes' own constants."""

    sites_dir: str = ""
    """Folder of the BED files named in [[sites]]."""
    penalties: tuple[float, ...] = PENALTIES
    """Values of C (inverse strength of the L2 penalty) to choose from."""

    def __post_init__(self) -> None:
        """Check the values."""
        if not self.penalties or any(
            isinstance(c, bool) or not isinstance(c, int | float) or c <= 0 for c in self.penalties
        ):
            raise ValueError(f"probes.penalties wants positive numbers; got {self.penalties!r}")


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """Everything that decides an evaluation's result, besides the model."""

    held_out: HeldOutConfig
    split: SplitConfig | None = None
    """Needed where there are [[sites]]."""
    probes: ProbeConfig = field(default_factory=ProbeConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)
    """Used where the model's own run is not known."""
    electra: ElectraConfig = field(default_factory=ElectraConfig)
    """The same."""
    draws: int = DRAWS
    """Bootstrap resamples."""
    sites: tuple[SiteSet, ...] = ()

    def __post_init__(self) -> None:
        """Check what no section can check alone."""
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1; got {self.draws}")
        if self.sites and self.split is None:
            raise ValueError("[[sites]] need a [split]: where to train, choose and test")
        names = [s.name for s in self.sites]
        if len(set(names)) < len(names):
            raise ValueError(f"the names of [[sites]] must differ; got {', '.join(names)}")


_SECTIONS: dict[str, type] = {
    "held_out": HeldOutConfig,
    "split": SplitConfig,
    "probes": ProbeConfig,
    "masking": MaskingConfig,
    "electra": ElectraConfig,
}


def read_evaluation(path: str | Path) -> EvaluateConfig:
    """Read a TOML file, or a shipped one by name (``evaluate-hg19``).

    Raises:
        PretrainError: No such file, not TOML, an unknown key (the nearest is named), a missing
            key, or a value out of bounds.
    """
    raw = read_toml(path)
    tables = raw.pop("sites", [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise PretrainError(f"{path}: sites must be tables, one [[sites]] each")
    sites = []
    for number, table in enumerate(tables, start=1):
        try:
            sites.append(build(SiteSet, table, {}))
        except PretrainError as error:
            raise PretrainError(f"{path}, [[sites]] number {number}: {error}") from error
    raw["sites"] = sites
    return build(EvaluateConfig, raw, _SECTIONS)


def with_files(
    settings: EvaluateConfig,
    *,
    fasta: tuple[str, ...] = (),
    repeats: tuple[str, ...] = (),
    sites_dir: str = "",
) -> EvaluateConfig:
    """The same settings with what a command line gives in place of the file's."""
    held = settings.held_out
    held = dataclasses.replace(held, fasta=fasta or held.fasta, repeats=repeats or held.repeats)
    settings = dataclasses.replace(settings, held_out=held)
    if sites_dir:
        probes = dataclasses.replace(settings.probes, sites_dir=sites_dir)
        settings = dataclasses.replace(settings, probes=probes)
    return settings
