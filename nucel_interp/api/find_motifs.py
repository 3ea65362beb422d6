"""The main job: motifs that a model looks at, tested on held-out sequences, named, in a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nucel_interp.analysis.result import MotifAnalysis
from nucel_interp.api.given import (
    DEFAULT_MODEL,
    Sequences,
    Tracks,
    database_of,
    path_of,
    paths,
    reader_of,
    records_of,
    scores_of,
)
from nucel_interp.api.result import FolderResult, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from nucel_interp.analysis.discovery import Method
    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.compare.intervention.intervene import Intervention
    from nucel_interp.match import JasparDatabase
    from nucel_interp.progress import OnProgress
    from nucel_interp.scoring.scores import Strands
    from nucel_model import Nucel

SHOWN = [
    "motif_id", "consensus", "best_match", "E_value", "enrichment_q",
    "found_in", "found_in_shuffled", "looked_at", "best_head", "head_auroc",
]  # fmt: skip
"""Columns of the main table that a notebook shows."""
SHOWN_UNTESTED = [*SHOWN[:7], "reason"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MotifResult(MotifAnalysis, FolderResult):
    """What `find_motifs` found. Coordinates are 0-based, half-open.

    Attributes:
        motifs: Main table, best first (columns `types.MOTIF_COLUMNS`; with the method
            "dnabert" also `types.DNABERT_COLUMNS`).
        untested: Motifs that failed the held-out test or could not be tested, with the reason.
        matches: Tomtom matches of every motif (`types.MATCH_COLUMNS`).
        kmers: High-attention k-mers (`types.KMER_COLUMNS`).
        heads: Every head, chosen ones marked (`types.HEAD_COLUMNS`); empty for a user's track.
        sites: Sites of every motif in all records (`types.SITE_COLUMNS`).
        controls: For every motif of ``motifs``, what the model's best head and the score have at
            its held-out sites beyond each control (`types.CONTROL_COLUMNS`).
        head_sites: Every head at every motif's held-out sites (`types.HEAD_SITE_COLUMNS`); empty
            for a user's track.
        seqlets: Called intervals in all records (`types.SEQLET_COLUMNS`).
        pwms: Every motif of ``motifs`` and ``untested`` by its id.
        targets: The matrices that ``matches`` names, by matrix id.
        tracks: Record name -> (bases,) score, z against shuffled copies (NaN = no score).
        replaced: Record name -> (bases,) discriminator's log-odds, nats, high = replaced; None if
            the model has no discriminator head or the score is a user's track.
        intervention: What shuffling the seqlets changes elsewhere, beyond its controls
            (`compare.intervention.intervene`); None where no seqlet was called, where a track was
            given, and with the methods "kmer" and "dnabert".
        summary: Flat facts, for summary.json.
        records: The input, in its order.
        source: File that it was read from; None if it came from memory.
        run: How the result came about.
        warnings: Sentences that must be read before any number.
    """

    intervention: Intervention | None
    source: Path | None
    run: Run

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by the name of its file, the main one first."""
        tables = {
            "motifs": self.motifs,
            "motifs_untested": self.untested,
            "matches": self.matches,
            "kmers": self.kmers,
            "heads": self.heads,
            "controls": self.controls,
            "head_sites": self.head_sites,
        }
        if self.intervention is not None:
            tables["intervention"] = self.intervention.table
            tables["intervention_excess"] = self.intervention.excess
        return tables

    def figures(self) -> Figures:
        """Folds, coverage, heads, the best record, logos, and the sites of the first motifs."""
        from nucel_interp.plots import result_figures

        return result_figures(self)

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the page alone, one self-contained HTML file.

        Args:
            path: Where to; parents are made.
            force: Replace an earlier file.

        Returns:
            The path.

        Raises:
            OutputError: Something is there already, or it cannot be written.
        """
        from nucel_interp.io.outputs import write_atomic

        write_atomic(path, self._page(self.run.info()), force=force)
        return Path(path)

    def save(
        self,
        folder: str | Path,
        *,
        force: bool = False,
        command: Sequence[str] | None = None,
        export: str | None = None,
    ) -> Path:
        """Write the folder that `nucel-interp motifs` writes, with the report.

        It appears when everything is written, or not at all.

        Args:
            folder: Where to; parents are made.
            force: Replace an earlier output of ours.
            command: The command line, for run.json; the function's name if not given.
            export: "modisco" also writes a folder that TF-MoDISco's tools read.

        Returns:
            The folder.

        Raises:
            InputError: No such form of export.
            OutputError: Something else is there, or it cannot be written.
        """
        from nucel_interp.errors import InputError

        if export not in (None, "modisco"):
            raise InputError(f"results cannot be exported as {export!r}; give 'modisco' or nothing")
        return self._save(folder, force, command, self._export_modisco if export else None)

    def _write(self, folder: Path, run: dict[str, Any]) -> None:
        from nucel_interp.io.meme import write_meme
        from nucel_interp.io.profile import MAX_BASES, write_profile
        from nucel_interp.io.tables import write_bed
        from nucel_interp.io.tracks import write_bedgraph

        figures = self.figures()
        self._write_common(folder, figures)
        ids = [*self.motifs["motif_id"], *self.untested["motif_id"]]
        meme = write_meme([self.pwms[i] for i in ids])
        (folder / "motifs.meme").write_text(meme, encoding="utf-8", newline="\n")
        write_bed(self.sites, folder / "sites.bed")
        write_bed(self.seqlets, folder / "seqlets.bed")
        tracks = folder / "tracks"
        tracks.mkdir()
        write_bedgraph(tracks / "score.bedGraph", self.records, [*self.tracks.values()])
        if self.replaced is not None:
            values = [*self.replaced.values()]
            write_bedgraph(tracks / "replaced_logit.bedGraph", self.records, values)
        if self.scores is not None and self.summary["n_bases"] <= MAX_BASES:
            write_profile(
                folder / "profile.h5", self.records, self.scores.received, self.n_layers,
                self.scores.replaced,
            )  # fmt: skip
        (folder / "report.html").write_text(self._page(run, figures), encoding="utf-8")

    def _page(self, run: dict[str, Any], figures: Figures | None = None) -> str:
        from nucel_interp.report import build_report
        from nucel_interp.scoring.units import in_words

        n = len(self.records)
        title = None if self.source is not None else in_words(n, n)
        return build_report(self, run, self.intervention, title=title, figures=figures)

    def _export_modisco(self, folder: Path) -> None:
        from nucel_interp.io.modisco import sites_in_seqlets, write_modisco

        shown = [self.pwms[i] for i in self.motifs["motif_id"]]
        sites = sites_in_seqlets(self.sites, self.records)
        write_modisco(folder / "modisco", self.records, [*self.tracks.values()], shown, sites)

    def _shown_table(self) -> pd.DataFrame:
        return self.motifs[SHOWN] if len(self.motifs) else self.untested[SHOWN_UNTESTED]

    def _shown_figures(self) -> Figures:
        from nucel_interp.plots import result_figures

        return result_figures(self, only=("fold", "logo_01"))


def find_motifs(
    sequences: Sequences,
    model: Model = DEFAULT_MODEL,
    *,
    context: int | None = None,
    score: str = "attention",
    track: Tracks | None = None,
    null_track: Tracks | None = None,
    strand: Strands = "both",
    method: Method = "both",
    tax: str = "vertebrates",
    database: str | Path | JasparDatabase | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> MotifResult:
    """Find the motifs that a model's attention, or a given track, points at, and test them.

    Intervals of high score (seqlets) are clustered to motifs, on either half of the sequences anew;
    those of the main table passed the held-out test on the other half (`analysis.crossfit`). They
    are named by Tomtom. Whether the model looks at their held-out sites is held against other
    sequences, decoys, random weights and shuffled sequence (`controls.beyond`), and what shuffling
    the seqlets changes elsewhere is measured (`compare.intervention.intervene`).

    Args:
        sequences: A FASTA file, a list of strings, a dict of name to string, or records; at least
            40 to be tested.
        model: A shipped name, a model folder, or a loaded model; not read if ``track`` is given,
            nor by the method "kmer".
        context: Bases that the model reads at once, longer input in windows; by default what its
            folder says. Of a loaded model it cannot be changed here.
        score: What makes a base important: "attention", "attention-global", "discriminator", or
            one head as "3:0", layer and head from 0.
        track: Your own score per base: a file (npz, bedGraph, bigWig), arrays by record name, or
            arrays in the records' order; NaN where nothing is known.
        null_track: The same score on shuffled sequence, the null of ``track``; by default the
            track with its bases permuted.
        strand: "both" averages the score on both strands; "forward" reads the given one.
        method: Where motifs come from. "both": seqlets, and over-represented words whatever the
            score, which compete; "cluster": seqlets alone; "kmer": words alone, and no score is
            looked at; "dnabert", to compare with, follows that model's script (`motifs.dnabert`),
            with its score unless ``track`` is given.
        tax: JASPAR tax group to name motifs with, or "all".
        database: Collection to name motifs with in place of JASPAR: a MEME file, or what
            `load_database` gives.
        seed: Seed of every random draw; draws are keyed by it and by each sequence.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        TypeError: Sequences of another form.
        InputError: No sequence, a track that does not fit, or no such score, group or database.
        FolderError, ConfigError: The model cannot be loaded or lacks what the score needs.

    Example:
        >>> import nucel_interp as ni
        >>> import numpy as np
        >>> peaks = {f"peak{i}": "ACGTTGCA" * 3 for i in range(3)}
        >>> score = {name: np.arange(24.0) for name in peaks}
        >>> ni.find_motifs(peaks, track=score).answer
        '3 sequences are too few to test anything (40 needed); no motif was seen.'
        >>> found = ni.find_motifs("peaks.fa")  # doctest: +SKIP
        >>> found.save("out")  # doctest: +SKIP
    """
    from nucel_interp.analysis.discovery import METHODS
    from nucel_interp.analysis.find_motifs import analyse_motifs
    from nucel_interp.errors import InputError
    from nucel_interp.progress import say
    from nucel_interp.scoring.units import in_words

    started = perf_counter()
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}; give one of {', '.join(METHODS)}")
    records = records_of(sequences)
    source = path_of(sequences)
    n, bases = len(records), sum(map(len, records))
    where = "" if source is None else f", from {source}"
    say(f"{in_words(n, n)}, {bases:,} bases{where}")
    collection = database_of(database, tax)
    reads = track is None and method != "kmer"
    given, null = scores_of(track, null_track, records)
    loaded = reader_of(model, context, reads=reads)
    found = analyse_motifs(
        records,
        loaded,
        score=score,
        strand=strand,
        method=method,
        database=collection,
        seed=seed,
        track=given,
        null_track=null,
        on_progress=on_progress,
    )
    intervention = None
    if loaded is not None and method in ("both", "cluster") and len(found.seqlets):
        intervention = _intervene(loaded, found, seed, on_progress)
        found.summary["intervention"] = intervention.sentence
    facts = {**_facts(loaded, found), "seed": seed, "scanner": found.summary["scanner"]}
    files = paths(sequences, track, null_track, database)
    return MotifResult(
        **{name: getattr(found, name) for name in MotifAnalysis.__dataclass_fields__},
        intervention=intervention,
        source=source,
        run=Run("find_motifs", files, facts, perf_counter() - started),
    )


def _intervene(
    model: Nucel, found: MotifAnalysis, seed: int, on_progress: OnProgress | None
) -> Intervention:
    """Shuffle what the model looks at, and as much that it does not look at."""
    from nucel_interp.compare.intervention.intervene import Scored, intervene

    study, calls, copy, theirs = found.study, found.calls, found.copy, found.copy_calls
    assert study is not None
    assert calls is not None
    assert copy is not None
    assert theirs is not None
    given = Scored(study.sequences, calls, found.track)
    shuffled = Scored(copy.sequences, theirs, copy.track)
    return intervene(model, given, shuffled, study.offsets, seed, on_progress=on_progress)


def _facts(loaded: Nucel | None, found: MotifAnalysis) -> dict[str, Any]:
    """What run.json says of the model, or of there being none."""
    from nucel_interp.scoring.device import model_facts

    if loaded is None:
        return {
            "model": found.summary["model"],
            "model_sha256": None,
            "backend": "none",
            "backend_reason": "no model was read",
        }
    return model_facts(loaded, profile=True)
