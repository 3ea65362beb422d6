"""Attention and discriminator of a genome, or of regions of it, as bigWig."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from nucel_interp.api.given import DEFAULT_MODEL, paths
from nucel_interp.api.result import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nucel_interp.api.given import Model
    from nucel_interp.progress import OnProgress
    from nucel_interp.runs.genome_run import GenomeRun
    from nucel_interp.scoring.scores import Strands


@dataclass(frozen=True, eq=False, repr=False)
class GenomeTracksResult:
    """Tracks of a genome, finished in parts beside the output, to be joined by `save`.

    Attributes:
        run: Facts of the run (model, versions, time), for run.json.
    """

    run: Run
    _genome: GenomeRun

    @property
    def answer(self) -> str:
        """How many bases in how many regions."""
        return f"{self._genome.bases:,} bases in {len(self._genome.regions):,} regions"

    def __repr__(self) -> str:
        return f"<GenomeTracksResult: {self.answer}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return f"<p><b>{html.escape(self.answer)}</b></p>"

    def close(self) -> None:
        """Remove the parts, once everything is saved."""
        self._genome.close()

    def save(
        self, folder: str | Path, *, force: bool = False, command: Sequence[str] | None = None
    ) -> int:
        """Write the folder that `nucel-interp attention` writes of a genome, whole or not at all.

        Args:
            folder: Path of the folder to write; parents are made.
            force: Replace an earlier output of ours.
            command: The command line, for run.json; the function's name if not given.

        Returns:
            Bases that have a value; without any, no track is written.

        Raises:
            InputError: The result was closed.
            OutputError: Something else is there, or it cannot be written.
        """
        from nucel_interp.io.outputs import OutputFolder
        from nucel_interp.io.regions import write_regions
        from nucel_interp.io.tables import write_json

        with OutputFolder(folder, force=force) as out:
            (out / "tracks").mkdir()
            known = self._genome.write("attention", out / "tracks" / "attention.bw")
            if self._genome.model.discriminator_head is not None:
                self._genome.write("replaced", out / "tracks" / "replaced_logit.bw")
            write_regions(out / "regions.bed", self._genome.regions)
            write_json(self.run.info(command), out / "run.json")
        return known

    def save_track(
        self, path: str | Path, track: Literal["attention", "replaced"], *, force: bool = False
    ) -> int:
        """Write one track as bigWig, whole or not at all.

        Args:
            path: File to write, ending in .bw.
            track: "attention" (mean over heads) or "replaced" (log-odds, nats).
            force: Replace an earlier file.

        Returns:
            Bases that have a value; without any, nothing is written.

        Raises:
            InputError: The result was closed.
            OutputError: Something is there already, or it cannot be written.
        """
        from nucel_interp.api.discriminator import check_bigwig
        from nucel_interp.io.outputs import atomic_file, check_free

        check_bigwig(Path(path))
        if not self._genome.has_values(track):
            check_free(path, force=force)
            return 0
        with atomic_file(path, force=force) as partial:
            return self._genome.write(track, partial)


def genome_tracks(
    genome: str | Path,
    keep: str | Path,
    model: Model = DEFAULT_MODEL,
    *,
    bed: str | Path | None = None,
    discriminator: bool = False,
    strand: Strands = "both",
    context: int | None = None,
    cluster: str = "",
    threads: int = 0,
    anew: bool = False,
    on_progress: OnProgress | None = None,
) -> GenomeTracksResult:
    """Read a genome, or regions of it, in shards that are kept: here, or on a Ray cluster.

    Args:
        genome: FASTA or 2bit file.
        keep: Name of the output beside which finished parts are kept, so that a run that was ended
            goes on where it stopped.
        model: A shipped name, a model folder, or, without a cluster, a loaded model.
        bed: Regions to read, BED; the whole genome if not given. Strands are not used.
        discriminator: Refuse a model without a discriminator before the work.
        strand: "both" averages both strands; "forward" reads the given one.
        context: Bases the model reads at once; by default what its folder says.
        cluster: Address of a Ray cluster, "auto", or "local" to start one here; empty for none.
        threads: CPU threads of each worker of a cluster; 0 for all of its CPUs.
        anew: Throw away the parts of another run that lie there, in place of refusing.
        on_progress: Called as ``on_progress(done, total, stage)``.

    Raises:
        InputError, GenomeError: The genome or the regions cannot be read, no such strand, a loaded
            model is given to a cluster, or another context than that of a loaded model.
        FolderError: The model cannot be loaded, or has no discriminator.
        OutputError: Parts of another run lie beside ``keep``.

    Example:
        >>> import nucel_interp as ni
        >>> found = ni.genome_tracks("genome.fa", "out", bed="regions.bed")
        >>> folder = found.save("out")
    """
    from nucel_interp.runs.genome_run import GenomeRun
    from nucel_interp.scoring.device import model_facts
    from nucel_interp.scoring.scores import check_strands

    started = perf_counter()
    check_strands(strand)
    where = None if bed is None else Path(bed)
    run = GenomeRun(Path(genome), where, Path(keep), model, context, strand)
    if discriminator:
        run.model.require_discriminator()
    run.score(anew=anew, cluster=cluster, threads=threads, on_progress=on_progress)
    facts: dict[str, Any] = {
        **model_facts(run.model, profile=True),
        "strand": strand,
        "seed": None,
        "cluster": cluster or None,
    }
    told = Run("genome_tracks", paths(genome, bed), facts, perf_counter() - started)
    return GenomeTracksResult(told, run)
