"""`nucel-interp agree`: attention, gradients, mutagenesis and known sites, base by base."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads

if TYPE_CHECKING:
    import pandas as pd

    from nucel_interp.compare.agreement.agree_models import AgreeResult

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
    typer.Option("--shuffled", help="Folder fine-tuned alike on labels dealt out anew."),
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
    typer.Option("--curves", min=0, help="Sequences of the faithfulness curves; 0: none."),
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
    """Lay attention, discriminator, gradients, mutagenesis and known sites over each other.

    Example: nucel-interp agree peaks.fa -m tuned/seed0 --before nucel-mini --sites sites.bed -o out
    """
    from nucel_interp.cli.progress import reporter
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.sites import read_sites

    started = perf_counter()
    with OutputFolder(out, force=force) as folder:
        records = read_records(sequences)
        given = None if sites is None else read_sites(sites)
        set_threads(threads)
        from nucel_interp.compare.agreement.agree_models import agree_models
        from nucel_interp.compare.agreement.score_pairs import BEFORE, FINE_TUNED, SHUFFLED
        from nucel_interp.scoring.device import facts_of_several, load_model

        fine = load_model(model, context)
        first = None if before is None else load_model(before, context)
        dealt = None if shuffled is None else load_model(shuffled, context)
        with reporter() as on_progress:
            result = agree_models(
                records,
                fine,
                before=first,
                shuffled=dealt,
                sites=given,
                target=target,
                curves=curves,
                seed=seed,
                on_progress=on_progress,
            )
        inputs = [p for p in (sequences, sites) if p is not None]
        read = {FINE_TUNED: fine, BEFORE: first, SHUFFLED: dealt}
        about = facts_of_several({name: m for name, m in read.items() if m is not None})
        about["seconds"] = round(perf_counter() - started, 1)
        _write(result, folder, inputs, about, seed, threads)
    _summarise(result, out, perf_counter() - started)


def _write(
    result: AgreeResult,
    folder: Path,
    inputs: list[Path],
    about: dict[str, Any],
    seed: int,
    threads: int,
) -> None:
    """All files of the output folder; see the README."""
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.tables import write_json, write_tsv
    from nucel_interp.plots import save_figure
    from nucel_interp.plots.agree import (
        agreement_figure,
        faithfulness_figure,
        head_agreement_figure,
        site_figure,
    )

    found, figures = result.found, folder / "figures"
    write_tsv(found.pairs, folder / "agree.tsv")
    write_tsv(found.heads, folder / "agree_heads.tsv")
    save_figure(agreement_figure(found.pairs), figures, "agree", found.pairs)
    of_heads = head_agreement_figure(found.heads, f"|{result.summary['reference']}|")
    save_figure(of_heads, figures, "agree_heads", found.heads)
    if found.sites is not None:
        write_tsv(found.sites, folder / "agree_sites.tsv")
        save_figure(site_figure(found.sites), figures, "agree_sites", found.sites)
    if result.controls is not None:
        write_tsv(result.controls, folder / "controls.tsv")
    if result.curves is not None:
        curves, areas = result.curves.curves, result.curves.areas
        write_tsv(curves, folder / "faithfulness.tsv")
        write_tsv(areas, folder / "faithfulness_area.tsv")
        drawn = faithfulness_figure(curves, areas, result.summary["target_unit"])
        save_figure(drawn, figures, "faithfulness", curves)
    write_json({**result.summary, "warnings": result.warnings}, folder / "summary.json")
    run = run_info(
        ["nucel-interp", *sys.argv[1:]],
        inputs=inputs,
        model=result.summary["models"],
        model_sha256=result.summary["model_sha256"],
        seed=seed,
        threads=threads,
        **about,
    )
    write_json(run, folder / "run.json")


def _summarise(result: AgreeResult, out: Path, seconds: float) -> None:
    """What was found, in words and two small tables, and where it was written."""
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
    if result.found.sites is not None:
        for name, rows in result.found.sites.groupby("site", sort=False):
            _print(f"finds bases of {name}, AUROC; by place alone", rows, "auroc")
    for sentence in facts["looked_at"]:
        typer.echo(sentence)
    if result.curves is not None:
        areas = result.curves.areas
        _print("fell below random when deleted", areas[areas["edit"] == "delete"], "area")
    typer.echo(
        "95 % intervals over sequences; heads are chosen on one half, measured on the other."
    )
    typer.echo(f"Tables: {out}; figures: {out / 'figures'}  ({seconds:.0f} s)")


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
        if value == "auroc" and math.isfinite(row["by_place"]):
            text += f"; {row['by_place']:.2f}"
        cells.setdefault(row["score"], {})[row["model"]] = text
    for score, of_models in cells.items():
        table.add_row(Text(score), *(Text(of_models.get(m, "")) for m in models))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
