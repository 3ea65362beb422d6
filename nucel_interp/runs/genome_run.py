"""Tracks of a genome, or of regions of it: in shards, here or on a cluster, and resumable.

What `attention` and `discriminator` share. A shard's tracks are written as a part as soon as they
are there, and the parts are joined to one bigWig a track in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nucel_interp.progress import OnProgress, counted, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nucel_genome import Genome
    from nucel_interp.runs.shards import Parts
    from nucel_interp.scoring.long_sequences import LongSequence
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.types import Location
    from nucel_model import Nucel

SHARD_BP = 250_000
"""Bases that are scored, written and done again together."""
FORMAT = 2
"""Of a part; after a change older ones are not gone on with."""


@dataclass(frozen=True)
class Job:
    """What a worker is told; may be pickled."""

    genome: Path
    model: str
    context: int | None
    strands: Strands
    shards: list[list[Location]]
    parts: Parts


class GenomeRun:
    """One run over a genome.

    Attributes:
        sizes: Length of every chromosome.
        regions: What is scored, sorted by name and start.
        model: Loaded.
    """

    def __init__(
        self,
        path: Path,
        bed: Path | None,
        out: Path,
        model: str,
        context: int | None,
        strands: Strands,
        *,
        force: bool,
    ) -> None:
        """Plan the run, or find what is left of it.

        Raises:
            InputError, GenomeError, OutputError: Input, model or unfinished parts cannot be used.
        """
        from nucel_genome import Genome
        from nucel_interp.errors import InputError
        from nucel_interp.io.bigwig_writer import require_bigwig
        from nucel_interp.io.regions import read_regions, whole_genome
        from nucel_interp.runs.shards import Parts
        from nucel_model import from_pretrained

        require_bigwig("a genome's track")
        if bed is not None and str(bed) != "-" and not bed.exists():  # before the genome is read
            raise InputError(f"there is no BED file {bed}")
        genome = Genome.open([path], say=say)
        self.sizes = {name: genome.length(name) for name in genome.names}
        found = whole_genome(genome) if bed is None else read_regions(bed, genome)
        self.regions = sorted(found, key=lambda r: (r.chromosome, r.start))
        self.bases = sum(r.end - r.start for r in self.regions)
        self.model = from_pretrained(model, context=context)
        shards = _shards(genome, self.regions, self.model)
        parts = Parts(out)
        self._job = Job(path.resolve(), model, context, strands, shards, parts)
        self._force = force
        self._about = self._fingerprint()

    def score(
        self, *, cluster: str = "", threads: int = 0, on_progress: OnProgress | None = None
    ) -> None:
        """Do the shards that are not done.

        Args:
            cluster: Address of a Ray cluster to spread them over; empty for this process.
            threads: CPU threads of each worker of a cluster; 0 for all of its CPUs.
            on_progress: Called with the bases read so far.

        Raises:
            NucelError: As `on_cluster`, or a part cannot be written.
        """
        from nucel_interp.runs.ray_cluster import on_cluster
        from nucel_interp.scoring.device import best_device

        parts, shards = self._job.parts, self._job.shards
        done = parts.start(self._about, anew=self._force)
        left = [number for number in range(len(shards)) if number not in done]
        if done:
            say(f"going on: {len(done):,} of {len(shards):,} shards were done")
        kept = self.bases - sum(_length(shards[number]) for number in left)
        try:
            with counted(on_progress, "reading with the model", self.bases, done=kept) as step:
                if cluster:
                    ready = partial(prepare, self._job)
                    for _, bases in on_cluster(ready, left, address=cluster, threads=threads):
                        step(bases)
                elif left:
                    work = prepare(self._job, str(best_device()), step)
                    for number in left:
                        work(number)
        except (KeyboardInterrupt, SystemExit):
            say(
                f"stopped: {len(parts.done()):,} of {len(shards):,} shards are kept in "
                f"{parts.folder}; the same command goes on with them"
            )
            raise

    def write(self, track: Literal["attention", "replaced"], path: Path) -> int:
        """Join one track of all parts to a bigWig; gives how many bases have a value."""
        from nucel_interp.io.bigwig_writer import write_bigwig

        return write_bigwig(path, self.sizes, self._joined(track))

    def forget(self) -> None:
        """Remove the parts, once the output is there."""
        self._job.parts.remove()

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self._job.parts.folder

    def _joined(self, track: str) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
        for number, shard in enumerate(self._job.shards):
            values = self._job.parts.read(number)[track]
            at = 0
            for place in shard:
                length = place.end - place.start
                yield place.chromosome, place.start, values[at : at + length]
                at += length

    def _fingerprint(self) -> dict[str, Any]:
        from nucel_interp.io.provenance import folder_sha256
        from nucel_interp.runs.shards import digest

        job, model = self._job, self.model
        stat = job.genome.stat()
        files = {} if model.path is None else folder_sha256(model.path)
        regions = digest([(r.chromosome, r.start, r.end) for r in self.regions])
        return {
            "format": [FORMAT, SHARD_BP],
            "genome": [str(job.genome), stat.st_size, stat.st_mtime_ns],
            "set of regions": f"{len(self.regions):,} of {self.bases:,} bases, {regions}",
            "model": f"{model.name}, {digest(files)}",
            "context": model.config.context_bp,
            "strand": job.strands,
        }


def prepare(
    job: Job, device: str, on_progress: Callable[[int], None] | None = None
) -> Callable[[int], int]:
    """Open the genome and load the model; what comes back does one shard and gives its bases."""
    import numpy as np

    from nucel_genome import Genome
    from nucel_interp.scoring.long_sequences import Stretch, score_stretches
    from nucel_model import from_pretrained

    genome = Genome.open([job.genome])
    model = from_pretrained(job.model, context=job.context).to(device)
    sequences: dict[str, LongSequence] = {}

    def work(number: int) -> int:
        shard = job.shards[number]
        if not job.parts.has(number):  # a worker that died may have come as far as writing it
            for place in shard:
                if place.chromosome not in sequences:
                    sequences[place.chromosome] = _sequence(genome, place.chromosome)
            stretches = [Stretch(sequences[p.chromosome], p.start, p.end) for p in shard]
            tracks = score_stretches(model, stretches, strands=job.strands, on_progress=on_progress)
            arrays = {"attention": np.concatenate([t.attention for t in tracks])}
            if model.discriminator_head is not None:
                arrays["replaced"] = np.concatenate(
                    [t.replaced for t in tracks if t.replaced is not None]
                )
            job.parts.write(number, arrays)
        return _length(shard)

    return work


def _shards(genome: Genome, regions: list[Location], model: Nucel) -> list[list[Location]]:
    from nucel_interp.scoring.long_sequences import cut_stretches
    from nucel_interp.types import Location

    names = list(dict.fromkeys(region.chromosome for region in regions))
    number = {name: i for i, name in enumerate(names)}
    config = model.config
    shards = cut_stretches(
        [_sequence(genome, name) for name in names],
        [(number[r.chromosome], r.start, r.end) for r in regions],
        config.context_bp,
        config.token_bp,
        max(SHARD_BP, config.context_bp),
    )
    return [[Location(names[i], start, end) for i, start, end in shard] for shard in shards]


def _sequence(genome: Genome, name: str) -> LongSequence:
    from nucel_interp.scoring.long_sequences import LongSequence, is_flipped
    from nucel_model import tokenizer

    def fetch(start: int, end: int) -> str:
        return tokenizer.decode(genome.fetch(name, start, end))

    length = genome.length(name)
    return LongSequence(length, fetch, is_flipped(fetch, length))


def _length(shard: list[Location]) -> int:
    return sum(place.end - place.start for place in shard)
