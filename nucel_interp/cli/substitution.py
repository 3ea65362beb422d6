"""`nucel-interp substitution`: every base in every place; pairs of bases; variants."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucel_interp.cli import options
from nucel_interp.cli.inputs import set_threads
from nucel_interp.cli.options import Strand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nucel_interp.scoring.dependency_pairs import Pairs
    from nucel_interp.types import Record
    from nucel_model import Nucel

MOST_FIGURES = 10
MOST_PAIRS = 20
"""Of a record, in dependency.tsv."""

Dependency = Annotated[
    bool,
    typer.Option(
        "--dependency",
        help="Also which bases depend on each other, against shuffled copies; records that fit "
        "the model's context.",
    ),
]
Vcf = Annotated[
    Path | None,
    typer.Option(
        "--vcf", help="Score these variants in place of maps; SEQUENCES is their genome then."
    ),
]


def substitution(
    sequences: options.Input,
    out: options.OutFolder,
    dependency: Dependency = False,
    vcf: Vcf = None,
    export: options.ExportTo = None,
    model: options.Model = options.DEFAULT_MODEL,
    context: options.Context = None,
    strand: options.Strands = Strand.both,
    seed: options.Seed = 0,
    threads: options.Threads = 0,
    force: options.Force = False,
) -> None:
    """Put every base in every place and ask the discriminator: a map of log-odds, (bases, 4).

    Example: nucel-interp substitution peaks.fa -o out --dependency

    Variants: nucel-interp substitution hg38.2bit --vcf calls.vcf.gz -o out
    """
    from nucel_interp.io.outputs import OutputFolder
    from nucel_interp.io.provenance import run_info
    from nucel_interp.io.tables import write_json
    from nucel_interp.scoring.device import model_facts

    if vcf is not None and (dependency or export is not None):
        raise typer.BadParameter(
            "--vcf scores variants: it goes with neither --dependency nor --export"
        )
    if vcf is not None and str(sequences) == "-":
        raise typer.BadParameter("a genome is read from a file, not from standard input")
    set_threads(threads)
    started = perf_counter()
    with OutputFolder(out, force=force) as folder:
        if vcf is not None:
            loaded, words = _variants(sequences, vcf, folder, model, context, strand)
        else:
            loaded, words = _maps(
                sequences, folder, model, context, strand, dependency, export is not None, seed
            )
        about = run_info(
            ["nucel-interp", *sys.argv[1:]],
            inputs=[sequences, *([] if vcf is None else [vcf])],
            **model_facts(loaded, profile=False),
            strand=strand.value,
            seed=seed,
            threads=threads,
            seconds=round(perf_counter() - started, 1),
        )
        write_json(about, folder / "run.json")
    typer.echo(f"{words}. Written to {out}")


def _maps(
    path: Path,
    folder: Path,
    model: str,
    context: int | None,
    strand: Strand,
    dependency: bool,
    export: bool,
    seed: int,
) -> tuple[Nucel, str]:
    """All files of a run on sequences; returns the model and what was found."""
    from nucel_interp.io.fasta import read_records
    from nucel_interp.io.modisco import write_modisco_arrays
    from nucel_interp.io.npz import npz_writer
    from nucel_interp.io.tables import write_tsv
    from nucel_interp.io.tracks import write_bedgraph
    from nucel_interp.plots import save_figure
    from nucel_interp.plots.substitution import substitution_data, substitution_figure
    from nucel_interp.scoring import hypothetical_contributions
    from nucel_interp.scoring.device import load_model
    from nucel_interp.scoring.substitution import require_discriminator
    from nucel_interp.scoring.substitution_tables import (
        own_base_best,
        own_contribution,
        substitution_range,
        substitution_table,
    )

    records = read_records(path)
    loaded = load_model(model, context)
    require_discriminator(loaded)
    share, words = "", ""
    if dependency:
        maps, (share, words) = _dependencies(records, folder, loaded, strand, seed)
    else:
        maps = _substitutions(records, loaded, strand)
    with npz_writer(folder / "substitution.npz") as npz:
        for record, found in zip(records, maps, strict=True):
            npz.add(record.name, found)
    contributions = [
        own_contribution(r.sequence, found) for r, found in zip(records, maps, strict=True)
    ]
    (folder / "tracks").mkdir()
    write_bedgraph(folder / "tracks" / "contribution.bedGraph", records, contributions)
    ranges = [substitution_range(found) for found in maps]
    write_bedgraph(folder / "tracks" / "range.bedGraph", records, ranges)
    table = substitution_table(records, maps)
    write_tsv(table, folder / "substitution.tsv")
    if export:
        hypothetical = [hypothetical_contributions(found) for found in maps]
        write_modisco_arrays(folder / "modisco", records, hypothetical)
    for number in range(min(len(records), MOST_FIGURES)):
        record, found, own = records[number], maps[number], contributions[number]
        figure = substitution_figure(record, found, own)
        data = substitution_data(record, found, own)
        save_figure(figure, folder / "figures", f"substitution_record{number + 1}", data)
    best, read = own_base_best([record.sequence for record in records], maps)
    if not read:
        return loaded, f"no base could be read: {len(records):,} records hold no A, C, G or T"
    drawn = f"; figures of the first {MOST_FIGURES}" if len(records) > MOST_FIGURES else ""
    return loaded, (
        f"{read:,} bases of {len(records):,} records; the standing base is the best of the four at "
        f"{best / read:.1%} (by chance 25 %{share}){words}{drawn}"
    )


def _substitutions(
    records: list[Record], model: Nucel, strand: Strand
) -> list[NDArray[np.float32]]:
    from nucel_interp.cli.progress import progress
    from nucel_interp.scoring import substitution_map

    texts = [record.sequence for record in records]
    with progress("reading with every base replaced", sum(map(len, texts))) as step:
        return substitution_map(model, texts, strands=strand.value, on_progress=step)


def _dependencies(
    records: list[Record], folder: Path, model: Nucel, strand: Strand, seed: int
) -> tuple[list[NDArray[np.float32]], tuple[str, str]]:
    """The substitution maps, and what to say of copies and pairs; writes what belongs to pairs."""
    from nucel_interp.cli.progress import progress
    from nucel_interp.io.npz import npz_writer
    from nucel_interp.io.tables import write_tsv
    from nucel_interp.plots import save_figure
    from nucel_interp.plots.substitution import SURE, dependency_data, dependency_figure
    from nucel_interp.progress import say
    from nucel_interp.scoring.dependency import dependency_map, require_fit
    from nucel_interp.scoring.dependency_pairs import pair_null, rank_pairs
    from nucel_interp.scoring.substitution_tables import (
        dependency_table,
        own_base_best,
        shuffled_copies,
    )

    require_fit(model, {record.name: len(record) for record in records})
    shortest, longest = min(map(len, records)), max(map(len, records))
    if longest > 2 * shortest:
        say(
            f"note: records have {shortest:,} to {longest:,} bases, and the shuffled copies of all "
            "are one null: p_record is too small for the long ones, whose pairs are more"
        )
    copies = shuffled_copies([record.sequence for record in records], seed)
    total = sum(map(len, copies)) + sum(map(len, records))
    maps: list[NDArray[np.float32]] = []
    pairs: list[Pairs] = []
    counts: list[tuple[int, int]] = []
    with (
        progress("reading with every base replaced", total) as step,
        npz_writer(folder / "dependency.npz") as npz,
    ):

        def read(text: str) -> Any:
            return dependency_map(model, [text], strands=strand.value, on_progress=step)[0]

        def read_copies() -> Iterator[NDArray[np.float32]]:
            for text in copies:
                found = read(text)
                counts.append(own_base_best([text], [found.substitution]))
                yield found.dependency

        null = pair_null(read_copies(), longest)
        for number, record in enumerate(records):
            found = read(record.sequence)
            npz.add(record.name, found.dependency)
            maps.append(found.substitution)
            pairs.append(rank_pairs(found.dependency, null, MOST_PAIRS))
            if number < MOST_FIGURES:
                table = dependency_table([record], pairs[-1:])
                figure = dependency_figure(record, found.dependency, table)
                data = dependency_data(record, found.dependency)
                save_figure(figure, folder / "figures", f"dependency_record{number + 1}", data)
    table = dependency_table(records, pairs)
    write_tsv(table, folder / "dependency.tsv")
    sure = sum(bool((p.p_record < SURE).any()) for p in pairs)
    best, known = (sum(numbers) for numbers in zip(*counts, strict=True))
    return maps, (
        f", {best / max(known, 1):.1%} in shuffled copies",
        f"; a pair of bases stronger than in 95 % of {len(copies):,} shuffled copies in {sure:,} "
        f"of {len(records):,} records (by chance 5 %)",
    )


def _variants(
    path: Path, vcf: Path, folder: Path, model: str, context: int | None, strand: Strand
) -> tuple[Nucel, str]:
    """All files of a run on variants; returns the model and what was found."""
    from nucel_genome import Genome
    from nucel_interp.cli.progress import progress
    from nucel_interp.errors import InputError
    from nucel_interp.io.tables import write_tsv
    from nucel_interp.io.vcf import read_variants, require_vcf
    from nucel_interp.progress import say
    from nucel_interp.scoring.device import load_model
    from nucel_interp.scoring.substitution_tables import skipped_table, variant_table
    from nucel_interp.scoring.variants import score_variants, variant_targets

    require_vcf()
    if str(vcf) != "-" and not vcf.exists():  # before the genome is read, which may take long
        raise InputError(f"there is no VCF file {vcf}")
    loaded = load_model(model, context)
    targets = variant_targets(loaded)
    genome = Genome.open([path], say=say)
    found = read_variants(vcf, genome, longest=loaded.config.context_bp // 2)
    with progress("reading both alleles", len(found.scored)) as step:
        scores = score_variants(
            loaded, found.scored, genome, strands=strand.value, on_progress=step
        )
    table = variant_table(found.scored, scores)
    write_tsv(table, folder / "variants.tsv")
    write_tsv(skipped_table(found.skipped), folder / "variants_skipped.tsv")
    words = (
        f"{len(found.scored):,} alleles of {found.records:,} records, all as the genome has them"
    )
    moved = int((scores.moved > 0).sum())
    if moved:
        words += f"; {moved:,} {_was(moved)} moved left, to where the same change begins first"
    if found.skipped:
        reasons = Counter(reason.partition(";")[0] for _, reason in found.skipped)
        why = "; ".join(f"{n:,}: {reason}" for reason, n in reasons.most_common(3))
        count = len(found.skipped)
        words += f"; {count:,} {_was(count)} skipped ({why}), see variants_skipped.tsv"
    if len(table) and table["site_change"].notna().any():
        words += f"; median change at the site {table['site_change'].median():.2f} nats"
    for target in targets:
        change = table[f"change_{target.label}"].abs().max() if len(table) else 0.0
        words += f"; largest change of {target.label} {change:.2f}"
    return loaded, words


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
