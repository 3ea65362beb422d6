"""`nucel-interp attribute`: the contribution of each base to a fine-tuned prediction."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Strand


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
    """Contribution of each base to a prediction.

    A number per base that says what pushed a fine-tuned model's prediction up or down. The track is
    one like any other: `nucel-interp motifs seq.fa --track out/tracks/attribution.npz`

    Example: nucel-interp attribute sites.fa -m tuned/seed0 -o out
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_folder

    check_folder(out, force=force)
    set_threads(threads)
    from nucel_interp.api.attribute import attribute as explain

    with reporter() as on_progress:
        result = explain(
            sequences,
            model,
            method=method.value,
            target=target or None,
            steps=steps,
            strand=None if strand is None else strand.value,
            context=context,
            seed=seed,
            on_progress=on_progress,
        )
    result.save(out, force=force, command=["nucel-interp", *sys.argv[1:]])
    typer.echo(f"{result.answer}. Written to {out}")
