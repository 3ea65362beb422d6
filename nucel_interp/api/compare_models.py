"""Models compared on the same windows: attention at motif sites, beside every control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nucel_interp.api.given import (
    SequenceInput,
    database_of,
    motifs_to_measure,
    paths,
    records_of,
)
from nucel_interp.api.result import FolderResult, Run
from nucel_interp.compare.models.result import Comparison

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.io.sites import BedSite
    from nucel_interp.match import JasparDatabase
    from nucel_interp.progress import OnProgress
    from nucel_interp.types import Motif, Record

    Tracks = (
        str | Path | Sequence[str | Path] | Mapping[str, str | Path | Sequence[ArrayLike]] | None
    )

MOST_MOTIFS = 20
TABLES = (
    "models", "snr", "recovery", "recall", "layers", "distances", "heads", "differences",
    "controls", "shuffled", "cls_row", "tracks",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ComparisonResult(FolderResult, Comparison):
    """What `compare_models` found: the tables and loci of `Comparison`, ready to be saved.

    Attributes:
        models: A row per model and randomly initialised control.
        snr: Signal-to-noise of attention per model, resolution, layers, definition and motif.
        recovery: AUROC and AUPRC per model, resolution and motif, with decoys.
        recall: Share of site bases among the top share of bases.
        layers: Entropy, [CLS] share and mean distance per model and layer.
        distances: Attention by distance per model and layer.
        heads: Signal-to-noise of every head.
        differences: Ratios of signal-to-noise between models, and to their controls.
        controls: AUROC at every motif's sites beyond each control.
        shuffled: Signal-to-noise of the models in shuffled copies of the windows.
        cls_row: Signal-to-noise of the last layer's [CLS] row; None if not asked for.
        tracks: Signal-to-noise and AUROC of your own tracks; None if there is none.
        motifs: The matrix of each motif, where there is one.
        loci: A few records with their sites and the tracks of all models.
        summary: Flat facts, for summary.json.
        run: Facts of the run (models, seed, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    run: Run

    _shown = ("snr",)

    @property
    def answer(self) -> str:
        """What each model looks at, and how they differ."""
        return str(self.summary["answer"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file."""
        found = {name: getattr(self, name) for name in TABLES}
        return {name: table for name, table in found.items() if table is not None}

    def figures(self) -> Figures:
        """Signal-to-noise, AUROC, recall, distances, layers, heads, and loci."""
        from nucel_interp.plots.comparison import comparison_figures

        return comparison_figures(self)

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the page alone: the answer, tables, figures and a methods paragraph in one file.

        Args:
            path: An HTML file.
            force: Replace what is there.

        Raises:
            OutputError: It exists, or cannot be written.
        """
        from nucel_interp.io.outputs import check_free, write_atomic
        from nucel_interp.report import build_comparison

        check_free(path, force=force)
        write_atomic(path, build_comparison(self, self.run.info()), force=force)
        return Path(path)

    def _write(self, folder: Path, run: dict[str, Any]) -> None:
        from nucel_interp.io.tables import write_json, write_tsv
        from nucel_interp.plots import save_figure
        from nucel_interp.report import build_comparison

        for name, table in self.tables.items():
            write_tsv(table, folder / f"{name}.tsv")
        figures = self.figures()
        page = build_comparison(self, run, figures)
        (folder / "report.html").write_text(page, encoding="utf-8")
        for stem, (figure, data) in figures.items():
            save_figure(figure, folder / "figures", stem, data)
        write_json(self.summary, folder / "summary.json")


def compare_models(
    sequences: SequenceInput,
    models: Model | Sequence[Model],
    *,
    sites: str | Path | Sequence[BedSite] | None = None,
    motifs: str | Path | Sequence[Motif] | None = None,
    motif: str | Sequence[str] | None = None,
    tracks: Tracks = None,
    tax: str = "vertebrates",
    database: str | Path | JasparDatabase | None = None,
    cls_row: bool = False,
    find: bool = True,
    context: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> ComparisonResult:
    """Compare models on the same windows of the same sequences.

    Every model reads the same windows on both strands; one of longer tokens in as many frames as a
    token has bases. Signal-to-noise of a sequence is the mean attention of the bases inside its
    sites over that of its other bases. The best head is chosen on one half of the records and
    measured on the other, both ways. Beside each model stands its randomly initialised control, and
    shuffled copies of the windows; what is beyond every control is told by the rule that all
    commands share (`controls.beyond`). The published comparison of NucEL with the Nucleotide
    Transformer gives no definition of its signal-to-noise; three are measured
    (`compare.shared.snr`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records.
        models: Shipped names, model folders or loaded models, one or several; names must differ.
        sites: Intervals at which attention is measured: a BED file (column 1 a record's name or a
            chromosome, column 4 the motif), or its lines.
        motifs: Without ``sites``: a MEME file or motifs, at whose FIMO sites (p < 1e-4) to measure;
            at most 20.
        motif: Motifs to measure, by ids or names in ``database``, such as ``"CTCF"``. If none of
            the three is given: the motif of ``database`` whose sites most more windows hold than
            their dinucleotide-shuffled copies.
        tracks: Your own scores to measure at the same sites: paths (npz, bedGraph, bigWig), or a
            dict of name to a path or to one array per record, (bases,), NaN where there is none.
        tax: JASPAR tax group to take motifs from, if no ``database`` is given.
        database: A MEME file or collection to take motifs from, and to name found ones with.
        cls_row: Measure the attention of [CLS] in the last layer too, as DNABERT's script does;
            default False.
        find: Find motifs with every model too (`find_motifs`), which takes most of the time;
            default True.
        context: Bases a model reads at once; by default what its folder says.
        seed: Seed of halves, shuffled copies, decoys, random intervals, controls and bootstrap.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No record, window or site; two models of one name; a motif that is not there; a
            track that does not fit the records.
        FolderError, ConfigError: A model cannot be loaded.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.compare_models("peaks.fa", ["nucel-mini", "my-model"], motif="CTCF")
        >>> found.models["model"].tolist()[0]
        'nucel-mini'
    """
    from nucel_interp.compare.models.measure_models import measure_models
    from nucel_interp.errors import InputError
    from nucel_interp.io.sites import read_sites
    from nucel_interp.report.verdict import verdict
    from nucel_interp.scoring.device import facts_of_several, load_model

    started = perf_counter()
    if sites is not None and (motifs is not None or motif is not None):
        raise InputError("give --sites, --motifs or --motif, not two of them")
    records = records_of(sequences)
    placed = read_sites(sites) if isinstance(sites, (str, Path)) else sites
    own, files = _tracks_of(tracks, records)
    collection = database_of(database, tax)
    wanted = motifs_to_measure(motifs, motif, collection)
    if wanted is not None and len(wanted) > MOST_MOTIFS:
        raise InputError(f"{len(wanted)} motifs were asked for; a comparison takes {MOST_MOTIFS}")
    given = (
        [models] if isinstance(models, (str, Path)) or not isinstance(models, Sequence) else models
    )
    loaded = [load_model(one, context) for one in given]
    found = measure_models(
        records,
        loaded,
        sites=placed,
        motifs=wanted,
        tracks=own,
        database=collection,
        seed=seed,
        cls_row=cls_row,
        find=find,
        on_progress=on_progress,
    )
    summary = {**found.summary, "answer": verdict(found), "warnings": found.warnings}
    facts = {
        "model": ", ".join(found.summary["models"]),
        "model_sha256": found.summary["model_sha256"],
        **facts_of_several({m.name: m for m in loaded}),
        "seed": seed,
    }
    inputs = paths(sequences, sites, motifs, database, *files)
    return ComparisonResult(
        **_parts(replace(found, summary=summary)),
        run=Run("compare_models", inputs, facts, perf_counter() - started),
    )


def _parts(found: Comparison) -> dict[str, Any]:
    return {f.name: getattr(found, f.name) for f in fields(found)}


def _tracks_of(
    tracks: Tracks, records: list[Record]
) -> tuple[dict[str, Sequence[ArrayLike]], list[Path]]:
    """Name -> one array per record; and which files were read."""
    from nucel_interp.io.tracks import read_tracks

    if tracks is None:
        return {}, []
    if isinstance(tracks, (str, Path)):
        tracks = [tracks]
    named = tracks if isinstance(tracks, Mapping) else _names([Path(path) for path in tracks])
    files = paths(*named.values())
    return {
        name: read_tracks(one, records) if isinstance(one, (str, Path)) else one
        for name, one in named.items()
    }, files


def _names(files: list[Path]) -> dict[str, Path]:
    """The part of each path that tells it from the others, its file's name at least."""
    for depth in range(1, 1 + max((len(p.parts) for p in files), default=0)):
        names = ["/".join(p.parts[-depth:]) for p in files]
        if len(set(names)) == len(files):
            return dict(zip(names, files, strict=True))
    return {str(p): p for p in files}  # one file twice
