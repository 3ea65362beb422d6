"""Options that several commands share: one spelling, one help text, one default each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer


class Format(StrEnum):
    """How a table is printed."""

    tsv = "tsv"
    json = "json"


class Strand(StrEnum):
    """Which strands a score is averaged over."""

    both = "both"
    forward = "forward"


class Tax(StrEnum):
    """JASPAR's tax groups."""

    vertebrates = "vertebrates"
    plants = "plants"
    insects = "insects"
    nematodes = "nematodes"
    fungi = "fungi"
    urochordates = "urochordates"
    diatoms = "diatoms"
    all = "all"


class Method(StrEnum):
    """How motifs are found."""

    both = "both"
    cluster = "cluster"
    kmer = "kmer"
    dnabert = "dnabert"


class Export(StrEnum):
    """Formats of other tools that a result can be written in."""

    modisco = "modisco"


def _score_name(value: str) -> str:
    from nucel_interp.errors import InputError
    from nucel_interp.score_names import check_score

    try:
        return check_score(value)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


def _tax(value: str) -> Tax:
    from nucel_interp.errors import InputError

    if value in list(Tax):
        return Tax(value)
    from nucel_interp.match import load_jaspar

    try:
        load_jaspar(value)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error
    return Tax.all  # not reached: JASPAR has the groups above


def form_of(given: Format | None) -> Literal["tsv", "json"] | None:
    """The form that was asked for, as `TableResult.save` takes it."""
    return None if given is None else given.value


Input = Annotated[
    Path,
    typer.Argument(metavar="SEQUENCES", help="FASTA, plain or gzip; - is standard input."),
]
OutFolder = Annotated[
    Path, typer.Option("--out", "-o", help="Folder to write; it appears when the run succeeds.")
]
OutFile = Annotated[Path, typer.Option("--out", "-o", help="File to write; - is standard output.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier output.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of every random draw.")]
Model = Annotated[
    str, typer.Option("--model", "-m", help="A shipped model's name, or a model folder.")
]
Context = Annotated[
    int | None,
    typer.Option(
        "--context",
        metavar="BP",
        help="Bases the model reads at once, longer input in windows; by default what its folder "
        "says, which may be more than it was trained on.",
    ),
]
TaxGroup = Annotated[
    Tax,
    typer.Option(
        "--tax", parser=_tax, metavar="|".join(Tax), help="JASPAR tax group to compare with."
    ),
]
Database = Annotated[
    Path | None,
    typer.Option("--db", help="Your own motifs (MEME file) to compare with, in place of JASPAR."),
]
MethodName = Annotated[
    Method,
    typer.Option(
        "--method",
        help="Where motifs come from: both of seqlets (cluster) and enriched words (kmer, sequence "
        "alone, no model), or either; dnabert: that model's script.",
    ),
]
ExportTo = Annotated[
    Export | None,
    typer.Option("--export", help="Also write a folder that TF-MoDISco's tools read."),
]
Threads = Annotated[
    int, typer.Option("--threads", "-t", min=0, help="CPU threads; 0 takes what torch finds.")
]
TableFormat = Annotated[Format, typer.Option("--format", help="Form of the printed table.")]
FileFormat = Annotated[
    Format | None,
    typer.Option(
        "--format", help="Form of the table; by default JSON if the file's name ends so, else TSV."
    ),
]
ScoreName = Annotated[
    str,
    typer.Option(
        "--score",
        metavar="attention|attention-global|value-norm|discriminator|relevance|influence|"
        "LAYER:HEAD",
        help="What makes a base important; 3:0 is the first head of the fourth layer alone.",
        callback=_score_name,
    ),
]
TrackFile = Annotated[
    Path | None,
    typer.Option(
        "--track",
        help="Your own score per base: npz with an array per record, bedGraph or bigWig.",
    ),
]
NullTrackFile = Annotated[
    Path | None,
    typer.Option("--null-track", help="The same score on shuffled sequence, as null for --track."),
]
Strands = Annotated[
    Strand, typer.Option("--strand", help="Average both strands, or run the forward one alone.")
]
Bed = Annotated[
    Path | None,
    typer.Option(
        "--bed",
        help="Regions to read of a genome (SEQUENCES, FASTA or 2bit); strands are not used.",
    ),
]
Cluster = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Spread a genome over a Ray cluster: its address, auto, or local to start one here.",
    ),
]
MotifFile = Annotated[
    Path | None,
    typer.Option("--motifs", help="MEME file of the motifs to measure, such as motifs.meme."),
]
MotifNames = Annotated[
    list[str] | None,
    typer.Option(
        "--motif",
        metavar="CTCF,MA0139.2",
        help="JASPAR (or --db) ids or names of the motifs to measure; may be repeated. By default "
        "what more sequences hold than shuffled copies.",
    ),
]

DEFAULT_MODEL = "nucel-mini"
