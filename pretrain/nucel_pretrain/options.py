"""Options that commands share: one spelling, one help text, one default each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

CONFIG, NAME, FOLDER, REGION = "CONFIG", "NAME", "FOLDER", "REGION"
"""Words for values: a TOML file or a shipped one, a model's folder or name, a folder, a region."""


class Strand(StrEnum):
    """Which strands are the same to a model that learns."""

    both = "both"
    forward = "forward"


Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar=FOLDER, help="Run folder; the same one resumes a run."),
]
Fasta = Annotated[
    list[Path] | None,
    typer.Option(help="Sequence: FASTA (plain, gzip, bgzip) or .2bit; may be repeated."),
]
SitesDir = Annotated[
    Path | None, typer.Option(metavar=FOLDER, help="Folder of the BED files in [[sites]].")
]
Threads = Annotated[int, typer.Option("--threads", "-t", help="CPU threads; 0 = torch's choice.")]
Device = Annotated[
    str, typer.Option(metavar="cpu|cuda", help="By default cuda where there is one.")
]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar=FOLDER,
        help="Where converted genomes are kept (one byte a base); default: user's cache.",
    ),
]
Mode = Annotated[
    str,
    typer.Option(
        metavar="full|head|lora", help="What learns: every weight, the head, or LoRA matrices."
    ),
]
PoolingName = Annotated[
    str,
    typer.Option("--pooling", metavar="cls|mean", help="What the head reads: [CLS], or a mean."),
]
LearningRates = Annotated[
    list[float] | None,
    typer.Option("--learning-rate", help="Repeat to have dev choose among several."),
]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the part to learn on.")]
Batch = Annotated[int, typer.Option(min=1, help="Sequences of a step.")]
Patience = Annotated[
    int, typer.Option(min=1, help="Looks at dev, two per epoch, without a lower loss.")
]
Seeds = Annotated[list[int] | None, typer.Option(help="May be repeated; by default 0, 1, 2.")]
Anew = Annotated[bool, typer.Option("--force", help="Begin anew: what OUT holds is removed.")]
