"""`nucel-interp agree`: attention, gradients, mutagenesis and known sites, base by base."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.api.agree_models import AgreementResult

FineTuned = Annotated[
    str,
    typer.Option("--model", "-m", help="A fine-tuned model's folder (nucel-pretrain finetune)."),
]
Before = Annotated[
    str | None,
    typer.Option("--before", help="What it was fine-tuned from: a shipped name, or a folder."),
]
Shuffled = Annotated[
    str | None,
    typer.Option("--shuffled", help="Folder fine-tuned alike on permuted labels."),
]
Sites = Annotated[
    Path | None,
    typer.Option("--sites", help="BED of known sites; column 1 a record or chromosome."),
]
TargetLabel = Annotated[
    str | None,
    typer.Option("--target", help="Label to explain; the second of two classes if not given."),
]
Curves = Annotated[
    int,
    typer.Option(
        "--curves",
        min=0,
        help="Sequences of the deletion curves (comprehensiveness and sufficiency); 0: none.",
    ),
]


def agree(
    sequences: options.Input,
    model: FineTuned,
    out: options.OutFolder,
    before: Before = None,
    shuffled: Shuffled = None,
    sites: Sites = None,
    target: TargetLabel = None,
    curves: Curves = 40,
    context: options.Context = None,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Do per-base scores agree with each other?

    Pairwise rank correlation of attention, gradients and mutagenesis, and how well each finds known
    sites.

    Example: nucel-interp agree peaks.fa -m tuned/seed0 --before nucel-mini --sites sites.bed -o out
    """
    from nucel_interp.api.agree_models import agree_models
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.outputs import check_folder

    check_folder(out, force=force)
    set_threads(threads)
    with reporter() as on_progress:
        result = agree_models(
            sequences,
            model,
            before=before,
            shuffled=shuffled,
            sites=sites,
            target=target,
            curves=curves,
            context=context,
            seed=seed,
            on_progress=on_progress,
        )
    result.save(out, force=force, command=["nucel-interp", *sys.argv[1:]])
    _summarise(result, out)


def _summarise(result: AgreementResult, out: Path) -> None:
    """What was found, in words and small tables, and where it was written."""
    from nucel_interp.progress import say

    facts = result.summary
    for warning in result.warnings:
        say(f"note: {warning}")
    typer.echo(
        f"{facts['n_sequences']:,} sequences, {facts['n_bases']:,} bases; explained is the "
        f"{facts['target_unit']}."
    )
    found = result.against_reference()
    sizes = found[~found["score"].isin(facts["methods"])]  # a sign has no place beside a size
    _print(f"agrees with |{facts['reference']}|, Spearman", sizes, "spearman")
    if result.sites is not None:
        for name, rows in result.sites.groupby("site", sort=False):
            _print(f"finds bases of {name}, AUROC; expected by position", rows, "auroc")
    for sentence in facts["looked_at"]:
        typer.echo(sentence)
    if result.areas is not None:
        deleted = result.areas[result.areas["edit"] == "delete"]
        _print("comprehensiveness: fell below random when deleted", deleted, "area")
    typer.echo(
        "95 % intervals over sequences; heads are chosen on one half, measured on the other."
    )
    typer.echo(f"Tables: {out}; figures: {out / 'figures'}  ({result.run.seconds:.0f} s)")


def _print(title: str, rows: pd.DataFrame, value: str) -> None:
    """A line per score, a column per model."""
    import math

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nucel_interp.cli.terminal import with_interval

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    models = list(dict.fromkeys(rows["model"]))
    for column in (title, *models):
        table.add_column(column, no_wrap=True)
    cells: dict[str, dict[str, str]] = {}
    for row in rows.to_dict("records"):
        text = with_interval(row[value], row["low"], row["high"])
        if value == "auroc" and math.isfinite(row["expected_by_position"]):
            text += f"; {row['expected_by_position']:.2f}"
        cells.setdefault(row["score"], {})[row["model"]] = text
    for score, of_models in cells.items():
        table.add_row(Text(score), *(Text(of_models.get(m, "")) for m in models))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
