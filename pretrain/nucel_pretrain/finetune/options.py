"""Options that fine-tuning commands share: one spelling, one help text, one default each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Mode = Annotated[str, typer.Option(help="full, head or lora.")]
PoolingName = Annotated[str, typer.Option("--pooling", help="cls or mean.")]
LearningRates = Annotated[
    list[float] | None,
    typer.Option("--learning-rate", help="Repeat to have dev choose among several."),
]
Epochs = Annotated[int, typer.Option(min=1)]
Batch = Annotated[int, typer.Option(min=1)]
Patience = Annotated[
    int, typer.Option(min=1, help="Looks at dev, two per epoch, without a lower loss.")
]
Seeds = Annotated[list[int] | None, typer.Option(help="Repeat; by default 0, 1, 2.")]
Threads = Annotated[int, typer.Option("--threads", "-t", help="CPU threads, 0 = all.")]
Device = Annotated[str, typer.Option(help="cpu or cuda; by default cuda where there is one.")]
Cache = Annotated[Path | None, typer.Option(help="Where converted genomes are kept.")]
Anew = Annotated[bool, typer.Option("--force", help="Begin anew.")]
