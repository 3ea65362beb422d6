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

from nucel_interp.errors import InputError
from nucel_interp.progress import OnProgress, say
from nucel_interp.runs import sharded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nucel_genome import Genome
    from nucel_interp.runs.shards import Parts
    from nucel_interp.scoring.long_sequences import LongSequence
    from nucel_interp.scoring.scores import Strands
    from nucel_interp.types import Location
    from nucel_model import Nucel


@dataclass(frozen=True)
class Job:
    """What a worker is told; may be pickled."""

    genome: Path
    model: str
    context: int | None
    strands: Strands
    shards: list[list[Location]]
    parts: Parts


class GenomeRun(sharded.ShardedRun):
    """One run over a genome.

    Attributes:
        sizes: Length of every chromosome.
        regions: Intervals that are scored, sorted by name and start.
    """

    def __init__(
        self,
        path: Path,
        bed: Path | None,
        out: Path,
        model: str | Path | Nucel,
        context: int | None,
        strands: Strands,
    ) -> None:
        """Plan the run.

        Args:
            path: FASTA or 2bit file.
            bed: Regions to read; None for the whole genome.
            out: Output beside which the parts are kept until it is there.
            model: A shipped name, a model folder, or a loaded model.
            context: Bases the model reads at once; by default what its folder says.
            strands: "both" or "forward"; `score_sequences` says what either means.

        Raises:
            InputError, GenomeError, FolderError: Input or model cannot be used.
        """
        from nucel_genome import Genome
        from nucel_interp.io.bigwig_writer import require_bigwig
        from nucel_interp.io.regions import read_regions, whole_genome
        from nucel_interp.scoring.device import load_model

        require_bigwig("a genome's track")
        if bed is not None and str(bed) != "-" and not bed.exists():  # before the genome is read
            raise InputError(f"there is no BED file {bed}")
        self._genome = Genome.open([path], say=say)
        self.sizes = {name: self._genome.length(name) for name in self._genome.names}
        found = whole_genome(self._genome) if bed is None else read_regions(bed, self._genome)
        self.regions = sorted(found, key=lambda r: (r.chromosome, r.start))
        loaded = load_model(model, context)
        super().__init__(loaded, strands, sum(r.end - r.start for r in self.regions), out)
        shards = _shards(self._genome, self.regions, loaded)
        name = str(model) if isinstance(model, (str, Path)) else ""
        self._job = Job(path.resolve(), name, context, strands, shards, self._parts)

    def score(
        self,
        *,
        anew: bool,
        cluster: str = "",
        threads: int = 0,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Do the shards that are not done.

        Args:
            anew: Throw away what another run left, in place of refusing.
            cluster: Address of a Ray cluster to spread them over; empty for this process.
            threads: CPU threads of each worker of a cluster; 0 for all of its CPUs.
            on_progress: Called with the bases read so far.

        Raises:
            InputError: A cluster, and a model that is loaded already.
            NucelError: As `on_cluster`, or a part cannot be written or is of another run.
        """
        from nucel_interp.runs.ray_cluster import on_cluster
        from nucel_interp.scoring.device import best_device

        if cluster and not self._job.model:
            raise InputError(
                "the workers of a cluster load the model themselves: give its name or folder, not "
                "a loaded model"
            )
        with self._going_on(self._about(), anew=anew, on_progress=on_progress) as (done, step):
            left = [number for number in range(len(self._job.shards)) if number not in done]
            if cluster:
                ready = partial(prepare, self._job)
                for _, bases in on_cluster(ready, left, address=cluster, threads=threads):
                    step(bases)
            elif left:
                work = _worker(self._job, self._genome, self.model.to(best_device()), step)
                for number in left:
                    work(number)

    def bases_of(self, number: int) -> int:
        """Bases of a part."""
        return _length(self._job.shards[number])

    def has_values(self, track: Literal["attention", "replaced"]) -> bool:
        """Whether any base has a value.

        Raises:
            InputError: The run was closed.
        """
        import numpy as np

        return any(np.isfinite(values).any() for _, _, values in self._joined(track))

    def write(self, track: Literal["attention", "replaced"], path: Path) -> int:
        """Join one track of all parts to a bigWig; gives how many bases have a value."""
        from nucel_interp.io.bigwig_writer import write_bigwig

        return write_bigwig(path, self.sizes, self._joined(track))

    def _joined(self, track: str) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
        self._require_open()
        for number, shard in enumerate(self._job.shards):
            values = self._parts.read(number, [track])[track]
            at = 0
            for place in shard:
                length = place.end - place.start
                yield place.chromosome, place.start, values[at : at + length]
                at += length

    def _about(self) -> dict[str, Any]:
        from nucel_interp.runs.shards import digest

        stat = self._job.genome.stat()
        regions = digest([(r.chromosome, r.start, r.end) for r in self.regions])
        return {
            "genome": [str(self._job.genome), stat.st_size, stat.st_mtime_ns],
            "set of regions": f"{len(self.regions):,} of {self.bases:,} bases, {regions}",
        }


def prepare(job: Job, device: str) -> Callable[[int], int]:
    """Open the genome and load the model; what comes back does one shard and gives its bases.

    Args:
        job: Genome, model and options of the run.
        device: Device of torch to read on.
    """
    from nucel_genome import Genome
    from nucel_interp.scoring.device import load_model

    model = load_model(job.model, job.context, device=device)
    return _worker(job, Genome.open([job.genome]), model)


def _worker(
    job: Job, genome: Genome, model: Nucel, on_progress: Callable[[int], None] | None = None
) -> Callable[[int], int]:
    import numpy as np

    from nucel_interp.scoring.long_sequences import Stretch, score_stretches

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
        max(sharded.SHARD_BP, config.context_bp),
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
