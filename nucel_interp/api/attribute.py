"""The contribution of each base to a fine-tuned model's prediction."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from nucel_interp.api.given import SequenceInput, paths, records_of
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.progress import OnProgress
    from nucel_interp.scoring.attribution import Attribution
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.types import Record
    from nucel_model import Nucel

MOST_FIGURES = 10
"""Records that are drawn."""
STEPS = 256


@dataclass(frozen=True, eq=False, repr=False)
class AttributionResult(FolderResult):
    """What `attribute` found.

    Attributes:
        attribution: A row per record (columns `types.ATTRIBUTION_COLUMNS`).
        records: The input, in its order.
        found: Contributions, predictions and their check (`scoring.attribution.Attribution`).
        summary: Flat facts.
        run: Facts of the run (model, target, method, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    attribution: pd.DataFrame
    records: list[Record]
    found: Attribution
    summary: dict[str, Any]
    run: Run
    warnings: list[str] = field(default_factory=list)

    _shown = ("attribution_record1",)

    @property
    def tracks(self) -> dict[str, NDArray[np.float64]]:
        """Record name -> (bases,) contributions, in the target's unit; NaN where there is none."""
        return {r.name: t for r, t in zip(self.records, self.found.tracks, strict=True)}

    @property
    def answer(self) -> str:
        """What was explained, how well it adds up, and what was left out."""
        return str(self.summary["answer"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        return {"attribution": self.attribution}

    def figures(self) -> Figures:
        """Contributions along each of the first ten records, as letters."""
        from nucel_interp.plots.attribution import attribution_data, attribution_figure

        found: Figures = {}
        short = self.found.target.unit.split(", ")[-1]
        for number, record in enumerate(self.records[:MOST_FIGURES]):
            track = self.found.tracks[number]
            said = f"{self.found.method}; prediction {self.found.prediction[number]:.2f}"
            figure = attribution_figure(record, track, said, f"attribution ({short})")
            found[f"attribution_record{number + 1}"] = (figure, attribution_data(record, track))
        return found

    def _write(self, folder: Path, run: dict[str, Any]) -> None:
        from nucel_interp.io.npz import npz_writer
        from nucel_interp.io.tracks import write_bedgraph

        (folder / "tracks").mkdir()
        with npz_writer(folder / "tracks" / "attribution.npz") as npz:
            for name, track in self.tracks.items():
                npz.add(name, track.astype(np.float32))
        write_bedgraph(folder / "tracks" / "attribution.bedGraph", self.records, self.found.tracks)
        if self.found.maps:
            with npz_writer(folder / "mutagenesis.npz") as npz:
                for record, change in zip(self.records, self.found.maps, strict=True):
                    npz.add(record.name, change.astype(np.float32))
        super()._write(folder, run)


def attribute(
    sequences: SequenceInput,
    model: Model,
    *,
    method: str = "integrated-gradients",
    target: str | None = None,
    steps: int = STEPS,
    strand: Strands | None = None,
    context: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> AttributionResult:
    """Share a fine-tuned model's prediction out among the bases of each sequence.

    Methods: integrated gradients (Sundararajan et al. 2017) from N in every place; expected
    gradients (Erion et al. 2021) from dinucleotide-shuffled copies; gradient x input; occlusion;
    in-silico mutagenesis. The first two come with a check that contributions add up
    (`scoring.attribution`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records; each
            within the model's context.
        model: Folder of a fine-tuned model, or a loaded one.
        method: integrated-gradients, expected-gradients, gradient-x-input, occlusion or
            mutagenesis.
        target: Label of the output to explain; of two classes the second if not given.
        steps: Largest number of points on the line from the baseline, 32 or more.
        strand: "both" averages both strands, "forward" reads the given one; by default what the
            head was fitted for.
        context: Bases the model reads at once; by default what its folder says.
        seed: Seed of the shuffled baselines.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        FolderError: The model cannot be loaded, or has no fine-tuned head.
        InputError: No such method, target or strand, fewer than 32 steps, or a sequence longer than
            the context.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.attribute({"site1": "ACGTTGCAAGCTTGAC"}, "tuned", steps=32)
        >>> found.tracks["site1"].shape
        (16,)
    """
    from nucel_interp.progress import Stages
    from nucel_interp.scoring.attribution import attribute_sequences
    from nucel_interp.scoring.device import load_model
    from nucel_interp.scoring.scores import check_strands
    from nucel_interp.scoring.target import find_target

    started = perf_counter()
    if strand is not None:
        check_strands(strand)
    records = records_of(sequences)
    loaded = load_model(model, context)
    find_target(loaded, target)  # refuses before the work
    texts = [record.sequence for record in records]
    with Stages(on_progress).stage(f"explaining by {method}", sum(map(len, texts))) as step:
        found = attribute_sequences(
            loaded, texts, method=method, target=target, steps=steps, strands=strand, seed=seed,
            on_progress=step,
        )  # fmt: skip
    told = {
        "method": method,
        "target": found.target.label,
        "unit": found.target.unit,
        "seed": seed,
    }
    facts = {**_facts(loaded, method, longest=max(map(len, records))), **told}
    return AttributionResult(
        attribution=attribution_table(records, found),
        records=records,
        found=found,
        summary={
            "model": loaded.name,
            **told,
            "records": len(records),
            "explained": int(found.kept.sum()),
            "answer": _words(records, found),
        },
        run=Run("attribute", paths(sequences), facts, perf_counter() - started),
    )


def _facts(model: Nucel, method: str, longest: int) -> dict[str, Any]:
    """What run.json says of the model; gradients have a kernel of their own."""
    from nucel_interp.scoring.device import model_facts
    from nucel_model.backends import training_backend

    facts = model_facts(model, profile=False)
    if method != "mutagenesis":
        device = next(model.parameters()).device
        facts["backend"] = training_backend(device, 1 + longest)
        facts["backend_reason"] = f"fastest with gradients, on {device.type}"
    return facts


def attribution_table(records: list[Record], found: Attribution) -> pd.DataFrame:
    """A row per record (columns `types.ATTRIBUTION_COLUMNS`).

    Args:
        records: Records that were explained.
        found: Contributions of the bases of each record.
    """
    import pandas as pd

    from nucel_interp.types import ATTRIBUTION_COLUMNS

    rows = []
    for i, (record, track) in enumerate(zip(records, found.tracks, strict=True)):
        known = np.isfinite(track)
        at = int(np.nanargmax(np.abs(track))) if known.any() else None
        rows.append(
            (
                record.name,
                len(record),
                found.prediction[i],
                found.baseline[i],
                found.delta[i],
                int(found.steps[i]),
                "yes" if found.kept[i] else "no",
                at,
                None if at is None else track[at],
            )
        )
    table = pd.DataFrame(rows, columns=ATTRIBUTION_COLUMNS)
    table["largest_at"] = table["largest_at"].astype("Int64")
    return table


def _words(records: list[Record], found: Attribution) -> str:
    """What was found, and what was left out."""
    from nucel_interp.scoring.attribution import ADDING_UP, BOUND, LEAST

    n, kept = len(records), int(found.kept.sum())
    said = (
        f"{kept:,} of {n:,} records explained by {found.method}; the number explained is "
        f"{found.target.unit} (median {np.median(found.prediction):.2f})"
    )
    if found.method not in ADDING_UP:
        return said
    relative = np.abs(found.delta) / np.maximum(np.abs(found.prediction - found.baseline), LEAST)
    said += (
        f". Convergence: |delta| is {np.median(relative):.2%} of the difference from the baseline "
        f"(median; largest {relative.max():.2%}), with {int(found.steps.max()):,} points at most"
    )
    if kept < n:
        said += (
            f"; {n - kept:,} above {BOUND:.0%} are left out as NaN (more --steps may bring them "
            "back)"
        )
    return said + (
        f"; in {found.small:.1%} of records the prediction is within {LEAST:g} of the baseline's"
    )
