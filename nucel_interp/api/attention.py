"""The attention that every base receives, from every head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from nucel_interp.api.attention_map import AttentionMapResult, Head, heads_of, maps_of
from nucel_interp.api.given import DEFAULT_MODEL, SequenceInput, paths
from nucel_interp.api.result import FolderResult, Run
from nucel_interp.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from nucel_interp.api.given import Model
    from nucel_interp.api.result import Figures
    from nucel_interp.progress import OnProgress
    from nucel_interp.runs.fasta_run import RecordRun
    from nucel_interp.scoring.scores import Strands

TrackFormat = Literal["bedgraph", "bigwig"]


class RecordTracks(Mapping[str, "NDArray[Any]"]):
    """One number, or one per head, for every base of every record; read from disk when asked."""

    def __init__(self, run: RecordRun, track: str, shape: tuple[int, int] | None = None) -> None:
        """Say what is read.

        Args:
            run: Finished run.
            track: "attention" (mean over heads), "received" (every head) or "replaced".
            shape: Layers and heads, for every head.
        """
        self._run, self._track, self._shape = run, track, shape

    def __getitem__(self, name: str) -> NDArray[Any]:
        values = self._run.numbers(self._run.index(name), self._track)
        return values if self._shape is None else values.reshape(*self._shape, -1)

    def __contains__(self, name: object) -> bool:
        return any(name == other for other in self)

    def __iter__(self) -> Iterator[str]:
        return (record.name for record in self._run.survey.records())

    def __len__(self) -> int:
        return len(self._run.survey.lengths)

    def __repr__(self) -> str:
        return f"<{self._track} of {len(self):,} records, {self._run.bases:,} bases>"


@dataclass(frozen=True, eq=False, repr=False)
class AttentionResult(FolderResult):
    """What `attention` found; numbers are kept on disk and read when they are asked for.

    1.0 is what uniform attention gives a base.

    Attributes:
        mean: Record name -> (bases,) mean over heads; NaN at N.
        heads: Record name -> (layers, heads, bases) attention received; None if heads were not
            kept.
        shape: Layers, and heads of each.
        maps: Whole maps of chosen heads; None unless asked for.
        summary: Flat facts.
        run: Facts of the run (model, seed, versions, time), for run.json.
        warnings: Sentences that must be read before any number.
    """

    mean: RecordTracks
    heads: RecordTracks | None
    shape: tuple[int, int]
    maps: AttentionMapResult | None
    summary: dict[str, Any]
    run: Run
    _run: RecordRun
    warnings: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """(layers, heads, bases) of one record.

        Raises:
            InputError: Heads were not kept.
        """
        if self.heads is None:
            raise InputError(
                "heads were not kept, only their mean (`.mean`): call attention(..., heads=True)"
            )
        return self.heads[name]

    @property
    def names(self) -> list[str]:
        """Names of the records, in their order."""
        return list(self.mean)

    def close(self) -> None:
        """Forget the numbers on disk, kept parts too; what was saved stays."""
        self._run.close()

    @property
    def answer(self) -> str:
        """How many records and heads."""
        return (
            f"{len(self.mean):,} records, {self.shape[0] * self.shape[1]} heads of "
            f"{self.summary['model']}; 1.0 is what uniform attention gives"
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """One row per record: its length, and mean and largest attention, mean over heads."""
        import pandas as pd

        rows = []
        for number, name in enumerate(self.mean):
            values = self._run.numbers(number, "attention")
            known = np.isfinite(values).any()
            spread = (np.nanmean(values), np.nanmax(values)) if known else (np.nan, np.nan)
            rows.append((name, len(values), *map(float, spread)))
        return {"attention": pd.DataFrame(rows, columns=["record", "length", "mean", "largest"])}

    def to_frame(self, name: str) -> pd.DataFrame:
        """(bases, 2 + heads) of one record: the base, the mean, and ``LAYER:HEAD`` each.

        Args:
            name: Name of the record.

        Raises:
            KeyError: There is none of that name.
        """
        import pandas as pd

        record = self._run.record(name)
        columns: dict[str, Any] = {"base": list(record.sequence), "mean": self.mean[name]}
        if self.heads is not None:
            values = self.heads[name]
            for layer, head in np.ndindex(self.shape):
                columns[f"{layer}:{head}"] = values[layer, head]
        return pd.DataFrame(columns)

    def plot(self, name: str, span: tuple[int, int] | None = None) -> Figure:
        """A figure of one record: every head a row, every base a column.

        Args:
            name: Name of the record.
            span: First base, and one past the last; the first 400 bases if not given.

        Returns:
            A matplotlib figure.

        Raises:
            KeyError: There is no record of that name.
        """
        from nucel_interp.plots.received import received_figure

        record = self._run.record(name)
        start, end = span or (0, min(len(record), 400))
        values = (self.mean if self.heads is None else self.heads)[name].reshape(-1, len(record))[
            :, start:end
        ]
        return received_figure(values, record.sequence[start:end], start, self.shape[1])

    def _shown_figures(self) -> Figures:
        first = next(iter(self.mean), None)
        return {} if first is None else {"attention": (self.plot(first), self.to_frame(first))}

    def save(
        self,
        folder: str | Path,
        *,
        force: bool = False,
        command: Iterable[str] | None = None,
        track_format: TrackFormat = "bedgraph",
    ) -> Path:
        """Write the folder that `nucel-interp attention` writes, whole or not at all.

        Args:
            folder: Path of the folder to write; parents are made.
            force: Replace an earlier output of ours.
            command: The command line, for run.json; the function's name if not given.
            track_format: Form of the mean over heads, in ``tracks/``.

        Returns:
            The folder.

        Raises:
            InputError: No such form of a track, or the result was closed.
            OutputError: Something else is there, or it cannot be written.
        """
        from nucel_interp.io.bigwig_writer import require_bigwig

        if track_format not in get_args(TrackFormat):
            raise InputError(f"track_format is 'bedgraph' or 'bigwig', not {track_format!r}")
        if track_format == "bigwig":
            require_bigwig("a bigWig track")

        def tracks(out: Path) -> None:
            self._write_track(out, track_format)

        return self._save(folder, force, None if command is None else list(command), tracks)

    def _write_track(self, folder: Path, track_format: TrackFormat) -> None:
        (folder / "tracks").mkdir()
        if track_format == "bigwig":
            self._run.write_bigwig("attention", folder / "tracks" / "attention.bw")
            return
        path = folder / "tracks" / "attention.bedGraph"
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(self._run.bedgraph("attention"))

    def _write(self, folder: Path, run: dict[str, Any]) -> None:
        from nucel_interp.io.profile import stream_profile

        if self.heads is not None:
            survey = self._run.survey
            names = list(self.mean)
            blocks = self._run.blocks()
            stream_profile(folder / "profile.h5", names, survey.lengths, self.shape, blocks)
        if self.maps is not None:
            self.maps.save_figures(folder / "figures")


def attention(
    sequences: SequenceInput,
    model: Model = DEFAULT_MODEL,
    *,
    heads: bool | None = None,
    maps: Iterable[Head] = (),
    strand: Strands = "both",
    context: int | None = None,
    keep: str | Path | None = None,
    anew: bool = False,
    on_progress: OnProgress | None = None,
) -> AttentionResult:
    """The attention that every base receives, relative to what uniform attention would give.

    Records beyond the model's context are read in half-overlapping windows. Files of any size are
    read as a stream; numbers are kept on disk. (For a genome see `genome_tracks`.)

    Args:
        sequences: A FASTA file of any size, a list of strings, a dict of name to string, or
            records.
        model: A shipped name, a model folder, or a loaded model.
        heads: Keep every head's numbers beside their mean; by default for up to 1 Mb.
        maps: Heads whose whole maps are read too, as `attention_map`.
        strand: "both" averages both strands; "forward" reads the given one.
        context: Bases the model reads at once; by default what its folder says.
        keep: Name of the output beside which finished parts are kept, so that a run that was ended
            goes on where it stopped; if not given, parts go with the result.
        anew: Throw away the parts of another run that lie there, in place of refusing.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No sequence, no FASTA, a map that is too large, or another context than that of
            a loaded model.
        FolderError: The model cannot be loaded.
        OutputError: Parts of another run lie beside ``keep``.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.attention({"a": "ACGTTGCAAGCTTGAC"})
        >>> found["a"].shape
        (6, 6, 16)
        >>> found.mean["a"].shape
        (16,)
    """
    from nucel_interp.api.attention_map import check_maps
    from nucel_interp.io.profile import MAX_BASES
    from nucel_interp.runs.fasta_index import survey_of
    from nucel_interp.runs.fasta_run import RecordRun
    from nucel_interp.scoring.device import load_model, model_facts
    from nucel_interp.scoring.scores import check_strands

    started = perf_counter()
    check_strands(strand)
    survey = survey_of(sequences)
    loaded = load_model(model, context)
    wanted = heads_of(maps, loaded)
    records = list(survey.records()) if wanted else []
    if wanted:
        check_maps(wanted, records, loaded)
    kept = survey.bases <= MAX_BASES if heads is None else heads
    out = None if keep is None else Path(keep)
    run = RecordRun(survey, loaded, out, strand, writes=["attention"], heads=kept)
    run.score(anew=anew, on_progress=on_progress)
    config = loaded.config
    shape = (config.num_hidden_layers, config.num_attention_heads)
    drawn = maps_of(records, wanted, loaded, on_progress=on_progress) if wanted else None
    facts = {**model_facts(loaded, profile=True), "strand": strand, "seed": None}
    return AttentionResult(
        mean=RecordTracks(run, "attention"),
        heads=RecordTracks(run, "received", shape) if kept else None,
        shape=shape,
        maps=drawn,
        summary={"model": loaded.name, "records": len(survey.lengths), "bases": survey.bases},
        run=Run("attention", paths(sequences), facts, perf_counter() - started),
        _run=run,
    )
