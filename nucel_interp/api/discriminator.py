"""How surprising each base is to the discriminator: the log-odds that it was replaced."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucel_interp.api.attention import RecordTracks
from nucel_interp.api.given import DEFAULT_MODEL, SequenceInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nucel_interp.api.given import Model
    from nucel_interp.progress import OnProgress
    from nucel_interp.runs.fasta_run import RecordRun
    from nucel_interp.runs.streaming_summary import Summary
    from nucel_interp.scoring.scores import Strands

BIGWIG = (".bw", ".bigwig")
"""How the names of bigWig files end."""


@dataclass(frozen=True, eq=False, repr=False)
class DiscriminatorResult:
    """What `discriminator` found; numbers are kept on disk and read when they are asked for.

    Attributes:
        tracks: Record name -> (bases,) log-odds that the base was replaced, nats; NaN at N.
        found: Number of bases with a value, smallest, median and largest, and how many above 0.
    """

    tracks: RecordTracks
    found: Summary
    _run: RecordRun

    def __getitem__(self, name: str) -> NDArray[Any]:
        """(bases,) of one record."""
        return self.tracks[name]

    @property
    def names(self) -> list[str]:
        """Names of the records, in their order."""
        return list(self.tracks)

    def close(self) -> None:
        """Forget the numbers on disk, kept parts too; what was saved stays."""
        self._run.close()

    @property
    def answer(self) -> str:
        """How many bases, and how their log-odds are spread."""
        n = len(self.tracks)
        found = self.found
        if not found.n:
            return f"no base could be scored: {n:,} records hold no A, C, G or T"
        return (
            f"{found.n:,} bases of {n:,} records: log-odds from {found.smallest:.2f} to "
            f"{found.largest:.2f} nats, median {found.median:.2f}; "
            f"{found.positive / found.n:.1%} above 0"
        )

    def __repr__(self) -> str:
        return f"<DiscriminatorResult: {self.answer}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return f"<p><b>{html.escape(self.answer)}</b></p>"

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the file that `nucel-interp discriminator` writes, whole or not at all.

        Args:
            path: bedGraph, or bigWig if the name ends in .bw; ``-`` is standard output. Of a bigWig
                without any value nothing is written.
            force: Replace an earlier file.

        Returns:
            The path.

        Raises:
            InputError: The result was closed, or what writes bigWig is not installed.
            OutputError: Something is there already, or it cannot be written.
        """
        from nucel_interp.io.outputs import atomic_file, check_free, open_atomic

        path = Path(path)
        if path.suffix.lower() not in BIGWIG:
            with open_atomic(path, force=force) as stream:
                stream.writelines(self._run.bedgraph("replaced"))
            return path
        check_bigwig(path)
        if not self.found.n:
            check_free(path, force=force)
            return path
        with atomic_file(path, force=force) as partial:
            self._run.write_bigwig("replaced", partial)
        return path


def check_bigwig(path: Path) -> None:
    """Refuse a bigWig that cannot be written.

    Args:
        path: File to write.

    Raises:
        OutputError: It is a pipe.
        InputError: The library that writes bigWig is not installed.
    """
    from nucel_interp.errors import OutputError
    from nucel_interp.io.bigwig_writer import require_bigwig
    from nucel_interp.io.outputs import is_stream

    require_bigwig(f"{path}")
    if is_stream(path):
        raise OutputError(f"{path} is a pipe, and bigWig needs a file: give -o the name of one")


def discriminator(
    sequences: SequenceInput,
    model: Model = DEFAULT_MODEL,
    *,
    strand: Strands = "both",
    context: int | None = None,
    keep: str | Path | None = None,
    anew: bool = False,
    on_progress: OnProgress | None = None,
) -> DiscriminatorResult:
    """The log-odds, in nats, that each base was replaced: high where the model expects another.

    Records beyond the model's context are read in half-overlapping windows. Files of any size are
    read as a stream; numbers are kept on disk. (For a genome see `genome_tracks`.)

    Args:
        sequences: A FASTA file of any size, a list of strings, a dict of name to string, or
            records.
        model: A shipped name, a model folder, or a loaded model, with a discriminator.
        strand: "both" averages both strands; "forward" reads the given one.
        context: Bases the model reads at once; by default what its folder says.
        keep: Name of the output beside which finished parts are kept, so that a run that was ended
            goes on where it stopped; if not given, parts go with the result.
        anew: Throw away the parts of another run that lie there, in place of refusing.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError: No sequence, or no FASTA.
        FolderError: The model cannot be loaded, or has no discriminator.
        OutputError: Parts of another run lie beside ``keep``.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.discriminator({"a": "ACGTTGCAAGCTTGAC"})
        >>> found.tracks["a"].shape
        (16,)
    """
    from nucel_interp.runs.fasta_index import survey_of
    from nucel_interp.runs.fasta_run import RecordRun
    from nucel_interp.runs.streaming_summary import summarise
    from nucel_interp.scoring.device import load_model
    from nucel_interp.scoring.scores import check_strands

    check_strands(strand)
    survey = survey_of(sequences)
    loaded = load_model(model, context)
    loaded.require_discriminator()  # before the work
    out = None if keep is None else Path(keep)
    run = RecordRun(survey, loaded, out, strand, writes=["replaced"])
    run.score(anew=anew, on_progress=on_progress)
    found = summarise(lambda: run.values("replaced"))
    return DiscriminatorResult(RecordTracks(run, "replaced"), found, run)
