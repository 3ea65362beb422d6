"""`nucel-interp attribute`: which bases a fine-tuned model's prediction hangs on."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Strand

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.scoring.attribution import Attribution
    from nucel_interp.types import Record
    from nucel_model import Nucel

MOST_FIGURES = 10
TRACK = "attribution"


class AttributionMethod(StrEnum):
    """`scoring.attribution.METHODS`."""

    integrated_gradients = "integrated-gradients"
    expected_gradients = "expected-gradients"
    gradient_x_input = "gradient-x-input"
    occlusion = "occlusion"
    mutagenesis = "mutagenesis"


MethodName = Annotated[
    AttributionMethod, typer.Option("--method", help="How a prediction is shared out among bases.")
]
TargetName = Annotated[
    str, typer.Option("--target", help="Label of the output; the second of two classes by default.")
]
Steps = Annotated[
    int, typer.Option("--steps", min=32, help="Points on the line from the baseline, at most.")
]
Model = Annotated[str, typer.Option("--model", "-m", help="Folder of a fine-tuned model.")]
Strands = Annotated[
    Strand | None,
    typer.Option("--strand", help="Both strands or one; by default what it was fitted for."),
]


def attribute(
    sequences: options.Input,
    out: options.OutFolder,
    model: Model,
    context: options.Context = None,
    method: MethodName = AttributionMethod.integrated_gradients,
    target: TargetName = "",
    steps: Steps = 256,
    strand: Strands = None,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Write a number per base that says what pushed a fine-tuned prediction up or down.

    The track is one like any other: `nucel-interp motifs seq.fa --track out/tracks/attribution.npz`

    Example: nucel-interp attribute sites.fa -m tuned/seed0 -o out
    """
    from nucel_interp.cli.progress import progress
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.tables import write_json
    from nucel_interp.scoring.attribution import attribute as explain
    from nucel_interp.scoring.device import load_model
    from nucel_interp.scoring.target import find_target

    set_threads(threads)
    started = perf_counter()
    with OutputFolder(out, force=force) as folder:
        records = read_records(sequences)
        loaded = load_model(model, context)
        find_target(loaded, target or None)  # refuses before the work
        texts = [record.sequence for record in records]
        with progress(f"explaining by {method.value}", sum(map(len, texts))) as step:
            found = explain(
                loaded,
                texts,
                method=method.value,
                target=target or None,
                steps=steps,
                strands=None if strand is None else strand.value,
                seed=seed,
                on_progress=step,
            )
        table = attribution_table(records, found)
        _write(folder, records, found, table)
        about = run_info(
            ["nucel-interp", *sys.argv[1:]],
            inputs=[sequences],
            **_facts(loaded, method, longest=max(map(len, records))),
            method=method.value,
            target=found.target.label,
            unit=found.target.unit,
            seed=seed,
            threads=threads,
            seconds=round(perf_counter() - started, 1),
        )
        write_json(about, folder / "run.json")
    typer.echo(f"{_words(records, found)}. Written to {out}")


def _facts(model: Nucel, method: AttributionMethod, longest: int) -> dict[str, Any]:
    """What run.json says of the model; gradients have a kernel of their own."""
    from nucel_interp.scoring.device import model_facts
    from nucel_model.backends import training_backend

    facts = model_facts(model, profile=False)
    if method is not AttributionMethod.mutagenesis:
        device = next(model.parameters()).device
        facts["backend"] = training_backend(device, 1 + longest)
        facts["backend_reason"] = f"fastest with gradients, on {device.type}"
    return facts


def attribution_table(records: list[Record], found: Attribution) -> pd.DataFrame:
    """A row per record, `types.ATTRIBUTION_COLUMNS`."""
    import numpy as np
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


def _write(folder: Path, records: list[Record], found: Attribution, table: pd.DataFrame) -> None:
    import numpy as np

    from nucel_interp.io.npz import npz_writer
    from nucel_interp.io.tables import write_tsv
    from nucel_interp.io.tracks import write_bedgraph
    from nucel_interp.plots import save_figure
    from nucel_interp.plots.attribution import attribution_data, attribution_figure

    (folder / "tracks").mkdir()
    with npz_writer(folder / "tracks" / f"{TRACK}.npz") as npz:
        for record, track in zip(records, found.tracks, strict=True):
            npz.add(record.name, track.astype(np.float32))
    write_bedgraph(folder / "tracks" / f"{TRACK}.bedGraph", records, found.tracks)
    if found.maps:
        with npz_writer(folder / "mutagenesis.npz") as npz:
            for record, change in zip(records, found.maps, strict=True):
                npz.add(record.name, change.astype(np.float32))
    write_tsv(table, folder / f"{TRACK}.tsv")
    short = found.target.unit.split(", ")[-1]
    for number in range(min(len(records), MOST_FIGURES)):
        record, track = records[number], found.tracks[number]
        said = f"{found.method}; prediction {found.prediction[number]:.2f}"
        figure = attribution_figure(record, track, said, f"attribution ({short})")
        data = attribution_data(record, track)
        save_figure(figure, folder / "figures", f"attribution_record{number + 1}", data)


def _words(records: list[Record], found: Attribution) -> str:
    """What was found, and what was left out."""
    import numpy as np

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
